/** A picture blurred as RISE does for insertion. */
import { type Grid, gridOf } from '../core/layout.js'
import type { Tensor } from '../core/tensor.js'
import { gaussian, reflected, scipyBlur } from '../methods/blur.js'

/**
 * Convolved slice by slice with a Gaussian kernel of `side` x `side`, 0 beyond the border. The kernel is what SciPy's `gaussian_filter` makes of a
 * single 1 in an array of that side (reflected at the ends, cut off at four deviations), as in RISE's `gkern`.
 */
export function blurred(input: Tensor<'float32'>, layout: string, side: number, sigma: number): Float32Array {
  const grid = gridOf(layout.slice(1), input.dims.slice(1))
  const kernel = kernelOf(side, sigma)
  return along(along(input.data, grid, 'W', kernel), grid, 'H', kernel)
}

/** One axis of the kernel. */
function kernelOf(side: number, sigma: number): Float64Array {
  const { radius } = scipyBlur(sigma)
  const half = gaussian(sigma, radius)
  const middle = Math.floor(side / 2)
  return Float64Array.from({ length: side }, (_, i) => {
    let weight = 0
    for (let k = -radius; k <= radius; k++) if (reflected(i + k, side) === middle) weight += half[Math.abs(k)] ?? 0
    return weight
  })
}

function along(data: Float32Array, { C, D, H, W }: Grid, letter: 'H' | 'W', kernel: Float64Array): Float32Array {
  const out = new Float32Array(data.length)
  const axis = letter === 'H' ? H : W
  if (axis.extent === 1) return data
  const across = letter === 'H' ? W : H
  const radius = Math.floor(kernel.length / 2)
  for (let c = 0; c < C.extent; c++)
    for (let z = 0; z < D.extent; z++)
      for (let k = 0; k < across.extent; k++) {
        const first = c * C.stride + z * D.stride + k * across.stride
        for (let i = 0; i < axis.extent; i++) {
          let s = 0
          for (let d = 0; d < kernel.length; d++) {
            const at = i + d - radius
            if (at >= 0 && at < axis.extent) s += (kernel[d] ?? 0) * (data[first + at * axis.stride] ?? 0)
          }
          out[first + i * axis.stride] = s
        }
      }
  return out
}
