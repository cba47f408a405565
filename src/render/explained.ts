/** Explanations drawn: each by the way its method is shown, with its colour bar, and several as the comparison figure. */
import { ExplainError } from '../core/errors.js'
import type { Bar } from './bar.js'
import { COLORMAPS, type ColormapName } from './colormaps.js'
import type { FigureCell, FigureColumn, FigureRow, FigureSpec } from './figure.js'
import { normalise, PIXEL_PERCENTILE } from './normalise.js'
import { type OverlayOptions, overlay, pixelAttribution } from './overlay.js'
import type { Pixels } from './pixels.js'

/** A map on the pixels of a picture. */
export interface PictureMap {
  readonly heatmap: {
    readonly width: number
    readonly height: number
    readonly data: Float32Array
    readonly seen: { readonly x0: number; readonly y0: number; readonly x1: number; readonly y1: number }
  }
  /** `[channels, height, width]`, for maps with channels. */
  readonly channels: (() => Float32Array) | undefined
}

/** What is drawn of an explanation. */
export interface Explained {
  /** Where the map was taken; undefined for maps at no layer. */
  readonly raw?: { readonly layer: string | undefined }
  readonly method: { readonly id: string; readonly title: string; readonly display: 'positive' | 'signed' | 'pixels' }
  readonly answer: {
    readonly index: number
    readonly label: string
    readonly logit: number
    readonly probability: number | null
    /** Equal for explanations of the same target. */
    readonly key: string
  }
  /** The map on the picture scaled to a size; `sum` adds colour channels up, signs and all. */
  at(size: { readonly width: number; readonly height: number }, channels?: 'sum'): PictureMap
  readonly diagnosis: readonly { readonly code: string; readonly message: string }[]
}

export interface DrawOptions {
  /** Default: `turbo` for positive maps, `red-blue` for signed ones. */
  readonly colormap?: ColormapName | undefined
  /** 0..1; default: as {@link overlay} has it. */
  readonly opacity?: number | undefined
  /**
   * Draws evidence against the class too, around zero; colour channels are summed, since their largest magnitude has no sign. Default: as
   * the method is usually shown.
   */
  readonly signed?: boolean | undefined
  /** Share of the largest magnitude, 0..1, below which an overlay draws nothing. Default: 0. */
  readonly threshold?: number | undefined
}

/** A drawn map and its colour bar. */
export interface Drawn {
  readonly image: Pixels
  readonly bar: Bar
}

/**
 * Draws one explanation over its picture, or, for guided backpropagation and its like, beside it on grey. The map is made at the size of
 * the picture given, which may be a small copy, and the bar tells of what is drawn.
 */
export function drawExplained(picture: Pixels, explained: Explained, options: DrawOptions = {}): Drawn {
  const { method } = explained
  const coloured = method.display === 'pixels' && options.signed === undefined && options.colormap === undefined
  const planes = coloured ? explained.at(picture).channels?.() : undefined
  const count = (planes?.length ?? 0) / (picture.width * picture.height)
  // other numbers of channels have no colours: they are drawn by their magnitude
  if (planes && (count === 1 || count === 3)) {
    const { low, high, ...image } = pixelAttribution(planes, picture.width, picture.height)
    return { image, bar: { colormap: 'grey', low, high, kind: 'signed' } }
  }
  const signed = options.signed ?? method.display === 'signed'
  const kind = signed ? 'signed' : 'positive'
  const colormap = options.colormap ?? (signed ? 'red-blue' : 'turbo')
  if (signed && COLORMAPS[colormap].kind !== 'diverging')
    throw new ExplainError('bad-option', {
      what: `The colour map ${colormap} has no middle for zero, and this map is signed`,
      remedy: 'Use red-blue, or leave the colour map out.',
    })
  const { heatmap, channels } = explained.at(picture, signed ? 'sum' : undefined)
  const { seen } = heatmap
  const inside = seenValues(heatmap)
  const scaled = normalise(inside, { kind }, channels ? PIXEL_PERCENTILE : undefined)
  // single pixels are told from the picture's own colours only on grey
  const base = channels ? { base: 'grey' as const } : {}
  const opacity = options.opacity === undefined ? {} : { opacity: options.opacity }
  const { threshold = 0 } = options
  const values = threshold > 0 ? scaled.values.map((v) => (Math.abs(v) < threshold ? 0 : v)) : scaled.values
  const image = overlay(picture, values, { colormap, seen: rectangle(seen), ...base, ...opacity })
  return { image, bar: { colormap, low: scaled.low, high: scaled.high, kind } }
}

