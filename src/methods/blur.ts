/** Gaussian blur of pictures, over rows and columns of each channel and slice; 0 lies beyond the border, the mean colour. */
import { gridOf } from '../core/layout.js'
import { Fourier } from './fourier.js'

/** `exp(-i^2 / (2 deviation^2))` for i from 0 to `radius`, so that the whole kernel sums to 1. */
export function gaussian(deviation: number, radius: number): Float64Array {
  const half = Float64Array.from({ length: radius + 1 }, (_, i) => Math.exp(-0.5 * (i / deviation) ** 2))
  const total = half.reduce((sum, v, i) => sum + (i === 0 ? v : 2 * v), 0)
  return half.map((v) => v / total)
}

/** A blur by a `deviation` in pixels, whose kernel is cut off at `radius`; none for 0. */
export interface Blur {
  readonly deviation: number
  readonly radius: number
}

/** SciPy's `gaussian_filter`: cut off at four deviations, rounded. */
export function scipyBlur(deviation: number): Blur {
  return { deviation, radius: Math.floor(4 * deviation + 0.5) }
}

/** The place that a place beyond the ends of a line stands for, where the line is reflected: `d c b a | a b c d | d c b a`. */
export function reflected(at: number, length: number): number {
  const around = ((at % (2 * length)) + 2 * length) % (2 * length)
  return around < length ? around : 2 * length - 1 - around
}

/** A picture without its batch axis, blurred along the rows and columns that its layout has. */
export function blurred(
  picture: ArrayLike<number>,
  layout: string,
  dims: readonly number[],
  { deviation, radius }: Blur,
): Float64Array {
  const out = Float64Array.from(picture)
  if (deviation === 0 || radius === 0) return out
  const kernel = gaussian(deviation, radius)
  const grid = gridOf(layout, dims)
  for (const letter of ['H', 'W'] as const) {
    if (!layout.includes(letter)) continue
    const { extent, stride } = grid[letter]
    const size = extent * stride
    const lines = new Lines(extent, kernel)
    const starts: number[] = []
    for (let block = 0; block < out.length; block += size)
      for (let first = block; first < block + stride; first++) starts.push(first)
    for (let i = 0; i < starts.length; i += 2) lines.blur(out, stride, starts[i] as number, starts[i + 1])
  }
  return out
}

/**
 * Lines of pixels with zeros beyond their ends, blurred two at a time as the real and the imaginary part of one: the kernel is even, so
 * that its transform is real. As exact as the sum over the kernel, and as fast for a wide one as for a narrow one.
 */
class Lines {
  readonly #extent: number
  readonly #fourier: Fourier
  readonly #spectrum: Float64Array
  readonly #re: Float64Array
  readonly #im: Float64Array

  constructor(extent: number, kernel: Float64Array) {
    // what reaches farther meets zeros only
    const reach = Math.min(kernel.length, extent) - 1
    const fourier = new Fourier(extent + reach)
    const { size } = fourier
    this.#extent = extent
    this.#fourier = fourier
    this.#spectrum = new Float64Array(size)
    this.#re = new Float64Array(size)
    this.#im = new Float64Array(size)
    for (let k = -reach; k <= reach; k++) this.#spectrum[(k + size) % size] = (kernel[Math.abs(k)] as number) / size
    fourier.transform(this.#spectrum, this.#im)
    this.#im.fill(0)
  }

  /** Blurs the lines of `data` that begin at `first` and, where there is one, at `second`, in place. */
  blur(data: Float64Array, stride: number, first: number, second = first): void {
    const [re, im, spectrum] = [this.#re, this.#im, this.#spectrum]
    re.fill(0)
    im.fill(0)
    for (let i = 0; i < this.#extent; i++) {
      re[i] = data[first + i * stride] as number
      im[i] = data[second + i * stride] as number
    }
    this.#fourier.transform(re, im)
    for (let i = 0; i < spectrum.length; i++) {
      re[i] = (re[i] as number) * (spectrum[i] as number)
      im[i] = (im[i] as number) * (spectrum[i] as number)
    }
    this.#fourier.transform(im, re)
    for (let i = 0; i < this.#extent; i++) {
      data[first + i * stride] = re[i] as number
      data[second + i * stride] = im[i] as number
    }
  }
}
