/** A layer's channels, as driven methods weigh them. */
import { float32, sizeOf, type Tensor } from '../core/tensor.js'

/** How many channels `[1,K,...places]` has, how many places each, and the places' extents. */
export function channelsOf({ dims }: Tensor<'float32'>): {
  readonly count: number
  readonly size: number
  readonly dims: readonly number[]
} {
  const [, count = 0, ...places] = dims
  return { count, size: sizeOf(places), dims: places }
}

/** `sum_k w_k A^k`: the map `[...places]`. */
export function weightedChannels(features: Tensor<'float32'>, weights: ArrayLike<number>): Tensor<'float32'> {
  const { count, size, dims } = channelsOf(features)
  const sum = new Float64Array(size)
  for (let k = 0; k < count; k++) {
    const w = weights[k] ?? 0
    for (let i = 0; i < size; i++) sum[i] = (sum[i] ?? 0) + w * (features.data[k * size + i] ?? 0)
  }
  return float32(dims, Float32Array.from(sum))
}