function rectangle({ x0, y0, x1, y1 }: PictureMap['heatmap']['seen']): NonNullable<OverlayOptions['seen']> {
  return { x: x0, y: y0, width: x1 - x0, height: y1 - y0 }
}

/** The values, NaN where the network did not see the place: a percentile must not count those. */
function seenValues({ data, width, height, seen }: PictureMap['heatmap']): Float32Array {
  const values = new Float32Array(data.length).fill(Number.NaN)
  const [x0, x1] = [Math.max(0, Math.ceil(seen.x0 - 0.5)), Math.min(width, Math.floor(seen.x1 - 0.5) + 1)]
  const [y0, y1] = [Math.max(0, Math.ceil(seen.y0 - 0.5)), Math.min(height, Math.floor(seen.y1 - 0.5) + 1)]
  for (let y = y0; y < y1; y++) if (x1 > x0) values.set(data.subarray(y * width + x0, y * width + x1), y * width + x0)
  return values
}

/** A column of the figure: a method, and where it says nothing, why. */
export interface FigureMethod {
  readonly id: string
  readonly title: string
  readonly subtitle?: string | undefined
  /** The layer, where the method was taken at several. */
  readonly layer?: string | undefined
  /** Written into the column's cells instead of a map. */
  readonly refusal?: string | undefined
}

export interface ComparisonOptions extends DrawOptions {
  readonly caption?: string
  readonly footer?: string
  /** How a single map is drawn, in the place of the options for all: where one look does not suit every method. */
  readonly each?: ((explained: Explained) => DrawOptions) | undefined
  /** The bare picture as the first column. Default: where there are several methods. */
  readonly picture?: boolean | undefined
}

/** The comparison figure: a row per class; the picture, then a column per method. One method alone needs no picture beside it. */
export function comparisonFigure(
  picture: Pixels,
  methods: readonly FigureMethod[],
  explanations: readonly Explained[],
  options: ComparisonOptions = {},
): FigureSpec {
  const columns: FigureColumn[] = methods.map(({ title, subtitle }) => ({ title, ...(subtitle ? { subtitle } : {}) }))
  const classes = [...new Map(explanations.map((e) => [e.answer.key, e.answer])).values()]
  const [any] = explanations
  const plain = any ? unmapped(picture, any) : picture
  const bare = options.picture ?? methods.length > 1
  const rows = classes.map((answer): FigureRow => {
    const cells = methods.map((method): FigureCell => {
      const found = explanations.find(
        (e) =>
          e.method.id === method.id &&
          e.answer.key === answer.key &&
          (method.layer === undefined || e.raw?.layer === method.layer),
      )
      if (!found) return { message: method.refusal ?? 'not computed' }
      const [odd] = found.diagnosis
      return odd
        ? { message: `${odd.code}: ${odd.message}` }
        : drawExplained(picture, found, options.each?.(found) ?? options)
    })
    return {
      title: answer.label,
      subtitle: scoreText(answer),
      cells: bare ? [{ image: plain }, ...cells] : cells,
    }
  })
  const { caption, footer } = options
  return {
    columns: bare ? [{ title: 'Picture' }, ...columns] : columns,
    rows,
    ...(caption ? { caption } : {}),
    ...(footer ? { footer } : {}),
  }
}

/** `p = 0.40, logit 9.10`; of targets that are no class, their score. */
export function scoreText({ probability, logit }: Explained['answer']): string {
  return probability === null
    ? `score ${logit.toFixed(2)}`
    : `p = ${printProbability(probability)}, logit ${logit.toFixed(2)}`
}

/** Two decimals, or two digits where that would say nothing. */
function printProbability(p: number): string {
  return p === 0 || p >= 0.01 ? p.toFixed(2) : p.toPrecision(1)
}

/** The bare picture, what the network did not see veiled. */
function unmapped(picture: Pixels, explained: Explained): Pixels {
  const { seen } = explained.at(picture).heatmap
  return overlay(picture, new Float32Array(picture.width * picture.height), { opacity: 0, seen: rectangle(seen) })
}
