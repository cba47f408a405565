import { NOISE_OPTIONS, ofNoisyCopies } from './many-gradients.js'
import { defineMethod } from './method.js'

/** SmoothGrad: the mean of the gradients of noisy copies. */
export const smoothGrad = defineMethod({
  id: 'smooth-grad',
  kind: 'driven',
  title: 'SmoothGrad',
  family: 'gradient',
  space: 'input',
  atLayer: false,
  channels: 'max-abs',
  display: 'positive',
  summary: 'The mean gradient of noisy copies of the picture: what stays when it changes a little.',
  source: 'Smilkov et al. 2017 (arXiv 1706.03825), section 3.1',
  cost: '1 forward + 1 backward for each noisy copy (50 by default)',
  options: NOISE_OPTIONS,
  run: ofNoisyCopies((mean) => mean),
})
