import { defineMethod } from './method.js'
import { scoreWeighted } from './score-weights.js'

/**
 * Score-CAM: `sum_k w_k A^k`, `w` the softmax over channels of the scores of the picture times channel k, resized to it and scaled from 0 to 1.
 * The paper takes the score of a baseline picture off each; the softmax is the same without.
 */
export const scoreCam = defineMethod({
  id: 'score-cam',
  kind: 'driven',
  title: 'Score-CAM',
  family: 'cam',
  space: 'layer',
  atLayer: true,
  display: 'positive',
  summary:
    "The layer's channels, each weighted by the score of what it lets through of the picture; needs no gradient.",
  source:
    'Wang et al., CVPR Workshops 2020 (arXiv 1910.01279), section 3.2, equations 4 to 6; channels resized linearly between the centres of their cells, as in torch-cam',
  cost: '1 forward for each channel of the layer',
  options: {},
  run: (context) => scoreWeighted(context, 1, () => (value) => value),
})
