/** Pictures from whatever holds one on a page: RGBA8 pixels, EXIF orientation applied. */
import { ExplainError } from '../core/errors.js'
import type { Tensor } from '../core/tensor.js'
import { MAX_PIXELS, type Picture } from '../image/index.js'
import { absolute } from './source.js'

/** What the browser can draw. */
export type Drawable =
  | ImageBitmap
  | HTMLCanvasElement
  | OffscreenCanvas
  | HTMLImageElement
  | HTMLVideoElement
  | VideoFrame

/**
 * A picture: an address, a file, anything that the browser can draw, decoded pixels, or an already preprocessed tensor. Pixels are not to be
 * changed afterwards: they may have been sent to the worker already.
 */
export type ImageSource = string | URL | Blob | Drawable | ImageData | Picture | Tensor<'float32'>

/**
 * The pixels, or the tensor as it is. Rejects with `cannot-read`, `invalid-image`, or `image-too-large` above 2^27 pixels. Of a video the frame
 * that is shown is taken.
 */
export async function readImage(image: ImageSource): Promise<Picture | Tensor<'float32'>> {
  if (typeof image === 'string' || image instanceof URL) return decode(await fetchPicture(image), String(image))
  if (image instanceof Blob) return decode(image, image instanceof File ? image.name : 'picture')
  if (image instanceof ImageData) {
    const { width, height, data } = image
    return { width, height, data: new Uint8Array(data.buffer, data.byteOffset, data.byteLength) }
  }
  if ('dims' in image || ('data' in image && image.data instanceof Uint8Array))
    return image as Picture | Tensor<'float32'>
  return drawn(image as Drawable)
}

async function fetchPicture(address: string | URL): Promise<Blob> {
  const url = absolute(address)
  const bad = (why: string, cause?: unknown): ExplainError =>
    new ExplainError('cannot-read', { what: `The picture "${url}" cannot be read: ${why}`, cause })
  const response = await fetch(url).catch((cause: unknown) => {
    throw bad('the server does not answer, or the page may not ask it', cause)
  })
  if (!response.ok) throw bad(response.status === 404 ? 'it does not exist' : `the server answered ${response.status}`)
  return response.blob()
}

async function decode(blob: Blob, name: string): Promise<Picture> {
  if (blob.size === 0)
    throw new ExplainError('invalid-image', { what: 'The picture file is empty', where: name, remedy: WHOLE })
  const bitmap = await createImageBitmap(blob, { imageOrientation: 'from-image', premultiplyAlpha: 'none' }).catch(
    (cause: unknown) => {
      const what = 'This is not a picture that this browser can read, or it is damaged or cut short'
      throw new ExplainError('invalid-image', { what, where: name, remedy: WHOLE, cause })
    },
  )
  try {
    return drawn(bitmap, name)
  } finally {
    bitmap.close()
  }
}

const WHOLE = 'Give a whole JPEG, PNG, WebP, AVIF or GIF file.'

/** The pixels of what the browser can draw, at its own size. */
function drawn(source: Drawable, name = 'picture'): Picture {
  const { width, height } = sizeOf(source)
  if (!(width > 0 && height > 0))
    throw new ExplainError('invalid-image', {
      what: 'The picture has no pixels yet',
      where: name,
      remedy: 'Wait until the image or the video is loaded.',
    })
  if (width * height > MAX_PIXELS)
    throw new ExplainError('image-too-large', {
      what: `The picture has ${width} x ${height} pixels; at most ${MAX_PIXELS} are read`,
      where: name,
      remedy: 'Make it smaller first; networks look at a few hundred pixels a side.',
    })
  try {
    const canvas = new OffscreenCanvas(width, height)
    const context = canvas.getContext('2d', { willReadFrequently: true })
    if (!context) throw new TypeError('no 2d context')
    context.drawImage(source, 0, 0, width, height)
    const { data } = context.getImageData(0, 0, width, height)
    return { width, height, data: new Uint8Array(data.buffer) }
  } catch (cause) {
    throw new ExplainError('invalid-image', {
      what: 'The pixels of the picture cannot be read: it comes from another site, or is too large for this browser',
      where: name,
      cause,
    })
  }
}

function sizeOf(source: Drawable): { readonly width: number; readonly height: number } {
  if (source instanceof HTMLImageElement) return { width: source.naturalWidth, height: source.naturalHeight }
  if (source instanceof HTMLVideoElement) return { width: source.videoWidth, height: source.videoHeight }
  if (typeof VideoFrame !== 'undefined' && source instanceof VideoFrame)
    return { width: source.displayWidth, height: source.displayHeight }
  return source as ImageBitmap
}
