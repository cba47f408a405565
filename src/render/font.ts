/**
 * Text as paths, so that a figure looks the same wherever it is drawn and no font needs to be installed. Glyphs are set one
 * by one with kerning: the shaping of opentype.js does not know all lookups that Inter has, and labels need none of them.
 */
import * as opentype from 'opentype.js'
import { ExplainError } from '../core/errors.js'

export interface TextPlace {
  readonly sizePx: number
  /** The anchor's x. Default: 0. */
  readonly x?: number
  /** The baseline's y. Default: 0. */
  readonly y?: number
  /** Which part of the text stands at `x`. Default: `start`. */
  readonly anchor?: 'start' | 'middle' | 'end'
}

export interface Font {
  /** The text as SVG path data; never throws for characters the font lacks, which become boxes. */
  textPath(text: string, place: TextPlace): string
  /** The advance width of the text, in pixels. */
  width(text: string, sizePx: number): number
}

type Glyph = { readonly font: opentype.OpenTypeFont; readonly glyph: opentype.Glyph } | 'missing'

/** The box that stands for a missing character, as fractions of the size. */
const BOX = { advance: 0.62, left: 0.06, width: 0.5, height: 0.72, line: 0.05 }

/** Characters that draw nothing: joiners, variation selectors, direction marks, and combining marks a font lacks. */
const INVISIBLE = /^[\p{Cf}\p{M}]$/u

/**
 * Reads a font.
 *
 * @param bytes TTF, OTF or WOFF (not WOFF2, whose compression opentype.js does not carry).
 * @param fallbacks fonts to look in, in turn, for characters that the first one lacks; each is read when the first such character comes.
 * @throws ExplainError `cannot-read`; for a fallback, when it is read.
 */
export function parseFont(bytes: Uint8Array, ...fallbacks: readonly Uint8Array[]): Font {
  const fonts = new Fonts(read(bytes), fallbacks)
  const layOut = (text: string, sizePx: number) => setGlyphs(fonts, text, sizePx)
  return {
    width: (text, sizePx) => layOut(text, sizePx).width,
    textPath(text, { sizePx, x = 0, y = 0, anchor = 'start' }) {
      const { placed, width } = layOut(text, sizePx)
      const left = anchor === 'start' ? x : anchor === 'middle' ? x - width / 2 : x - width
      return placed
        .map(({ glyph, at }) =>
          glyph === 'missing' ? boxPath(left + at, y, sizePx) : outline(glyph.glyph, left + at, y, sizePx),
        )
        .join('')
    },
  }
}

function read(bytes: Uint8Array): opentype.OpenTypeFont {
  const parse = opentype.default?.parse ?? opentype.parse
  try {
    if (!parse) throw new TypeError('opentype.js has no parse')
    return parse(new Uint8Array(bytes).buffer)
  } catch (cause) {
    throw new ExplainError('cannot-read', {
      what: `The font could not be read: ${cause instanceof Error ? cause.message.trim() : String(cause)}`,
      remedy: 'Give a TTF, OTF or WOFF file; WOFF2 is not read.',
      cause,
    })
  }
}

/** A font and those behind it, which are read when a character is in none before them. */
class Fonts {
  readonly #fallbacks: readonly Uint8Array[]
  readonly #read: opentype.OpenTypeFont[]

  constructor(
    readonly first: opentype.OpenTypeFont,
    fallbacks: readonly Uint8Array[],
  ) {
    this.#read = [first]
    this.#fallbacks = fallbacks
  }

  /** The first font that has the character. */
  with(character: string): opentype.OpenTypeFont | undefined {
    const has = (font: opentype.OpenTypeFont): boolean => font.charToGlyphIndex(character) > 0
    const known = this.#read.find(has)
    if (known) return known
    for (const bytes of this.#fallbacks.slice(this.#read.length - 1)) {
      const font = read(bytes)
      this.#read.push(font)
      if (has(font)) return font
    }
    return undefined
  }
}

function setGlyphs(
  fonts: Fonts,
  text: string,
  sizePx: number,
): { placed: readonly { glyph: Glyph; at: number }[]; width: number } {
  const placed: { glyph: Glyph; at: number }[] = []
  let before: Glyph | undefined
  let width = 0
  for (const character of text.normalize('NFC').replace(/\p{Cc}/gu, ' ')) {
    const glyph = find(fonts, character)
    if (!glyph) continue
    if (glyph !== 'missing' && before && before !== 'missing' && before.font === glyph.font) {
      width += (glyph.font.getKerningValue(before.glyph, glyph.glyph) * sizePx) / glyph.font.unitsPerEm
    }
    placed.push({ glyph, at: width })
    width += glyph === 'missing' ? BOX.advance * sizePx : advance(glyph, sizePx)
    before = glyph
  }
  return { placed, width }
}

function find(fonts: Fonts, character: string): Glyph | undefined {
  const font = fonts.with(character)
  if (font) return { font, glyph: font.charToGlyph(character) }
  if (INVISIBLE.test(character)) return undefined
  if (/\s/u.test(character)) return { font: fonts.first, glyph: fonts.first.charToGlyph(' ') }
  return 'missing'
}

function advance({ font, glyph }: Exclude<Glyph, 'missing'>, sizePx: number): number {
  return ((glyph.advanceWidth ?? 0) * sizePx) / font.unitsPerEm
}

/** The outline as path data, to a hundredth of a pixel; opentype.js's own writer takes several times as long. */
function outline(glyph: opentype.Glyph, x: number, y: number, sizePx: number): string {
  let path = ''
  for (const { type, x1, y1, x2, y2, x: toX, y: toY } of glyph.getPath(x, y, sizePx).commands) {
    path += type
    for (const v of [x1, y1, x2, y2, toX, toY]) if (v !== undefined) path += `${hundredths(v)} `
  }
  return path
}

function hundredths(value: number): number {
  return Math.round(value * 100) / 100
}

/** A frame: the outer edge one way round and the inner edge the other, so that it is hollow under either fill rule. */
function boxPath(x: number, y: number, sizePx: number): string {
  const n = (value: number) => String(hundredths(value))
  const [left, right] = [x + BOX.left * sizePx, x + (BOX.left + BOX.width) * sizePx]
  const [top, bottom, line] = [y - BOX.height * sizePx, y, BOX.line * sizePx]
  const outer = `M${n(left)} ${n(top)}L${n(right)} ${n(top)}L${n(right)} ${n(bottom)}L${n(left)} ${n(bottom)}Z`
  const [l, r, t, b] = [left + line, right - line, top + line, bottom - line].map(n)
  return `${outer}M${l} ${t}L${l} ${b}L${r} ${b}L${r} ${t}Z`
}
