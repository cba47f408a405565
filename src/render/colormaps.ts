/** The colour maps: one line each. Names, legends and pickers follow from this list. */
import colormap from 'colormap'
import { lab, rgb } from 'd3-color'
import { interpolateMagma, interpolateTurbo, interpolateViridis, schemeRdBu } from 'd3-scale-chromatic'
import { ExplainError } from '../core/errors.js'

/** `sequential` maps colour 0..1, `diverging` maps colour -1..1 with a neutral colour at 0. */
export type ColormapKind = 'sequential' | 'diverging'

type Rgb = readonly [red: number, green: number, blue: number]

interface Colormap {
  readonly kind: ColormapKind
  /** The colour at `t`, 0..1; channels 0..255. */
  readonly colour: (t: number) => Rgb
}

const NEUTRAL = '#ffffff'

export const COLORMAPS = {
  turbo: { kind: 'sequential', colour: (t) => parse(interpolateTurbo(t)) },
  viridis: { kind: 'sequential', colour: (t) => parse(interpolateViridis(t)) },
  magma: { kind: 'sequential', colour: (t) => parse(interpolateMagma(t)) },
  jet: { kind: 'sequential', colour: (t) => between(JET, t) },
  /** Red is positive, blue is negative, white is zero. */
  'red-blue': { kind: 'diverging', colour: (t) => betweenLab(RED_BLUE, t) },
  /** White is positive, black is negative, mid grey is zero: the colours of {@link pixelAttribution}. */
  grey: { kind: 'diverging', colour: (t) => between(GREY, t) },
} as const satisfies Record<string, Colormap>

export type ColormapName = keyof typeof COLORMAPS

/** All names, in the order in which they are offered. */
export const COLORMAP_NAMES = Object.keys(COLORMAPS) as readonly ColormapName[]

/** The number of colours in a {@link colorTable}. */
export const TABLE_SIZE = 256

const JET: readonly Rgb[] = colormap({ colormap: 'jet', nshades: TABLE_SIZE, format: 'rba' }).map(([r, g, b]) => [
  r,
  g,
  b,
])
const RED_BLUE: readonly string[] = (schemeRdBu[11] ?? []).map((colour, i) => (i === 5 ? NEUTRAL : colour)).reverse()
const GREY: readonly Rgb[] = [
  [0, 0, 0],
  [128, 128, 128],
  [255, 255, 255],
]

/**
 * The colours of a map as `TABLE_SIZE * 3` bytes, RGB, low values first. A diverging map has its neutral colour twice, at
 * entries 127 and 128, so that zero is exactly neutral from either side.
 */
export function colorTable(name: ColormapName): Uint8Array {
  const { kind, colour }: Colormap = COLORMAPS[name]
  const table = new Uint8Array(TABLE_SIZE * 3)
  for (let i = 0; i < TABLE_SIZE; i++) {
    const t = kind === 'sequential' ? i / 255 : i < 128 ? i / 254 : (i - 1) / 254
    table.set(colour(t).map(Math.round), i * 3)
  }
  return table
}

/** The entry of a {@link colorTable} for a value: 0..1 for a sequential map, -1..1 for a diverging one; clamped, NaN as 0. */
export function tableIndex(kind: ColormapKind, value: number): number {
  const v = Number.isNaN(value) ? 0 : value
  const index = kind === 'sequential' ? v * 255 : v < 0 ? 127 + v * 127 : 128 + v * 127
  return byte(Math.min(255, Math.max(0, index)))
}

/** Rounds what is from 0 to 255, in half of the time that `Math.round` takes. */
export function byte(value: number): number {
  return (value + 0.5) | 0
}

/**
 * The colour map of a name, whatever its case.
 * @throws ExplainError `unknown-colormap`, naming the ones there are.
 */
export function parseColormap(name: string): ColormapName {
  const wanted = name.trim().toLowerCase()
  const found = COLORMAP_NAMES.find((known) => known === wanted)
  if (found) return found
  throw new ExplainError('unknown-colormap', {
    what: `There is no colour map '${name}'`,
    remedy: `Choose one of: ${COLORMAP_NAMES.join(', ')}.`,
    details: { received: name, candidates: COLORMAP_NAMES },
  })
}

function parse(colour: string): Rgb {
  const { r, g, b } = rgb(colour)
  return [r, g, b]
}

/** The neighbours of `t` (0..1) in a list of evenly spaced stops, and how far `t` is from the first to the second. */
function segment<T>(stops: readonly T[], t: number): { from: T; to: T; part: number } {
  const position = Math.min(1, Math.max(0, t)) * (stops.length - 1)
  const from = stops[Math.floor(position)]
  const to = stops[Math.ceil(position)]
  if (from === undefined || to === undefined) throw new RangeError('A colour map needs stops')
  return { from, to, part: position - Math.floor(position) }
}

function between(stops: readonly Rgb[], t: number): Rgb {
  const { from, to, part } = segment(stops, t)
  const mix = (a: number, b: number) => a + (b - a) * part
  return [mix(from[0], to[0]), mix(from[1], to[1]), mix(from[2], to[2])]
}

function betweenLab(stops: readonly string[], t: number): Rgb {
  const { from, to, part } = segment(stops, t)
  const a = lab(from)
  const b = lab(to)
  const mixed = lab(a.l + (b.l - a.l) * part, a.a + (b.a - a.a) * part, a.b + (b.b - a.b) * part)
    .rgb()
    .clamp()
  return [mixed.r, mixed.g, mixed.b]
}
