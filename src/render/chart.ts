/** Curves in panels side by side: insertion, deletion and their like, a line a method, with axes and a legend. */
import { schemeTableau10 } from 'd3-scale-chromatic'
import { ExplainError } from '../core/errors.js'
import type { FigureFonts } from './figure.js'
import type { Font } from './font.js'
import { drawText, HAIRLINE, INK, MUTED } from './ink.js'
import type { Scene, SceneItem } from './scene.js'

export interface ChartLine {
  readonly name: string
  readonly x: readonly number[]
  readonly y: readonly number[]
}

export interface ChartPanel {
  readonly title: string
  /** What runs along the axes. */
  readonly x: string
  readonly y: string
  readonly lines: readonly ChartLine[]
}

/** Sizes in output pixels. */
const SIZE = {
  margin: 48,
  width: 720,
  height: 480,
  gap: 96,
  title: 36,
  label: 24,
  tick: 22,
  line: 4,
  axis: 70,
  legend: 36,
}
const TICKS = 5

/** Lays out the panels in a row. Lines of one name have one colour in all of them. Throws `bad-option` where there is no line. */
export function layoutChart(panels: readonly ChartPanel[], { regular, bold }: FigureFonts): Scene {
  const names = [...new Set(panels.flatMap((p) => p.lines.map((l) => l.name)))]
  if (names.length === 0)
    throw new ExplainError('bad-option', {
      what: 'There are no curves to plot',
      where: 'plot',
      remedy: 'Take a metric that has curves: --metric deletion --metric insertion.',
    })
  const colour = (name: string): string => schemeTableau10[names.indexOf(name) % schemeTableau10.length] ?? INK
  const items: SceneItem[] = []
  const { margin, width, height, gap, title, axis, legend } = SIZE
  const top = margin + title + 24
  for (const [i, panel] of panels.entries()) {
    const left = margin + axis + i * (width + axis + gap)
    drawText(items, bold, panel.title, { x: left, top: margin, sizePx: title, anchor: 'start', fill: INK })
    drawPanel(items, panel, { left, top, width, height }, regular, colour)
  }
  const right = margin + panels.length * (axis + width) + (panels.length - 1) * gap
  let [x, y] = [margin + axis, top + height + 110]
  for (const name of names) {
    const wide = 60 + regular.width(name, SIZE.label) + 40
    if (x > margin + axis && x + wide > right) [x, y] = [margin + axis, y + legend]
    items.push({
      kind: 'line',
      points: [
        [x, y],
        [x + 44, y],
      ],
      stroke: colour(name),
      strokeWidth: SIZE.line * 1.5,
    })
    drawText(items, regular, name, {
      x: x + 56,
      top: y - SIZE.label * 0.45,
      sizePx: SIZE.label,
      anchor: 'start',
      fill: INK,
    })
    x += wide
  }
  return { width: Math.ceil(right + margin), height: Math.ceil(y + margin), background: '#ffffff', items }
}

interface Frame {
  readonly left: number
  readonly top: number
  readonly width: number
  readonly height: number
}

function drawPanel(
  items: SceneItem[],
  { x: across, y: up, lines }: ChartPanel,
  { left, top, width, height }: Frame,
  font: Font,
  colour: (name: string) => string,
): void {
  const xs = rangeOf(lines.flatMap((l) => l.x))
  const ys = rangeOf(lines.flatMap((l) => l.y))
  const placeX = (v: number): number => left + ((v - xs.low) / (xs.high - xs.low)) * width
  const placeY = (v: number): number => top + height - ((v - ys.low) / (ys.high - ys.low)) * height
  for (const y of ticksOf(ys)) {
    items.push({
      kind: 'line',
      points: [
        [left, placeY(y)],
        [left + width, placeY(y)],
      ],
      stroke: HAIRLINE,
      strokeWidth: 1.5,
    })
    drawText(items, font, short(y), {
      x: left - 12,
      top: placeY(y) - SIZE.tick * 0.4,
      sizePx: SIZE.tick,
      anchor: 'end',
      fill: MUTED,
    })
  }
  for (const x of ticksOf(xs))
    drawText(items, font, short(x), {
      x: placeX(x),
      top: top + height + 14,
      sizePx: SIZE.tick,
      anchor: 'middle',
      fill: MUTED,
    })
  drawText(items, font, across, {
    x: left + width / 2,
    top: top + height + 48,
    sizePx: SIZE.label,
    anchor: 'middle',
    fill: MUTED,
  })
  drawText(items, font, up, { x: left + width, top: top - 30, sizePx: SIZE.label, anchor: 'end', fill: MUTED })
  for (const { name, x, y } of lines)
    items.push({
      kind: 'line',
      points: x.map((v, i) => [placeX(v), placeY(y[i] ?? 0)] as const),
      stroke: colour(name),
      strokeWidth: SIZE.line,
    })
}

interface Range {
  readonly low: number
  readonly high: number
  readonly step: number
}

/** From 0, or what lies below it, to the largest value, in steps of 1, 2 or 5 of some power of ten. */
function rangeOf(values: readonly number[]): Range {
  const low = values.reduce((a, v) => Math.min(a, v), 0)
  const high = values.reduce((a, v) => Math.max(a, v), low)
  const rough = (high > low ? high - low : 1) / TICKS
  const power = 10 ** Math.floor(Math.log10(rough))
  const step = ([1, 2, 5].find((n) => n * power >= rough * (1 - 1e-9)) ?? 10) * power
  const first = Math.floor(low / step + 1e-9)
  return { low: first * step, high: Math.max(first + 1, Math.ceil(high / step - 1e-9)) * step, step }
}

function ticksOf({ low, high, step }: Range): readonly number[] {
  return Array.from({ length: Math.round((high - low) / step) + 1 }, (_, i) => low + i * step)
}

function short(value: number): string {
  return String(Number(value.toPrecision(2)))
}
