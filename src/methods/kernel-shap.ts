import { ExplainError, throwIfAborted } from '../core/errors.js'
import type { Tensor } from '../core/tensor.js'
import { coalitions } from './coalitions.js'
import { defineMethod } from './method.js'
import { SEED, uniform } from './random.js'
import { Regression } from './regression.js'
import { COVER_OPTION, scoresOfShown, segmentMap } from './segments/shown.js'
import { SEGMENTS_OPTION, segmentsText, superpixels } from './segments/superpixels.js'

/**
 * KernelSHAP: Shapley values of superpixels, as the linear model of `f(z) - f(0)` that weights coalitions `z` by the Shapley kernel, with what
 * the values sum to, `f(1) - f(0)`, as a constraint. Exact where every coalition is run; otherwise the smallest and largest are, and others
 * by chance.
 */
export const kernelShap = defineMethod({
  id: 'kernel-shap',
  kind: 'driven',
  title: 'KernelSHAP',
  family: 'perturbation',
  space: 'input',
  atLayer: false,
  display: 'signed',
  summary: 'Shapley values of superpixels: what each adds to the score, on average over all orders of showing them.',
  source:
    "Lundberg and Lee, NeurIPS 2017 (arXiv 1705.07874), theorem 2; coalitions as in the authors' package, superpixels by SLIC",
  cost: '1 forward for each coalition (1000 by default)',
  options: {
    samples: {
      kind: 'integer',
      default: 1000,
      minimum: 2,
      unit: 'coalitions',
      description: 'coalitions of segments that are run',
    },
    segments: SEGMENTS_OPTION,
    baseline: COVER_OPTION,
    seed: SEED,
  },
  run: async (context) => {
    const { input, layout, options, batch, targets, signal } = context
    const segments = superpixels(input, layout, options.segments)
    const { count } = segments
    if (options.samples < Math.min(2 ** count - 2, 2 * count)) throw tooFew(options.samples, count)
    const score = scoresOfShown(context, segments, context.fill(options.baseline))
    const chosen = coalitions(count, options.samples, uniform(options.seed))
    const [nothing = new Float32Array(), all = new Float32Array()] = [
      ...(await score([new Uint8Array(count)])),
      ...(await context.scores(input)),
    ]
    const totals = Array.from(all, (v, t) => v - (nothing[t] ?? 0))
    const fit = new Regression(count, targets)
    const maps = (): Tensor<'float32'>[] => fit.summingTo(totals).map((values) => segmentMap(values, segments, layout))
    for (let done = 0; done < chosen.length; done += batch) {
      throwIfAborted(signal)
      const some = chosen.slice(done, done + batch)
      const scores = await score(some.map(({ members }) => members))
      for (const [i, { members, weight }] of some.entries())
        fit.add(
          members,
          Array.from(scores[i] ?? [], (v, t) => v - (nothing[t] ?? 0)),
          weight,
        )
      context.progress(done + some.length, chosen.length, maps)
    }
    const every = chosen.length >= 2 ** count - 2
    context.note(
      `kernel-shap: ${segmentsText(count)}; ${every ? 'the Shapley values are exact' : `the Shapley values are estimated from ${chosen.length} coalitions`}.`,
    )
    return maps()
  },
})

function tooFew(samples: number, segments: number): ExplainError {
  return new ExplainError('bad-option', {
    what: `samples is ${samples}, which is less than the ${2 * segments} coalitions that show or cover one of ${segments} segments alone`,
    where: 'samples',
    remedy: `Give at least ${2 * segments}, as samples=${4 * segments}, or fewer segments.`,
  })
}
