/** Pictures turned round from left to right. */
import { gridOf } from '../core/layout.js'
import { float32, type Tensor } from '../core/tensor.js'

/** Pictures or maps of a layout, with or without a batch, mirrored along `W`; of which the mirror is the same again. */
export function mirrored(pictures: Tensor<'float32'>, layout: string): Tensor<'float32'> {
  const { extent, stride } = gridOf(layout, pictures.dims).W
  const data = Float32Array.from(pictures.data, (_, i) => {
    const x = Math.floor(i / stride) % extent
    return pictures.data[i + (extent - 1 - 2 * x) * stride] ?? 0
  })
  return float32(pictures.dims, data)
}
