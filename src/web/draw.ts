/** Figures on canvases, and as files: PNG, JPEG and WebP by the browser, SVG as it is. */
import { ExplainError } from '../core/errors.js'
import {
  type FigureFonts,
  type FigureSpec,
  layoutFigure,
  type Pixels,
  type Scene,
  type SceneImage,
  sceneToSvg,
} from '../render/index.js'

/** What figures are written as. */
export type FigureType = 'image/png' | 'image/jpeg' | 'image/webp' | 'image/svg+xml'

export interface FigureFile {
  /** Default: `image/png`. */
  readonly type?: FigureType | undefined
  /** Pixels for each pixel of the layout, of which a cell has 300. Default: 2. */
  readonly scale?: number | undefined
}

const QUALITY = 0.92

/** The type that a file's ending asks for. Throws `bad-option` for an ending that nothing is written in. */
export function typeOf(name: string): FigureType {
  const ending = /\.(png|jpe?g|webp|svg)$/i.exec(name)?.[1]?.toLowerCase()
  if (ending === 'png' || ending === 'webp') return `image/${ending}`
  if (ending === 'svg') return 'image/svg+xml'
  if (ending) return 'image/jpeg'
  throw new ExplainError('bad-option', {
    what: `"${name}" has no ending that a picture is written in`,
    remedy: 'Pictures are written as .png, .svg, .jpg, .jpeg, .webp.',
  })
}

/** A figure as a file. */
export async function drawFigure(spec: FigureSpec, { type = 'image/png', scale }: FigureFile = {}): Promise<Blob> {
  const scene = layoutFigure(spec, await figureFonts(), scale === undefined ? {} : { scale })
  if (type === 'image/svg+xml') return new Blob([await sceneToSvgFile(scene)], { type })
  const canvas = new OffscreenCanvas(scene.width, scene.height)
  await drawScene(context(canvas), scene)
  return canvas.convertToBlob({ type, quality: QUALITY })
}

/** Draws a scene: its background, its pictures, everything else on top. */
async function drawScene(to: OffscreenCanvasRenderingContext2D, scene: Scene): Promise<void> {
  to.fillStyle = scene.background
  to.fillRect(0, 0, scene.width, scene.height)
  to.imageSmoothingQuality = 'high'
  for (const { pixels, x, y, width, height } of sceneImages(scene)) to.drawImage(canvasOf(pixels), x, y, width, height)
  for (const item of scene.items) {
    if (item.kind === 'path') {
      to.fillStyle = item.fill
      to.fill(new Path2D(item.d))
    } else if (item.kind === 'rect') {
      if (item.fill !== 'none') {
        to.fillStyle = item.fill
        to.fillRect(item.x, item.y, item.width, item.height)
      }
      if (item.stroke) {
        to.strokeStyle = item.stroke
        to.lineWidth = item.strokeWidth ?? 1
        to.strokeRect(item.x, item.y, item.width, item.height)
      }
    }
  }
}

async function sceneToSvgFile(scene: Scene): Promise<string> {
  const uris = new Map<Pixels, string>()
  for (const { pixels } of sceneImages(scene)) {
    const png = await canvasOf(pixels).convertToBlob({ type: 'image/png' })
    uris.set(pixels, await dataUri(png))
  }
  return sceneToSvg(scene, (pixels) => uris.get(pixels) ?? '')
}

function sceneImages(scene: Scene): readonly SceneImage[] {
  return scene.items.filter((item): item is SceneImage => item.kind === 'image')
}

/** A canvas that holds pixels. */
export function canvasOf({ width, height, data }: Pixels): OffscreenCanvas {
  const canvas = new OffscreenCanvas(width, height)
  context(canvas).putImageData(new ImageData(new Uint8ClampedArray(data), width, height), 0, 0)
  return canvas
}

function context(canvas: OffscreenCanvas): OffscreenCanvasRenderingContext2D {
  const found = canvas.getContext('2d')
  if (found) return found
  throw new ExplainError('runtime-failed', {
    what: `The browser gives no canvas of ${canvas.width} x ${canvas.height} pixels`,
    remedy: 'Draw fewer classes or methods at once.',
  })
}

async function dataUri(blob: Blob): Promise<string> {
  return new Promise((resolve, reject) => {
    const reader = new FileReader()
    reader.onload = () => resolve(String(reader.result))
    reader.onerror = () => reject(reader.error)
    reader.readAsDataURL(blob)
  })
}

/**
 * The fonts that figures are set in, for {@link layoutFigure}. They come with the code that reads fonts, most of all the code for pages, which is
 * not loaded before. Rejects with `cannot-read`.
 */
export async function figureFonts(): Promise<FigureFonts> {
  const { readFonts } = await import('./fonts.js').catch((cause: unknown) => {
    const remedy = 'Serve all files of the folder that onnxplain is loaded from.'
    throw new ExplainError('cannot-read', { what: 'The code that draws figures cannot be loaded', remedy, cause })
  })
  return readFonts()
}
