import { shareInside } from './inside.js'
import { positive } from './maps.js'
import { defineMetric } from './metric.js'
import { throughSlices } from './plane.js'

/** Energy-based pointing game: the share of the map's positive part that lies on the object. */
export const energyPointingGame = defineMetric({
  id: 'energy-pointing-game',
  title: 'Energy-based pointing game',
  family: 'localisation',
  summary: 'Which share of the positive map lies on the object.',
  source: 'Wang et al., Score-CAM, CVPR 2020 workshops (arXiv 1910.01279)',
  variant: "the paper's; boxes are taken as filled masks",
  better: 'higher',
  range: [0, 1],
  needs: 'mask',
  constant: "the object's share of the picture; 0 where nothing is positive",
  options: {},
  cost: () => ({}),
  measure: ({ map, truth }) => ({ value: shareInside(positive(map.data), throughSlices(truth.mask(), map)) }),
})
