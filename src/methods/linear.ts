/** Resizing by straight lines, as `upsample` in maps.ts does in a graph. */

/** For each new place along an axis: the old ones on both sides, and how far it is from the lower. */
interface Taps {
  readonly low: Int32Array
  readonly high: Int32Array
  readonly share: Float32Array
}

/** Where the values of cells stand, and what lies beyond the outermost. */
export interface Sampling {
  /** `centres` of the cells (`half_pixel`), or their `corners` (`asymmetric`). */
  readonly at: 'centres' | 'corners'
  /** The outermost value held, or what lies inside mirrored about it. */
  readonly beyond: 'held' | 'mirrored'
}

const HALF_PIXEL: Sampling = { at: 'centres', beyond: 'held' }

/** From `[...from]` to `[...to]` along each axis, straight between values. Default: values at the centres of their cells, held beyond the outermost. */
export function linearResize(
  from: readonly number[],
  to: readonly number[],
  sampling: Sampling = HALF_PIXEL,
): (values: Float32Array) => Float32Array {
  const steps = to.flatMap((extent, axis) => {
    const old = from[axis] ?? 1
    return old === extent ? [] : [{ axis, old, extent, taps: tapsOf(old, extent, sampling) }]
  })
  const product = (dims: readonly number[]): number => dims.reduce((a, b) => a * b, 1)
  return (values) =>
    steps.reduce((data, { axis, old, extent, taps }) => {
      const [outer, inner] = [product(to.slice(0, axis)), product(from.slice(axis + 1))]
      const out = new Float32Array(outer * extent * inner)
      for (let o = 0, at = 0; o < outer; o++)
        for (let i = 0; i < extent; i++) {
          const [low, high] = [(o * old + (taps.low[i] ?? 0)) * inner, (o * old + (taps.high[i] ?? 0)) * inner]
          const share = taps.share[i] ?? 0
          for (let k = 0; k < inner; k++, at++) {
            const v = data[low + k] ?? 0
            out[at] = v + share * ((data[high + k] ?? 0) - v)
          }
        }
      return out
    }, values)
}

function tapsOf(from: number, to: number, { at, beyond }: Sampling): Taps {
  const places = Float64Array.from({ length: to }, (_, i) =>
    at === 'centres' ? ((i + 0.5) * from) / to - 0.5 : (i * from) / to,
  )
  const inside = (v: number): number => Math.min(from - 1, Math.max(0, v))
  const index = (v: number): number => inside(beyond === 'held' ? v : v < 0 ? -v : v >= from ? 2 * (from - 1) - v : v)
  const below = places.map(Math.floor)
  return {
    low: Int32Array.from(below, index),
    high: Int32Array.from(below, (v) => index(v + 1)),
    share: Float32Array.from(places, (v, i) => v - (below[i] ?? 0)),
  }
}
