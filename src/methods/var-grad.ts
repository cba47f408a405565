import { NOISE_OPTIONS, ofNoisyCopies } from './many-gradients.js'
import { defineMethod } from './method.js'

/** VarGrad: the variance of the gradients of noisy copies, over the samples that there are. */
export const varGrad = defineMethod({
  id: 'var-grad',
  kind: 'driven',
  title: 'VarGrad',
  family: 'gradient',
  space: 'input',
  atLayer: false,
  channels: 'max-abs',
  display: 'positive',
  summary: 'How much the gradient varies among noisy copies of the picture.',
  source: 'Adebayo et al., NeurIPS 2018 (arXiv 1810.03292), appendix; the variance over the samples, as in Captum',
  cost: '1 forward + 1 backward for each noisy copy (50 by default)',
  options: NOISE_OPTIONS,
  run: ofNoisyCopies((mean, square) => Math.max(0, square - mean * mean)),
})
