/**
 * Resizing, exact to Pillow's `Image.resize`: separable, antialiased, rounded to 8 bits between the two passes.
 *
 * Networks are trained on pictures resized by Pillow or by something that copies it; a canvas or another library gives
 * other pixels, and another answer. Source: Pillow 13.0, `src/libImaging/Resample.c` and `Geometry.c`. Pillow up to 12
 * always took the horizontal pass first; see {@link verticalFirst}.
 */
import type { Box } from '../core/box.js'
import { ExplainError } from '../core/errors.js'
import { computeTaps, type Filter, nearestIndices, type Taps } from './filters.js'
import { checkPicture, checkSize, type Picture } from './picture.js'

export type { Filter } from './filters.js'

/** Pillow's fixed-point weights: 8 bits of result and 2 bits of headroom are left of 32. */
const PRECISION_BITS = 32 - 8 - 2

/**
 * Whether the vertical pass comes first: where the height loses more than twice as many pixels as the width.
 *
 * That is so since Pillow 13.0 (pull request 9549, for speed). The order matters because values are rounded in between:
 * for such pictures, mostly upright ones scaled down, Pillow 12 and older differ from Pillow 13 by one grey level here and
 * there, and by more where bicubic or lanczos overshoot and are clipped.
 */
function verticalFirst(width: number, height: number, toWidth: number, toHeight: number): boolean {
  return height > toHeight && height - toHeight > (width - toWidth) * 2
}

/**
 * Resizes a picture, bit for bit as Pillow's `Image.resize((width, height), filter)` does for `RGB`.
 *
 * All four channels are treated alike, as plain data; an opaque picture stays opaque. (Pillow premultiplies `RGBA`; put
 * pictures with transparency on a background first, see `flatten`.)
 *
 * @param width width of the result in pixels, at least 1
 * @param height height of the result in pixels, at least 1
 * @returns a new picture, or the same one if the size does not change
 * Throws `invalid-image`, `bad-option` for a size that is not positive and whole, `image-too-large` above 2^27 pixels.
 */
export function resize(picture: Picture, width: number, height: number, filter: Filter): Picture {
  checkPicture(picture)
  checkSize(width, height, 'resize')
  if (picture.width === width && picture.height === height) return picture
  if (filter === 'nearest') return pickNearest(picture, width, height)
  const across = (p: Picture): Picture =>
    width === p.width ? p : horizontal8(p, computeTaps(p.width, 0, p.width, width, filter))
  const down = (p: Picture): Picture =>
    height === p.height ? p : vertical8(p, computeTaps(p.height, 0, p.height, height, filter))
  if (verticalFirst(picture.width, picture.height, width, height)) {
    checkSize(picture.width, height, 'resize, between the passes')
    return across(down(picture))
  }
  checkSize(width, picture.height, 'resize, between the passes')
  return down(across(picture))
}

function pickNearest(picture: Picture, width: number, height: number): Picture {
  const from = new Uint32Array(new Uint8Array(picture.data).buffer)
  const data = new Uint32Array(width * height)
  const columns = nearestIndices(picture.width, 0, picture.width, width)
  const rows = nearestIndices(picture.height, 0, picture.height, height)
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      data[y * width + x] = from[(rows[y] as number) * picture.width + (columns[x] as number)] as number
  return { width, height, data: new Uint8Array(data.buffer) }
}

/** Weights as integers, rounded half away from zero. */
function fixedPoint(taps: Taps): Int32Array {
  return Int32Array.from(taps.weights, (w) => Math.trunc((w < 0 ? -0.5 : 0.5) + w * (1 << PRECISION_BITS)))
}

const HALF = 1 << (PRECISION_BITS - 1)

function horizontal8(picture: Picture, taps: Taps): Picture {
  const weights = fixedPoint(taps)
  const width = taps.starts.length
  const { height, data } = picture
  const out = new Uint8ClampedArray(4 * width * height)
  for (let y = 0; y < height; y++) {
    const row = y * picture.width
    for (let x = 0; x < width; x++) {
      let at = 4 * (row + (taps.starts[x] as number))
      const end = x * taps.stride + (taps.counts[x] as number)
      let r = HALF
      let g = HALF
      let b = HALF
      let a = HALF
      for (let k = x * taps.stride; k < end; k++, at += 4) {
        const w = weights[k] as number
        r += (data[at] as number) * w
        g += (data[at + 1] as number) * w
        b += (data[at + 2] as number) * w
        a += (data[at + 3] as number) * w
      }
      const to = 4 * (y * width + x)
      out[to] = r >> PRECISION_BITS
      out[to + 1] = g >> PRECISION_BITS
      out[to + 2] = b >> PRECISION_BITS
      out[to + 3] = a >> PRECISION_BITS
    }
  }
  return { width, height, data: new Uint8Array(out.buffer) }
}

function vertical8(picture: Picture, taps: Taps): Picture {
  const weights = fixedPoint(taps)
  const height = taps.starts.length
  const { width, data } = picture
  const length = 4 * width
  const out = new Uint8ClampedArray(length * height)
  const sums = new Int32Array(length)
  for (let y = 0; y < height; y++) {
    sums.fill(HALF)
    for (let k = 0; k < (taps.counts[y] as number); k++) {
      const w = weights[y * taps.stride + k] as number
      const from = ((taps.starts[y] as number) + k) * length
      for (let i = 0; i < length; i++) sums[i] = (sums[i] as number) + (data[from + i] as number) * w
    }
    for (let i = 0; i < length; i++) out[y * length + i] = (sums[i] as number) >> PRECISION_BITS
  }
  return { width, height, data: new Uint8Array(out.buffer) }
}

