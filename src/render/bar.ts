/** The colour bar: which colour stands for which value of the map. */
import { COLORMAPS, type ColormapName } from './colormaps.js'
import type { Font } from './font.js'
import type { Scaling } from './normalise.js'
import { colorise } from './overlay.js'
import type { Pixels } from './pixels.js'

export interface Bar {
  readonly colormap: ColormapName
  /** The map's own units at the left end, as `normalise` gives them. */
  readonly low: number
  /** The map's own units at the right end. */
  readonly high: number
  /** How the map was scaled: a `signed` bar has its zero marked in the middle. */
  readonly kind: Scaling['kind']
  /** Written after the numbers, say 'logit'. */
  readonly unit?: string
}

export interface BarLabel {
  readonly text: string
  readonly sizePx: number
  /** From the left end of the bar. */
  readonly x: number
  readonly anchor: 'start' | 'middle' | 'end'
}

/** The colours of a bar, one column a pixel. */
export function barPixels(bar: Bar, width: number, height: number): Pixels {
  const from = bar.kind === 'signed' && COLORMAPS[bar.colormap].kind === 'diverging' ? -1 : 0
  const row = Float32Array.from({ length: width }, (_, x) => from + ((1 - from) * x) / Math.max(1, width - 1))
  const values = new Float32Array(width * height)
  for (let y = 0; y < height; y++) values.set(row, y * width)
  return colorise(values, width, height, bar.colormap)
}

/**
 * What is written under a bar, left to right and clear of each other: both ends, and zero in the middle of a signed one. A
 * map with nothing to show (`high` not above `low`) has a single label.
 */
export function barLabels(bar: Bar, font: Font, width: number, sizePx: number, minSizePx: number): BarLabel[] {
  const unit = bar.unit ? ` ${bar.unit}` : ''
  if (!(bar.high > bar.low)) return [{ text: `${formatNumber(bar.low)}${unit}`, sizePx, x: 0, anchor: 'start' }]
  const signed = bar.kind === 'signed'
  const low = formatNumber(bar.low)
  const high = `${signed && bar.high > 0 ? '+' : ''}${formatNumber(bar.high)}`
  const place = (texts: readonly [string, string, string], size: number): BarLabel[] =>
    [
      { text: texts[0], sizePx: size, x: 0, anchor: 'start' as const },
      { text: texts[1], sizePx: size, x: width / 2, anchor: 'middle' as const },
      { text: texts[2], sizePx: size, x: width, anchor: 'end' as const },
    ].filter((label) => label.text !== '')
  const zero = signed ? '0' : ''
  const tries: readonly (readonly [string, string, string])[] = [
    [low, zero, high + unit],
    [low, zero, high],
    [low, '', high],
  ]
  for (const texts of tries) {
    for (const size of [sizePx, (sizePx + minSizePx) / 2, minSizePx]) {
      const labels = place(texts, size)
      if (areClear(labels, font, size * 0.5)) return labels
    }
  }
  return place(['', '', high], minSizePx)
}

function areClear(labels: readonly BarLabel[], font: Font, gap: number): boolean {
  let end = -Infinity
  for (const { text, sizePx, x, anchor } of labels) {
    const width = font.width(text, sizePx)
    const start = anchor === 'start' ? x : anchor === 'middle' ? x - width / 2 : x - width
    if (start < end + gap) return false
    end = start + width
  }
  return true
}

/** A number in few characters: three significant digits, a true minus sign, and an exponent only where it is shorter. */
export function formatNumber(value: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? 'NaN' : value > 0 ? '∞' : '−∞'
  if (value === 0) return '0'
  const magnitude = Math.abs(Number(value.toPrecision(3)))
  const plain = magnitude >= 0.001 && magnitude < 1e5
  const [mantissa = '', exponent] = (plain ? String(magnitude) : magnitude.toExponential()).split('e')
  const digits = exponent === undefined ? mantissa : `${mantissa}e${exponent.replace('+', '').replace('-', '−')}`
  return value < 0 ? `−${digits}` : digits
}
