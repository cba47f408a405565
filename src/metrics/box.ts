/** The box that a map draws: around the largest region above a share of its maximum. */

import { overlap } from '../core/box.js'
import { extremes } from '../core/extremes.js'
import type { Box } from '../image/index.js'
import { regionsOf } from './components.js'
import type { MapPlane, MetricContext } from './metric.js'
import { onePlane } from './plane.js'

export const BOX_OPTIONS = {
  threshold: {
    kind: 'number',
    default: 0.15,
    minimum: 0,
    maximum: 1,
    unit: '',
    description: "share of the map's maximum that a place must have: 0.15 (Grad-CAM) or 0.2 (CAM)",
  },
} as const

/** undefined where nothing is positive, or the map is the same everywhere. */
export function boxOf({ data, width, height }: MapPlane, threshold: number): Box | undefined {
  const [low, high] = extremes(data)
  if (high <= 0 || high === low) return undefined
  const regions = regionsOf(
    Uint8Array.from(data, (v) => (v >= threshold * high ? 1 : 0)),
    width,
    height,
  )
  return regions.filter((r) => !r.isHole).reduce((best, r) => (best && best.places >= r.places ? best : r), regions[0])
    ?.box
}

/** How well the map's box covers the best fitting of the true ones. */
export function boxOverlap(context: MetricContext<typeof BOX_OPTIONS>, metric: string): number {
  const { map, truth, options } = context
  onePlane(map, metric)
  const box = boxOf(map, options.threshold)
  return Math.max(0, ...truth.boxes().map((t) => (box ? overlap(box, t) : 0)))
}
