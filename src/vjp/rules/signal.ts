/** Fourier transforms, and determinants. */
import { ExplainError } from '../../core/errors.js'
import { int64 } from '../../core/tensor.js'
import { intOf } from '../../onnx/attributes.js'
import type { Builder } from '../../onnx/builder.js'
import { describe, type Node } from '../../onnx/ir.js'
import { defineRules, type RuleCall, unary } from '../rule.js'
import { storedInts } from '../scatter.js'

/** From this opset on DFT's axis is an input. */
const AXIS_IS_INPUT = 20

/** The transform of `value` along an axis, in the form of the graph's opset. */
function transform(b: Builder, value: string, axis: number, inverse: number): string {
  if (b.graph.opset < AXIS_IS_INPUT) return b.op('DFT', [value], { axis, inverse })
  return b.op('DFT', [value, '', b.constant(int64([], [axis]))], { inverse })
}

function axisOf(b: Builder, node: Node): number {
  if (b.graph.opset < AXIS_IS_INPUT) return intOf(node, 'axis', 1)
  const input = node.inputs[2]
  const [stored] = input ? (storedInts(b, input) ?? []) : [-2]
  if (stored !== undefined) return stored
  throw new ExplainError('unsupported-operator', {
    what: 'DFT along an axis that is computed has no gradient here',
    where: describe(node),
  })
}

/**
 * y = W x along an axis, W of exponentials: the conjugate transpose of W, which is the opposite transform times the length (forward) or
 * divided by it (inverse). Bins that `onesided` leaves out count as zeros; samples that `dft_length` cuts off get zeros; of real signals the
 * real part is taken.
 */
function fourier({ b, node, gy, in0, out }: RuleCall & { readonly in0: string; readonly out: string }): string {
  const [inverse, onesided] = [intOf(node, 'inverse', 0), intOf(node, 'onesided', 0)]
  if (inverse && onesided)
    throw new ExplainError('unsupported-operator', {
      what: 'DFT that is inverse and onesided has no gradient here',
      where: describe(node),
    })
  const axis = axisOf(b, node)
  const axes = b.int64s([axis])
  const length = node.inputs[1] ? b.op('Reshape', [node.inputs[1], b.int64s([1])]) : undefined
  const known = storedInts(b, node.inputs[1])?.[0]
  const size = known ?? (length && b.op('Cast', [length], { to: 7 })) ?? b.extent(in0, axis)
  const missing = b.vector([0, b.sub(size, b.extent(out, axis))])
  const whole = onesided ? b.op('Pad', [gy, missing, b.scalar(0, gy), axes]) : gy
  const back = transform(b, whole, axis, inverse ? 0 : 1)
  const count = b.op('CastLike', [b.vector([size]), gy])
  const scaled = b.op(inverse ? 'Div' : 'Mul', [back, count])
  const own = b.extent(in0, axis)
  const cut = b.slice(scaled, [axis, -1], [0, 0], [own, b.extent(in0, -1)])
  return length ? b.op('Pad', [cut, b.vector([0, b.max(b.sub(own, size), 0)]), b.scalar(0, gy), axes]) : cut
}

/**
 * y = det x of `[..., n, n]`: gy times the matrix of cofactors, `(-1)^(i + j)` times the determinant without row i and column j (so it is
 * right for singular matrices too). Costs n^2 determinants of size n - 1.
 */
function cofactors({ b, node, gy, in0 }: RuleCall & { readonly in0: string }): string {
  const rank = b.requireRank(in0, 'Det')
  const n = b.extent(in0, -1)
  if (typeof n !== 'number')
    throw new ExplainError('shape-mismatch', {
      what: 'Det needs the size of its matrices, which the model does not tell',
      where: describe(node),
      remedy: 'Pass the shapes that probe(graph, runtime) finds.',
    })
  const column = b.op('Unsqueeze', [gy, b.int64s([rank - 2, rank - 1])])
  if (n === 1) return column
  const others = Array.from({ length: n }, (_, i) => Array.from({ length: n - 1 }, (_, j) => (j < i ? j : j + 1)))
  const rest = b.constant(int64([n, n - 1], others.flat()))
  // rows first: [..., i, n - 1, n], then columns: [..., i, n - 1, j, n - 1]
  const rows = b.op('Gather', [in0, rest], { axis: rank - 2 })
  const minors = b.op('Gather', [rows, rest], { axis: rank })
  const lead = Array.from({ length: rank - 2 }, (_, i) => i)
  const ordered = b.transpose(minors, [...lead, rank - 2, rank, rank - 1, rank + 1])
  const signs = Array.from({ length: n * n }, (_, k) => ((Math.floor(k / n) + (k % n)) % 2 === 0 ? 1 : -1))
  const sign = b.op('CastLike', [b.constant(int64([n, n], signs)), gy])
  return b.op('Mul', [b.op('Mul', [b.op('Det', [ordered]), sign]), column])
}

export const signal = defineRules({
  DFT: unary(fourier),
  Det: unary(cofactors),
})
