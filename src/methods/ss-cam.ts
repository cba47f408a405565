import { defineMethod } from './method.js'
import { normal, SEED, uniform } from './random.js'
import { scoreWeighted } from './score-weights.js'

/**
 * SS-CAM: Score-CAM whose masks get normal noise, and whose scores are means over several draws. All channels get the same draws, so that noise
 * does not tell them apart; torch-cam draws anew for each, which has the same mean.
 */
export const ssCam = defineMethod({
  id: 'ss-cam',
  kind: 'driven',
  title: 'SS-CAM',
  family: 'cam',
  space: 'layer',
  atLayer: true,
  display: 'positive',
  summary: 'Score-CAM smoothed: the mean scores of what channels let through under noise.',
  source: 'Wang et al. 2020 (arXiv 2006.14255), section 3, smoothing of the activation maps; defaults as in torch-cam',
  cost: '1 forward for each channel of the layer and each sample (35 by default)',
  options: {
    samples: {
      kind: 'integer',
      default: 35,
      minimum: 1,
      unit: 'samples',
      description: 'draws of noise for each channel',
    },
    noise: {
      kind: 'number',
      default: 2,
      minimum: 0,
      maximum: 10,
      unit: '',
      description: 'deviation of the noise on masks, whose values go from 0 to 1',
    },
    seed: SEED,
  },
  run: (context) => {
    const { samples, noise, seed } = context.options
    const next = normal(uniform(seed))
    return scoreWeighted(context, samples, (_, pixels) => {
      const draw = Float32Array.from({ length: pixels }, () => noise * next())
      return (value, pixel) => value + (draw[pixel] ?? 0)
    })
  },
})
