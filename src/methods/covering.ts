/** Squares that cover a part of a model's input, and the map that the drops of the score under them make: occlusion sensitivity, square by square. */
import { type Grid, gridOf } from '../core/layout.js'
import { float32, type Tensor } from '../core/tensor.js'

/** A square of the model's input, through some of its slices; `x1`, `y1`, `z1` exclusive. */
export interface Square {
  readonly x0: number
  readonly y0: number
  readonly z0: number
  readonly x1: number
  readonly y1: number
  readonly z1: number
}

/** A box along the places' axes of a layout: its first place, and the one behind its last. */
export function intervalsOf(box: Square, letters: string): readonly (readonly [number, number])[] {
  const along = { D: [box.z0, box.z1], H: [box.y0, box.y1], W: [box.x0, box.x1] } as const
  return [...letters].flatMap((l) => (l === 'D' || l === 'H' || l === 'W' ? [along[l]] : []))
}

/** Pixels and slices of the model's input. */
export interface InputExtent {
  readonly depth: number
  readonly height: number
  readonly width: number
}

/** Fills a square of one picture, whose first element is at `offset`, with a value a channel. */
export function fillSquare(
  data: Float32Array,
  offset: number,
  { C, D, H, W }: Grid,
  square: Square,
  fill: readonly number[],
): void {
  visit(square, (z, y, x) => {
    const at = offset + z * D.stride + y * H.stride + x * W.stride
    for (let c = 0; c < C.extent; c++) data[at + c * C.stride] = fill[c] ?? 0
  })
}

/** A picture `[1,C,H,W]` (or as `layout` says) that is covered all over: one value a channel. */
export function covered(input: Tensor<'float32'>, layout: string, fill: readonly number[]): Float32Array {
  const grid = gridOf(layout.slice(1), input.dims.slice(1))
  const data = new Float32Array(input.data.length)
  const whole = { x0: 0, y0: 0, z0: 0, x1: grid.W.extent, y1: grid.H.extent, z1: grid.D.extent }
  fillSquare(data, 0, grid, whole, fill)
  return data
}

/** At each pixel the mean drop over the squares that cover it; 0 where none does. */
export class MeanDrops {
  readonly #size: InputExtent
  readonly #sums: readonly Float64Array[]
  /** How many squares cover each place. */
  readonly counts: Float64Array

  constructor(size: InputExtent, targets: number) {
    const places = size.depth * size.height * size.width
    this.#size = size
    this.#sums = Array.from({ length: targets }, () => new Float64Array(places))
    this.counts = new Float64Array(places)
  }

  /** @param drops what the score of each target fell by under the square. */
  add(square: Square, drops: readonly number[]): void {
    const { height, width } = this.#size
    visit(square, (z, y, x) => {
      const at = (z * height + y) * width + x
      this.counts[at] = (this.counts[at] ?? 0) + 1
      for (const [t, sum] of this.#sums.entries()) sum[at] = (sum[at] ?? 0) + (drops[t] ?? 0)
    })
  }

  /**
   * One map a target.
   * @param reach each place takes the mean over the covered ones up to so many pixels away, as long as squares are missing between; 0: its own.
   */
  maps(dims: readonly number[], reach = 0): Tensor<'float32'>[] {
    const near = (values: Float64Array): Float64Array => (reach > 0 ? boxSums(values, this.#size, reach) : values)
    const counts = near(this.counts)
    return this.#sums.map((sum) =>
      float32(
        dims,
        Float32Array.from(near(sum), (v, i) => (counts[i] ? v / (counts[i] ?? 1) : 0)),
      ),
    )
  }
}

/** Sums over the pixels up to `reach` away in both directions, slice by slice. */
function boxSums(values: Float64Array, { depth, height, width }: InputExtent, reach: number): Float64Array {
  const along = (of: Float64Array, count: number, extent: number, step: number, first: (i: number) => number) => {
    const out = new Float64Array(of.length)
    for (let i = 0; i < count; i++) {
      const sums = new Float64Array(extent + 1)
      for (let j = 0; j < extent; j++) sums[j + 1] = (sums[j] ?? 0) + (of[first(i) + j * step] ?? 0)
      for (let j = 0; j < extent; j++) {
        const [low, high] = [Math.max(0, j - reach), Math.min(extent, j + reach + 1)]
        out[first(i) + j * step] = (sums[high] ?? 0) - (sums[low] ?? 0)
      }
    }
    return out
  }
  const rows = along(values, depth * height, width, 1, (i) => i * width)
  return along(rows, depth * width, height, width, (i) => Math.floor(i / width) * height * width + (i % width))
}

function visit({ x0, y0, z0, x1, y1, z1 }: Square, place: (z: number, y: number, x: number) => void): void {
  for (let z = z0; z < z1; z++) for (let y = y0; y < y1; y++) for (let x = x0; x < x1; x++) place(z, y, x)
}
