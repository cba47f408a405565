/** Explanations as figures: what they are drawn on, and a row for each class. */
import { ExplainError } from '../core/errors.js'
import type { Explanation, ExplanationSet } from '../explain/index.js'
import { flatten, type Picture, type PreprocessSpec, rendition, resize } from '../image/index.js'
import {
  type ComparisonOptions,
  comparisonFigure,
  type DrawOptions,
  type FigureMethod,
  type FigureSpec,
  shownSize,
  slicesFigure,
} from '../render/index.js'

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
export function reduced(picture: Picture): Picture {
  const { width, height } = shownSize(picture)
  if (width >= picture.width && height >= picture.height) return picture
  return resize(flatten(picture), Math.min(width, picture.width), Math.min(height, picture.height), 'lanczos')
}

/** The figure of one explanation: one cell, or one row of slices. */
export function figureOfOne(background: Background, explanation: Explanation, options: DrawOptions): FigureSpec {
  const { method } = explanation
  const set: ExplanationSet = { answers: [], explanations: [explanation], refused: [] }
  const subtitle = explanation.raw.layer ? { subtitle: `at ${explanation.raw.layer}` } : {}
  return figureOf(background, set, [{ id: method.id, title: method.title, ...subtitle }], options)
}
