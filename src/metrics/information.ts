/** Performance information curves: how much of the answer comes back with how much of the picture's information. */
import { ExplainError } from '../core/errors.js'
import { extremes } from '../core/extremes.js'
import { Places } from '../core/places.js'
import { SEED, uniform } from '../methods/random.js'
import { mean, quantile } from './maps.js'
import type { Measurement, MetricContext } from './metric.js'
import { fillRemoved } from './removed.js'

export const INFORMATION_OPTIONS = {
  least: {
    kind: 'number',
    default: 0,
    minimum: 0,
    maximum: 1,
    unit: '',
    description: 'the least probability (or 1 for the right answer) that the whole picture must have',
  },
  shown: {
    kind: 'number',
    default: 0.01,
    minimum: 0,
    maximum: 0.5,
    unit: '',
    description: 'share of places that are always shown, by chance',
  },
  seed: SEED,
} as const

/** Shares of the most important places that are shown, as in PAIR's example. */
const SHARES = [0.005, 0.01, 0.02, 0.03, 0.04, 0.05, 0.07, 0.1, 0.13, 0.21, 0.34, 0.5, 0.75]
/** Points of the curve. */
const POINTS = 1000

export const INFORMATION_FORWARDS = SHARES.length + 2

/** What the performance of an answer is: from the probabilities of all classes to a number from 0 to 1. */
export type Performance = (answer: Float64Array) => number

/**
 * Pictures are shown by their most important places and a few random ones, the rest filled smoothly; the information in each is estimated;
 * both axes are scaled from the picture that shows the random places alone to the whole one.
 */
export async function informationCurve(
  context: MetricContext<typeof INFORMATION_OPTIONS>,
  performance: Performance,
): Promise<Measurement> {
  const { map, grid, options, input } = context
  const shown = randomPlaces(map.data.length, options.shown, options.seed)
  for (let z = 0; z < map.depth; z++)
    for (const y of [0, map.height - 1])
      for (const x of [0, map.width - 1]) shown[(z * map.height + y) * map.width + x] = 1
  const masks = [undefined, shown].concat(
    SHARES.map((share) => {
      const threshold = quantile(map.data, 1 - share)
      return shown.map((s, i) => s | ((map.data[i] ?? 0) >= threshold ? 1 : 0))
    }),
  )
  const range = extremes(input.data)
  const places = new Places(grid)
  const information: number[] = []
  const answers = await context.answers(masks.length, (i, picture) => {
    const kept = masks[i]
    if (kept) fillRemoved(picture, grid, kept)
    information.push(informationIn(picture, places, map, range))
  })
  const performances = answers.map(performance)
  const [whole = 0, blurred = 0] = performances
  const [most = 0, least = 0] = information
  if (whole < options.least || whole <= blurred || most <= least)
    throw new ExplainError('method-not-applicable', {
      what:
        whole < options.least
          ? `The whole picture has ${whole.toPrecision(3)}, less than the ${options.least} that is asked for`
          : whole <= blurred
            ? `The whole picture has ${whole.toPrecision(3)}, not more than ${blurred.toPrecision(3)} of the one that shows random places alone`
            : 'The whole picture holds no more information than the one that shows random places alone',
      remedy: 'There is no curve for this picture: leave it out, as the published metric does.',
    })
  const cut = (v: number): number => Math.min(1, Math.max(0, v))
  let best = 0
  const points = SHARES.map((_, i): readonly [number, number] => {
    best = Math.max(best, cut(((performances[i + 2] ?? 0) - blurred) / (whole - blurred)))
    return [cut(((information[i + 2] ?? 0) - least) / (most - least)), best]
  })
  return curveThrough([...points, [0, 0], [1, 1]])
}

/** The curve through points, straight between them, and the area under it. Of several at one x the last counts to the left of it. */
export function curveThrough(points: readonly (readonly [number, number])[]): Measurement {
  const sorted = points.toSorted((a, b) => a[0] - b[0])
  const at = (x: number): number => {
    // as SciPy's interp1d: the first point that is not below
    const first = sorted.findIndex((p) => p[0] >= x)
    const high = Math.min(sorted.length - 1, Math.max(1, first < 0 ? sorted.length : first))
    const [[x0, y0], [x1, y1]] = [sorted[high - 1] ?? [0, 0], sorted[high] ?? [1, 1]]
    return x1 > x0 ? y0 + ((y1 - y0) / (x1 - x0)) * (x - x0) : y0
  }
  const x = Array.from({ length: POINTS + 1 }, (_, i) => i / POINTS)
  const y = x.map((v, i) => (i === POINTS ? 1 : at(v)))
  return { value: areaOf(y), curve: { x, y } }
}

/** Pools curves: the median at each point, and the area under that. */
export function medianCurve(measurements: readonly Measurement[]): Measurement {
  const curves = measurements.flatMap((m) => m.curve ?? [])
  const [first] = curves
  if (!first) return { value: Number.NaN }
  const y = first.x.map((_, i) =>
    quantile(
      curves.map((c) => c.y[i] ?? 0),
      0.5,
    ),
  )
  return { value: areaOf(y), curve: { x: first.x, y } }
}

function areaOf(y: readonly number[]): number {
  return mean(y.slice(1).map((v, i) => (v + (y[i] ?? 0)) / 2))
}

/** A share of all places, by chance. */
function randomPlaces(count: number, share: number, seed: number): Uint8Array {
  const chance = uniform(seed)
  const order = Uint32Array.from({ length: count }, (_, i) => i)
  const out = new Uint8Array(count)
  for (let k = 0; k < Math.floor(count * share); k++) {
    const j = k + Math.floor(chance() * (count - k))
    const chosen = order[j] ?? 0
    order[j] = order[k] ?? 0
    out[chosen] = 1
  }
  return out
}

/**
 * An estimate of a picture's information in bytes, the same on every machine: its values in 256 steps of the explained picture's range,
 * each less what LOCO-I's median predictor expects of its neighbours, and the Shannon entropy of the differences, channel by channel.
 */
export function informationIn(
  picture: Float32Array,
  places: Places,
  { height, width }: { readonly height: number; readonly width: number },
  [low, high]: readonly [number, number],
): number {
  const step = high > low ? 255 / (high - low) : 0
  let bits = 0
  for (let c = 0; c < places.channels; c++) {
    const level = Int32Array.from({ length: places.count }, (_, i) =>
      Math.min(255, Math.max(0, Math.floor(((picture[places.at(i, c)] ?? 0) - low) * step + 0.5))),
    )
    const counts = new Uint32Array(512)
    for (let i = 0; i < places.count; i++) {
      const [y, x] = [Math.floor(i / width) % height, i % width]
      const left = x > 0 ? (level[i - 1] ?? 0) : undefined
      const above = y > 0 ? (level[i - width] ?? 0) : undefined
      const corner = level[i - width - 1] ?? 0
      const [a, b] = [left ?? above ?? 0, above ?? left ?? 0]
      const expected =
        left === undefined || above === undefined
          ? a
          : corner >= Math.max(a, b)
            ? Math.min(a, b)
            : corner <= Math.min(a, b)
              ? Math.max(a, b)
              : a + b - corner
      const at = (level[i] ?? 0) - expected + 256
      counts[at] = (counts[at] ?? 0) + 1
    }
    for (const n of counts) if (n > 0) bits -= n * Math.log2(n / places.count)
  }
  return bits / 8
}
