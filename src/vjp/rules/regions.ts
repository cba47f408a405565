/** Operators that pool regions of a layer. Regions are taken as given: they have no gradient, as in torchvision. */
import { ExplainError } from '../../core/errors.js'
import { floatOf, intOf, stringOf } from '../../onnx/attributes.js'
import type { Builder, Extent } from '../../onnx/builder.js'
import { describe, type Node } from '../../onnx/ir.js'
import { protoType } from '../../onnx/tensors.js'
import { again } from '../again.js'
import { product } from '../arithmetic.js'
import { asMask } from '../masks.js'
import { atTies, defineRules, type Rule, type RuleCall } from '../rule.js'
import { countOf, flat, padWithZeros, pixelsFirst, scatterTo, upTo } from '../scatter.js'

// --- RoiAlign ------------------------------------------------------------------------------------------------------

/**
 * The weights of each row (axis 2) or column (axis 3) of the picture in each region's, `[R, extent, bins]`: what RoiAlign makes of a
 * picture one pixel thick whose channels are the rows of an identity, every region reaching over the other axis.
 */
function regionWeights(
  b: Builder,
  node: Node,
  x: string,
  regions: string,
  axis: 2 | 3,
  bins?: number,
  change: Parameters<typeof again>[3] = {},
): string {
  const extent = b.extent(x, axis)
  const shape = b.vector([extent, extent])
  const dtype = b.type(x) === 'float64' ? 11 : 1
  const eye = b.op('EyeLike', [b.op('ConstantOfShape', [shape])], { dtype })
  const typed = b.type(x) === undefined ? b.op('CastLike', [eye, x]) : eye
  const picture = b.reshape(typed, axis === 2 ? [1, extent, extent, 1] : [1, extent, 1, extent])
  const column = (i: number): string => b.slice(regions, [1], [i], [i + 1])
  const count = b.extent(regions, 0)
  const filled = (v: number): string => b.op('Expand', [b.scalar(v, regions), b.vector([count, 1])])
  const whole = filled(1 / floatOf(node, 'spatial_scale', 1))
  const corners = axis === 2 ? [filled(0), column(1), whole, column(3)] : [column(0), filled(0), column(2), whole]
  const inputs = [picture, b.op('Concat', corners, { axis: 1 }), b.op('Expand', [b.int64s([0]), b.vector([count])])]
  const [own, other] = axis === 2 ? ['output_height', 'output_width'] : ['output_width', 'output_height']
  const size = bins ?? intOf(node, own ?? '', 1)
  const made = again(b, node, inputs, { ...change, [own ?? '']: size, [other ?? '']: 1 })
  return b.op('Squeeze', [made, b.int64s([axis === 2 ? 3 : 2])])
}

/**
 * mode avg: y[r, c] = rows[r]^T x[picture of r, c] columns[r]. The gradient of x is summed over all regions by one product of matrices,
 * pictures told apart by a row of ones and zeros per region. Regions are taken as given: no gradient, as in torchvision.
 */
function average({ b, node, x: [x = '', regions = '', pictures = ''], gy }: RuleCall): string {
  const [n, c, h, w] = [0, 1, 2, 3].map((axis) => b.extent(x, axis)) as [Extent, Extent, Extent, Extent]
  const columns = b.op('Unsqueeze', [b.transpose(regionWeights(b, node, x, regions, 3), [0, 2, 1]), b.int64s([1])])
  const member = asMask(b, b.op('Equal', [b.op('Unsqueeze', [pictures, b.int64s([1])]), upTo(b, n)]), x)
  const rows = b.op('Unsqueeze', [b.transpose(regionWeights(b, node, x, regions, 2), [0, 2, 1]), b.int64s([2])])
  // [R, bins, N, H] and [C, W, R, bins]
  const placed = product(b, rows, b.op('Unsqueeze', [member, b.int64s([1, 3])]))
  const spread = b.transpose(b.op('MatMul', [gy, columns]), [1, 3, 0, 2])
  const sums = b.op('MatMul', [b.reshape(spread, [b.mul(c, w), -1]), b.reshape(placed, [-1, b.mul(n, h)])])
  return b.transpose(b.reshape(sums, [c, w, n, h]), [2, 0, 3, 1])
}

/** Two pixels, and their weights, for each sample of each bin along one axis: `[R, bins, 2 samples]`. */
function tapsOf(call: RuleCall, axis: 2 | 3, samples: number): { readonly index: string; readonly weight: string } {
  const {
    b,
    node,
    x: [x = '', regions = ''],
  } = call
  const extent = b.extent(x, axis)
  const bins = intOf(node, axis === 2 ? 'output_height' : 'output_width', 1)
  const weights = regionWeights(b, node, x, regions, axis, bins * samples, { sampling_ratio: 1, mode: 'avg' })
  // a picture of one pixel has no second one: a weight of 0 stands for it, which counts among the products
  const enough = padWithZeros(b, weights, 3, [1], [0], [1])
  const [weight = '', taken = ''] = b.ops('TopK', [enough, b.int64s([2])], { axis: 1 }, 2)
  const index = b.op('Min', [taken, b.vector([b.sub(extent, 1)])])
  const byBin = (v: string): string => b.reshape(b.transpose(v, [0, 2, 1]), [0, bins, -1])
  return { index: byBin(index), weight: byBin(weight) }
}

