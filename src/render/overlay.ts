/** Numbers become colours, and colours are laid over a picture. */
import { ExplainError } from '../core/errors.js'
import { byte, COLORMAPS, type ColormapName, colorTable, tableIndex } from './colormaps.js'
import { normalise, PIXEL_PERCENTILE } from './normalise.js'
import { type Pixels, requireLength } from './pixels.js'

/** A picture of a map, with what its brightest and darkest colours stand for. */
export interface AttributionPicture extends Pixels {
  /** The map's own units at the low end of the colour bar. */
  readonly low: number
  /** The map's own units at the high end. */
  readonly high: number
}

export interface OverlayOptions {
  /** Default: `turbo`. */
  readonly colormap?: ColormapName
  /** How much of the map covers the picture where it covers most, 0..1. Default: see {@link DEFAULT_OPACITY}. */
  readonly opacity?: number
  /** `constant`: the same opacity everywhere; `by-value`: none where the map is 0, all of it where it is large. Default. */
  readonly alpha?: 'constant' | 'by-value'
  /**
   * Whether the picture keeps its colours. Default: `colour` under a sequential map; `grey` under a diverging one, whose
   * reds and blues could not be told from the picture's own.
   */
  readonly base?: 'colour' | 'grey'
  /**
   * The part of the picture that the model saw, in pixels, edges included by their pixel centres. What lies outside (cut off
   * by a crop) is veiled, since a map has nothing to say there. Default: all of it.
   */
  readonly seen?: { readonly x: number; readonly y: number; readonly width: number; readonly height: number }
}

/** Opacity by default: half and half for `constant`; more for `by-value`, where only the high values reach it. */
export const DEFAULT_OPACITY = { constant: 0.5, 'by-value': 0.65 } as const

/** The magnitude (0..1) from which on a `by-value` overlay has its full opacity. */
const FULL_FROM = 0.6

/** How far the part that the model did not see is drawn towards white. */
const VEIL = 0.6

/**
 * Colours a normalised map.
 *
 * @param values `width * height` values: 0..1 for a sequential map, -1..1 for a diverging one. Clamped; NaN as 0.
 * @throws ExplainError `shape-mismatch`.
 */
export function colorise(values: Float32Array, width: number, height: number, colormap: ColormapName): Pixels {
  requireLength(values, width, height)
  const table = colorTable(colormap)
  const { kind } = COLORMAPS[colormap]
  const data = new Uint8Array(width * height * 4)
  for (let i = 0; i < values.length; i++) {
    const entry = tableIndex(kind, values[i] ?? 0) * 3
    data[i * 4] = table[entry] ?? 0
    data[i * 4 + 1] = table[entry + 1] ?? 0
    data[i * 4 + 2] = table[entry + 2] ?? 0
    data[i * 4 + 3] = 255
  }
  return { width, height, data }
}

/**
 * Lays a normalised map over a picture. The result is opaque; a picture with transparency is put on white first.
 *
 * @param values one per pixel of the picture: 0..1 for a sequential map, -1..1 for a diverging one.
 * @throws ExplainError `shape-mismatch`; `bad-option` for an opacity out of 0..1.
 */
export function overlay(picture: Pixels, values: Float32Array, options: OverlayOptions = {}): Pixels {
  const alpha = options.alpha ?? 'by-value'
  const opacity = options.opacity ?? DEFAULT_OPACITY[alpha]
  if (!(opacity >= 0 && opacity <= 1)) {
    throw new ExplainError('bad-option', { what: `The opacity ${opacity} is not from 0 to 1`, where: 'overlay' })
  }
  const { width, height } = picture
  const colormap = options.colormap ?? 'turbo'
  requireLength(values, width, height)
  const table = colorTable(colormap)
  const { kind } = COLORMAPS[colormap]
  const isGrey = (options.base ?? (kind === 'diverging' ? 'grey' : 'colour')) === 'grey'
  const below = picture.data
  const data = new Uint8Array(4 * width * height)
  const [across, down] = seenAxes(options.seen, width, height)
  for (let y = 0, i = 0; y < height; y++)
    for (let x = 0; x < width; x++, i++) {
      const at = 4 * i
      const value = values[i] as number
      const seen = down[y] === 1 && across[x] === 1
      const share = !seen ? 0 : opacity * (alpha === 'constant' ? 1 : visibility(value))
      const solid = ((below[at + 3] as number) / 255) * (seen ? 1 : 1 - VEIL)
      const grey = isGrey ? luma(below, at) : 0
      const entry = 3 * tableIndex(kind, value)
      for (let c = 0; c < 3; c++) {
        const under = 255 + ((isGrey ? grey : (below[at + c] as number)) - 255) * solid
        data[at + c] = byte(under + ((table[entry + c] as number) - under) * share)
      }
      data[at + 3] = 255
    }
  return { width, height, data }
}

