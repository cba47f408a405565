/** Fourier transforms, and determinants. */
import { ExplainError } from '../../core/errors.js'
import { int64 } from '../../core/tensor.js'
import { intOf } from '../../onnx/attributes.js'
import type { Builder, Extent } from '../../onnx/builder.js'
import { describe, type Node } from '../../onnx/ir.js'
import { range } from '../../passes/decompositions/parts.js'
import { defineRules, type RuleCall, unary } from '../rule.js'
import { storedInts } from '../scatter.js'

/** From this opset on DFT's axis is an input. */
const AXIS_IS_INPUT = 20

/** The transform of `value` along an axis, in the form of the graph's opset. */
function transform(b: Builder, value: string, axis: number, flags: { inverse: number; onesided: number }): string {
  if (b.graph.opset < AXIS_IS_INPUT) return b.op('DFT', [value], { axis, ...flags })
  return b.op('DFT', [value, '', b.constant(int64([], [axis]))], flags)
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
 * divided by it (inverse). Bins that `onesided` leaves out of a spectrum count as zeros; samples that `dft_length` cuts off get zeros; of
 * real signals the real part is taken.
 */
function fourier(call: RuleCall & { readonly in0: string; readonly out: string }): string {
  const { b, node, gy, in0, out } = call
  const [inverse, onesided] = [intOf(node, 'inverse', 0), intOf(node, 'onesided', 0)]
  const axis = axisOf(b, node)
  if (inverse && onesided) return spectrum(call, axis)
  const given = node.inputs[1]
  const stored = storedInts(b, given)?.[0]
  const length = given ? (stored ?? b.op('Cast', [b.op('Reshape', [given, b.int64s([1])])], { to: 7 })) : undefined
  const own = b.extent(in0, axis)
  const size = length ?? own
  const whole = fitted(b, gy, axis, onesided ? b.sub(size, b.extent(out, axis)) : 0)
  const back = transform(b, whole, axis, { inverse: inverse ? 0 : 1, onesided: 0 })
  const scaled = b.op(inverse ? 'Div' : 'Mul', [back, b.op('CastLike', [b.vector([size]), gy])])
  const cut = b.slice(scaled, [axis, -1], [0, 0], [own, b.extent(in0, -1)])
  return length === undefined ? cut : fitted(b, cut, axis, b.max(b.sub(own, length), 0))
}

/** Half a spectrum to a real signal: the signal's half spectrum, divided by the length, bins that stand for two counted twice. */
function spectrum(
  { b, node, gy, in0, out }: RuleCall & { readonly in0: string; readonly out: string },
  axis: number,
): string {
  const [size, bins] = [b.extent(out, axis), b.extent(in0, axis)]
  if (typeof size === 'number' && typeof bins === 'number' && Math.floor(size / 2) + 1 !== bins)
    throw new ExplainError('unsupported-operator', {
      what: `DFT of ${bins} bins to a real signal of ${size} samples, which is of ${Math.floor(size / 2) + 1} bins, has no gradient here`,
      where: describe(node),
    })
  const half = transform(b, gy, axis, { inverse: 0, onesided: 1 })
  const scaled = b.op('Div', [half, b.op('CastLike', [b.vector([size]), gy])])
  const rank = b.requireRank(in0, 'DFT')
  return b.op('Mul', [scaled, repeats(b, size, axis < 0 ? axis : axis - rank, gy)])
}

/** `value` with so many zeros behind it along an axis. */
function fitted(b: Builder, value: string, axis: number, zeros: Extent): string {
  if (zeros === 0) return value
  return b.op('Pad', [value, b.vector([0, zeros]), b.scalar(0, value), b.int64s([axis])])
}

/** How often each bin of a one-sided spectrum stands in the whole one: once at 0 and at half of an even size, else twice. */
function repeats(b: Builder, size: Extent, axisFromEnd: number, like: string): string {
  const index = range(b, b.add(b.div(size, 2), 1))
  const atEnd = b.op('Equal', [b.op('Mul', [index, b.int64s([2])]), b.vector([size])])
  const once = b.op('Or', [b.op('Equal', [index, b.int64s([0])]), atEnd])
  const counts = b.op('Where', [once, b.scalar(1, like), b.scalar(2, like)])
  return b.reshape(counts, [-1, ...Array.from({ length: -axisFromEnd - 1 }, () => 1)])
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
