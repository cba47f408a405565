/** What a map says at one place of the picture, in the map's own units. */
import {
  type Box,
  type Geometry,
  liftToPicture,
  type Point,
  reduceChannels,
  type Size,
  type Tensor,
  toModel,
  toSource,
} from 'onnxplain/web'
import type { PartialExplanation } from './studio.js'

/** Where a point lies among the cells of a grid that covers the model's input. */
export interface Cell {
  readonly row: number
  readonly column: number
  readonly rows: number
  readonly columns: number
  /** Its own value, before anything is drawn between cells. */
  readonly value: number
  /** In pixels of the picture. */
  readonly box: Box
}

export interface Reading {
  readonly pixel: Point
  /** Outside of what the network saw, there is none of these. */
  readonly seen:
    | {
        /** The map at the pixel, as it is drawn: straight between the middles of cells. */
        readonly value: number
        /** The map's largest magnitude. */
        readonly largest: number
        readonly cell: Cell
      }
    | undefined
}

/** A map with one value a place, which is what is read, and its largest magnitude. */
interface Plain {
  readonly map: Tensor<'float32'>
  readonly largest: number
}

/** Reads maps; what is made of a map once is kept as long as the map. */
export class Looking {
  readonly #plain = new WeakMap<object, Map<string, Plain>>()

  /** @param signed whether colour channels are summed, signs and all, as they are when the map is drawn with both signs. */
  read({ data }: PartialExplanation, point: Point, signed: boolean): Reading {
    const { geometry, reduction } = data.lifting
    const pixel = { x: Math.floor(point.x), y: Math.floor(point.y) }
    const { map, largest } = this.plain(data, signed ? 'sum' : (reduction ?? 'sum'))
    const box = { x0: pixel.x, y0: pixel.y, x1: pixel.x + 1, y1: pixel.y + 1 }
    const value = meanOver(map, geometry, box, ONE)
    const cell = cellAt(map, geometry, { x: pixel.x + 0.5, y: pixel.y + 0.5 })
    return { pixel, seen: value !== undefined && cell ? { value, largest, cell } : undefined }
  }

  /** The map with its channels made one. */
  plain({ map, lifting }: PartialExplanation['data'], how: 'sum' | 'max-abs'): Plain {
    const known = this.#plain.get(map) ?? new Map<string, Plain>()
    this.#plain.set(map, known)
    const found = known.get(how) ?? plainOf(map, lifting.layout, how)
    known.set(how, found)
    return found
  }
}

const ONE = { width: 1, height: 1 }

function plainOf(raw: Tensor<'float32'>, layout: string, how: 'sum' | 'max-abs'): Plain {
  const map = layout.includes('C') ? reduceChannels(raw, layout, how) : raw
  let largest = 0
  for (const v of map.data) if (Number.isFinite(v)) largest = Math.max(largest, Math.abs(v))
  return { map, largest }
}

/** Rows and columns of a map. */
function gridOfMap({ dims }: Tensor): { readonly rows: number; readonly columns: number } {
  return { rows: dims.at(-2) ?? 1, columns: dims.at(-1) ?? 1 }
}

/**
 * The mean of a map over a part of the picture, as it lies on the picture's pixels; undefined where the network saw none of it.
 *
 * @param samples how finely the part is read.
 */
export function meanOver(map: Tensor<'float32'>, geometry: Geometry, part: Box, samples: Size): number | undefined {
  const across = samples.width / (part.x1 - part.x0)
  const down = samples.height / (part.y1 - part.y0)
  const { x0, y0, x1, y1 } = geometry.seen
  const seen = {
    x0: (x0 - part.x0) * across,
    y0: (y0 - part.y0) * down,
    x1: (x1 - part.x0) * across,
    y1: (y1 - part.y0) * down,
  }
  const { rows, columns } = gridOfMap(map)
  const own = map.data.subarray(0, rows * columns)
  const values = liftToPicture(own, columns, rows, { ...geometry, source: samples, seen }, { outside: Number.NaN })
  const known = values.filter((v) => !Number.isNaN(v))
  return known.length === 0 ? undefined : known.reduce((sum, v) => sum + v, 0) / known.length
}

function cellAt(map: Tensor<'float32'>, geometry: Geometry, point: Point): Cell | undefined {
  const { rows, columns } = gridOfMap(map)
  const { width, height } = geometry.model
  const at = toModel(point, geometry)
  const column = Math.floor((at.x / width) * columns)
  const row = Math.floor((at.y / height) * rows)
  if (column < 0 || row < 0 || column >= columns || row >= rows) return undefined
  const first = toSource({ x: (column / columns) * width, y: (row / rows) * height }, geometry)
  const last = toSource({ x: ((column + 1) / columns) * width, y: ((row + 1) / rows) * height }, geometry)
  const box = { x0: first.x, y0: first.y, x1: last.x, y1: last.y }
  return { row, column, rows, columns, value: map.data[row * columns + column] ?? 0, box }
}
