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

/** `[N,h,w]` (or `[N,d,h,w]`, `[N,w]`) resized linearly along each axis to `[N,...extents]`. */
export function upsample(b: Builder, map: string, extents: readonly Extent[]): string {
  const plane = b.op('Unsqueeze', [map, b.int64s([1])])
  const sizes = b.vector([b.extent(map, 0), 1, ...extents])
  const attributes = { mode: 'linear', coordinate_transformation_mode: 'half_pixel' }
  return b.op('Squeeze', [b.op('Resize', [plane, '', '', sizes], attributes), b.int64s([1])])
}