/**
 * Resizes a plane of signed values as Pillow's mode `F` does: double-precision sums, single-precision planes in between.
 *
 * @param plane `[height, width]`, row-major
 * @param box the part that is resized, in pixels, may be fractional; default the whole plane. Single precision, as in Pillow.
 * @returns `[toHeight, toWidth]`, a new array
 * Throws `shape-mismatch` if the plane does not have `width * height` values, `bad-option` for a size that is not positive
 * and whole or a box that is empty or leaves the plane, `image-too-large` above 2^27 values.
 */
export function resizePlane(
  plane: Float32Array,
  width: number,
  height: number,
  toWidth: number,
  toHeight: number,
  filter: Filter,
  box: Box = { x0: 0, y0: 0, x1: width, y1: height },
): Float32Array {
  checkSize(width, height, 'resizePlane')
  checkSize(toWidth, toHeight, 'resizePlane')
  checkPlane(plane, width, height, 'resizePlane')
  const [x0, y0, x1, y1] = [Math.fround(box.x0), Math.fround(box.y0), Math.fround(box.x1), Math.fround(box.y1)]
  if (!(x0 >= 0 && y0 >= 0 && x1 <= width && y1 <= height && x1 > x0 && y1 > y0))
    throw new ExplainError('bad-option', {
      what: `The box from (${box.x0}, ${box.y0}) to (${box.x1}, ${box.y1}) is empty or leaves the ${width} x ${height} plane`,
      where: 'resizePlane',
      remedy: 'Give 0 <= x0 < x1 <= width and 0 <= y0 < y1 <= height.',
      details: { box, width, height },
    })
  // Pillow subtracts the box's edges in single precision before it divides.
  const [right, bottom] = [x0 + Math.fround(x1 - x0), y0 + Math.fround(y1 - y0)]
  if (filter === 'nearest') {
    const columns = nearestIndices(width, x0, right, toWidth)
    const rows = nearestIndices(height, y0, bottom, toHeight)
    return pickPlane(plane, width, columns, rows)
  }
  const sameX = toWidth === width && x0 === 0 && x1 === width
  const sameY = toHeight === height && y0 === 0 && y1 === height
  const across = (p: Float32Array, rows: number): Float32Array =>
    sameX ? p : horizontal(p, width, rows, computeTaps(width, x0, right, toWidth, filter))
  const down = (p: Float32Array, columns: number): Float32Array =>
    sameY ? p : vertical(p, columns, computeTaps(height, y0, bottom, toHeight, filter))
  const downFirst = verticalFirst(width, height, toWidth, toHeight)
  checkSize(downFirst ? width : toWidth, downFirst ? toHeight : height, 'resizePlane, between the passes')
  const out = downFirst ? across(down(plane, width), toHeight) : down(across(plane, height), toWidth)
  return out === plane ? plane.slice() : out
}

/** Throws `shape-mismatch` unless the plane has a value for each pixel. */
export function checkPlane(plane: Float32Array, width: number, height: number, where: string): void {
  if (plane.length !== width * height)
    throw new ExplainError('shape-mismatch', {
      what: `${plane.length} values do not fill a plane of ${height} rows and ${width} columns`,
      where,
      details: { length: plane.length, width, height },
    })
}

/** The values at the crossings of the given rows and columns. */
export function pickPlane(plane: Float32Array, width: number, columns: Int32Array, rows: Int32Array): Float32Array {
  const out = new Float32Array(columns.length * rows.length)
  for (let y = 0; y < rows.length; y++)
    for (let x = 0; x < columns.length; x++)
      out[y * columns.length + x] = plane[(rows[y] as number) * width + (columns[x] as number)] as number
  return out
}

/** One pass along the rows: `[height, width]` to `[height, taps]`. */
export function horizontal(plane: Float32Array, width: number, height: number, taps: Taps): Float32Array {
  const toWidth = taps.starts.length
  const out = new Float32Array(toWidth * height)
  for (let y = 0; y < height; y++)
    for (let x = 0; x < toWidth; x++) {
      const from = y * width + (taps.starts[x] as number)
      let sum = 0
      for (let k = 0; k < (taps.counts[x] as number); k++)
        sum += (plane[from + k] as number) * (taps.weights[x * taps.stride + k] as number)
      out[y * toWidth + x] = sum
    }
  return out
}

/** One pass along the columns: `[height, width]` to `[taps, width]`. */
export function vertical(plane: Float32Array, width: number, taps: Taps): Float32Array {
  const toHeight = taps.starts.length
  const out = new Float32Array(width * toHeight)
  const sums = new Float64Array(width)
  for (let y = 0; y < toHeight; y++) {
    sums.fill(0)
    for (let k = 0; k < (taps.counts[y] as number); k++) {
      const w = taps.weights[y * taps.stride + k] as number
      const from = ((taps.starts[y] as number) + k) * width
      for (let x = 0; x < width; x++) sums[x] = (sums[x] as number) + (plane[from + x] as number) * w
    }
    out.set(sums, y * width)
  }
  return out
}
