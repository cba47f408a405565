import { blurred } from './blur.js'
import { GRADUAL_OPTIONS, gradualCost, gradually } from './gradual.js'
import { defineMetric } from './metric.js'

/** Insertion: the mean score while a blurred picture becomes sharp, the most important places first. */
export const insertion = defineMetric({
  id: 'insertion',
  title: 'Insertion',
  family: 'faithfulness',
  summary:
    'How soon the score comes back while the most important places of a blurred picture become sharp: the area under its curve.',
  source: 'Petsiuk et al., BMVC 2018 (arXiv 1806.07421), section 4.2',
  variant:
    "RISE's evaluation.py: a Gaussian blur of 11 x 11 pixels and deviation 5, as many places a step as the picture is wide",
  better: 'higher',
  range: [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY],
  needs: 'nothing',
  constant: 'the area when places come in reading order',
  options: {
    ...GRADUAL_OPTIONS,
    kernel: { kind: 'integer', default: 11, minimum: 1, unit: 'px', description: 'side of the kernel that blurs' },
    sigma: {
      kind: 'number',
      default: 5,
      minimum: 0.1,
      maximum: 1000,
      unit: 'px',
      description: 'deviation of the kernel that blurs',
    },
  },
  cost: gradualCost,
  measure: (context) => {
    const { input, layout, options } = context
    return gradually(context, blurred(input, layout, options.kernel, options.sigma), input.data)
  },
})
