/** Pictures of every kind that a page has. */
import { type ImageSource, open, readImage } from '../../../src/web/index.js'
import type { Failure, Look, PictureKind } from '../told.js'
import { outcome } from './failing.js'

const KINDS: Readonly<Record<PictureKind, (url: string) => Promise<ImageSource>>> = {
  address: async (url: string) => url,
  url: async (url: string) => new URL(url, location.href),
  blob,
  file: async (url: string) => new File([await blob(url)], url, { type: 'image/png' }),
  bitmap: async (url: string) => createImageBitmap(await blob(url)),
  canvas,
  'offscreen canvas': async (url: string) => {
    const { width, height } = await canvas(url)
    const off = new OffscreenCanvas(width, height)
    off.getContext('2d')?.drawImage(await canvas(url), 0, 0)
    return off
  },
  'video frame': async (url: string) => new VideoFrame(await canvas(url), { timestamp: 0 }),
  'image data': imageData,
  element: async (url: string) => {
    const image = new Image()
    image.src = url
    await image.decode()
    return image
  },
  picture: async (url: string) => {
    const { width, height, data } = await imageData(url)
    return { width, height, data: new Uint8Array(data) }
  },
  'element that is not loaded': async () => new Image(),
  'video without a frame': async () => document.createElement('video'),
  'canvas of nothing': async () => Object.assign(document.createElement('canvas'), { width: 0, height: 0 }),
  'canvas that is huge': async () => Object.assign(document.createElement('canvas'), { width: 16_384, height: 8_193 }),
}

/** Reads a picture of a kind, and looks at places of it. */
export async function looks(
  kind: PictureKind,
  url: string,
  places: readonly (readonly [x: number, y: number])[],
): Promise<Look | Failure> {
  const source = await KINDS[kind](url)
  return outcome(async () => {
    const read = await readImage(source)
    if ('dims' in read) throw new Error('a tensor')
    const { width, height, data } = read
    return {
      width,
      height,
      pixels: places.map(([x, y]) => Array.from(data.subarray(4 * (y * width + x)).subarray(0, 4))),
    }
  })
}

async function blob(url: string): Promise<Blob> {
  return (await fetch(url)).blob()
}

async function imageData(url: string): Promise<ImageData> {
  const drawn = await canvas(url)
  const data = drawn.getContext('2d')?.getImageData(0, 0, drawn.width, drawn.height)
  if (!data) throw new Error('no 2d context')
  return data
}

async function canvas(url: string): Promise<HTMLCanvasElement> {
  const bitmap = await createImageBitmap(await blob(url))
  const { width, height } = bitmap
  const made = Object.assign(document.createElement('canvas'), { width, height })
  made.getContext('2d')?.drawImage(bitmap, 0, 0)
  return made
}

/** The first pixel that a model is fed of a picture: what its preprocessing made of it, as bytes. */
export async function firstFed(url: string): Promise<readonly number[]> {
  using model = await open(undefined, { backend: 'wasm', mean: [0, 0, 0], std: [1, 1, 1] })
  const { fed } = await model.explain(url)
  const size = fed.data.length / 3
  return [0, 1, 2].map((c) => Math.round((fed.data[c * size] ?? 0) * 255))
}
