import { coherency, fullness, harmonicMean } from './coherency.js'
import { positiveUnit } from './maps.js'
import { defineMetric } from './metric.js'
import { combined, ROAD_FORWARDS, ROAD_OPTIONS, roadScores } from './road-scores.js'

/** ARCC: the harmonic mean of coherency, 1 - complexity and ROAD, which is doubled and cut off to lie from 0 to 1. */
export const arcc = defineMetric({
  id: 'arcc',
  title: 'ARCC',
  family: 'faithfulness',
  summary: 'As ADCC, with ROAD in the place of the average drop.',
  source: 'RefineCAM (arXiv 2605.14641)',
  variant: "pytorch-grad-cam's metrics/arcc.py, whose mean is harmonic (its comment says geometric)",
  better: 'higher',
  range: [0, 1],
  needs: 'nothing',
  constant: '0, as ROAD is',
  options: ROAD_OPTIONS,
  cost: () => ({ forwards: ROAD_FORWARDS, maps: 1 }),
  measure: async (context) => {
    const parts = {
      coherency: await coherency(context),
      complexity: fullness(context),
      road: Math.min(1, Math.max(0, 2 * combined(await roadScores(context, positiveUnit(context.map.data))))),
    }
    return { value: harmonicMean([parts.coherency, 1 - parts.complexity, parts.road]), parts }
  },
})
