/** Scenes and explanations as files: PNG by sharp, SVG as it is. */
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { extname } from 'node:path'
import sharp from 'sharp'
import { ExplainError } from '../core/errors.js'
import type { Explanation, ExplanationSet } from '../explain/index.js'
import { flatten, type Picture, type PreprocessSpec, rendition, resize } from '../image/index.js'
import {
  type ComparisonOptions,
  comparisonFigure,
  type FigureFonts,
  type FigureMethod,
  type FigureSpec,
  layoutFigure,
  type Pixels,
  parseFont,
  type Scene,
  type SceneImage,
  sceneToSvg,
  shownSize,
  slicesFigure,
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
    .flatten({ background })
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
  refuseFormat(path)
  const scene = layoutFigure(spec, await fonts())
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

/** What a set of explanations is drawn on: pictures of the slices, one for pictures. */
export interface Background {
  readonly slices: readonly Picture[]
  /** Said below the figure. */
  readonly note?: string | undefined
}

/**
 * What an explanation is drawn on: the picture, or what the model was fed where that was no picture. Throws `bad-option` where a map has no
 * picture at all.
 */
export function backgroundOf(
  explanation: Explanation,
  picture: Picture | undefined,
  preprocessing: PreprocessSpec | undefined,
): Background {
  const { drawable, input, fed } = explanation
  if (!drawable)
    throw new ExplainError('bad-option', {
      what: `The map of the input "${input}" lies on no picture`,
      remedy: 'Take the raw map: --raw FILE.npy or --json, or result.raw in the library.',
    })
  return picture ? { slices: [picture] } : rendition(fed, fed.layout, preprocessing)
}

/** The figure of a set of explanations: a row per class and a column per method; for volumes and clips a sheet of slices. */
export function figureOf(
  { slices, note }: Background,
  set: ExplanationSet,
  methods: readonly FigureMethod[],
  options: ComparisonOptions,
): FigureSpec {
  const captions = [options.caption, note].filter((text) => text !== undefined)
  const drawing = { ...options, ...(captions.length > 0 ? { caption: captions.join(' ') } : {}) }
  const [picture, ...more] = slices
  if (!picture || more.length > 0)
    return slicesFigure(slices, set.explanations, { ...drawing, word: isClip(set) ? 'frame' : 'slice' })
  const refusals = new Map(set.refused.map((r) => [r.method.id, r.error.message]))
  const columns = methods.map((m) => ({ ...m, refusal: refusals.get(m.id) }))
  return comparisonFigure(reduced(picture), columns, set.explanations, drawing)
}

/** Frames come before channels in clips alone; elsewhere nothing tells a clip from a volume. */
function isClip(set: ExplanationSet): boolean {
  return set.explanations.some((e) => e.fed.layout === 'DCHW')
}

/** A picture no larger than it is shown: a photo has many times the pixels of its cell, and each map is drawn on all of them. */
function reduced(picture: Picture): Picture {
  const { width, height } = shownSize(picture)
  if (width >= picture.width && height >= picture.height) return picture
  return resize(flatten(picture), Math.min(width, picture.width), Math.min(height, picture.height), 'lanczos')
}
