/** Smooth masks of a few parameters: a parameter of 1 makes a soft disc of a fixed size, and discs that meet make one shape. */

/** How sharply the largest of neighbouring discs wins. */
const COLDNESS = 20

/** One direction of a mask, in which parameters lie `step` pixels apart. `1` pixel where the picture lacks the direction. */
interface Direction {
  /** Parameters. */
  readonly count: number
  /** Pixels of the mask with its margin. */
  readonly out: number
  /** Pixels of the margin before the picture. */
  readonly margin: number
  readonly radius: number
  readonly padding: number
  /** Distance in pixels, of the pixel `phase` behind a multiple of the step, from its `tap`-th parameter. */
  distance(phase: number, tap: number): number
}

function direction(size: number, step: number, sigma: number): Direction {
  const padding = 1 + Math.ceil((2 * sigma) / step)
  const radius = 1 + Math.ceil(sigma / step)
  const count = Math.ceil(size / step)
  const out = step * (count + 2 * padding - 2 * radius - 1) + 1
  const distance = (phase: number, tap: number): number => Math.abs(phase - sigma - step * (tap - padding))
  return { count, out, margin: sigma, radius, padding, distance }
}

const NONE: Direction = { count: 1, out: 1, margin: 0, radius: 0, padding: 0, distance: () => 0 }

/**
 * Fong et al.'s smooth max-convolution: at each pixel the mean of `w_k p_k`, weighed by the softmax of `20 w_k p_k`, over the parameters around,
 * `w = exp(-2 max(0, distance / sigma - 1/2)^2)`. The mask has a margin around the picture, so that its area does not depend on the border.
 */
export class SmoothMasks {
  /** Parameters of a mask. */
  readonly parameters: number
  /** Pixels of a mask with its margin. */
  readonly pixels: number
  readonly #rows: Direction
  readonly #columns: Direction
  readonly #size: { readonly height: number; readonly width: number }
  /** The different weights. */
  readonly #weights: Float64Array
  /** By row's phase, column's phase and tap: which of the weights it is. */
  readonly #indices: Uint16Array
  /** By place among all steps of the mask and tap: the parameter, or `parameters` for one of the border, which is 0. */
  readonly #sources: Int32Array
  readonly #step: number
  readonly #taps: number

  /** @param height undefined where the picture has no rows: a signal. */
  constructor(height: number | undefined, width: number, step: number, sigma: number) {
    const rows = height === undefined ? NONE : direction(height, step, sigma)
    const columns = direction(width, step, sigma)
    const [tall, wide] = [2 * rows.radius + 1, 2 * columns.radius + 1]
    this.#rows = rows
    this.#columns = columns
    this.#size = { height: height ?? 1, width }
    this.#step = step
    this.#taps = tall * wide
    this.parameters = rows.count * columns.count
    this.pixels = rows.out * columns.out
    const weights = new Map<number, number>()
    this.#indices = new Uint16Array(step * step * this.#taps)
    for (let i = 0; i < this.#indices.length; i++) {
      const [tap, phase] = [i % this.#taps, Math.floor(i / this.#taps)]
      const dy = rows.distance(Math.floor(phase / step), Math.floor(tap / wide))
      const dx = columns.distance(phase % step, tap % wide)
      const w = Math.exp(-2 * Math.max(0, Math.hypot(dy, dx) / sigma - 0.5) ** 2)
      if (!weights.has(w)) weights.set(w, weights.size)
      this.#indices[i] = weights.get(w) as number
    }
    this.#weights = Float64Array.from(weights.keys())
    const across = Math.ceil(columns.out / step)
    this.#sources = Int32Array.from({ length: Math.ceil(rows.out / step) * across * this.#taps }, (_, i) => {
      const [tap, place] = [i % this.#taps, Math.floor(i / this.#taps)]
      const y = Math.floor(place / across) + Math.floor(tap / wide) - rows.padding
      const x = (place % across) + (tap % wide) - columns.padding
      return y >= 0 && y < rows.count && x >= 0 && x < columns.count ? y * columns.count + x : this.parameters
    })
  }

