import { ExplainError } from '../core/errors.js'

/** An RGBA picture, 8 bits a channel, rows from the top, colour not premultiplied by alpha. */
export interface Pixels {
  readonly width: number
  readonly height: number
  /** `width * height * 4` bytes. */
  readonly data: Uint8Array
}

/** Throws `shape-mismatch` unless a map has one value for each pixel (times `channels`). */
export function requireLength(map: Float32Array, width: number, height: number, channels = 1): void {
  const expected = width * height * channels
  if (map.length === expected) return
  const size = channels === 1 ? `${width} x ${height}` : `${channels} x ${width} x ${height}`
  throw new ExplainError('shape-mismatch', {
    what: `The map has ${map.length} values, but ${size} pixels need ${expected}`,
    remedy: 'Bring the map to the size of the picture first.',
    details: { values: map.length, width, height, channels },
  })
}
