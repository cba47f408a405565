/** The comparison figure: a row per class, a column per method, each map with its colour bar in the map's own units. */
import { ExplainError } from '../core/errors.js'
import { type Bar, barLabels, barPixels } from './bar.js'
import type { Font } from './font.js'
import { drawText, HAIRLINE, INK, MUTED } from './ink.js'
import type { Pixels } from './pixels.js'
import type { Scene, SceneItem } from './scene.js'
import { fitText, LINE_HEIGHT, type TextBlock } from './text.js'
import { layoutWords, type WordLine, type WordSizes } from './words.js'

/**
 * A picture with its colour bar, or a few words where there is none ('not applicable: ...'). An empty message leaves the
 * cell blank.
 */
export type FigureCell = { readonly image: Pixels; readonly bar?: Bar } | { readonly message: string }

export interface FigureColumn {
  readonly title: string
  readonly subtitle?: string
}

export interface FigureRow {
  /** The class, in any script. */
  readonly title: string
  /** The score, say 'p = 0.40, logit 8.31'. */
  readonly subtitle: string
  /** One for each column. */
  readonly cells: readonly FigureCell[]
  /** Heads of this row and those below it. Default: those above go on. */
  readonly heads?: readonly FigureColumn[]
  /** Below the cells. */
  readonly words?: readonly WordLine[]
}

export interface FigureSpec {
  readonly columns: readonly FigureColumn[]
  readonly rows: readonly FigureRow[]
  /** Above the figure. */
  readonly words?: WordLine
  /** Below the figure, in the size of running text. */
  readonly caption?: string
  /** Last and smallest: where the figure came from. */
  readonly footer?: string
}

export interface FigureFonts {
  readonly regular: Font
  readonly bold: Font
}

export interface FigureOptions {
  /** The width of a cell before scaling, in pixels. Default: 300. */
  readonly cellWidth?: number
  /** Output pixels for each pixel of the layout. Default: 2. */
  readonly scale?: number
}

const CELL_WIDTH = 300
const SCALE = 2

const PANEL = '#f4f4f5'

/** Sizes before scaling, in pixels. */
const SIZE = {
  margin: 28,
  columnGap: 14,
  rowGap: 24,
  gutter: 176,
  gutterGap: 22,
  headGap: 14,
  textGap: 5,
  title: 23,
  subtitle: 17,
  smallest: 12,
  message: 18,
  caption: 19,
  footer: 15,
  blockGap: 26,
  barGap: 8,
  bar: 9,
  barLabelGap: 7,
  barLabel: 17,
  word: 21,
  wordNote: 16,
  wordPadding: 6,
  wordGap: 8,
}
type Sizes = typeof SIZE

/** Cells are at most so many times wider than high, or higher than wide. */
const MAX_ASPECT = 2

/**
 * Lays out the figure. Cells have the aspect of the first picture, from 1:2 to 2:1; a picture of another aspect is centred in its cell.
 * Texts wrap, then shrink, and never overlap.
 *
 * @throws ExplainError `bad-option` for a figure without columns or rows, a row whose cells are not one a column, a cell
 *   width below 40 or a scale that is not positive.
 */
export function layoutFigure(spec: FigureSpec, fonts: FigureFonts, options: FigureOptions = {}): Scene {
  const { cellWidth = CELL_WIDTH, scale = SCALE } = options
  check(spec, cellWidth, scale)
  const px = scaled(scale)
  const cell = cellSize(spec, Math.round(cellWidth * scale))
  const barHeight = px.barGap + px.bar + px.barLabelGap + px.barLabel
  const sides = spec.rows.map((row) => pair(fonts, row.title, row.subtitle, px.gutter, cell.height, px))
  const labels = spec.rows.map((row) => (row.words ?? []).map((line) => sideLabel(fonts, line, px)))
  const gutter = Math.ceil(Math.max(0, ...sides.map((side) => side.width), ...labels.flat().map((l) => l.width)))

  const items: SceneItem[] = []
  const left = px.margin + (gutter > 0 ? gutter + px.gutterGap : 0)
  const xOf = (column: number) => left + column * (cell.width + px.columnGap)
  const right = xOf(spec.columns.length - 1) + cell.width
  const wordSizes = { word: px.word, note: px.wordNote, padding: px.wordPadding, gap: px.wordGap }
  const place = { left: px.margin, right, wordSizes }
  let y = Math.round(px.margin)
  const drawHeads = (columns: readonly FigureColumn[]): void => {
    const heads = columns.map((column) => pair(fonts, column.title, column.subtitle, cell.width, Infinity, px))
    const titleBottom = Math.max(0, ...heads.map((head) => head.title.height))
    const height = titleBottom + Math.max(0, ...heads.map((head) => head.gap + head.subtitle.height))
    for (const [column, head] of heads.entries())
      drawPair(items, head, fonts, xOf(column) + cell.width / 2, y + titleBottom - head.title.height, 'middle')
    y = Math.round(y + height + (height > 0 ? px.headGap : 0))
  }
  if (spec.words) y = Math.round(drawWords(items, spec.words, fonts, place, y) + px.blockGap)
  if (!spec.rows[0]?.heads) drawHeads(spec.columns)
  for (const [index, row] of spec.rows.entries()) {
    const side = sides[index]
    if (index > 0) y += row.heads ? px.rowGap + px.headGap : px.rowGap
    if (row.heads) drawHeads(row.heads)
    if (side) drawPair(items, side, fonts, px.margin, y + (cell.height - side.height) / 2, 'start')
    for (const [column, content] of row.cells.entries()) {
      drawCell(items, content, fonts, { x: xOf(column), y, ...cell }, px, scale)
    }
    y += cell.height + (row.cells.some((content) => 'image' in content && content.bar) ? barHeight : 0)
    for (const [l, line] of (row.words ?? []).entries()) {
      const label = labels[index]?.[l]
      y = Math.round(y + px.headGap)
      if (label) drawBlock(items, label, fonts.regular, px.margin, y + px.wordPadding, 'start', MUTED)
      const bottom = drawWords(items, line, fonts, { ...place, left }, y)
      y = Math.ceil(Math.max(bottom, y + px.wordPadding + (label?.height ?? 0)))
    }
  }
  y = drawParagraph(items, spec.caption, fonts.regular, px.caption, INK, px, y, right)
  y = drawParagraph(items, spec.footer, fonts.regular, px.footer, MUTED, px, y, right)
  return { width: right + px.margin, height: Math.ceil(y + px.margin), background: '#ffffff', items }
}

