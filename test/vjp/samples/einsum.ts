/** Samples of sums of products over labelled axes. */
import { defineSamples, normal, type Sample, stored } from '../sample.js'

/** One equation on random operands of these shapes. */
function sample(name: string, equation: string, ...shapes: readonly (readonly number[])[]): Sample {
  return { name, attributes: { equation }, inputs: shapes.map((dims) => normal(dims)) }
}

export const einsum = defineSamples({
  Einsum: [
    { ...sample('matrices', 'ij,jk->ik', [2, 3], [3, 2]), opsets: [18, 12, 13, 26] },
    sample('attention', 'bhid,bhjd->bhij', [2, 2, 2, 3], [2, 2, 3, 3]),
    sample('windows', 'ijkl,jm->imkl', [2, 3, 1, 2], [3, 2]),
    { name: 'stored', attributes: { equation: 'nij,jk->nik' }, inputs: [normal([2, 2, 3]), stored(normal([3, 2]))] },
    sample('implicit', 'bij,bjk', [2, 2, 3], [2, 3, 2]),
    sample('implicit-order', 'ba', [2, 3]),
    sample('spaces', ' i j , j k -> k i ', [2, 3], [3, 2]),
    sample('upper-case', 'Ab,bC->CA', [2, 3], [3, 2]),
    sample('elementwise', 'ij,ij->ij', [2, 3], [2, 3]),
    sample('outer', 'i,j->ij', [2], [3]),
    sample('dot', 'i,i->', [3], [3]),
    sample('sum', 'ij->', [2, 3]),
    sample('sum-one-axis', 'ijk->ik', [2, 3, 2]),
    sample('summed-out-of-one', 'ij,k->k', [2, 3], [2]),
    sample('scalar-operand', ',ij->ij', [], [2, 3]),
    sample('scalars', ',->', [], []),
    sample('permute', 'abc->cab', [2, 3, 2]),
    sample('three-operands', 'ab,bc,cd->ad', [2, 3], [3, 2], [2, 2]),
    sample('bilinear', 'ij,i,j->', [2, 3], [2], [3]),
    sample('repeated-operand-label', 'abc,abd->cd', [2, 2, 3], [2, 2, 2]),
    sample('diagonal', 'ii->i', [3, 3]),
    sample('trace', 'ii->', [3, 3]),
    sample('diagonal-with-batch', '...ii->...i', [2, 3, 3]),
    sample('diagonal-apart', 'iji->j', [2, 3, 2]),
    sample('diagonal-of-three', 'iii->i', [2, 2, 2]),
    sample('two-diagonals', 'iijj->ij', [2, 2, 3, 3]),
    sample('diagonal-in-product', 'ij,jj->i', [2, 3], [3, 3]),
    sample('ellipsis', '...ij,...jk->...ik', [2, 2, 2, 3], [2, 2, 3, 2]),
    sample('ellipsis-of-one', '...ij,jk->...ik', [2, 2, 2, 3], [3, 2]),
    sample('ellipsis-in-the-middle', 'i...j->ij...', [2, 3, 2]),
    sample('ellipsis-implicit', '...ij', [2, 2, 3]),
    sample('ellipsis-of-nothing', '...i->...i', [3]),
    sample('ellipsis-broadcast', 'a...,a...->a...', [2, 3, 2], [2, 1, 2]),
    // the other way around ONNX Runtime's shape inference takes the 1
    sample('broadcast', 'ij,ij->ij', [2, 3], [2, 1]),
    sample('broadcast-summed', 'ij,ij->i', [2, 1], [2, 3]),
    {
      name: 'float64',
      attributes: { equation: 'ij,jk->ik' },
      inputs: [normal([2, 3], { type: 'float64' }), normal([3, 2], { type: 'float64' })],
    },
  ],
})
