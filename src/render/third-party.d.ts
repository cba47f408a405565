/** The parts of two packages without types that `render` uses. */

declare module 'colormap' {
  /** `nshades` colours of a named map, each `[red, green, blue, alpha]` with 0..255 for the colours. */
  export default function colormap(spec: {
    colormap: string
    nshades: number
    format: 'rba'
  }): readonly (readonly [number, number, number, number])[]
}

declare module 'opentype.js' {
  /** A step of an SVG path, absolute; the coordinates that its type has, in the order of path data. */
  export interface PathCommand {
    readonly type: 'M' | 'L' | 'C' | 'Q' | 'Z'
    readonly x1?: number
    readonly y1?: number
    readonly x2?: number
    readonly y2?: number
    readonly x?: number
    readonly y?: number
  }
  export interface Glyph {
    readonly index: number
    readonly advanceWidth?: number
    getPath(x: number, y: number, sizePx: number): { readonly commands: readonly PathCommand[] }
  }
  export interface OpenTypeFont {
    readonly unitsPerEm: number
    charToGlyphIndex(character: string): number
    charToGlyph(character: string): Glyph
    getKerningValue(left: Glyph, right: Glyph): number
  }
  export interface OpenType {
    parse(bytes: ArrayBuffer): OpenTypeFont
  }
  /** Node sees the CommonJS build (a default export), bundlers see the module build (a named one). */
  const library: OpenType | undefined
  export default library
  export const parse: OpenType['parse'] | undefined
}
