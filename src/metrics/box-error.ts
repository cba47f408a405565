import { BOX_OPTIONS, boxOverlap } from './box.js'
import { defineMetric } from './metric.js'

/** Localisation error: 1 where the map's box overlaps no true one by half (the class is given: GT-known). */
export const boxError = defineMetric({
  id: 'box-error',
  title: 'Localisation error',
  family: 'localisation',
  summary:
    'Whether the box around the largest bright region of the map misses the object (IoU below 0.5): 1 or 0, a rate over many pictures.',
  source:
    'Zhou et al., CVPR 2016 (arXiv 1512.04150), section 3.2; Selvaraju et al., ICCV 2017 (arXiv 1610.02391), section 4.1',
  variant: "as box-iou; the papers' tables also count a wrong class as an error",
  better: 'lower',
  range: [0, 1],
  needs: 'boxes',
  constant: '1: it draws no box',
  options: BOX_OPTIONS,
  cost: () => ({}),
  measure: (context) => {
    const iou = boxOverlap(context, 'box-error')
    return { value: iou >= 0.5 ? 0 : 1, parts: { iou } }
  },
})
