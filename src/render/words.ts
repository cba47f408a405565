/** Lines of words with a number below each, tinted by it: red speaks for, blue against. */
import { colorTable, tableIndex } from './colormaps.js'
import type { Font } from './font.js'
import { drawText, INK, MUTED } from './ink.js'
import type { SceneItem } from './scene.js'
import { blockHeight, fitText } from './text.js'

export interface FigureWord {
  readonly text: string
  /** Written below the word. */
  readonly note: string
  /** Tints the word, on a scale that is symmetric around 0. Default: no tint. */
  readonly value?: number
}

/** Words of one scale. */
export interface WordLine {
  /** What the numbers are, beside the words. */
  readonly label?: string
  readonly words: readonly FigureWord[]
}

export interface WordFonts {
  readonly regular: Font
  readonly bold: Font
}

/** Sizes in output pixels. */
export interface WordSizes {
  readonly word: number
  readonly note: number
  /** Around a word. */
  readonly padding: number
  /** Between words, and between rows of them. */
  readonly gap: number
}

export interface WordBlock {
  readonly height: number
  draw(items: SceneItem[], x: number, y: number): void
}

/** The strongest tint, as a share of the colour map: words are read on it. */
const STRONGEST = 0.6

/** Sets words into rows of a width. A word that is wider is set smaller, and then cut. */
export function layoutWords(
  { words }: Pick<WordLine, 'words'>,
  fonts: WordFonts,
  maxWidth: number,
  size: WordSizes,
): WordBlock {
  const largest = words.reduce((most, { value = 0 }) => Math.max(most, Math.abs(value)), 0)
  const boxHeight = blockHeight(1, size.word) + 2 * size.padding
  const hasNotes = words.some((w) => w.note !== '')
  const rowHeight = boxHeight + (hasNotes ? size.padding + blockHeight(1, size.note) : 0)
  let [x, row] = [0, 0]
  const placed = words.map((word) => {
    const line = (font: Font, text: string, sizePx: number): Line => {
      const box = { maxWidth: maxWidth - 2 * size.padding, maxLines: 1, sizePx, minSizePx: sizePx / 2 }
      const { lines, ...set } = fitText(font, text, box)
      return { font, text: lines[0] ?? '', ...set }
    }
    const lines = [line(fonts.bold, word.text, size.word), line(fonts.regular, word.note, size.note)]
    const width = Math.ceil(Math.max(...lines.map((l) => l.width)) + 2 * size.padding)
    if (x > 0 && x + width > maxWidth) [x, row] = [0, row + 1]
    const box = { value: word.value, lines, width, x, y: row * (rowHeight + size.gap) }
    x += width + size.gap
    return box
  })
  return {
    height: words.length === 0 ? 0 : (row + 1) * rowHeight + row * size.gap,
    draw(items, left, top) {
      for (const { value, lines, width, ...at } of placed) {
        const [x, y] = [left + at.x, top + at.y]
        if (value !== undefined)
          items.push({ kind: 'rect', x, y, width, height: boxHeight, fill: tint(largest > 0 ? value / largest : 0) })
        const tops = [y + size.padding, y + boxHeight + size.padding]
        for (const [l, { font, text, sizePx }] of lines.entries()) {
          const fill = l === 0 ? INK : MUTED
          drawText(items, font, text, { x: x + width / 2, anchor: 'middle', top: tops[l] ?? y, sizePx, fill })
        }
      }
    },
  }
}

interface Line {
  readonly font: Font
  readonly text: string
  readonly sizePx: number
  readonly width: number
}

/** The colour of -1..1. */
function tint(share: number): string {
  const at = 3 * tableIndex('diverging', share * STRONGEST)
  const [r, g, b] = colorTable('red-blue').subarray(at, at + 3)
  return `rgb(${r},${g},${b})`
}
