import { mean, unit } from './maps.js'
import { defineMetric } from './metric.js'
import { combined, ROAD_FORWARDS, ROAD_OPTIONS, roadScores } from './road-scores.js'

/**
 * ROAD: places are taken away above a threshold and filled with the weighted mean of their neighbours and a little noise, which gives away
 * less of their shape than a colour does. The value is half of what removing the least relevant places first leaves more of the score than
 * removing the most relevant first, over thresholds at 20, 40, 60 and 80 % of the places.
 */
export const road = defineMetric({
  id: 'road',
  title: 'ROAD',
  family: 'faithfulness',
  summary:
    'How much more of the score the least important places can lose than the most important ones, filled smoothly.',
  source: 'Rong et al., ICML 2022 (arXiv 2202.00449)',
  variant:
    "pytorch-grad-cam's ROADCombined at 20, 40, 60, 80 %; `order` gives its two halves; a map that ties at its least value for more places than a threshold keeps leaves nothing to fill from: the mean colour is taken",
  better: 'higher',
  range: [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY],
  needs: 'nothing',
  constant: '0: most and least relevant places are the same',
  options: {
    ...ROAD_OPTIONS,
    order: {
      kind: 'choice',
      default: 'combined',
      choices: ['combined', 'morf', 'lerf'],
      description:
        'both orders, or the change of the score by the most (lower is better) or the least relevant first alone',
    },
  },
  cost: () => ({ forwards: ROAD_FORWARDS }),
  measure: async (context) => {
    const scores = await roadScores(context, unit(context.map.data))
    const { order } = context.options
    return { value: order === 'combined' ? combined(scores) : mean(scores[order]), parts: { ...scores } }
  },
})
