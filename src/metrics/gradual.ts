/** Pictures that change into others place by place, from the most important place on: deletion and insertion. */

import { Places } from '../core/places.js'
import { areaUnder, fromHighest } from './maps.js'
import type { Measurement, MetricContext } from './metric.js'
import { SCORE } from './score-option.js'

/** Options of both. */
export const GRADUAL_OPTIONS = {
  step: {
    kind: 'integer',
    default: 0,
    minimum: 0,
    unit: 'places',
    description: 'places that change at a time; 0: as many as the picture is wide',
  },
  score: { ...SCORE, description: 'whose curve it is: the probability, the logit, or what the map explains' },
} as const

export function gradualCost({ step }: { readonly step: number }, { places, width }: GradualSize) {
  return { forwards: Math.ceil(places / (step || width)) + 1 }
}

interface GradualSize {
  readonly places: number
  readonly width: number
}

/** The scores while `start` becomes `finish`, and the area under them. */
export async function gradually(
  context: MetricContext<typeof GRADUAL_OPTIONS>,
  start: Float32Array,
  finish: Float32Array,
): Promise<Measurement> {
  const { map, options } = context
  const places = new Places(context.grid)
  const step = options.step || map.width
  const order = fromHighest(map.data)
  const count = Math.ceil(places.count / step) + 1
  const now = start.slice()
  let changed = 0
  const scores = await context.scores(options.score, count, (i, picture) => {
    for (const end = Math.min(places.count, i * step); changed < end; changed++)
      places.copy(order[changed] ?? 0, finish, now)
    picture.set(now)
  })
  const x = Array.from(scores, (_, i) => Math.min(1, (i * step) / places.count))
  return { value: areaUnder(scores), curve: { x, y: [...scores] } }
}
