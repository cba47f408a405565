import { ALL, boxAccuracy, pooled } from './box-accuracy.js'
import { defineMetric } from './metric.js'

/** MaxBoxAccV2: as MaxBoxAcc, of any region's box, and the mean over overlaps of 0.3, 0.5 and 0.7, each at its own best threshold. */
export const maxBoxAccV2 = defineMetric({
  id: 'max-box-acc-v2',
  title: 'MaxBoxAccV2',
  family: 'localisation',
  summary: 'As MaxBoxAcc, of the box of any region, averaged over overlaps of 0.3, 0.5 and 0.7.',
  source: 'Choe et al. 2020 (arXiv 2007.04178)',
  variant:
    "wsolevaluation's evaluation.py with --multi_contour_eval and --multi_iou_eval, a share of 1; holes of regions have boxes too, as OpenCV's contours",
  better: 'higher',
  range: [0, 1],
  needs: 'boxes',
  constant: '0, save for a true box of one pixel in the corner',
  options: {},
  cost: () => ({}),
  measure: (context) => boxAccuracy(context, 'max-box-acc-v2', [0.3, 0.5, 0.7], ALL),
  aggregate: pooled,
})
