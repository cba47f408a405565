/** Where the object is: boxes and masks, laid on the places of a map. */
import { ExplainError } from '../core/errors.js'
import { type Box, type Geometry, toModel, toSource } from '../image/index.js'

/** What has to be known of the picture besides its map: where the object is, as boxes, or as boxes or masks (a box is a mask too). */
export type TruthNeeds = 'nothing' | 'boxes' | 'mask'

/** What asks for the truth. */
interface Asking {
  readonly id: string
  readonly needs: TruthNeeds
}

/** A mask of one object: 1 (or anything but 0) where it is. */
export interface TruthMask {
  readonly width: number
  readonly height: number
  /** `[height, width]`, row-major. */
  readonly data: ArrayLike<number>
}

/** Where the objects of the explained class are. */
export interface GivenTruth {
  /** Pixel (i, j) covers `[i, i + 1] x [j, j + 1]`: a box of one pixel has `x1 = x0 + 1`. */
  readonly boxes?: readonly Box[] | undefined
  /** One an object, in the size of the picture, or of the model's input where `in` is `input`. */
  readonly masks?: readonly TruthMask[] | undefined
  /** What does not count, for or against: crowds, objects that are hard to tell. */
  readonly ignore?: TruthMask | undefined
  /** Whose pixels are meant. Default: `picture`. */
  readonly in?: 'picture' | 'input' | undefined
}

/** The truth on the places of a map `[height, width]`; slices of a volume have the same. */
export interface Truth {
  /** Throws `missing-ground-truth`. Boxes as they were given; of masks the boxes around them. */
  boxes(): readonly Box[]
  /** 1 where an object is, `[height, width]`; boxes are filled. Throws `missing-ground-truth`. */
  mask(): Uint8Array
  /** 1 where nothing counts. */
  ignored(): Uint8Array
}

/**
 * Lays the truth on the model's input. Boxes and masks are cut off at what the network saw; masks are read at the centres of places.
 *
 * Throws `bad-option` for boxes without an inside and masks that are not the picture's size.
 */
export function truthOn(geometry: Geometry, given: GivenTruth, metric: Asking): Truth {
  const { model } = geometry
  const isInput = given.in === 'input'
  const size = isInput ? model : geometry.source
  for (const box of given.boxes ?? []) checkBox(box)
  for (const mask of [...(given.masks ?? []), ...(given.ignore ? [given.ignore] : [])]) checkMask(mask, size)
  const boxes = (given.boxes ?? []).map((b) => onInput(b, geometry, isInput))
  const masks = (given.masks ?? []).map((m) => sampled(m, geometry, isInput))
  const some = (what: number): void => {
    if (what === 0) throw missing(metric)
  }
  return {
    boxes: () => {
      some(boxes.length + masks.length)
      return [...boxes, ...masks.flatMap((m) => around(m, model.width) ?? [])]
    },
    mask: () => {
      some(boxes.length + masks.length)
      const all = [...boxes.map((b) => filled(b, model.width, model.height)), ...masks]
      return all.reduce((a, b) => a.map((v, i) => v | (b[i] ?? 0)), new Uint8Array(model.width * model.height))
    },
    ignored: () =>
      given.ignore ? sampled(given.ignore, geometry, isInput) : new Uint8Array(model.width * model.height),
  }
}

/** The part of a box that the network saw, in the model input's pixels. */
function onInput(box: Box, geometry: Geometry, isInput: boolean): Box {
  const { width, height } = geometry.model
  const place = (x: number, y: number) => (isInput ? { x, y } : toModel({ x, y }, geometry))
  const [from, to] = [place(box.x0, box.y0), place(box.x1, box.y1)]
  const cut = (v: number, most: number): number => Math.min(most, Math.max(0, v))
  return { x0: cut(from.x, width), y0: cut(from.y, height), x1: cut(to.x, width), y1: cut(to.y, height) }
}

function sampled({ width, height, data }: TruthMask, geometry: Geometry, isInput: boolean): Uint8Array {
  const { model } = geometry
  return Uint8Array.from({ length: model.width * model.height }, (_, i) => {
    const centre = { x: (i % model.width) + 0.5, y: Math.floor(i / model.width) + 0.5 }
    const { x, y } = isInput ? centre : toSource(centre, geometry)
    const isInside = x >= 0 && y >= 0 && x < width && y < height
    return isInside && data[Math.floor(y) * width + Math.floor(x)] ? 1 : 0
  })
}

/** A box as a mask: the places whose centres lie in it, and one where there is none. */
function filled(box: Box, width: number, height: number): Uint8Array {
  const out = new Uint8Array(width * height)
  const span = (from: number, to: number, most: number): readonly [number, number] => {
    const first = Math.min(most - 1, Math.max(0, Math.ceil(from - 0.5)))
    return [first, Math.max(first, Math.ceil(to - 0.5) - 1)]
  }
  if (box.x1 <= box.x0 || box.y1 <= box.y0) return out
  const [left, right] = span(box.x0, box.x1, width)
  const [top, bottom] = span(box.y0, box.y1, height)
  for (let y = top; y <= bottom; y++) out.fill(1, y * width + left, y * width + right + 1)
  return out
}

/** The box around a mask; undefined where it is empty. */
export function around(mask: Uint8Array, width: number): Box | undefined {
  let [x0, y0, x1, y1] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY, -1, -1]
  for (const [i, v] of mask.entries()) {
    if (!v) continue
    const [x, y] = [i % width, Math.floor(i / width)]
    x0 = Math.min(x0, x)
    y0 = Math.min(y0, y)
    x1 = Math.max(x1, x + 1)
    y1 = Math.max(y1, y + 1)
  }
  return x1 < 0 ? undefined : { x0, y0, x1, y1 }
}

function missing({ id, needs }: Asking): ExplainError {
  const wanted = needs === 'boxes' ? 'boxes (or masks)' : 'a mask or boxes'
  return new ExplainError('missing-ground-truth', {
    what: `${id} holds the map to where the object is, and needs ${wanted}`,
    where: 'truth',
    remedy: 'Give truth: { boxes: [{ x0: 40, y0: 30, x1: 200, y1: 180 }] } in the pixels of the picture.',
    details: { metric: id, needs },
  })
}

function checkBox(box: Box): void {
  if (box.x1 > box.x0 && box.y1 > box.y0) return
  throw new ExplainError('bad-option', {
    what: `The box from (${box.x0}, ${box.y0}) to (${box.x1}, ${box.y1}) has no inside`,
    where: 'truth',
    remedy: 'Give x0 < x1 and y0 < y1: { x0: 40, y0: 30, x1: 200, y1: 180 }.',
  })
}

function checkMask(mask: TruthMask, size: { readonly width: number; readonly height: number }): void {
  const { width, height, data } = mask
  if (width === size.width && height === size.height && data.length === width * height) return
  throw new ExplainError('bad-option', {
    what: `A mask of ${width} x ${height} with ${data.length} values does not fit ${size.width} x ${size.height} pixels`,
    where: 'truth',
    remedy: 'Give masks in the size of the picture, or of the model input with in: "input".',
  })
}
