import { BOX_OPTIONS, boxOverlap } from './box.js'
import { defineMetric } from './metric.js'

/** The overlap (intersection over union) of the map's box with the best fitting true one. */
export const boxIou = defineMetric({
  id: 'box-iou',
  title: 'Box IoU',
  family: 'localisation',
  summary: 'How well the box around the largest bright region of the map covers the object: intersection over union.',
  source:
    'Zhou et al., CVPR 2016 (arXiv 1512.04150), section 3.2; Selvaraju et al., ICCV 2017 (arXiv 1610.02391), section 4.1',
  variant:
    "the papers' rules: the largest region of at least 15 % (Grad-CAM) or 20 % (CAM) of the maximum, neighbours at corners included",
  better: 'higher',
  range: [0, 1],
  needs: 'boxes',
  constant: '0: it draws no box',
  options: BOX_OPTIONS,
  cost: () => ({}),
  measure: (context) => ({ value: boxOverlap(context, 'box-iou') }),
})
