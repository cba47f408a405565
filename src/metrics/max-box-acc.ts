import { boxAccuracy, LARGEST, pooled } from './box-accuracy.js'
import { defineMetric } from './metric.js'

/** MaxBoxAcc: the rate of pictures whose largest region's box overlaps a true one by half, at the threshold that is best for all. */
export const maxBoxAcc = defineMetric({
  id: 'max-box-acc',
  title: 'MaxBoxAcc',
  family: 'localisation',
  summary:
    'How often the box of the largest region overlaps the object by half, at the threshold that is best for all pictures.',
  source: 'Choe et al., CVPR 2020 (arXiv 2001.07437)',
  variant:
    "wsolevaluation's evaluation.py without --multi_contour_eval, a share of 1; 1000 thresholds of the map scaled from 0 to 1",
  better: 'higher',
  range: [0, 1],
  needs: 'boxes',
  constant: '0, save for a true box of one pixel in the corner',
  options: {},
  cost: () => ({}),
  measure: (context) => boxAccuracy(context, 'max-box-acc', [0.5], LARGEST),
  aggregate: pooled,
})
