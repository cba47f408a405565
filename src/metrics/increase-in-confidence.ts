import { MASKED_OPTIONS, maskedScores } from './masked.js'
import { defineMetric } from './metric.js'

/** Increase in confidence: 1 where the picture times its map has a higher score than the picture. */
export const increaseInConfidence = defineMetric({
  id: 'increase-in-confidence',
  title: 'Increase in confidence',
  family: 'faithfulness',
  summary:
    'Whether the score rises where only what the map shows is left of the picture: 1 or 0, a rate over many pictures.',
  source: 'Chattopadhay et al., WACV 2018 (arXiv 1710.11063), section 4.1.2',
  variant: "torch-cam's ClassificationMetric and pytorch-grad-cam's IncreaseInConfidence",
  better: 'higher',
  range: [0, 1],
  needs: 'nothing',
  constant: '1 only where a picture that is 0 (the mean colour) all over has a higher score',
  options: MASKED_OPTIONS,
  cost: () => ({ forwards: 2 }),
  measure: async (context) => {
    const scores = await maskedScores(context)
    return { value: scores.masked > scores.whole ? 1 : 0, parts: scores }
  },
})
