/** ROAD: the score while the most, or the least, important places are taken away and filled from the rest. */

import { normal, SEED, uniform } from '../methods/random.js'
import { mean, quantile } from './maps.js'
import type { MetricContext } from './metric.js'
import { fillRemoved } from './removed.js'
import { SCORE } from './score-option.js'

export const ROAD_OPTIONS = {
  score: SCORE,
  noise: {
    kind: 'number',
    default: 0.01,
    minimum: 0,
    maximum: 10,
    unit: '',
    description: 'deviation of the noise on filled places, of the preprocessed picture',
  },
  seed: SEED,
} as const

/** Shares of places below the threshold. */
export const PERCENTILES = [20, 40, 60, 80]

export interface RoadScores {
  /** Changes of the score where the most relevant are removed first, one a percentile. */
  readonly morf: readonly number[]
  /** Changes where the least relevant are. */
  readonly lerf: readonly number[]
}

export const ROAD_FORWARDS = 2 * PERCENTILES.length + 1

/** @param map scaled from 0 to 1 */
export async function roadScores(context: MetricContext<typeof ROAD_OPTIONS>, map: Float32Array): Promise<RoadScores> {
  const { grid, options } = context
  const reversed = map.map((v) => 1 - v)
  const chance = normal(uniform(options.seed))
  const noise = options.noise > 0 ? () => options.noise * chance() : undefined
  const masks = [map, reversed].flatMap((values) =>
    PERCENTILES.map((p) => {
      const threshold = quantile(values, p / 100)
      return Uint8Array.from(values, (v) => (v < threshold ? 1 : 0))
    }),
  )
  const [whole = 0, ...scores] = await context.scores(options.score, masks.length + 1, (i, picture) => {
    const kept = masks[i - 1]
    if (kept) fillRemoved(picture, grid, kept, noise)
  })
  const changes = scores.map((s) => s - whole)
  return { morf: changes.slice(0, PERCENTILES.length), lerf: changes.slice(PERCENTILES.length) }
}

/** pytorch-grad-cam's ROADCombined: half of what the least relevant leave more of than the most relevant. */
export function combined({ morf, lerf }: RoadScores): number {
  return (mean(lerf) - mean(morf)) / 2
}
