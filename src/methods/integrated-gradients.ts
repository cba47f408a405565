import { float32 } from '../core/tensor.js'
import { BASELINE_OPTION, noteCompleteness } from './baseline.js'
import { covered } from './covering.js'
import { manyGradients } from './many-gradients.js'
import { defineMethod } from './method.js'

/**
 * Integrated gradients: `(x - x') * integral of the gradient from the baseline x' to the picture x`, at the middles of equal steps
 * (`riemann_middle` in Captum). The values sum to what the score has more than the baseline's (completeness); the provenance says how well.
 */
export const integratedGradients = defineMethod({
  id: 'integrated-gradients',
  kind: 'driven',
  title: 'Integrated gradients',
  family: 'gradient',
  space: 'input',
  atLayer: false,
  channels: 'sum',
  display: 'signed',
  summary:
    "What each pixel adds to the score on the way from a plain picture to this one; the parts sum to the score's rise.",
  source: 'Sundararajan et al., ICML 2017 (arXiv 1703.01365), section 3, equation 1; at the middles of the steps',
  cost: '1 forward + 1 backward for each step (50 by default)',
  options: {
    steps: {
      kind: 'integer',
      default: 50,
      minimum: 1,
      unit: 'steps',
      description: 'steps from the baseline to the picture',
    },
    baseline: BASELINE_OPTION,
  },
  run: async (context) => {
    const { input, options, targets } = context
    const dims = input.dims.slice(1)
    const baseline = covered(input, context.layout, context.fill(options.baseline))
    const way = input.data.map((v, i) => v - (baseline[i] ?? 0))
    const sums = Array.from({ length: targets }, () => new Float64Array(way.length))
    const maps = await manyGradients(context, {
      count: options.steps,
      picture: (i) => way.map((v, at) => (baseline[at] ?? 0) + ((i + 0.5) / options.steps) * v),
      take: (target, gradient) => {
        const sum = sums[target]
        if (sum) for (const [at, v] of gradient.entries()) sum[at] = (sum[at] ?? 0) + v / options.steps
      },
      maps: () =>
        sums.map((sum) =>
          float32(
            dims,
            Float32Array.from(sum, (v, at) => v * (way[at] ?? 0)),
          ),
        ),
    })
    await noteCompleteness(context, 'integrated-gradients', baseline, maps)
    return maps
  },
})
