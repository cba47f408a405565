/** Lines of text that fit a box: wrapped at spaces, then set smaller, then broken inside words, then cut with an ellipsis. */
import type { Font } from './font.js'

export interface TextBlock {
  readonly lines: readonly string[]
  readonly sizePx: number
  /** From the top of the first line's capitals to below the last line's descenders. */
  readonly height: number
  /** Of the widest line. */
  readonly width: number
}

export interface TextBox {
  readonly maxWidth: number
  /** Default: as many as it takes. */
  readonly maxLines?: number
  /** Default: unlimited. */
  readonly maxHeight?: number
  readonly sizePx: number
  /** The smallest size to shrink to. Default: `sizePx`, which never shrinks. */
  readonly minSizePx?: number
}

/** From baseline to baseline, as a multiple of the size. */
export const LINE_HEIGHT = 1.26
/** From the top of a block to its first baseline, as a multiple of the size. */
export const ASCENT = 0.78
const DESCENT = 0.24
const STEPS = 8

/** Sets a text into a box. An empty text gives no lines and no height. */
export function fitText(font: Font, text: string, box: TextBox): TextBlock {
  const clean = text.trim()
  if (!clean) return { lines: [], sizePx: box.sizePx, height: 0, width: 0 }
  const smallest = Math.min(box.minSizePx ?? box.sizePx, box.sizePx)
  for (let step = 0; step <= STEPS; step++) {
    const sizePx = box.sizePx + ((smallest - box.sizePx) * step) / STEPS
    const lines = wrap(font, clean, sizePx, box.maxWidth, false)
    if (lines.length <= lineLimit(box, sizePx) && lines.every((line) => font.width(line, sizePx) <= box.maxWidth)) {
      return block(font, lines, sizePx)
    }
  }
  const lines = wrap(font, clean, smallest, box.maxWidth, true)
  const limit = lineLimit(box, smallest)
  if (lines.length <= limit) return block(font, lines, smallest)
  const last = cut(font, lines.slice(limit - 1).join(' '), smallest, box.maxWidth)
  return block(font, [...lines.slice(0, limit - 1), last], smallest)
}

/** The height of so many lines. */
export function blockHeight(lines: number, sizePx: number): number {
  return lines === 0 ? 0 : ((lines - 1) * LINE_HEIGHT + ASCENT + DESCENT) * sizePx
}

function block(font: Font, lines: readonly string[], sizePx: number): TextBlock {
  const width = Math.max(0, ...lines.map((line) => font.width(line, sizePx)))
  return { lines, sizePx, width, height: blockHeight(lines.length, sizePx) }
}

function lineLimit(box: TextBox, sizePx: number): number {
  const byHeight = Math.floor(((box.maxHeight ?? Infinity) / sizePx - ASCENT - DESCENT) / LINE_HEIGHT + 1 + 1e-9)
  return Math.max(1, Math.min(box.maxLines ?? Infinity, byHeight))
}

function wrap(font: Font, text: string, sizePx: number, maxWidth: number, breakWords: boolean): string[] {
  const fits = (line: string) => font.width(line, sizePx) <= maxWidth
  return text.split('\n').flatMap((paragraph) => {
    const words = paragraph.split(/[ \t]+/u).filter(Boolean)
    const pieces = breakWords ? words.flatMap((word) => breakWord(word, fits)) : words
    const lines: string[] = []
    let line = ''
    for (const piece of pieces) {
      const longer = line ? `${line} ${piece}` : piece
      if (line && !fits(longer)) {
        lines.push(line)
        line = piece
      } else line = longer
    }
    return [...lines, line]
  })
}

/** A word that is too wide, in pieces that are not. */
function breakWord(word: string, fits: (line: string) => boolean): string[] {
  if (fits(word)) return [word]
  const pieces: string[] = []
  let piece = ''
  for (const character of word) {
    if (piece && !fits(piece + character)) {
      pieces.push(piece)
      piece = character
    } else piece += character
  }
  return [...pieces, piece]
}

function cut(font: Font, text: string, sizePx: number, maxWidth: number): string {
  const characters = [...text]
  while (characters.length > 0 && font.width(`${characters.join('').trimEnd()}…`, sizePx) > maxWidth) characters.pop()
  return `${characters.join('').trimEnd()}…`
}
