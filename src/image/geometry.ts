/** Where the model's input lies on the picture, and the way back: maps and points. */
import type { Box } from '../core/box.js'
import { ExplainError } from '../core/errors.js'
import { computeTaps } from './filters.js'
import { checkSize, type Size } from './picture.js'
import { checkPlane, horizontal, pickPlane, vertical } from './resize.js'

export type { Box } from '../core/box.js'

/**
 * How a picture became the model's input. Coordinates are continuous: pixel (i, j) covers `[i, i + 1] x [j, j + 1]`.
 * The input's edges lie on the edges of `seen`, linearly in between; so cropping, stretching and padding are all told by it.
 */
export interface Geometry {
  /** The picture, in pixels. */
  readonly source: Size
  /** The model's input, in pixels. */
  readonly model: Size
  /** The part of the picture that the input covers, in the picture's pixels; fractional, and beyond the picture where padded. */
  readonly seen: Box
}

/** A place, in continuous pixel coordinates. */
export interface Point {
  readonly x: number
  readonly y: number
}

/** From the picture's coordinates to the model input's. The inverse of {@link toSource}. */
export function toModel(point: Point, geometry: Geometry): Point {
  const { model, seen } = geometry
  return {
    x: ((point.x - seen.x0) / (seen.x1 - seen.x0)) * model.width,
    y: ((point.y - seen.y0) / (seen.y1 - seen.y0)) * model.height,
  }
}

/** From the model input's coordinates to the picture's. The inverse of {@link toModel}. */
export function toSource(point: Point, geometry: Geometry): Point {
  const { model, seen } = geometry
  return {
    x: seen.x0 + (point.x / model.width) * (seen.x1 - seen.x0),
    y: seen.y0 + (point.y / model.height) * (seen.y1 - seen.y0),
  }
}

/** The same geometry on the picture scaled to another size. */
export function scaleGeometry(geometry: Geometry, source: Size): Geometry {
  const across = source.width / geometry.source.width
  const down = source.height / geometry.source.height
  const { x0, y0, x1, y1 } = geometry.seen
  return { ...geometry, source, seen: { x0: x0 * across, y0: y0 * down, x1: x1 * across, y1: y1 * down } }
}

/**
 * Lays a map that covers the model's input on the pixels of the picture.
 *
 * @param map `[height, width]`, row-major, signed, of any resolution: a layer's 7 x 7 as well as the input's own.
 * @param options `filter`: `bilinear` (default) places the map's values at the centres of its cells, goes straight between
 *   them and holds the outermost up to the edge; where the map is finer than the picture it averages, as Pillow's bilinear
 *   does. `nearest` gives every pixel the value of the cell that its centre lies in.
 *   `outside`: the value of pixels whose centre the network did not see; default 0.
 * @returns `[source.height, source.width]`.
 * Throws `shape-mismatch` if the map does not have `width * height` values, `bad-option` for an empty map or geometry,
 * `image-too-large` above 2^27 pixels.
 */
export function liftToPicture(
  map: Float32Array,
  width: number,
  height: number,
  geometry: Geometry,
  options: { readonly filter?: 'nearest' | 'bilinear'; readonly outside?: number } = {},
): Float32Array {
  checkSize(width, height, 'liftToPicture')
  checkPlane(map, width, height, 'liftToPicture')
  const { source, seen } = geometry
  checkSize(source.width, source.height, 'liftToPicture')
  if (!(seen.x1 > seen.x0 && seen.y1 > seen.y0))
    throw new ExplainError('bad-option', {
      what: `The seen part of the picture, (${seen.x0}, ${seen.y0}) to (${seen.x1}, ${seen.y1}), is empty`,
      where: 'liftToPicture',
      remedy: 'Take the geometry that preprocess() returned with the input.',
      details: { seen },
    })
  const out = new Float32Array(source.width * source.height).fill(options.outside ?? 0)
  const columns = span(source.width, seen.x0, seen.x1, width)
  const rows = span(source.height, seen.y0, seen.y1, height)
  if (columns.count === 0 || rows.count === 0) return out
  const lifted =
    options.filter === 'nearest'
      ? pickPlane(map, width, cells(columns, width), cells(rows, height))
      : vertical(horizontal(map, width, height, taps(columns, width)), columns.count, taps(rows, height))
  for (let y = 0; y < rows.count; y++) {
    const row = lifted.subarray(y * columns.count, (y + 1) * columns.count)
    out.set(row, (rows.first + y) * source.width + columns.first)
  }
  return out
}

/** The pixels of a line whose centres are seen, and the stretch of the map (in its cells) that they cover together. */
interface Span {
  readonly first: number
  readonly count: number
  readonly from: number
  readonly to: number
}

function span(size: number, seen0: number, seen1: number, cellCount: number): Span {
  const first = Math.max(0, Math.ceil(seen0 - 0.5))
  const last = Math.min(size - 1, Math.floor(seen1 - 0.5))
  const toCells = (x: number): number => ((x - seen0) / (seen1 - seen0)) * cellCount
  return { first, count: Math.max(0, last - first + 1), from: toCells(first), to: toCells(last + 1) }
}

const taps = (s: Span, cellCount: number): ReturnType<typeof computeTaps> =>
  computeTaps(cellCount, s.from, s.to, s.count, 'bilinear')

function cells(s: Span, cellCount: number): Int32Array {
  const step = (s.to - s.from) / s.count
  return Int32Array.from({ length: s.count }, (_, i) =>
    Math.min(cellCount - 1, Math.max(0, Math.floor(s.from + (i + 0.5) * step))),
  )
}