/** What a line of words is, beside it. */
function sideLabel(fonts: FigureFonts, { label = '' }: WordLine, px: Sizes): TextBlock {
  return fitText(fonts.regular, label, {
    maxWidth: px.gutter,
    sizePx: px.subtitle,
    minSizePx: px.smallest,
    maxLines: 4,
  })
}

/** Words from `left` to `right`; gives the y below them. */
function drawWords(
  items: SceneItem[],
  line: WordLine,
  fonts: FigureFonts,
  { left, right, wordSizes }: { readonly left: number; readonly right: number; readonly wordSizes: WordSizes },
  y: number,
): number {
  const block = layoutWords(line, fonts, right - left, wordSizes)
  block.draw(items, left, y)
  return y + block.height
}

function check(spec: FigureSpec, cellWidth: number, scale: number): void {
  const fail = (what: string): never => {
    throw new ExplainError('bad-option', { what, where: 'figure' })
  }
  if (spec.columns.length === 0 || spec.rows.length === 0) fail('A figure needs a column and a row at least')
  if (!(cellWidth >= 40 && cellWidth < 1e5)) fail(`The cell width ${cellWidth} is not 40 pixels or more`)
  if (!(scale > 0 && scale <= 16)) fail(`The scale ${scale} is not above 0 and at most 16`)
  for (const row of spec.rows) {
    if (row.heads && row.heads.length !== spec.columns.length)
      fail(`A row has ${row.heads.length} heads of its own, but there are ${spec.columns.length} columns`)
    if (row.cells.length === spec.columns.length) continue
    fail(`The row '${row.title}' has ${row.cells.length} cells, but there are ${spec.columns.length} columns`)
  }
}

function scaled(scale: number): Sizes {
  const px = { ...SIZE }
  for (const name of Object.keys(SIZE) as (keyof Sizes)[]) px[name] = Math.max(1, Math.round(SIZE[name] * scale))
  return px
}

function cellSize(spec: FigureSpec, width: number): { width: number; height: number } {
  for (const content of spec.rows.flatMap((row) => row.cells)) {
    if (!('image' in content)) continue
    return cellFor(content.image, width)
  }
  return { width, height: Math.round(width * 0.75) }
}

interface Size {
  readonly width: number
  readonly height: number
}

function cellFor(image: Size, width: number): Size {
  const aspect = Math.min(MAX_ASPECT, Math.max(1 / MAX_ASPECT, image.width / image.height))
  return { width, height: Math.max(1, Math.round(width / aspect)) }
}

/** The largest size at which a picture goes into a cell. */
function fitted(image: Size, cell: Size): Size {
  const fit = Math.min(cell.width / image.width, cell.height / image.height)
  const length = (pixels: number, most: number): number => Math.min(most, Math.max(1, Math.round(pixels * fit)))
  return { width: length(image.width, cell.width), height: length(image.height, cell.height) }
}

/** The size in output pixels at which a figure shows its first picture: more pixels than these are not seen. */
export function shownSize(image: Size, options: FigureOptions = {}): Size {
  const { cellWidth = CELL_WIDTH, scale = SCALE } = options
  return fitted(image, cellFor(image, Math.round(cellWidth * scale)))
}

