import { ExplainError } from '../core/errors.js'

/**
 * How a raw map becomes numbers to colour. `positive` keeps what speaks for the target (ReLU) and divides by the maximum;
 * `signed` keeps both signs and divides by the largest magnitude; `range` maps `min..max`, in the map's own units, to 0..1,
 * so that several maps can share one scale. A map is never stretched from its minimum to its maximum: zero stays zero, and
 * noise does not come to look like evidence.
 */
export type Scaling =
  | { readonly kind: 'positive' }
  | { readonly kind: 'signed' }
  | { readonly kind: 'range'; readonly min: number; readonly max: number }

/** Values ready to be coloured, and what the ends of the colour bar stand for. */
export interface Normalised {
  /** 0..1 for `positive` and `range`, -1..1 for `signed`; finite always. */
  readonly values: Float32Array
  /** The map's own units at the low end of the colour bar. */
  readonly low: number
  /** The map's own units at the high end; 0 where the map has nothing to show. */
  readonly high: number
}

/** The percentile for maps of single pixels, where one pixel would otherwise darken all others. */
export const PIXEL_PERCENTILE = 99.5

/**
 * Scales a raw map for colouring; the map itself is left alone. NaN becomes 0 and infinities the ends of the scale. A map
 * that is blank, or all negative under `positive`, gives zeros and `high` 0.
 *
 * @param map any shape, in the method's own units.
 * @param percentile 0 < p <= 100, default 100 (the maximum). The magnitude (for `positive`: after the ReLU) below which
 *   this share of all values lies becomes the end of the scale, and what lies beyond is clipped. NaN is not counted, so a
 *   map lifted to a larger picture keeps its scale if what the model did not see is NaN. Where that magnitude is 0 because
 *   the map is sparse, the maximum is used. Not with `range`, whose ends are given.
 * @throws ExplainError `bad-option` for a percentile out of range or a range that is empty or not finite.
 */
export function normalise(map: Float32Array, scaling: Scaling, percentile?: number): Normalised {
  if (percentile !== undefined && !(percentile > 0 && percentile <= 100)) {
    throw new ExplainError('bad-option', {
      what: `The percentile ${percentile} is not above 0 and at most 100`,
      remedy: 'Leave it out to scale by the maximum.',
      details: { received: percentile },
    })
  }
  if (scaling.kind === 'range') return normaliseRange(map, scaling.min, scaling.max, percentile)
  const signed = scaling.kind === 'signed'
  const end = scaleEnd(map, signed, percentile ?? 100)
  const floor = signed ? -1 : 0
  const values = new Float32Array(map.length)
  if (end > 0)
    for (let i = 0; i < map.length; i++) {
      const v = (map[i] as number) / end
      values[i] = Number.isNaN(v) ? 0 : v > 1 ? 1 : Math.max(v, floor)
    }
  return { values, low: signed && end > 0 ? -end : 0, high: end }
}

function normaliseRange(map: Float32Array, min: number, max: number, percentile: number | undefined): Normalised {
  if (!(max > min) || !Number.isFinite(min) || !Number.isFinite(max)) {
    throw new ExplainError('bad-option', {
      what: `The range ${min}..${max} is not a finite one with its minimum below its maximum`,
      details: { min, max },
    })
  }
  if (percentile !== undefined) {
    throw new ExplainError('bad-option', {
      what: `A percentile (${percentile}) was given together with a range`,
      remedy: 'A range fixes both ends of the scale; leave the percentile out.',
    })
  }
  const values = map.map((v) => Math.min(1, Math.max(0, ((Number.isNaN(v) ? 0 : v) - min) / (max - min))))
  return { values, low: min, high: max }
}

/** The finite magnitude that becomes 1. */
function scaleEnd(map: Float32Array, signed: boolean, percentile: number): number {
  // what is known, infinities as 0
  const magnitudes = new Float32Array(map.length)
  let [count, maximum] = [0, 0]
  for (let i = 0; i < map.length; i++) {
    const v = map[i] as number
    if (Number.isNaN(v)) continue
    const magnitude = !Number.isFinite(v) ? 0 : signed ? Math.abs(v) : Math.max(0, v)
    magnitudes[count++] = magnitude
    if (magnitude > maximum) maximum = magnitude
  }
  if (percentile === 100) return maximum
  return quantile(magnitudes.subarray(0, count), percentile / 100) || maximum
}

/**
 * The smallest value that at least `share` of all values do not exceed, exactly and without sorting: the bits of
 * non-negative floats are ordered as the floats are, so two counts of 16 bits each find it.
 */
function quantile(values: Float32Array, share: number): number {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length)
  const rank = Math.max(1, Math.ceil(share * values.length))
  const upper = new Uint32Array(65536)
  for (let i = 0; i < bits.length; i++) (upper[(bits[i] as number) >>> 16] as number)++
  const high = countTo(upper, rank)
  const lower = new Uint32Array(65536)
  for (let i = 0; i < bits.length; i++) {
    const b = bits[i] as number
    if (b >>> 16 === high.index) (lower[b & 0xffff] as number)++
  }
  const low = countTo(lower, rank - high.before)
  return new Float32Array(Uint32Array.of(high.index * 65536 + low.index).buffer)[0] ?? 0
}

/** The first bin at which the running count reaches `rank`, and the count before that bin. */
function countTo(bins: Uint32Array, rank: number): { index: number; before: number } {
  let before = 0
  for (const [index, count] of bins.entries()) {
    if (before + count >= rank) return { index, before }
    before += count
  }
  return { index: 0, before: 0 }
}
