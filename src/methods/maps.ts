/** What methods make maps of, written in ONNX operators. */
import type { Builder, Extent } from '../onnx/builder.js'

/** `[N,K,...spatial]` weighted over channels by `[N,K]`: the map `[N,...spatial]`. */
export function weightedSum(b: Builder, features: string, weights: string): string {
  const rank = b.requireRank(features, 'a weighted sum over channels')
  const spatial = Array.from({ length: rank - 2 }, (_, i) => b.extent(features, i + 2))
  const flat = b.op('Reshape', [features, b.int64s([0, 0, -1])])
  const row = b.op('Unsqueeze', [weights, b.int64s([1])])
  return b.reshape(b.op('MatMul', [row, flat]), [-1, ...spatial])
}

/** `value` `[N,K,...spatial]` reduced over its places by `ReduceSum` or `ReduceMean`: `[N,K]`, or with axes of size 1 where `keepdims`. */
export function overPlaces(b: Builder, op: 'ReduceSum' | 'ReduceMean', value: string, keepdims = false): string {
  const rank = b.requireRank(value, 'a reduction over places')
  const places = b.int64s(Array.from({ length: rank - 2 }, (_, i) => i + 2))
  const reduced = b.op(op, [value, places], { keepdims: keepdims ? 1 : 0 })
  b.know(reduced, b.type(value), undefined)
  return reduced
}

/** `[N,K,...spatial]` summed over channels: the map `[N,...spatial]`. */
export function overChannels(b: Builder, value: string): string {
  return b.reduceSum(value, [1], false)
}

/** The positive part. */
export function positive(b: Builder, value: string): string {
  const part = b.op('Relu', [value])
  b.know(part, b.type(value), b.dims(value))
  return part
}

/** The product, element by element, of two values of one shape. */
export function times(b: Builder, value: string, other: string): string {
  const product = b.op('Mul', [value, other])
  b.know(product, b.type(value), b.dims(value))
  return product
}

/** `[N,h,w]` (or `[N,d,h,w]`, `[N,w]`) resized linearly along each axis to `[N,...extents]`. */
export function upsample(b: Builder, map: string, extents: readonly Extent[]): string {
  const plane = b.op('Unsqueeze', [map, b.int64s([1])])
  const sizes = b.vector([b.extent(map, 0), 1, ...extents])
  const attributes = { mode: 'linear', coordinate_transformation_mode: 'half_pixel' }
  return b.op('Squeeze', [b.op('Resize', [plane, '', '', sizes], attributes), b.int64s([1])])
}
