/** The places of pictures, volumes, clips and signals, whatever their layout. */
import type { Grid } from './layout.js'

/** Where the values of each place of a picture lie, places in the order of a map `[depth, height, width]`. */
export class Places {
  readonly count: number
  readonly #first: Uint32Array
  readonly #channels: readonly number[]

  constructor({ C, D, H, W }: Grid) {
    this.count = D.extent * H.extent * W.extent
    this.#first = new Uint32Array(this.count)
    for (let z = 0, i = 0; z < D.extent; z++)
      for (let y = 0; y < H.extent; y++)
        for (let x = 0; x < W.extent; x++, i++) this.#first[i] = z * D.stride + y * H.stride + x * W.stride
    this.#channels = Array.from({ length: C.extent }, (_, c) => c * C.stride)
  }

  get channels(): number {
    return this.#channels.length
  }

  /** The element of one channel of a place. */
  at(place: number, channel: number): number {
    return (this.#first[place] ?? 0) + (this.#channels[channel] ?? 0)
  }

  /** Copies a place from one picture to another. */
  copy(place: number, from: Float32Array, to: Float32Array): void {
    for (let c = 0; c < this.#channels.length; c++) {
      const at = this.at(place, c)
      to[at] = from[at] ?? 0
    }
  }

  /** Fills a place with a value a channel. */
  fill(place: number, values: readonly number[], picture: Float32Array): void {
    for (let c = 0; c < this.#channels.length; c++) picture[this.at(place, c)] = values[c] ?? 0
  }

  /** Multiplies each place by a factor; factors of one slice hold for all. */
  scale(factors: Float32Array, picture: Float32Array): void {
    for (let i = 0; i < this.count; i++) {
      const factor = factors[i % factors.length] ?? 0
      for (let c = 0; c < this.#channels.length; c++) {
        const at = this.at(i, c)
        picture[at] = (picture[at] ?? 0) * factor
      }
    }
  }
}
