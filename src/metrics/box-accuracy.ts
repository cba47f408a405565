/** MaxBoxAcc: whether boxes at each of a thousand thresholds overlap a true one, pooled over pictures at the best threshold. */

import { overlap } from '../core/box.js'
import type { Box } from '../image/index.js'
import { type Region, regionsOf } from './components.js'
import { mean, unit } from './maps.js'
import type { Measurement, MetricContext } from './metric.js'
import { onePlane } from './plane.js'

/** Thresholds as shares of the map's maximum. */
export const THRESHOLDS = 1000

/** Which boxes of a threshold are tried: that of the largest outline (version 1), or all (version 2). */
export type Tried = (regions: readonly Region[]) => readonly Region[]

export const ALL: Tried = (regions) => regions
/** The first of those with the largest outline, from below, as OpenCV lists contours. */
export const LARGEST: Tried = (regions) => {
  const [first, ...rest] = regions.filter((r) => !r.isHole).toReversed()
  return first ? [rest.reduce((best, r) => (r.outlined > best.outlined ? r : best), first)] : []
}

/** At each threshold 1 where the best of the boxes overlaps a true one enough; by the least overlap. */
export function boxAccuracy(
  { map, truth }: MetricContext,
  metric: string,
  overlaps: readonly number[],
  tried: Tried,
): Measurement {
  onePlane(map, metric)
  const { width, height } = map
  const levels = Uint8Array.from(unit(map.data), (v) => Math.floor(Math.fround(v * 255)))
  const most = levels.reduce((a, v) => Math.max(a, v), 0)
  const known = truth.boxes().map(wholeBox)
  const byLevel = new Map<number, number>()
  const bestAt = (level: number): number => {
    const regions = tried(
      regionsOf(
        Uint8Array.from(levels, (v) => (v > level ? 1 : 0)),
        width,
        height,
      ),
    )
    const boxes = regions.map(({ box }) => ({
      ...box,
      x1: Math.min(box.x1, width - 1),
      y1: Math.min(box.y1, height - 1),
    }))
    // pixels at both ends count
    return Math.max(0, ...(boxes.length > 0 ? boxes : [NONE]).flatMap((b) => known.map((t) => overlap(b, t, 1))))
  }
  const best = Array.from({ length: THRESHOLDS }, (_, i) => {
    const level = Math.floor((i / THRESHOLDS) * most)
    const value = byLevel.get(level) ?? bestAt(level)
    byLevel.set(level, value)
    return value
  })
  const parts = Object.fromEntries(overlaps.map((least) => [String(least), best.map((v) => (v >= least ? 1 : 0))]))
  return pooled([{ value: 0, parts }])
}

/** The rate of hits at the best threshold for all pictures, one for each least overlap, and their mean. */
export function pooled(measurements: readonly Measurement[]): Measurement {
  const parts: Record<string, readonly number[]> = {}
  for (const name of Object.keys(measurements[0]?.parts ?? {}))
    parts[name] = Array.from({ length: THRESHOLDS }, (_, i) =>
      mean(measurements.map((m) => (Array.isArray(m.parts?.[name]) ? (m.parts[name][i] ?? 0) : 0))),
    )
  return { value: mean(Object.values(parts).map((rates) => rates.reduce((a, v) => Math.max(a, v), 0))), parts }
}

const NONE: Box = { x0: 0, y0: 0, x1: 0, y1: 0 }

function wholeBox({ x0, y0, x1, y1 }: Box): Box {
  return { x0: Math.trunc(x0), y0: Math.trunc(y0), x1: Math.trunc(x1), y1: Math.trunc(y1) }
}
