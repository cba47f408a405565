import { covered } from '../methods/covering.js'
import { GRADUAL_OPTIONS, gradualCost, gradually } from './gradual.js'
import { defineMetric } from './metric.js'

/** Deletion: the mean score while places are taken away, the most important ones first. */
export const deletion = defineMetric({
  id: 'deletion',
  title: 'Deletion',
  family: 'faithfulness',
  summary: 'How long the score stays while the most important places are covered: the area under its curve.',
  source: 'Petsiuk et al., BMVC 2018 (arXiv 1806.07421), section 4.2',
  variant:
    "RISE's evaluation.py: places become 0 after normalisation (the mean colour), as many a step as the picture is wide",
  better: 'lower',
  range: [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY],
  needs: 'nothing',
  constant: 'the area when places go in reading order',
  options: {
    ...GRADUAL_OPTIONS,
    fill: {
      kind: 'fill',
      default: 'mean',
      description: 'what places become: mean (0 after normalisation) or a colour',
    },
  },
  cost: gradualCost,
  measure: (context) =>
    gradually(context, context.input.data, covered(context.input, context.layout, context.fill(context.options.fill))),
})
