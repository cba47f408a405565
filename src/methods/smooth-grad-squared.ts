import { NOISE_OPTIONS, ofNoisyCopies } from './many-gradients.js'
import { defineMethod } from './method.js'

/** SmoothGrad squared: the mean of the squares of the gradients of noisy copies. */
export const smoothGradSquared = defineMethod({
  id: 'smooth-grad-squared',
  kind: 'driven',
  title: 'SmoothGrad squared',
  family: 'gradient',
  space: 'input',
  atLayer: false,
  channels: 'max-abs',
  display: 'positive',
  summary: 'The mean of the squared gradients of noisy copies of the picture.',
  source: 'Hooker et al., NeurIPS 2019 (arXiv 1806.10758), section 4.2 (SmoothGrad-Squared)',
  cost: '1 forward + 1 backward for each noisy copy (50 by default)',
  options: NOISE_OPTIONS,
  run: ofNoisyCopies((_, square) => square),
})
