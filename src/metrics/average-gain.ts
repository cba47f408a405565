import { maskedScores } from './masked.js'
import { defineMetric } from './metric.js'

/** Average gain: `max(0, O - Y) / (1 - Y)`, of probabilities: the counterpart of average drop. */
export const averageGain = defineMetric({
  id: 'average-gain',
  title: 'Average gain',
  family: 'faithfulness',
  summary:
    'Which share of what the probability lacks to 1 is won where only what the map shows is left of the picture.',
  source: 'Zhang et al., Opti-CAM, CVIU 2024 (arXiv 2301.07002)',
  variant: "the paper's, a share of 1 (the paper: percent)",
  better: 'higher',
  range: [0, 1],
  needs: 'nothing',
  constant: 'the gain of a picture that is 0 (the mean colour) all over',
  options: {},
  cost: () => ({ forwards: 2 }),
  measure: async (context) => {
    const scores = await maskedScores({ ...context, options: { score: 'probability' } })
    const { whole, masked } = scores
    return { value: whole < 1 ? Math.max(0, masked - whole) / (1 - whole) : 0, parts: scores }
  },
})
