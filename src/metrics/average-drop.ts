import { dropOf, MASKED_OPTIONS, maskedScores } from './masked.js'
import { defineMetric } from './metric.js'

/** Average drop: `max(0, Y - O) / Y`, where Y is the score of the picture and O that of the picture times its map. */
export const averageDrop = defineMetric({
  id: 'average-drop',
  title: 'Average drop',
  family: 'faithfulness',
  summary: 'Which share of the score is lost where only what the map shows is left of the picture.',
  source: 'Chattopadhay et al., WACV 2018 (arXiv 1710.11063), section 4.1.1',
  variant:
    "torch-cam's ClassificationMetric, a share of 1 (the paper: percent); the map's positive part, scaled from 0 to 1",
  better: 'lower',
  range: [0, 1],
  needs: 'nothing',
  constant: 'the drop to a picture that is 0 (the mean colour) all over',
  options: MASKED_OPTIONS,
  cost: () => ({ forwards: 2 }),
  measure: async (context) => {
    const scores = await maskedScores(context)
    return { value: dropOf(scores), parts: scores }
  },
})