/**
 * mode max: y = the largest of weight times pixel, over the four pixels of every sample of a bin. (So ORT has it; the standard says the
 * largest of the samples.) The first of equals takes the gradient.
 */
function largest(call: RuleCall): string {
  const {
    b,
    node,
    x: [x = '', , pictures = ''],
    gy,
  } = call
  const samples = intOf(node, 'sampling_ratio', 0)
  if (samples === 0)
    throw new ExplainError('unsupported-operator', {
      what: 'RoiAlign with mode=max and as many samples as a region has pixels (sampling_ratio=0) has no backward rule',
      where: describe(node),
      remedy: 'Export the model with a sampling_ratio, or with mode=avg.',
      details: { nodes: [{ name: node.name, op: node.op, domain: node.domain }] },
    })
  const [rows, columns] = [tapsOf(call, 2, samples), tapsOf(call, 3, samples)]
  const [c, h, w] = [1, 2, 3].map((axis) => b.extent(x, axis)) as [Extent, Extent, Extent]
  /** Of all pairs of a bin, `[R, bins, pairs, 1]`. */
  const pairs = (op: 'Add' | 'Mul', row: string, column: string): string => {
    const made = b.op(op, [b.op('Unsqueeze', [row, b.int64s([2, 4])]), b.op('Unsqueeze', [column, b.int64s([1, 3])])])
    const bins = intOf(node, 'output_height', 1) * intOf(node, 'output_width', 1)
    return b.reshape(made, [b.extent(gy, 0), bins, -1, 1])
  }
  const first = b.op('Mul', [b.op('Reshape', [pictures, b.int64s([-1, 1, 1])]), b.vector([h])])
  const row = b.op('Mul', [b.op('Add', [rows.index, first]), b.vector([w])])
  const pixels = pairs('Add', row, columns.index)
  const weights = pairs('Mul', rows.weight, columns.weight)
  const last = pixelsFirst(b, x)
  const read = b.op('Gather', [b.reshape(last, [-1, c]), b.op('Squeeze', [pixels, b.int64s([3])])], { axis: 0 })
  const products = b.op('Mul', [weights, read])
  const winner = b.op('ArgMax', [products], { axis: 2, keepdims: 1, select_last_index: 0 })
  // [R, bins, 1, C]
  const won = (v: string): string =>
    b.op('GatherElements', [b.op('Expand', [v, b.op('Shape', [products])]), winner], { axis: 2 })
  const places = b.op('Add', [b.op('Mul', [won(pixels), b.vector([c])]), upTo(b, c)])
  const gradient = b.op('Mul', [b.op('Unsqueeze', [pixelsFirst(b, gy), b.int64s([2])]), won(weights)])
  return b.reshapeLike(b.transpose(scatterTo(b, last, places, gradient), [0, 2, 1]), x)
}

// --- MaxRoiPool ----------------------------------------------------------------------------------------------------

/**
 * y = max over each bin of each region. Pooled once more over ranks instead of values (the largest has the most, and the first of
 * equals more than the next), the maxima name where they came from; a bin without a pixel has rank 0 and gives nothing
 * back. Ranks are whole numbers in the type of x: exact up to 2^24 elements in float32.
 */
const maxRoiPool: Rule = ({ b, node, x: [x = '', regions = ''], gy }) => [
  () => {
    const count = b.vector([countOf(b, x)])
    const [, order = ''] = b.ops('TopK', [flat(b, x), count], { axis: 0, largest: 1, sorted: 1 }, 2)
    const places = upTo(b, countOf(b, x))
    const ranks = b.op('CastLike', [b.op('Sub', [count, places]), x])
    const zeros = b.op('Expand', [b.scalar(0, x), count])
    const ranked = b.reshapeLike(b.op('ScatterElements', [zeros, order, ranks], { axis: 0 }), x)
    const highest = b.op('Cast', [again(b, node, [ranked, regions])], { to: protoType('int64') })
    const place = b.op('Min', [b.op('Sub', [count, highest]), b.op('Sub', [count, b.int64s([1])])])
    const held = b.op('Where', [b.op('Greater', [highest, b.int64s([0])]), gy, b.scalar(0, gy)])
    return scatterTo(b, x, b.op('Gather', [order, place], { axis: 0 }), held)
  },
]

export const regions = defineRules({
  MaxRoiPool: atTies('the first of equals takes the gradient; regions are taken as given', {
    rule: maxRoiPool,
    inputs: 1,
  }),
  RoiAlign: atTies('regions are taken as given, as in torchvision; max: the first of equals takes the gradient', {
    inputs: 1,
    rule: (call) => [() => (stringOf(call.node, 'mode', 'avg') === 'avg' ? average(call) : largest(call))],
  }),
})
