/** Mosaics of pictures for the grid pointing game. */
import { ExplainError } from '../core/errors.js'
import { gridOf } from '../core/layout.js'
import { float32, sizeOf, type Tensor } from '../core/tensor.js'
import type { Image, ImageOptions, Model } from '../explain/index.js'
import { type Box, resizePlane } from '../image/index.js'

export interface Mosaic {
  /** Preprocessed, as the model takes it. */
  readonly image: Tensor<'float32'>
  /** The cell of each picture, in pixels of `image`: `truth: { boxes: [cells[i]], in: 'input' }`. */
  readonly cells: readonly Box[]
}

/**
 * Pictures side by side in a square of 4, 9, ... cells, in reading order. Models that take any size get them whole; others get each
 * scaled down (averaging) to fit into one input. Throws `bad-option` for another number of pictures, `method-not-applicable` for volumes
 * and signals, and what preparing the pictures throws.
 */
export function mosaic(model: Model, images: readonly Image[], options: ImageOptions = {}): Mosaic {
  const side = Math.sqrt(images.length)
  if (!Number.isInteger(side) || side < 2)
    throw new ExplainError('bad-option', {
      what: `${images.length} pictures do not fill a square of cells`,
      where: 'mosaic',
      remedy: 'Give 4 pictures (2 x 2) or 9 (3 x 3), each of another class.',
    })
  const { layout, height, width } = model.input
  if (!layout.includes('H') || layout.includes('D'))
    throw new ExplainError('method-not-applicable', { what: `Mosaics are of pictures; this model takes ${layout}` })
  const pictures = images.map((image) => model.prepare(image, options).feed.pictures)
  const [first] = pictures
  if (!first || pictures.some((p) => p.dims.join() !== first.dims.join()))
    throw new ExplainError('bad-option', {
      what: `The pictures of a mosaic differ in size: ${pictures.map((p) => `[${p.dims.join(', ')}]`).join(', ')}`,
      where: 'mosaic',
      remedy: 'Give one size for all: size: 224.',
    })
  const from = gridOf(layout, first.dims)
  const isFree = height === undefined && width === undefined
  const [high, wide] = [from.H.extent, from.W.extent]
  const cell = isFree ? { high, wide } : { high: Math.floor(high / side), wide: Math.floor(wide / side) }
  const dims = [...layout].map((letter, i) =>
    isFree && (letter === 'H' || letter === 'W') ? (first.dims[i] ?? 1) * side : (first.dims[i] ?? 1),
  )
  const to = gridOf(layout, dims)
  const data = new Float32Array(sizeOf(dims))
  const cells = pictures.map((picture, i) => {
    const [top, left] = [Math.floor(i / side) * cell.high, (i % side) * cell.wide]
    for (let c = 0; c < from.C.extent; c++) {
      const plane = Float32Array.from({ length: high * wide }, (_, at) => {
        const [y, x] = [Math.floor(at / wide), at % wide]
        return picture.data[c * from.C.stride + y * from.H.stride + x * from.W.stride] ?? 0
      })
      const small = resizePlane(plane, wide, high, cell.wide, cell.high, 'bilinear')
      for (const [at, v] of small.entries()) {
        const [y, x] = [top + Math.floor(at / cell.wide), left + (at % cell.wide)]
        data[c * to.C.stride + y * to.H.stride + x * to.W.stride] = v
      }
    }
    return { x0: left, y0: top, x1: left + cell.wide, y1: top + cell.high }
  })
  return { image: float32(dims, data), cells }
}