/**
 * The picture of an attribution per pixel and channel, as guided backpropagation and guided Grad-CAM are printed: mid grey
 * is zero, and each channel is lighter where it speaks for the target and darker where it speaks against it. Scaled by this
 * picture's own {@link PIXEL_PERCENTILE} of magnitude, all channels together, so that the hues are kept.
 *
 * @param rgb signed, planar `[3, height, width]`, or `[1, height, width]` for a grey model.
 * @param percentile 0 < p <= 100.
 * @throws ExplainError `shape-mismatch`, or `bad-option` for the percentile.
 */
export function pixelAttribution(
  rgb: Float32Array,
  width: number,
  height: number,
  percentile: number = PIXEL_PERCENTILE,
): AttributionPicture {
  const size = width * height
  const channels = rgb.length === size ? 1 : 3
  requireLength(rgb, width, height, channels)
  const { values, low, high } = normalise(rgb, { kind: 'signed' }, percentile)
  const data = new Uint8Array(size * 4).fill(255)
  for (let c = 0; c < 3; c++) {
    const plane = (c % channels) * size
    for (let i = 0; i < size; i++) data[i * 4 + c] = byte(128 + (values[plane + i] as number) * 127)
  }
  return { width, height, data, low, high }
}

/**
 * The picture of a signed map with one value a pixel, in a diverging colour map: white is zero, red speaks for the target
 * and blue against it. Scaled by this map's own {@link PIXEL_PERCENTILE} of magnitude.
 *
 * @param map signed, `[height, width]`.
 * @param percentile 0 < p <= 100.
 * @throws ExplainError `shape-mismatch`, or `bad-option` for the percentile.
 */
export function signedAttribution(
  map: Float32Array,
  width: number,
  height: number,
  colormap: ColormapName = 'red-blue',
  percentile: number = PIXEL_PERCENTILE,
): AttributionPicture {
  requireLength(map, width, height)
  const { values, low, high } = normalise(map, { kind: 'signed' }, percentile)
  return { ...colorise(values, width, height, colormap), low, high }
}

/** For each column and each row, 1 where the centres of its pixels are seen. */
function seenAxes(seen: OverlayOptions['seen'], width: number, height: number): readonly [Uint8Array, Uint8Array] {
  const line = (length: number, from: number, size: number): Uint8Array =>
    Uint8Array.from({ length }, (_, i) => (i + 0.5 >= from && i + 0.5 - from <= size ? 1 : 0))
  if (!seen) return [new Uint8Array(width).fill(1), new Uint8Array(height).fill(1)]
  return [line(width, seen.x, seen.width), line(height, seen.y, seen.height)]
}

/** The brightness of a pixel, 0..255, as ITU-R BT.601 weighs the channels. */
function luma(data: Uint8Array, at: number): number {
  return 0.299 * (data[at] ?? 0) + 0.587 * (data[at + 1] ?? 0) + 0.114 * (data[at + 2] ?? 0)
}

/** 0 at zero, 1 from {@link FULL_FROM} on, and smooth between, so that the overlay has no edge. */
function visibility(value: number): number {
  const t = Math.min(1, Math.abs(value) / FULL_FROM)
  return Number.isNaN(t) ? 0 : t * t * (3 - 2 * t)
}
