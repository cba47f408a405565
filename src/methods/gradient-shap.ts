import { BASELINE_OPTION } from './baseline.js'
import { covered } from './covering.js'
import { GradientMoments, manyGradients, NOISE_OPTIONS, noisy } from './many-gradients.js'
import { defineMethod } from './method.js'
import { uniform } from './random.js'

/**
 * GradientSHAP: the expectation of `(x + noise - x') * gradient` at random places between the baseline `x'` and noisy copies of the
 * picture, as in Captum: SHAP values of a linear model, by samples.
 */
export const gradientShap = defineMethod({
  id: 'gradient-shap',
  kind: 'driven',
  title: 'GradientSHAP',
  family: 'gradient',
  space: 'input',
  atLayer: false,
  channels: 'sum',
  display: 'signed',
  summary:
    'Integrated gradients by chance: random places on the ways from a plain picture to noisy copies of this one.',
  source:
    'Lundberg and Lee, NeurIPS 2017 (arXiv 1705.07874); expected gradients, Erion et al. 2019 (arXiv 1906.10670), as in Captum',
  cost: '1 forward + 1 backward for each sample (50 by default)',
  options: {
    ...NOISE_OPTIONS,
    baseline: BASELINE_OPTION,
  },
  run: (context) => {
    const { input, options, targets } = context
    const dims = input.dims.slice(1)
    const baseline = covered(input, context.layout, context.fill(options.baseline))
    const next = noisy(input.data, options.noise, options.seed)
    const chance = uniform(options.seed + 1)
    const moments = new GradientMoments(targets, input.data.length)
    const ways: Float32Array[] = []
    return manyGradients(context, {
      count: options.samples,
      picture: (i) => {
        const way = next().map((v, at) => v - (baseline[at] ?? 0))
        const share = chance()
        ways[i] = way
        delete ways[i - context.batch]
        return way.map((v, at) => (baseline[at] ?? 0) + share * v)
      },
      take: (target, gradient, i) =>
        moments.add(
          target,
          gradient.map((v, at) => v * (ways[i]?.[at] ?? 0)),
        ),
      maps: () => moments.maps(dims, (mean) => mean),
    })
  },
})
