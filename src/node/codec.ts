/** Pictures from files and to files, by sharp. */
import sharp, { type Sharp } from 'sharp'
import { ExplainError } from '../core/errors.js'
import { MAX_PIXELS, type Picture } from '../image/index.js'
import type { Pixels } from '../render/index.js'

/** What is read. */
const FORMATS = new Set(['jpeg', 'png', 'webp', 'heif', 'tiff', 'gif'])

/**
 * Decodes JPEG, PNG, WebP, AVIF, TIFF or GIF (its first frame) to RGBA8: EXIF orientation applied, grey and 16 bit converted,
 * transparency kept. Rejects with `invalid-image`, or `image-too-large` above 2^27 pixels.
 */
export async function decodePicture(bytes: Uint8Array, name: string): Promise<Picture> {
  const bad = (what: string, cause?: unknown): ExplainError =>
    new ExplainError('invalid-image', {
      what,
      where: name,
      remedy: 'Give a whole JPEG, PNG, WebP, AVIF, TIFF or GIF file.',
      cause,
    })
  if (bytes.byteLength === 0) throw bad('The picture file is empty')
  const image = sharp(bytes, { limitInputPixels: false, failOn: 'truncated' })
  const meta = await image.metadata().catch((cause: unknown) => {
    throw bad('This is not a picture that can be read', cause)
  })
  if (!FORMATS.has(meta.format)) throw bad(`Pictures of the format ${meta.format} are not read`)
  if (meta.width * meta.height > MAX_PIXELS)
    throw new ExplainError('image-too-large', {
      what: `The picture has ${meta.width} x ${meta.height} pixels; at most ${MAX_PIXELS} are read`,
      where: name,
      remedy: 'Make it smaller first; networks look at a few hundred pixels a side.',
    })
  try {
    const { data, info } = await image
      .autoOrient()
      .toColourspace('srgb')
      .ensureAlpha()
      .raw({ depth: 'uchar' })
      .toBuffer({ resolveWithObject: true })
    return { width: info.width, height: info.height, data: new Uint8Array(data) }
  } catch (cause) {
    throw bad(`The picture is damaged or cut short: ${firstLine(cause)}`, cause)
  }
}

function firstLine(cause: unknown): string {
  return (cause instanceof Error ? cause.message : String(cause)).split('\n')[0] ?? ''
}

function raw(pixels: Pixels): Sharp {
  return sharp(pixels.data, { raw: { width: pixels.width, height: pixels.height, channels: 4 } })
}

/** Pixels stretched to a size, for sharp to go on with. */
export function stretched(pixels: Pixels, width: number, height: number): Sharp {
  return raw(pixels).resize(width, height, { fit: 'fill', kernel: 'lanczos3' })
}
