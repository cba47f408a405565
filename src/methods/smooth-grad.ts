import { GradientMoments, manyGradients, NOISE_OPTIONS, noisy } from './many-gradients.js'
import { defineMethod } from './method.js'

/** SmoothGrad: the mean of the gradients of noisy copies. */
export const smoothGrad = defineMethod({
  id: 'smooth-grad',
  kind: 'driven',
  title: 'SmoothGrad',
  family: 'gradient',
  channels: 'max-abs',
  display: 'positive',
  summary: 'The mean gradient of noisy copies of the picture: what stays when it changes a little.',
  source: 'Smilkov et al. 2017 (arXiv 1706.03825), section 3.1',
  cost: '1 forward + 1 backward for each noisy copy (50 by default)',
  options: NOISE_OPTIONS,
  run: (context) => {
    const { input, options, targets } = context
    const next = noisy(input.data, options.noise, options.seed)
    const moments = new GradientMoments(targets, input.data.length)
    return manyGradients(context, {
      count: options.samples,
      picture: next,
      take: (target, gradient) => moments.add(target, gradient),
      maps: () => moments.maps(input.dims.slice(1), (mean) => mean),
    })
  },
})
