/** Figures as files: PNG by sharp, SVG as it is. */
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { extname } from 'node:path'
import sharp from 'sharp'
import { ExplainError } from '../core/errors.js'
import {
  type ChartPanel,
  type FigureFonts,
  type FigureSpec,
  layoutChart,
  layoutFigure,
  type Pixels,
  parseFont,
  type Scene,
  type SceneImage,
  sceneToSvg,
} from '../render/index.js'
import { stretched } from './codec.js'

/** Inter, with the extended Latin letters to fall back on. */
async function fonts(): Promise<FigureFonts> {
  const { resolve } = createRequire(import.meta.url)
  const file = (set: string, weight: number): Promise<Uint8Array> =>
    readFile(resolve(`@fontsource/inter/files/inter-${set}-${weight}-normal.woff`))
  return {
    regular: parseFont(await file('latin', 400), await file('latin-ext', 400)),
    bold: parseFont(await file('latin', 600), await file('latin-ext', 600)),
  }
}

/** A scene as PNG: its pictures on their boxes, the vector layer above. */
async function sceneToPng(scene: Scene): Promise<Uint8Array> {
  const layers = await Promise.all(
    sceneImages(scene).map(async ({ x, y, width, height, pixels }) => ({
      input: await stretched(pixels, width, height).raw().toBuffer(),
      raw: { width, height, channels: 4 as const },
      left: x,
      top: y,
      limitInputPixels: false,
    })),
  )
  const { width, height, background } = scene
  // what is drawn here was made here: the limit is for files of others
  return sharp({ create: { width, height, channels: 4, background }, limitInputPixels: false })
    .composite([...layers, { input: Buffer.from(sceneToSvg(scene)), left: 0, top: 0, limitInputPixels: false }])
    .removeAlpha()
    .png()
    .toBuffer()
}

function sceneImages(scene: Scene): readonly SceneImage[] {
  return scene.items.filter((item): item is SceneImage => item.kind === 'image')
}

async function sceneToSvgFile(scene: Scene): Promise<Uint8Array> {
  const uris = new Map<Pixels, string>()
  for (const { pixels, width, height } of sceneImages(scene)) {
    const png = await stretched(pixels, width, height).png().toBuffer()
    uris.set(pixels, `data:image/png;base64,${png.toString('base64')}`)
  }
  return Buffer.from(sceneToSvg(scene, (pixels) => uris.get(pixels) ?? ''))
}

/** The formats that figures and overlays are written in, by the file's ending. */
const FORMATS = ['.png', '.svg', '.jpg', '.jpeg', '.webp'] as const

/** Throws `bad-option` for an ending that nothing is written in. */
export function refuseFormat(path: string): void {
  const ending = extname(path).toLowerCase()
  if (FORMATS.some((f) => f === ending)) return
  throw new ExplainError('bad-option', {
    what: `"${path}" ends in ${ending === '' ? 'nothing' : `"${ending}"`}`,
    remedy: `Pictures are written as ${FORMATS.join(', ')}.`,
  })
}

/** A figure's file contents, in the format that the path's ending asks for. */
export async function drawFigure(spec: FigureSpec, path: string): Promise<Uint8Array> {
  return drawScene(layoutFigure(spec, await fonts()), path)
}

/** Curves' file contents, in the format that the path's ending asks for. */
export async function drawChart(panels: readonly ChartPanel[], path: string): Promise<Uint8Array> {
  return drawScene(layoutChart(panels, await fonts()), path)
}

async function drawScene(scene: Scene, path: string): Promise<Uint8Array> {
  refuseFormat(path)
  if (extname(path).toLowerCase() === '.svg') return sceneToSvgFile(scene)
  return inFormat(await sceneToPng(scene), path)
}

async function inFormat(png: Uint8Array, path: string): Promise<Uint8Array> {
  const ending = extname(path).toLowerCase()
  const image = sharp(png, { limitInputPixels: false })
  if (ending === '.webp') return image.webp({ quality: 90 }).toBuffer()
  if (ending === '.jpg' || ending === '.jpeg') return image.jpeg({ quality: 92, chromaSubsampling: '4:4:4' }).toBuffer()
  return png
}
