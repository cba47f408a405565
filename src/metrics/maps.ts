/** What metrics make of maps. */
import { extremes } from '../core/extremes.js'

/** The map from 0 to 1: less its least value, divided by what is then its largest. All 0 where it is the same everywhere. */
export function unit(map: Float32Array): Float32Array {
  const [low, high] = extremes(map)
  return high > low ? map.map((v) => (v - low) / (high - low)) : new Float32Array(map.length)
}

/** The positive part from 0 to 1: what CAM papers multiply pictures by. All 0 where it is the same everywhere. */
export function positiveUnit(map: Float32Array): Float32Array {
  return unit(positive(map))
}

export function positive(map: Float32Array): Float32Array {
  return map.map((v) => Math.max(0, v))
}

/** Divided by the largest magnitude; itself where it is 0 everywhere (Quantus' `normalise_by_max`). */
export function byMaximum(map: Float32Array): Float32Array {
  const largest = map.reduce((a, v) => Math.max(a, Math.abs(v)), 0)
  return largest > 0 ? map.map((v) => v / largest) : map
}

/** Places from the highest value to the lowest; equal ones in reading order. */
export function fromHighest(map: ArrayLike<number>): Uint32Array {
  return Uint32Array.from({ length: map.length }, (_, i) => i).sort((a, b) => (map[b] ?? 0) - (map[a] ?? 0) || a - b)
}

/** The value below which a share of the values lies, straight between neighbours (NumPy's `quantile`). */
export function quantile(values: ArrayLike<number>, share: number): number {
  const sorted = Float64Array.from(values).sort()
  const at = share * (sorted.length - 1)
  const low = Math.floor(at)
  const below = sorted[low] ?? 0
  return below + (at - low) * ((sorted[Math.min(low + 1, sorted.length - 1)] ?? 0) - below)
}

export function sum(values: ArrayLike<number>): number {
  let total = 0
  for (let i = 0; i < values.length; i++) total += values[i] ?? 0
  return total
}

export function mean(values: ArrayLike<number>): number {
  return sum(values) / values.length
}

/** The area under a curve at equal steps (RISE: `(sum - first / 2 - last / 2) / (n - 1)`). */
export function areaUnder(curve: ArrayLike<number>): number {
  const [first = 0, last = 0] = [curve[0], curve[curve.length - 1]]
  return curve.length > 1 ? (sum(curve) - first / 2 - last / 2) / (curve.length - 1) : first
}
