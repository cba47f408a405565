/**
 * Resize, in every mode. y is linear in x, one axis after another: one matrix `[out, in]` per resized axis. The matrix is what Resize
 * itself makes of an identity, so that coordinates, rounding, borders and anti-aliasing are ORT's own; where extents and scales are
 * stored, ORT folds it at session creation. The gradient is multiplied by the matrices transposed.
 */
import { intsOf, stringOf } from '../../onnx/attributes.js'
import type { Builder, Extent } from '../../onnx/builder.js'
import type { Node } from '../../onnx/ir.js'
import { protoType } from '../../onnx/tensors.js'
import { again } from '../again.js'
import { defineRules, type RuleCall, unary } from '../rule.js'
import { storedInts } from '../scatter.js'

interface Resizing {
  readonly b: Builder
  readonly node: Node
  readonly x: string
  readonly y: string
  /** The axes that `scales`, `sizes` and `roi` speak of, in their order. */
  readonly axes: readonly number[]
  readonly rank: number
  /** One scale or size per axis: the vector, and its elements where they are stored. */
  readonly given: string
  readonly numbers: readonly number[] | undefined
  readonly bySize: boolean
  /** `[...starts, ...ends]`; '' where coordinates do not depend on it. */
  readonly roi: string
}

function resizingOf({ b, node, x: [x = '', roi = '', scales = '', sizes = ''], y: [y = ''] }: RuleCall): Resizing {
  const bySize = sizes !== ''
  const given = bySize ? sizes : scales
  const numbers = storedInts(b, given)
  const named = intsOf(node, 'axes', undefined)
  const rank = named ? b.requireRank(x, 'Resize') : (numbers?.length ?? b.requireRank(x, 'Resize'))
  const axes = named?.map((a) => (a < 0 ? a + rank : a)) ?? Array.from({ length: rank }, (_, i) => i)
  const crops = stringOf(node, 'coordinate_transformation_mode', 'half_pixel') === 'tf_crop_and_resize'
  return { b, node, x, y, axes, rank, given, numbers, bySize, roi: crops ? roi : '' }
}

/** Whether an axis is certainly left as it is. */
function isKept({ b, x, y, axes, numbers, bySize, roi }: Resizing, i: number): boolean {
  const [axis, part] = [axes[i] ?? 0, storedInts(b, roi)]
  if (roi !== '' && !(part?.[i] === 0 && part[i + axes.length] === 1)) return false
  if (!bySize) return numbers?.[i] === 1
  const [before, after] = [b.dims(x)?.[axis], b.dims(y)?.[axis]]
  return before !== null && before !== undefined && (before === after || before === numbers?.[i])
}

/** Element `i` of a vector, as a vector of one. */
function element(b: Builder, vector: string, i: number): string {
  return b.op('Gather', [vector, b.int64s([i])], { axis: 0 })
}

function floats(b: Builder, ...values: readonly number[]): string {
  return b.constant({ type: 'float32', dims: [values.length], data: Float32Array.from(values) })
}

function identity(b: Builder, extent: Extent): string {
  const make = (): string => b.op('EyeLike', [b.op('ConstantOfShape', [b.vector([extent, extent])])], { dtype: 1 })
  return b.cached(`Identity ${extent}`, make)
}

/** What Resize makes of an identity along axis `i`, as `[in, out]` in the type of x. Extrapolated elements are zeros. */
function matrixOf(r: Resizing, i: number): string {
  const { b, node, x } = r
  const extent = b.extent(x, r.axes[i] ?? 0)
  const rows = identity(b, extent)
  const matrix =
    stringOf(node, 'keep_aspect_ratio_policy', 'stretch') === 'stretch'
      ? again(b, node, [rows, cropOf(r, i), ...targetOf(r, i, extent)], { ...PLAIN, axes: undefined })
      : inProportion(r, i, rows, extent)
  const type = b.type(x)
  if (type === undefined) return b.op('CastLike', [matrix, x])
  return type === 'float32' ? matrix : b.op('Cast', [matrix], { to: protoType(type) })
}

/** Extrapolation adds a constant, which has no gradient. */
const PLAIN = { extrapolation_value: undefined }

/** `roi` of an identity: whole along its first axis, that of axis `i` along the second. */
function cropOf({ b, axes, roi }: Resizing, i: number): string {
  if (roi === '') return ''
  const whole = (end: number): string => b.op('CastLike', [floats(b, end), roi])
  const parts = [whole(0), element(b, roi, i), whole(1), element(b, roi, i + axes.length)]
  return b.op('Concat', parts, { axis: 0 })
}

