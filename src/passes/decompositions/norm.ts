/** Normalisations that are compositions of plain operators. */
import { intOf, intsOf } from '../../onnx/attributes.js'
import { atTies, defineDecompositions } from './decomposition.js'

export const norm = defineDecompositions({
  /** `(x - mean) / (deviation + 1e-9)` over `axes`, default `[0, 2, 3]`. ONNX's function body. */
  MeanVarianceNormalization: (node, b) => {
    const [x = ''] = node.inputs
    const axes = b.int64s(intsOf(node, 'axes', [0, 2, 3]))
    const mean = b.op('ReduceMean', [x, axes], { keepdims: 1 })
    const squares = b.op('ReduceMean', [b.op('Mul', [x, x]), axes], { keepdims: 1 })
    const variance = b.op('Sub', [squares, b.op('Mul', [mean, mean])])
    const deviation = b.op('Add', [b.op('Sqrt', [variance]), b.scalar(1e-9, x)])
    return [b.op('Div', [b.op('Sub', [x, mean]), deviation])]
  },
  /** `x / norm(x)` along `axis`, the norm being that of `p` (1 or 2); 0 where the norm is 0, as ORT has it. */
  LpNormalization: atTies('0 where the norm is 0', (node, b) => {
    const [x = ''] = node.inputs
    const axes = b.int64s([intOf(node, 'axis', -1)])
    const op = intOf(node, 'p', 2) === 1 ? 'ReduceL1' : 'ReduceL2'
    const norm = b.op(op, [x, axes], { keepdims: 1 })
    const zero = b.op('Equal', [norm, b.scalar(0, x)])
    return [b.op('Div', [x, b.op('Where', [zero, b.scalar(1, x), norm])])]
  }),
})
