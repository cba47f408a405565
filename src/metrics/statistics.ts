/** How alike two lists of numbers are. Lists without variation are like nothing: 0. */

import { correlation } from '../core/correlation.js'
import { extremes } from '../core/extremes.js'

type Numbers = ArrayLike<number>

/** Pearson's correlation; 0 where one of both is the same everywhere. */
export function pearson(a: Numbers, b: Numbers): number {
  return correlation(a, b) ?? 0
}

/** Spearman's rank correlation: Pearson's of the ranks, equal values sharing the mean of theirs. */
export function spearman(a: Numbers, b: Numbers): number {
  return pearson(ranks(a), ranks(b))
}

/** Ranks from 1; equal values share the mean of theirs. */
export function ranks(values: Numbers): Float64Array {
  const order = Uint32Array.from({ length: values.length }, (_, i) => i).sort(
    (x, y) => (values[x] ?? 0) - (values[y] ?? 0),
  )
  const out = new Float64Array(values.length)
  for (let from = 0; from < order.length; ) {
    let to = from + 1
    while (to < order.length && values[order[to] ?? 0] === values[order[from] ?? 0]) to++
    for (let i = from; i < to; i++) out[order[i] ?? 0] = (from + to + 1) / 2
    from = to
  }
  return out
}

/** Extents of a plane or a volume, row-major. */
export interface Extents {
  readonly depth: number
  readonly height: number
  readonly width: number
}

const LARGEST_WINDOW = 7

/**
 * The structural similarity of two maps (Wang et al. 2004), as scikit-image computes it: windows of 7 places a side, all alike, that lie
 * wholly inside (smaller odd ones where the map is smaller), sample covariances, K1 = 0.01, K2 = 0.03; the range is that of both maps
 * together. 1 for maps that are the same; of two that are constant, how alike their values are.
 */
export function ssim(a: Numbers, b: Numbers, extents: Extents): number {
  const sides = [extents.depth, extents.height, extents.width]
  const shortest = Math.min(LARGEST_WINDOW, ...sides.filter((s) => s > 1))
  const window = shortest % 2 === 1 ? shortest : shortest - 1
  const along = sides.map((s) => (s > 1 ? window : 1))
  const count = along.reduce((x, y) => x * y, 1)
  const product = (x: Numbers, y: Numbers): Float64Array =>
    Float64Array.from({ length: x.length }, (_, i) => (x[i] ?? 0) * (y[i] ?? 0))
  const means = (v: Numbers): Float64Array => windowSums(v, sides, along).map((s) => s / count)
  const [ma, mb, maa, mbb, mab] = [a, b, product(a, a), product(b, b), product(a, b)].map(means)
  if (!ma || !mb || !maa || !mbb || !mab) return 0
  const [[lowA, highA], [lowB, highB]] = [extremes(a), extremes(b)]
  const range = Math.max(highA, highB) - Math.min(lowA, lowB)
  if (range === 0) return 1
  const [c1, c2] = [(0.01 * range) ** 2, (0.03 * range) ** 2]
  const sample = count > 1 ? count / (count - 1) : 1
  let total = 0
  for (let i = 0; i < ma.length; i++) {
    const [x, y] = [ma[i] ?? 0, mb[i] ?? 0]
    const vx = sample * ((maa[i] ?? 0) - x * x)
    const vy = sample * ((mbb[i] ?? 0) - y * y)
    const vxy = sample * ((mab[i] ?? 0) - x * y)
    total += ((2 * x * y + c1) * (2 * vxy + c2)) / ((x * x + y * y + c1) * (vx + vy + c2))
  }
  return total / ma.length
}

/** Sums over all windows that lie wholly inside, axis by axis. */
function windowSums(values: Numbers, sides: readonly number[], along: readonly number[]): Float64Array {
  let data = Float64Array.from(values)
  const dims = [...sides]
  for (const [axis, window] of along.entries()) {
    const extent = dims[axis] ?? 1
    const inner = dims.slice(axis + 1).reduce((x, y) => x * y, 1)
    const outer = dims.slice(0, axis).reduce((x, y) => x * y, 1)
    const left = extent - window + 1
    const out = new Float64Array(outer * left * inner)
    for (let o = 0; o < outer; o++)
      for (let i = 0; i < left; i++)
        for (let k = 0; k < inner; k++) {
          let s = 0
          for (let w = 0; w < window; w++) s += data[(o * extent + i + w) * inner + k] ?? 0
          out[(o * left + i) * inner + k] = s
        }
    data = out
    dims[axis] = left
  }
  return data
}
