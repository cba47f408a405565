/** Masks of a coarse grid of cells, enlarged bilinearly and blurred: separable, so that rows and columns have a matrix each. */
import { gaussian } from './blur.js'

/** `[size, cells]`: what each pixel takes of each cell. */
interface Weights {
  readonly size: number
  readonly cells: number
  readonly values: Float64Array
}

/** Bilinear, pixel centres at halves, then a blur by `deviation` pixels that is renormalised at the border, so that even masks stay even. */
function weightsOf(size: number, cells: number, deviation: number): Weights {
  const linear = new Float64Array(size * cells)
  for (let i = 0; i < size; i++) {
    const at = Math.min(cells - 1, Math.max(0, ((i + 0.5) * cells) / size - 0.5))
    const low = Math.floor(at)
    const high = Math.min(cells - 1, low + 1)
    linear[i * cells + low] = (linear[i * cells + low] ?? 0) + 1 - (at - low)
    linear[i * cells + high] = (linear[i * cells + high] ?? 0) + (at - low)
  }
  if (deviation === 0) return { size, cells, values: linear }
  const reach = Math.ceil(4 * deviation)
  const kernel = gaussian(deviation, reach)
  const values = new Float64Array(size * cells)
  for (let i = 0; i < size; i++) {
    let total = 0
    for (let j = Math.max(0, i - reach); j <= Math.min(size - 1, i + reach); j++) {
      const w = kernel[Math.abs(i - j)] ?? 0
      total += w
      for (let c = 0; c < cells; c++)
        values[i * cells + c] = (values[i * cells + c] ?? 0) + w * (linear[j * cells + c] ?? 0)
    }
    for (let c = 0; c < cells; c++) values[i * cells + c] = (values[i * cells + c] ?? 0) / total
  }
  return { size, cells, values }
}

export class SoftGrid {
  /** Cells of a mask. */
  readonly count: number
  readonly rows: number
  readonly columns: number
  readonly #rows: Weights
  readonly #columns: Weights

  /** @param cells along each side; no more than pixels, so that a side of one pixel has one. */
  constructor(height: number, width: number, cells: number, deviation: number) {
    this.rows = Math.min(cells, height)
    this.columns = Math.min(cells, width)
    this.count = this.rows * this.columns
    this.#rows = weightsOf(height, this.rows, height === 1 ? 0 : deviation)
    this.#columns = weightsOf(width, this.columns, deviation)
  }

  /** The mask `[height, width]` of its cells. */
  mask(cells: Float64Array): Float32Array {
    const { size, cells: columns, values } = this.#columns
    const wide = new Float64Array(this.rows * size)
    for (let r = 0; r < this.rows; r++)
      for (let x = 0; x < size; x++)
        for (let c = 0; c < columns; c++)
          wide[r * size + x] =
            (wide[r * size + x] as number) + (values[x * columns + c] as number) * (cells[r * columns + c] as number)
    const out = new Float32Array(this.#rows.size * size)
    for (let y = 0; y < this.#rows.size; y++)
      for (let r = 0; r < this.rows; r++) {
        const w = this.#rows.values[y * this.rows + r] as number
        if (w === 0) continue
        for (let x = 0; x < size; x++)
          out[y * size + x] = (out[y * size + x] as number) + w * (wide[r * size + x] as number)
      }
    return out
  }

  /** The gradient by the cells of what has the gradient `gradient` by the mask. */
  pull(gradient: Float64Array): Float64Array {
    const { size, cells: columns, values } = this.#columns
    const wide = new Float64Array(this.rows * size)
    for (let y = 0; y < this.#rows.size; y++)
      for (let r = 0; r < this.rows; r++) {
        const w = this.#rows.values[y * this.rows + r] as number
        if (w === 0) continue
        for (let x = 0; x < size; x++)
          wide[r * size + x] = (wide[r * size + x] as number) + w * (gradient[y * size + x] as number)
      }
    const out = new Float64Array(this.count)
    for (let r = 0; r < this.rows; r++)
      for (let x = 0; x < size; x++)
        for (let c = 0; c < columns; c++)
          out[r * columns + c] =
            (out[r * columns + c] as number) + (values[x * columns + c] as number) * (wide[r * size + x] as number)
    return out
  }
}
