/** Pictures, volumes, clips and signals as segmentation sees them, and what it makes of them. */
import { extremes } from '../../core/extremes.js'
import { gridOf } from '../../core/layout.js'
import { Places } from '../../core/places.js'
import type { Tensor } from '../../core/tensor.js'

/** Sides of what is cut into segments; a picture has one slice, a signal one row too. */
export interface Sides {
  readonly depth: number
  readonly height: number
  readonly width: number
}

/** One plane `[D,H,W]` a channel. */
export interface Raster extends Sides {
  readonly planes: readonly Float64Array[]
}

/** Which segment each place `[D,H,W]` is in: numbers from 0 to `count` - 1. */
export interface Segments extends Sides {
  readonly labels: Int32Array
  readonly count: number
}

/** A preprocessed picture `[1,C,H,W]` (or as `layout` says), its values scaled to `low` ... `high`; 0 where it is of one value. */
export function rasterOf(input: Tensor<'float32'>, layout: string, low: number, high: number): Raster {
  const grid = gridOf(layout.slice(1), input.dims.slice(1))
  const { D, H, W } = grid
  const [least, most] = extremes(input.data)
  const range = most - least
  const places = new Places(grid)
  const scaled = (v: number): number => (range === 0 ? 0 : low + ((v - least) / range) * (high - low))
  const planes = Array.from({ length: places.channels }, (_, c) =>
    Float64Array.from({ length: places.count }, (_, i) => scaled(input.data[places.at(i, c)] ?? 0)),
  )
  return { depth: D.extent, height: H.extent, width: W.extent, planes }
}

/** Segments whose labels are any whole numbers, numbered anew in the order of these. */
export function numbered(sides: Sides, roots: Int32Array): Segments {
  const names = new Map([...new Set(roots)].sort((a, b) => a - b).map((root, i) => [root, i]))
  const { depth, height, width } = sides
  return { depth, height, width, labels: roots.map((root) => names.get(root) ?? 0), count: names.size }
}
