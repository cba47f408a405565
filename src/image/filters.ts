/** The resampling filters of Pillow, and the weights they give each output pixel (`src/libImaging/Resample.c`). */

/** Pillow's filters by name; Pillow's numbers 0 to 5 are nearest, lanczos, bilinear, bicubic, box, hamming. */
export type Filter = 'nearest' | 'box' | 'bilinear' | 'hamming' | 'bicubic' | 'lanczos'

/** A kernel and its half width, in input pixels when enlarging, in output pixels when shrinking. */
interface Kernel {
  readonly support: number
  readonly at: (x: number) => number
}

/** Single-precision constants, as Pillow has them. */
const HAMMING_A = Math.fround(0.54)
const HAMMING_B = Math.fround(0.46)

const sinc = (x: number): number => (x === 0 ? 1 : Math.sin(x * Math.PI) / (x * Math.PI))

const KERNELS: Readonly<Record<Exclude<Filter, 'nearest'>, Kernel>> = {
  box: { support: 0.5, at: (x) => (x > -0.5 && x <= 0.5 ? 1 : 0) },
  bilinear: { support: 1, at: (x) => Math.max(0, 1 - Math.abs(x)) },
  hamming: {
    support: 1,
    at: (x) => {
      const a = Math.abs(x)
      if (a === 0) return 1
      return a >= 1 ? 0 : sinc(a) * (HAMMING_A + HAMMING_B * Math.cos(a * Math.PI))
    },
  },
  // Keys' convolution with a = -0.5.
  bicubic: {
    support: 2,
    at: (x) => {
      const a = Math.abs(x)
      if (a < 1) return (1.5 * a - 2.5) * a * a + 1
      return a < 2 ? (((a - 5) * a + 8) * a - 4) * -0.5 : 0
    },
  },
  lanczos: { support: 3, at: (x) => (x >= -3 && x < 3 ? sinc(x) * sinc(x / 3) : 0) },
}

/** For each output pixel `i`: `sum over k < counts[i] of weights[i * stride + k] * input[starts[i] + k]`. */
export interface Taps {
  readonly stride: number
  readonly starts: Int32Array
  readonly counts: Int32Array
  readonly weights: Float64Array
}

/**
 * The weights that resample the stretch `[from, to]` of a line of `inSize` pixels to `outSize` pixels.
 *
 * Pixel `i` covers `[i, i + 1]`, so centres lie at halves. When shrinking, the kernel is widened by the scale
 * (antialiasing); at the edges it is cut off and renormalised. Order of operations as in Pillow's `precompute_coeffs`.
 */
export function computeTaps(
  inSize: number,
  from: number,
  to: number,
  outSize: number,
  filter: Exclude<Filter, 'nearest'>,
): Taps {
  const kernel = KERNELS[filter]
  const scale = (to - from) / outSize
  const filterScale = Math.max(1, scale)
  const support = kernel.support * filterScale
  const stride = Math.ceil(support) * 2 + 1
  const starts = new Int32Array(outSize)
  const counts = new Int32Array(outSize)
  const weights = new Float64Array(outSize * stride)
  const inverse = 1 / filterScale
  for (let i = 0; i < outSize; i++) {
    const center = from + (i + 0.5) * scale
    const start = Math.max(0, Math.trunc(center - support + 0.5))
    const count = Math.min(inSize, Math.trunc(center + support + 0.5)) - start
    const base = i * stride
    let total = 0
    for (let k = 0; k < count; k++) {
      const w = kernel.at((k + start - center + 0.5) * inverse)
      weights[base + k] = w
      total += w
    }
    if (total !== 0) for (let k = 0; k < count; k++) weights[base + k] = (weights[base + k] as number) / total
    starts[i] = start
    counts[i] = count
  }
  return { stride, starts, counts, weights }
}

/**
 * Which input pixel each output pixel takes, for `nearest`. The position is advanced by repeated addition, as Pillow's
 * `ImagingScaleAffine` does, because its rounding decides ties.
 */
export function nearestIndices(inSize: number, from: number, to: number, outSize: number): Int32Array {
  const step = (to - from) / outSize
  const indices = new Int32Array(outSize)
  let at = from + step * 0.5
  for (let i = 0; i < outSize; i++) {
    indices[i] = Math.min(inSize - 1, Math.max(0, Math.trunc(at)))
    at += step
  }
  return indices
}
