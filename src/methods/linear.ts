/** Resizing by straight lines, as `upsample` in maps.ts does in a graph. */

/** For each new place along an axis: the old ones on both sides, and how far it is from the lower. */
interface Taps {
  readonly low: Int32Array
  readonly high: Int32Array
  readonly share: Float32Array
}

/** From `[...from]` to `[...to]` along each axis: values at the centres of their cells, straight in between, held beyond the outermost (`half_pixel`). */
export function linearResize(from: readonly number[], to: readonly number[]): (values: Float32Array) => Float32Array {
  const steps = to.flatMap((extent, axis) => {
    const old = from[axis] ?? 1
    return old === extent ? [] : [{ axis, old, extent, taps: tapsOf(old, extent) }]
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

function tapsOf(from: number, to: number): Taps {
  const at = Float64Array.from({ length: to }, (_, i) => Math.min(from - 1, Math.max(0, ((i + 0.5) * from) / to - 0.5)))
  const low = Int32Array.from(at, Math.floor)
  return {
    low,
    high: low.map((v) => Math.min(from - 1, v + 1)),
    share: Float32Array.from(at, (v, i) => v - (low[i] ?? 0)),
  }
}
