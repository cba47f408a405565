/** Pictures that a mask blurs in part, and how the score changes with the mask. */
import { gridOf } from '../core/layout.js'
import { float32, type Tensor } from '../core/tensor.js'
import { blurred } from './blur.js'

/**
 * The picture at levels of blur, from `widest` (level 0) to none (the last): a mask of 1 shows the picture, one of 0 the widest blur, and what
 * lies between is interpolated between two levels. A mask `[H,W]` goes through all channels and slices.
 */
export class BlurPyramid {
  readonly height: number
  readonly width: number
  readonly #levels: readonly Float32Array[]
  readonly #dims: readonly number[]
  /** Where the channels and slices of the first pixel lie, and how far rows and columns are from each other. */
  readonly #starts: readonly number[]
  readonly #strides: readonly [number, number]

  /** @param input one picture with its batch axis, as `layout` says. */
  constructor(input: Tensor<'float32'>, layout: string, { levels, widest }: { levels: number; widest: number }) {
    const axes = layout.slice(1)
    const dims = input.dims.slice(1)
    const { C, D, H, W } = gridOf(axes, dims)
    this.height = H.extent
    this.width = W.extent
    this.#dims = dims
    this.#strides = [H.stride, W.stride]
    this.#starts = Array.from(
      { length: C.extent * D.extent },
      (_, i) => (i % C.extent) * C.stride + Math.floor(i / C.extent) * D.stride,
    )
    this.#levels = Array.from({ length: levels }, (_, l) => {
      const deviation = widest * (1 - l / (levels - 1))
      return Float32Array.from(blurred(input.data, axes, dims, { deviation, radius: Math.ceil(4 * deviation) }))
    })
  }

  /** One picture a mask. */
  apply(masks: readonly Float32Array[]): Tensor<'float32'> {
    const size = this.#size
    const data = new Float32Array(masks.length * size)
    for (const [i, mask] of masks.entries())
      this.#visit(mask, (at, share, low, high) => {
        data[i * size + at] = (1 - share) * (low[at] as number) + share * (high[at] as number)
      })
    return float32([masks.length, ...this.#dims], data)
  }

  /** The gradient by the mask of what has the gradient `gradient` by the picture. */
  pull(mask: Float32Array, gradient: Float32Array): Float64Array {
    const steps = this.#levels.length - 1
    const out = new Float64Array(mask.length)
    this.#visit(mask, (at, _, low, high, place) => {
      out[place] =
        (out[place] as number) + steps * ((high[at] as number) - (low[at] as number)) * (gradient[at] as number)
    })
    return out
  }

  get #size(): number {
    return this.#dims.reduce((a, b) => a * b, 1)
  }

  #visit(
    mask: Float32Array,
    each: (at: number, share: number, low: Float32Array, high: Float32Array, place: number) => void,
  ): void {
    const steps = this.#levels.length - 1
    const [row, column] = this.#strides
    for (const [place, m] of mask.entries()) {
      const level = Math.min(steps - 1, Math.max(0, Math.floor(m * steps)))
      const [low, high] = [this.#levels[level], this.#levels[level + 1]]
      if (!low || !high) continue
      const pixel = Math.floor(place / this.width) * row + (place % this.width) * column
      for (const start of this.#starts) each(start + pixel, m * steps - level, low, high, place)
    }
  }
}
