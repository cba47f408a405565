/** Maps of one slice, where all slices have the same. */
import { gridOf } from '../core/layout.js'
import { float32, type Tensor } from '../core/tensor.js'

/** Maps `[H,W]`, or as many axes as the layout has places: a volume's slices have the same map. */
export function everySlice(map: Float32Array, layout: string, dims: readonly number[]): Tensor<'float32'> {
  const { D, H, W } = gridOf(layout, dims)
  if (layout.includes('D')) {
    const all = new Float32Array(D.extent * map.length)
    for (let z = 0; z < D.extent; z++) all.set(map, z * map.length)
    return float32([D.extent, H.extent, W.extent], all)
  }
  return float32(layout.includes('H') ? [H.extent, W.extent] : [W.extent], map)
}