  /** The mask of some parameters, with its margin. */
  mask(parameters: Float32Array): Float64Array {
    const [weights, indices, sources, taps] = [this.#weights, this.#indices, this.#sources, this.#taps]
    const padded = this.#padded(parameters)
    const powers = this.#powers(padded)
    const out = new Float64Array(this.pixels)
    this.#visit((pixel, from, at) => {
      let sum = 0
      let total = 0
      for (let k = 0; k < taps; k++) {
        const source = sources[from + k] as number
        const w = indices[at + k] as number
        const e = powers[source * weights.length + w] as number
        total += e
        sum += (weights[w] as number) * (padded[source] as number) * e
      }
      out[pixel] = sum / total
    })
    return out
  }

  /** The gradient by the parameters of what has the gradient `gradient` by the mask. */
  pull(parameters: Float32Array, mask: Float64Array, gradient: Float64Array): Float64Array {
    const [weights, indices, sources, taps] = [this.#weights, this.#indices, this.#sources, this.#taps]
    const padded = this.#padded(parameters)
    const powers = this.#powers(padded)
    const out = new Float64Array(padded.length)
    this.#visit((pixel, from, at) => {
      let total = 0
      for (let k = 0; k < taps; k++)
        total += powers[(sources[from + k] as number) * weights.length + (indices[at + k] as number)] as number
      const m = mask[pixel] as number
      const g = (gradient[pixel] as number) / total
      if (g === 0) return
      for (let k = 0; k < taps; k++) {
        const source = sources[from + k] as number
        const index = indices[at + k] as number
        const w = weights[index] as number
        const slope = w * (1 + COLDNESS * (w * (padded[source] as number) - m))
        out[source] = (out[source] as number) + g * (powers[source * weights.length + index] as number) * slope
      }
    })
    return out.subarray(0, this.parameters)
  }

  /** The part of a mask that lies on the picture. */
  onPicture(mask: Float64Array): Float32Array {
    const out = new Float32Array(this.#size.height * this.#size.width)
    for (const [i, at] of this.#placesOnPicture()) out[i] = mask[at] as number
    return out
  }

  /** The other way: 0 in the margin. */
  withMargin(values: Float64Array): Float64Array {
    const out = new Float64Array(this.pixels)
    for (const [i, at] of this.#placesOnPicture()) out[at] = values[i] as number
    return out
  }

  *#placesOnPicture(): Generator<readonly [number, number]> {
    const { height, width } = this.#size
    for (let y = 0, i = 0; y < height; y++)
      for (let x = 0; x < width; x++, i++)
        yield [i, (y + this.#rows.margin) * this.#columns.out + x + this.#columns.margin]
  }

  /** The parameters, and behind them that of the border. */
  #padded(parameters: Float32Array): Float64Array {
    const out = new Float64Array(this.parameters + 1)
    out.set(parameters)
    return out
  }

  /** `exp(20 w p)` by parameter and weight: pixels share them. */
  #powers(parameters: Float64Array): Float64Array {
    const weights = this.#weights
    const count = weights.length
    const ones = weights.map((w) => Math.exp(COLDNESS * w))
    const out = new Float64Array(parameters.length * count).fill(1)
    for (const [i, p] of parameters.entries()) {
      if (p === 1) out.set(ones, i * count)
      else if (p !== 0)
        for (let k = 0; k < count; k++) out[i * count + k] = Math.exp(COLDNESS * (weights[k] as number) * p)
    }
    return out
  }

  /** Each pixel with where its parameters and its weights begin. */
  #visit(each: (pixel: number, sources: number, indices: number) => void): void {
    const step = this.#step
    const across = Math.ceil(this.#columns.out / step)
    for (let y = 0, pixel = 0; y < this.#rows.out; y++)
      for (let x = 0; x < this.#columns.out; x++, pixel++) {
        const place = Math.floor(y / step) * across + Math.floor(x / step)
        each(pixel, place * this.#taps, ((y % step) * step + (x % step)) * this.#taps)
      }
  }
}
