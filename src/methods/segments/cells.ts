/** A grid of cells over pictures, through all slices: what Sobol and HSIC cover in part. */
import { gridOf } from '../../core/layout.js'
import type { Tensor } from '../../core/tensor.js'
import type { Segments } from './raster.js'
import { placeMap } from './shown.js'

export const CELLS_OPTION = {
  kind: 'integer',
  default: 8,
  minimum: 1,
  unit: 'cells',
  description: 'cells of the grid along each side',
} as const

/** Cells of a picture as segments; a signal has one row of them. */
export interface Cells extends Segments {
  readonly down: number
  readonly across: number
}

export function cellsOf(input: Tensor<'float32'>, layout: string, cells: number): Cells {
  const { D, H, W } = gridOf(layout.slice(1), input.dims.slice(1))
  const [depth, height, width] = [D.extent, H.extent, W.extent]
  const [down, across] = [Math.min(cells, height), Math.min(cells, width)]
  const labels = Int32Array.from({ length: depth * height * width }, (_, at) => {
    const [x, y] = [at % width, Math.floor(at / width) % height]
    return Math.floor(((y + 0.5) * down) / height) * across + Math.floor(((x + 0.5) * across) / width)
  })
  return { depth, height, width, down, across, labels, count: down * across }
}

/** One value a cell as a map, in between by cubic convolution (Keys 1981, a = -0.5) as TensorFlow resizes: Xplique's maps. */
export function cellMap(values: ArrayLike<number>, cells: Cells, layout: string): Tensor<'float32'> {
  const { depth, height, width, down, across } = cells
  const [rows, columns] = [cubic(height, down), cubic(width, across)]
  const map = new Float32Array(depth * height * width)
  for (let y = 0, i = 0; y < height; y++)
    for (let x = 0; x < width; x++, i++) {
      let sum = 0
      for (const { at: row, weight: v } of rows[y] ?? [])
        for (const { at: column, weight: u } of columns[x] ?? []) sum += v * u * (values[row * across + column] ?? 0)
      for (let z = 0; z < depth; z++) map[z * height * width + i] = sum
    }
  return placeMap(map, cells, layout)
}

interface Tap {
  readonly at: number
  readonly weight: number
}

/** For each of `to` places the cells of `from` that it is made of; those beyond the border are left out. */
function cubic(to: number, from: number): readonly (readonly Tap[])[] {
  return Array.from({ length: to }, (_, i) => {
    const place = ((i + 0.5) * from) / to - 0.5
    const first = Math.floor(place) - 1
    const taps = [0, 1, 2, 3]
      .map((k) => ({ at: first + k, weight: keys(Math.abs(place - first - k)) }))
      .filter(({ at }) => at >= 0 && at < from)
    const total = taps.reduce((sum, { weight }) => sum + weight, 0)
    return taps.map(({ at, weight }) => ({ at, weight: weight / total }))
  })
}

function keys(d: number): number {
  if (d >= 2) return 0
  return d < 1 ? (1.5 * d - 2.5) * d * d + 1 : ((-0.5 * d + 2.5) * d - 4) * d + 2
}

/** A Latin hypercube: `count` points in [0, 1), one in each of as many strata along every dimension. Points are rows. */
export function latinHypercube(count: number, dimensions: number, chance: () => number): readonly Float64Array[] {
  const points = Array.from({ length: count }, () => new Float64Array(dimensions))
  for (let d = 0; d < dimensions; d++) {
    const strata = Uint32Array.from({ length: count }, (_, i) => i)
    for (const [i, point] of points.entries()) {
      const j = i + Math.floor(chance() * (count - i))
      const stratum = strata[j] ?? 0
      strata[j] = strata[i] ?? 0
      point[d] = (stratum + chance()) / count
    }
  }
  return points
}
