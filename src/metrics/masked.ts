/** The picture as its map lets it through: what CAM papers measure confidence by. */

import { Places } from '../core/places.js'
import { positiveUnit } from './maps.js'
import type { MetricContext, ScoreOf } from './metric.js'
import { SCORE } from './score-option.js'

export const MASKED_OPTIONS = {
  score: SCORE,
} as const

/** The score of the picture, and of the picture times the positive part of its map, scaled from 0 to 1. */
export async function maskedScores(
  context: MetricContext<typeof MASKED_OPTIONS>,
  of: ScoreOf = context.options.score,
): Promise<{ readonly whole: number; readonly masked: number }> {
  const places = new Places(context.grid)
  const mask = positiveUnit(context.map.data)
  const [whole = 0, masked = 0] = await context.scores(of, 2, (i, picture) => {
    if (i === 1) places.scale(mask, picture)
  })
  return { whole, masked }
}

/** By how much of itself the score falls; 0 where it rises, or has nothing to lose. */
export function dropOf({ whole, masked }: { readonly whole: number; readonly masked: number }): number {
  return whole > 0 ? Math.max(0, whole - masked) / whole : 0
}