/** A title in bold with a subtitle under it. */
interface Pair {
  readonly title: TextBlock
  readonly subtitle: TextBlock
  readonly gap: number
  readonly width: number
  readonly height: number
}

function pair(
  fonts: FigureFonts,
  title: string,
  subtitle: string | undefined,
  maxWidth: number,
  maxHeight: number,
  px: Sizes,
): Pair {
  const below = fitText(fonts.regular, subtitle ?? '', {
    maxWidth,
    maxLines: 3,
    maxHeight: maxHeight * 0.4,
    sizePx: px.subtitle,
    minSizePx: px.smallest,
  })
  const above = fitText(fonts.bold, title, {
    maxWidth,
    maxLines: 4,
    maxHeight: maxHeight - below.height - px.textGap,
    sizePx: px.title,
    minSizePx: px.smallest,
  })
  const gap = above.height > 0 && below.height > 0 ? px.textGap : 0
  const height = above.height + gap + below.height
  return { title: above, subtitle: below, gap, width: Math.max(above.width, below.width), height }
}

type Anchor = 'start' | 'middle' | 'end'

function drawPair(items: SceneItem[], text: Pair, fonts: FigureFonts, x: number, y: number, anchor: Anchor): void {
  drawBlock(items, text.title, fonts.bold, x, y, anchor, INK)
  drawBlock(items, text.subtitle, fonts.regular, x, y + text.title.height + text.gap, anchor, MUTED)
}

function drawBlock(
  items: SceneItem[],
  block: TextBlock,
  font: Font,
  x: number,
  y: number,
  anchor: Anchor,
  fill: string,
): void {
  const { sizePx } = block
  for (const [index, text] of block.lines.entries())
    drawText(items, font, text, { x, top: y + index * LINE_HEIGHT * sizePx, sizePx, anchor, fill })
}

/** A paragraph across the whole figure; gives the y below it. */
function drawParagraph(
  items: SceneItem[],
  text: string | undefined,
  font: Font,
  sizePx: number,
  fill: string,
  px: Sizes,
  y: number,
  right: number,
): number {
  const block = fitText(font, text ?? '', { maxWidth: right - px.margin, sizePx })
  if (block.height === 0) return y
  const top = y + (fill === INK ? px.blockGap : px.blockGap * 0.8)
  drawBlock(items, block, font, px.margin, top, 'start', fill)
  return top + block.height
}

interface Box {
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
}

function drawCell(
  items: SceneItem[],
  content: FigureCell,
  fonts: FigureFonts,
  box: Box,
  px: Sizes,
  scale: number,
): void {
  if ('message' in content) {
    if (content.message.trim()) drawMessage(items, content.message, fonts.regular, box, px)
    return
  }
  const { image, bar } = content
  const { width, height } = fitted(image, box)
  const x = box.x + Math.floor((box.width - width) / 2)
  const y = box.y + Math.floor((box.height - height) / 2)
  items.push({ kind: 'image', x, y, width, height, pixels: image })
  items.push(outline({ x, y, width, height }, scale))
  if (bar) drawBar(items, bar, fonts.regular, box, px, scale)
}

function drawMessage(items: SceneItem[], message: string, font: Font, box: Box, px: Sizes): void {
  items.push({ kind: 'rect', ...box, fill: PANEL })
  const padding = Math.min(px.margin, box.width / 8, box.height / 8)
  const block = fitText(font, message, {
    maxWidth: box.width - 2 * padding,
    maxHeight: box.height - 2 * padding,
    sizePx: px.message,
    minSizePx: px.smallest,
  })
  drawBlock(items, block, font, box.x + box.width / 2, box.y + (box.height - block.height) / 2, 'middle', MUTED)
}

function drawBar(items: SceneItem[], bar: Bar, font: Font, cell: Box, px: Sizes, scale: number): void {
  const box = { x: cell.x, y: cell.y + cell.height + px.barGap, width: cell.width, height: px.bar }
  items.push({ kind: 'image', ...box, pixels: barPixels(bar, box.width, box.height) }, outline(box, scale))
  const top = box.y + box.height + px.barLabelGap
  for (const { text, sizePx, x, anchor } of barLabels(bar, font, box.width, px.barLabel, px.smallest))
    drawText(items, font, text, { x: box.x + x, top, sizePx, anchor, fill: MUTED })
}

/** A hairline just inside a box, so that a pale picture has an edge on white paper. */
function outline(box: Box, scale: number): SceneItem {
  const strokeWidth = Math.max(1, Math.round(scale) / 2)
  const inset = strokeWidth / 2
  return {
    kind: 'rect',
    x: box.x + inset,
    y: box.y + inset,
    width: Math.max(0, box.width - strokeWidth),
    height: Math.max(0, box.height - strokeWidth),
    fill: 'none',
    stroke: HAIRLINE,
    strokeWidth,
  }
}
