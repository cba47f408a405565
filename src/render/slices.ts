/** Maps of volumes and clips: a row of slices or frames for each map, all on one scale. */
import { type Drawn, type DrawOptions, drawExplained, type Explained } from './explained.js'
import type { FigureCell, FigureRow, FigureSpec } from './figure.js'
import type { Pixels } from './pixels.js'

/** Slices that a figure shows. */
export const SHOWN_SLICES = 6

/** Up to `count` slices of `depth`, evenly chosen: the middles of as many equal parts. */
export function evenSlices(depth: number, count: number = SHOWN_SLICES): readonly number[] {
  const shown = Math.min(depth, count)
  return Array.from({ length: shown }, (_, i) => Math.floor(((i + 0.5) * depth) / shown))
}

/** Draws a map over some of its slices, all on one scale: that of what is drawn. */
export function drawSlices(
  slices: readonly Pixels[],
  indices: readonly number[],
  explained: Explained,
  options: DrawOptions = {},
): readonly Drawn[] {
  const chosen = indices.flatMap((i) => slices[i] ?? [])
  const [first] = chosen
  if (!first) return []
  const { width, height } = first
  const area = width * height
  // one tall picture of the slices is scaled and coloured as any other
  const tall = { width, height: height * chosen.length }
  const stacked = { ...tall, data: concatenated(chosen.map((s) => s.data)) }
  const pick = (values: Float32Array): Float32Array => {
    const channels = values.length / (area * slices.length)
    const out = new Float32Array(channels * area * indices.length)
    for (let c = 0; c < channels; c++)
      for (const [i, z] of indices.entries())
        out.set(
          values.subarray((c * slices.length + z) * area, (c * slices.length + z + 1) * area),
          (c * indices.length + i) * area,
        )
    return out
  }
  const view: Explained = {
    method: explained.method,
    answer: explained.answer,
    diagnosis: explained.diagnosis,
    at: (_, how) => {
      const { heatmap, channels } = explained.at({ width, height }, how)
      const seen = { x0: 0, y0: 0, x1: width, y1: tall.height }
      return {
        heatmap: { ...tall, data: pick(heatmap.data), seen },
        channels: channels && (() => pick(channels())),
      }
    },
  }
  const { image, bar } = drawExplained(stacked, view, options)
  return chosen.map((_, i) => ({
    image: { width, height, data: image.data.subarray(i * 4 * area, (i + 1) * 4 * area) },
    bar,
  }))
}

function concatenated(parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((n, p) => n + p.length, 0))
  let at = 0
  for (const part of parts) {
    out.set(part, at)
    at += part.length
  }
  return out
}

export interface SlicesOptions extends DrawOptions {
  readonly caption?: string
  readonly footer?: string
  /** What a slice is called. Default: `slice`. */
  readonly word?: string
}

/** The sheet of a volume or clip: a column for each slice that is shown, a row for the input, and one for each map, class by class. */
export function slicesFigure(
  slices: readonly Pixels[],
  explanations: readonly Explained[],
  options: SlicesOptions = {},
): FigureSpec {
  const indices = evenSlices(slices.length)
  const { caption, footer, word = 'slice' } = options
  const classes = [...new Set(explanations.map((e) => e.answer.key))]
  const byClass = classes.flatMap((key) => explanations.filter((e) => e.answer.key === key))
  const rows = byClass.map((e): FigureRow => {
    const [odd] = e.diagnosis
    const cells: readonly FigureCell[] = odd
      ? indices.map((_, i) => ({ message: i === 0 ? `${odd.code}: ${odd.message}` : '' }))
      : drawSlices(slices, indices, e, options)
    const subtitle = `${e.method.title}, ${e.answer.probability === null ? 'score' : 'logit'} ${e.answer.logit.toFixed(2)}`
    return { title: e.answer.label, subtitle, cells }
  })
  const plain = indices.flatMap((i) => slices[i] ?? []).map((image): FigureCell => ({ image }))
  return {
    columns: indices.map((i) => ({ title: `${word} ${i + 1} of ${slices.length}` })),
    rows: [{ title: 'Input', subtitle: '', cells: plain }, ...rows],
    ...(caption ? { caption } : {}),
    ...(footer ? { footer } : {}),
  }
}
