/** What ADCC and ARCC are made of. */
import { Places } from '../core/places.js'
import { mean, positiveUnit } from './maps.js'
import type { MetricContext } from './metric.js'
import { pearson } from './statistics.js'

/** How alike the map is to that of the picture times the map, from 0 to 1: `(r + 1) / 2`. */
export async function coherency(context: MetricContext): Promise<number> {
  const places = new Places(context.grid)
  const mask = positiveUnit(context.map.data)
  const again = await context.explain((picture) => places.scale(mask, picture))
  return (pearson(positiveUnit(again.data), mask) + 1) / 2
}

/** The mean of the map, from 0 to 1. */
export function fullness(context: MetricContext): number {
  return mean(positiveUnit(context.map.data))
}

/** 0 where one of them is. */
export function harmonicMean(values: readonly number[]): number {
  if (values.some((v) => v <= 0)) return 0
  return values.length / values.reduce((s, v) => s + 1 / v, 0)
}
