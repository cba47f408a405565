import { coherency, fullness, harmonicMean } from './coherency.js'
import { dropOf, MASKED_OPTIONS, maskedScores } from './masked.js'
import { defineMetric } from './metric.js'

/** ADCC: the harmonic mean of coherency, 1 - complexity and 1 - average drop. */
export const adcc = defineMetric({
  id: 'adcc',
  title: 'ADCC',
  family: 'faithfulness',
  summary: 'One number of three: the score stays under the map, the map is small, and it stays the same under itself.',
  source: 'Poppi et al., CVPR 2021 workshops (arXiv 2104.10252)',
  variant: "coherency and complexity as in pytorch-grad-cam's metrics/arcc.py; the drop as in average-drop",
  better: 'higher',
  range: [0, 1],
  needs: 'nothing',
  constant:
    '0 where all of the score is lost, else that of a map without variation: a coherency of 0.5, a complexity of 0',
  options: MASKED_OPTIONS,
  cost: () => ({ forwards: 2, maps: 1 }),
  measure: async (context) => {
    const parts = {
      coherency: await coherency(context),
      complexity: fullness(context),
      drop: dropOf(await maskedScores(context)),
    }
    return { value: harmonicMean([parts.coherency, 1 - parts.complexity, 1 - parts.drop]), parts }
  },
})
