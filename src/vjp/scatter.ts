/** Bringing gradients back to where elements came from: what the rules of indexing, slicing and pooling share. */
import type { Dim } from '../core/runtime.js'
import type { Builder, Extent } from '../onnx/builder.js'
import { axisWithin } from '../onnx/shapes.js'

/** Numbers that are stored in the model: axes, pads, indices. Undefined where the value is computed or absent. */
export function storedInts(b: Builder, value: string | undefined): readonly number[] | undefined {
  const stored = value ? b.graph.constant(value) : undefined
  return stored && Array.from(stored.data, Number)
}

/** Zeros of the shape and type of `like`. */
export function zerosLike(b: Builder, like: string): string {
  return b.op('Expand', [b.scalar(0, like), b.shapeOf(like)])
}

/** The number of elements, as an extent. */
export function countOf(b: Builder, value: string): Extent {
  const dims = b.dims(value)
  if (dims?.every((d) => typeof d === 'number')) return dims.reduce<number>((n, d) => n * d, 1)
  return b.cached(`Count ${value}`, () => b.op('Reshape', [b.op('Size', [value]), b.int64s([1])]))
}

/** How many elements of `x` go into one of `y`, in the type of `x`. */
export function countPer(b: Builder, x: string, y: string): string {
  const ratio = ratioOf(b.dims(x), b.dims(y))
  if (ratio !== undefined) return b.scalar(ratio, x)
  const real = (v: string): string => b.op('Cast', [b.op('Size', [v])], { to: 1 })
  return b.op('CastLike', [b.op('Div', [real(x), real(y)]), x])
}

/** How many times as many elements one shape has; free axes that both have cancel out. Undefined where others are left, or no elements. */
function ratioOf(from: readonly Dim[] | undefined, to: readonly Dim[] | undefined): number | undefined {
  if (!from || !to) return undefined
  const free = [...to.filter((d) => typeof d !== 'number')]
  let ratio = 1
  for (const d of from) {
    if (typeof d === 'number') ratio *= d
    else {
      const same = d === null ? -1 : free.indexOf(d)
      if (same < 0) return undefined
      free.splice(same, 1)
    }
  }
  for (const d of to) if (typeof d === 'number') ratio /= d
  return free.length === 0 && Number.isFinite(ratio) ? ratio : undefined
}

/** 0, 1, ... `count - 1`, as int64. */
export function upTo(b: Builder, count: Extent): string {
  const scalar = (v: number): string => b.constant({ type: 'int64', dims: [], data: BigInt64Array.of(BigInt(v)) })
  const limit = typeof count === 'number' ? scalar(count) : b.op('Squeeze', [count])
  return b.op('Range', [scalar(0), limit, scalar(1)])
}

/** `value` as a vector. */
export function flat(b: Builder, value: string): string {
  return b.op('Reshape', [value, b.int64s([-1])])
}

/** `[N, C, ...]` as `[N, P, C]`. */
export function pixelsFirst(b: Builder, value: string): string {
  return b.transpose(b.op('Reshape', [value, b.int64s([0, 0, -1])]), [0, 2, 1])
}

/**
 * Adds each element of `gy` to the element of zeros, shaped like `x`, at the position (counted through the whole of `x`, row by
 * row) that `positions` gives in the same place. Elements that meet are summed.
 */
export function scatterTo(b: Builder, x: string, positions: string, gy: string): string {
  const zeros = b.op('Expand', [b.scalar(0, x), b.vector([countOf(b, x)])])
  const inputs = [zeros, flat(b, positions), flat(b, gy)]
  return b.reshapeLike(b.op('ScatterElements', inputs, { axis: 0, reduction: 'add' }), x)
}

/**
 * The gradient of any operator that only moves elements: it is applied to the elements' positions, which tells where each one
 * came from. Needs no shape to be known; costs an int64 tensor of the size of `x`.
 */
export function scatterBack(b: Builder, x: string, gy: string, move: (positions: string) => string): string {
  const positions = b.reshapeLike(upTo(b, countOf(b, x)), x)
  return scatterTo(b, x, move(positions), gy)
}

/**
 * `value` with zeros put in: every element along `axes` is followed by `steps - 1` zeros. `extents` is the shape of
 * `value`, `axes` are positive and ascending. The last axis goes by Concat, since Pad is slow on single elements.
 */
export function interleave(
  b: Builder,
  value: string,
  extents: readonly Extent[],
  axes: readonly number[],
  steps: readonly number[],
): string {
  const last = extents.length - 1
  const step = axes.at(-1) === last ? (steps.at(-1) ?? 1) : 1
  const shape = extents.map((e, axis) => (axis === last ? b.mul(e, step) : e))
  if (step === 1) return interleaveRows(b, value, extents, axes, steps)
  const column = b.op('Unsqueeze', [value, b.int64s([last + 1])])
  const zeros = b.op('Expand', [b.scalar(0, value), b.vector([...extents, 1])])
  const parts = [column, ...Array.from({ length: step - 1 }, () => zeros)]
  const stretched = b.reshape(b.op('Concat', parts, { axis: last + 1 }), shape)
  return interleaveRows(b, stretched, shape, axes.slice(0, -1), steps.slice(0, -1))
}

function interleaveRows(
  b: Builder,
  value: string,
  extents: readonly Extent[],
  axes: readonly number[],
  steps: readonly number[],
): string {
  if (axes.length === 0) return value
  const inner = b.int64s(axes.map((axis, i) => axis + i + 1))
  const none = Array.from({ length: extents.length + axes.length }, () => 0)
  const after = [...none]
  for (const [i, axis] of axes.entries()) after[axis + i + 1] = (steps[i] ?? 1) - 1
  const padded = b.op('Pad', [b.op('Unsqueeze', [value, inner]), b.int64s([...none, ...after])])
  const stretched = extents.map((e, axis) => {
    const i = axes.indexOf(axis)
    return i < 0 ? e : b.mul(e, steps[i] ?? 1)
  })
  return b.reshape(padded, stretched)
}

/**
 * `value` padded with zeros (cropped, where negative) on some axes; itself where nothing is to do. Where the rank is known, all axes
 * are listed: ORT 1.30 permutes `pads` but not `axes` when it moves a Transpose over a Pad, and it folds a Pad without `axes` into the
 * pooling or convolution behind it, even where that does not take such pads or reads it as its weight.
 */
export function padWithZeros(
  b: Builder,
  value: string,
  rank: number | undefined,
  axes: readonly number[],
  begins: readonly Extent[],
  ends: readonly Extent[],
): string {
  return padWith(b, '', value, rank, axes, begins, ends)
}

/** The same with another scalar than 0, `constant`. */
export function padWith(
  b: Builder,
  constant: string,
  value: string,
  rank: number | undefined,
  axes: readonly number[],
  begins: readonly Extent[],
  ends: readonly Extent[],
): string {
  if ([...begins, ...ends].every((e) => e === 0)) return value
  if (rank === undefined) return b.op('Pad', [value, b.vector([...begins, ...ends]), constant, b.int64s(axes)])
  const all = (given: readonly Extent[]): Extent[] => {
    const pads = Array.from({ length: rank }, (): Extent => 0)
    for (const [i, axis] of axes.entries()) pads[axisWithin(axis, rank, value)] = given[i] ?? 0
    return pads
  }
  const every = b.int64s(Array.from({ length: rank }, (_, i) => i))
  return b.op('Pad', [value, b.vector([...all(begins), ...all(ends)]), constant, every])
}
