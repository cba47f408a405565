import { throwIfAborted } from '../core/errors.js'
import type { Tensor } from '../core/tensor.js'
import { defineMethod } from './method.js'
import { SEED, uniform } from './random.js'
import { Regression } from './regression.js'
import { COVER_OPTION, scoresOfShown, segmentMap } from './segments/shown.js'
import { SEGMENTS_OPTION, segmentsText, superpixels } from './segments/superpixels.js'

/** Weight of the squared coefficients, as in the authors' package. */
const RIDGE = 1

/**
 * LIME: superpixels are covered by chance, each in half of the samples; a linear model of what is shown is fitted to the scores, samples near
 * the whole picture counting more: `exp(-d^2 / (2 kernel^2))` of the cosine distance `d`. A segment's value is its coefficient. The first
 * sample is the picture itself.
 */
export const lime = defineMethod({
  id: 'lime',
  kind: 'driven',
  title: 'LIME',
  family: 'perturbation',
  space: 'input',
  atLayer: false,
  display: 'signed',
  summary: 'What each superpixel adds to the score, in a linear model fitted to pictures with some of them covered.',
  source:
    "Ribeiro et al., KDD 2016 (arXiv 1602.04938), section 3, equation 2; kernel, ridge and samples as in the authors' package, superpixels by SLIC",
  cost: '1 forward for each sample (1000 by default)',
  options: {
    samples: {
      kind: 'integer',
      default: 1000,
      minimum: 2,
      unit: 'pictures',
      description: 'pictures with segments covered',
    },
    segments: SEGMENTS_OPTION,
    kernel: {
      kind: 'number',
      default: 0.25,
      minimum: 0.01,
      maximum: 10,
      unit: '',
      description: 'how far from the whole picture samples count, as cosine distance',
    },
    baseline: COVER_OPTION,
    seed: SEED,
  },
  run: async (context) => {
    const { input, layout, options, batch, targets, signal } = context
    const segments = superpixels(input, layout, options.segments)
    const score = scoresOfShown(context, segments, context.fill(options.baseline))
    const chance = uniform(options.seed)
    const fit = new Regression(segments.count, targets)
    const maps = (): Tensor<'float32'>[] =>
      fit.ridge(RIDGE).map(({ coefficients }) => segmentMap(coefficients, segments, layout))
    for (let done = 0; done < options.samples; done += batch) {
      throwIfAborted(signal)
      const n = Math.min(batch, options.samples - done)
      const samples = Array.from({ length: n }, (_, i) =>
        Uint8Array.from({ length: segments.count }, () => (done + i === 0 || chance() < 0.5 ? 1 : 0)),
      )
      const scores = await score(samples)
      for (const [i, shown] of samples.entries()) {
        const distance = 1 - Math.sqrt(shown.reduce((a, v) => a + v, 0) / segments.count)
        fit.add(shown, scores[i] ?? [], Math.exp(-(distance ** 2) / (2 * options.kernel ** 2)))
      }
      context.progress(done + n, options.samples, maps)
    }
    for (const [t, { explained }] of fit.ridge(RIDGE).entries())
      context.note(
        `lime: ${segmentsText(segments.count)}; the linear model explains ${(100 * explained).toFixed(1)} % of how the score${targets > 1 ? ` of target ${t + 1}` : ''} varies.`,
      )
    return maps()
  },
})
