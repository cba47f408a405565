/** Pictures: RGBA8 pixels in memory, and the few things done to whole pictures besides resizing. */
import { ExplainError } from '../core/errors.js'

/** RGBA, 8 bits a channel, row-major, `4 * width * height` bytes; alpha is not premultiplied. */
export interface Picture {
  readonly width: number
  readonly height: number
  readonly data: Uint8Array
}

/** A size in pixels. */
export interface Size {
  readonly width: number
  readonly height: number
}

/** 134 million pixels, half a gigabyte of RGBA: what one resize or canvas may produce. */
export const MAX_PIXELS = 2 ** 27

/** Throws `invalid-image` unless the picture has a positive whole size and the bytes that go with it. */
export function checkPicture(picture: Picture): void {
  const { width, height, data } = picture
  const whole = Number.isInteger(width) && Number.isInteger(height) && width > 0 && height > 0
  if (whole && data.length === 4 * width * height) return
  throw new ExplainError('invalid-image', {
    what: `${data.length} bytes are no RGBA picture of ${width} x ${height} pixels`,
    remedy: 'A picture has at least one pixel and four bytes (red, green, blue, alpha) for each.',
    details: { width, height, bytes: data.length },
  })
}

/** Throws `bad-option` unless the size is positive and whole, `image-too-large` above {@link MAX_PIXELS}. */
export function checkSize(width: number, height: number, where: string): void {
  if (!Number.isInteger(width) || !Number.isInteger(height) || width < 1 || height < 1)
    throw new ExplainError('bad-option', {
      what: `${width} x ${height} is no picture size`,
      where,
      remedy: 'Width and height are whole numbers of pixels, at least 1.',
      details: { width, height },
    })
  if (width * height > MAX_PIXELS)
    throw new ExplainError('image-too-large', {
      what: `${width} x ${height} pixels are more than the ${MAX_PIXELS} that are allowed`,
      where,
      remedy: 'Crop the picture, or scale it down first.',
      details: { width, height, limit: MAX_PIXELS },
    })
}

/**
 * The picture as it looks on a background: every pixel opaque.
 *
 * Pillow's `convert('RGB')` instead drops alpha and so uncovers whatever colour lies under transparent pixels, often
 * black. White is what people see in viewers and on pages. Opaque pictures are returned as they are, so nothing differs
 * from Pillow for them.
 *
 * @param background red, green, blue, each 0 to 255; default white.
 */
export function flatten(picture: Picture, background: readonly [number, number, number] = [255, 255, 255]): Picture {
  checkPicture(picture)
  const { width, height, data } = picture
  let opaque = true
  for (let i = 3; i < data.length && opaque; i += 4) opaque = data[i] === 255
  if (opaque) return picture
  const out = new Uint8Array(data.length)
  for (let i = 0; i < data.length; i += 4) {
    const alpha = data[i + 3] as number
    for (let c = 0; c < 3; c++) {
      const under = background[c] as number
      out[i + c] = Math.round(((data[i + c] as number) * alpha + under * (255 - alpha)) / 255)
    }
    out[i + 3] = 255
  }
  return { width, height, data: out }
}

/** Luma in all three colour channels, alpha kept: `(19595 R + 38470 G + 7471 B + 32768) >> 16`, Pillow's `convert('L')`. */
export function greyscale(picture: Picture): Picture {
  checkPicture(picture)
  const data = new Uint8Array(picture.data) // not slice(): that of a Node Buffer shares the bytes
  for (let i = 0; i < data.length; i += 4) {
    const [r, g, b] = [data[i] as number, data[i + 1] as number, data[i + 2] as number]
    data.fill((r * 19595 + g * 38470 + b * 7471 + 0x8000) >> 16, i, i + 3)
  }
  return { width: picture.width, height: picture.height, data }
}

/**
 * The window of `width` x `height` pixels whose top left corner is the picture's pixel (`left`, `top`), both of which may
 * be negative. What lies outside the picture is opaque black.
 *
 * Throws `bad-option` for a size that is not positive and whole or a corner that is not whole.
 */
export function crop(picture: Picture, left: number, top: number, width: number, height: number): Picture {
  checkPicture(picture)
  checkSize(width, height, 'crop')
  if (!Number.isInteger(left) || !Number.isInteger(top))
    throw new ExplainError('bad-option', {
      what: `(${left}, ${top}) is no corner of a crop`,
      where: 'crop',
      remedy: 'Left and top are whole numbers of pixels.',
    })
  const data = new Uint8Array(4 * width * height)
  for (let i = 3; i < data.length; i += 4) data[i] = 255
  const x0 = Math.max(0, left)
  const x1 = Math.min(picture.width, left + width)
  if (x1 > x0)
    for (let y = Math.max(0, top); y < Math.min(picture.height, top + height); y++) {
      const row = picture.data.subarray(4 * (y * picture.width + x0), 4 * (y * picture.width + x1))
      data.set(row, 4 * ((y - top) * width + (x0 - left)))
    }
  return { width, height, data }
}