/** `scales` and `sizes` of an identity. */
function targetOf({ b, given, numbers, bySize }: Resizing, i: number, extent: Extent): string[] {
  const number = numbers?.[i]
  if (bySize) return ['', b.vector([extent, number ?? element(b, given, i)])]
  return [b.op('Concat', [floats(b, 1), number === undefined ? element(b, given, i) : floats(b, number)], { axis: 0 })]
}

/**
 * Where the aspect ratio is kept, all axes have the scale of the one with the smallest (not_larger) or largest: that axis goes along as
 * the last, and one column of it is taken, since each column's weights sum to 1.
 */
function inProportion(r: Resizing, i: number, rows: string, extent: Extent): string {
  const { b, node, x, axes, given } = r
  const extents = b.vector(axes.map((axis) => b.extent(x, axis)))
  const [from, to] = [extents, given].map((v) => b.op('Cast', [v], { to: protoType('float32') }))
  const smallest = stringOf(node, 'keep_aspect_ratio_policy', 'stretch') === 'not_larger'
  const leading = b.op(smallest ? 'ArgMin' : 'ArgMax', [b.op('Div', [to ?? '', from ?? ''])], { axis: 0, keepdims: 1 })
  const [width, wide] = [extents, given].map((v) => b.op('Gather', [v, leading], { axis: 0 }))
  const block = b.op('Expand', [b.reshape(rows, [1, extent, extent, 1]), b.vector([1, 1, 1, width ?? 1])])
  const sizes = b.vector([element(b, given, i), wide ?? 1])
  const made = again(b, node, [block, cropOf(r, i), '', sizes], { ...PLAIN, axes: [2, 3] })
  return b.op('Squeeze', [b.slice(made, [3], [0], [1]), b.int64s([0, 3])])
}

/** `value` multiplied along one axis by `matrix` `[in, out]`; `extents` is its shape. */
function along(b: Builder, value: string, matrix: string, axis: number, extents: readonly Extent[]): string {
  const inner = extents.slice(axis + 1)
  if (inner.length === 0) return b.op('MatMul', [value, b.transpose(matrix, [1, 0])])
  if (inner.length === 1) return b.op('MatMul', [matrix, value])
  const after = inner.reduce((n, e) => b.mul(n, e))
  const made = b.op('MatMul', [matrix, b.reshape(value, [-1, extents[axis] ?? 1, after])])
  return b.reshape(
    made,
    extents.map((e, i) => (i === axis ? -1 : e)),
  )
}

/**
 * The blocks of equal elements that y consists of, where nearest enlarges spatial axes by whole numbers: one number per spatial axis.
 * Undefined where it does not, or where that is not known.
 */
function blocksOf(r: Resizing): readonly number[] | undefined {
  const { b, node, x, axes, numbers, bySize, rank } = r
  if (stringOf(node, 'mode', 'nearest') !== 'nearest' || !numbers || rank < 3 || rank > 5) return undefined
  if (stringOf(node, 'keep_aspect_ratio_policy', 'stretch') !== 'stretch') return undefined
  const mode = stringOf(node, 'coordinate_transformation_mode', 'half_pixel')
  const rounding = stringOf(node, 'nearest_mode', 'round_prefer_floor')
  const centred = mode.endsWith('half_pixel') && rounding.startsWith('round')
  const cornered = (mode === 'asymmetric' || mode === 'tf_half_pixel_for_nn') && rounding === 'floor'
  if (!centred && !cornered) return undefined
  const blocks = Array.from({ length: rank }, () => 1)
  for (const [i, axis] of axes.entries()) {
    const extent = b.extent(x, axis)
    const scale = bySize ? (typeof extent === 'number' ? (numbers[i] ?? 0) / extent : 0) : (numbers[i] ?? 0)
    blocks[axis] = scale
  }
  const whole = blocks.every((n, axis) => (axis < 2 ? n === 1 : Number.isInteger(n) && n >= 1))
  return whole ? blocks.slice(2) : undefined
}

function resize(call: RuleCall): string {
  const { b, gy } = call
  const r = resizingOf(call)
  const blocks = blocksOf(r)
  if (blocks) {
    const sum = blocks.reduce((n, k) => n * k, 1)
    if (sum === 1) return gy
    const mean = b.op('AveragePool', [gy], { kernel_shape: blocks, strides: blocks })
    return b.op('Mul', [mean, b.scalar(sum, r.x)])
  }
  const extents = Array.from({ length: r.rank }, (_, axis) => b.extent(r.y, axis))
  return r.axes.reduceRight((value, axis, i) => {
    if (isKept(r, i)) return value
    const made = along(b, value, matrixOf(r, i), axis, extents)
    extents[axis] = b.extent(r.x, axis)
    return made
  }, gy)
}

export const resizing = defineRules({
  Resize: { ...unary(resize), inputs: 1 },
})
