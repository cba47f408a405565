/** What methods make maps of, written in ONNX operators. */
import type { Builder, Extent } from '../onnx/builder.js'
import { firstComponent } from './eigen.js'

/** What the sums over channels of CAM methods have in common: their first principal component may stand for them. */
export const EIGEN_SMOOTH = {
  'eigen-smooth': {
    kind: 'switch',
    default: 0,
    description:
      "the first principal component of the weighted channels in place of their sum: less noise, and the class' part may go with it",
  },
} as const

/** A method that sums over channels, with the option {@link EIGEN_SMOOTH} or without. */
export interface Summing {
  readonly b: Builder
  readonly options: { readonly 'eigen-smooth'?: number }
}

/** `[N,K,...spatial]` weighted over channels by `[N,K]`: the map `[N,...spatial]`. */
export function weightedSum(context: Summing, features: string, weights: string): string {
  const { b, options } = context
  const rank = b.requireRank(features, 'a weighted sum over channels')
  if (options['eigen-smooth'] === 1) {
    const axes = b.int64s(Array.from({ length: rank - 2 }, (_, i) => i + 2))
    return overChannels(context, times(b, features, b.op('Unsqueeze', [weights, axes])))
  }
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

/** `[N,K,...spatial]` summed over channels, or their first principal component: the map `[N,...spatial]`. */
export function overChannels({ b, options }: Summing, value: string): string {
  return options['eigen-smooth'] === 1 ? firstComponent(b, value) : b.reduceSum(value, [1], false)
}

/** The positive part. */
export function positive(b: Builder, value: string): string {
  const part = b.op('Relu', [value])
  b.know(part, b.type(value), b.dims(value))
  return part
}

/** The product, element by element, of a value with another that broadcasts to its shape. */
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
