import { shareInside } from './inside.js'
import { positive } from './maps.js'
import { defineMetric } from './metric.js'
import { throughSlices } from './plane.js'

/** Grid pointing game: on a mosaic of pictures of different classes, the share of the positive map in the cell of the explained class. */
export const gridPointingGame = defineMetric({
  id: 'grid-pointing-game',
  title: 'Grid pointing game',
  family: 'localisation',
  summary:
    'On a mosaic of pictures, the share of the positive map that lies in the cell of the explained class; needs no annotation.',
  source: 'Böhle et al., CVPR 2021 (arXiv 2104.00032); GridPG of Rao et al., CVPR 2022 (arXiv 2205.10435)',
  variant: "the papers'; `mosaic` makes picture and cells, the cell of the class is given as the true box",
  better: 'higher',
  range: [0, 1],
  needs: 'boxes',
  constant: "the cell's share of the mosaic (0.25 of 2 x 2); 0 where nothing is positive",
  options: {},
  cost: () => ({}),
  measure: ({ map, truth }) => ({ value: shareInside(positive(map.data), throughSlices(truth.mask(), map)) }),
})
