import { throwIfAborted } from '../core/errors.js'
import type { Tensor } from '../core/tensor.js'
import { defineMethod } from './method.js'
import { SEED, uniform } from './random.js'
import { CELLS_OPTION, type Cells, cellMap, cellsOf, latinHypercube } from './segments/cells.js'
import { COVER_OPTION, scoresOfShown } from './segments/shown.js'

/**
 * HSIC: how much the score depends on whether each cell of a grid is shown, by the Hilbert-Schmidt independence criterion: `tr(H K H L) / n` of
 * the kernels `K = 1 + (1/2 - (x - x')^2)` of shown and covered and `L = exp(-(y - y')^2 / (2 w^2))` of the scores, `w` their median and `H`
 * centring. 0 where they are independent. Each cell is shown in half of the samples.
 */
export const hsic = defineMethod({
  id: 'hsic',
  kind: 'driven',
  title: 'HSIC',
  family: 'perturbation',
  space: 'input',
  atLayer: false,
  display: 'positive',
  summary: 'How strongly the score depends, in whatever way, on whether each cell of a grid is shown; without sign.',
  source:
    'Novello et al., NeurIPS 2022 (arXiv 2206.06219), section 3; kernels and inpainting as in Xplique, samples by Latin hypercube as in the paper',
  cost: '1 forward for each sample (500 by default)',
  options: {
    samples: {
      kind: 'integer',
      default: 500,
      minimum: 2,
      unit: 'pictures',
      description: 'pictures with cells covered',
    },
    cells: CELLS_OPTION,
    baseline: COVER_OPTION,
    seed: SEED,
  },
  run: async (context) => {
    const { input, layout, options, batch, targets, signal } = context
    const cells = cellsOf(input, layout, options.cells)
    const score = scoresOfShown(context, cells, context.fill(options.baseline))
    const samples = latinHypercube(options.samples, cells.count, uniform(options.seed)).map((point) =>
      Uint8Array.from(point, (v) => (v > 0.5 ? 1 : 0)),
    )
    const scores: number[][] = Array.from({ length: targets }, () => [])
    const maps = (): Tensor<'float32'>[] =>
      scores.map((of) => cellMap(dependence(samples.slice(0, of.length), of, cells), cells, layout))
    for (let done = 0; done < samples.length; done += batch) {
      throwIfAborted(signal)
      const some = samples.slice(done, done + batch)
      for (const row of await score(some)) for (const [t, of] of scores.entries()) of.push(row[t] ?? 0)
      context.progress(done + some.length, samples.length, maps)
    }
    return maps()
  },
})

/** HSIC of each cell. The centred kernel of `x` in {0, 1} is `2 (x - mean)(x' - mean)`, so that `L` need not be kept. */
function dependence(samples: readonly Uint8Array[], scores: readonly number[], { count }: Cells): Float64Array {
  const n = samples.length
  const width = median(scores)
  const means = Float64Array.from({ length: count }, (_, c) => samples.reduce((sum, x) => sum + (x[c] ?? 0), 0) / n)
  const centred = samples.map((x) => means.map((mean, c) => (x[c] ?? 0) - mean))
  const sums = new Float64Array(count)
  for (const [i, a] of centred.entries())
    for (let j = 0; j <= i; j++) {
      const b = centred[j] ?? []
      const apart = (scores[i] ?? 0) - (scores[j] ?? 0)
      // a median of 0 is the narrowest kernel: equal or not
      const like = apart === 0 ? 1 : Math.exp(-(apart ** 2) / (2 * width ** 2))
      const weight = ((i === j ? 1 : 2) * 2 * like) / n
      for (let c = 0; c < count; c++) sums[c] = (sums[c] ?? 0) + weight * (a[c] ?? 0) * (b[c] ?? 0)
    }
  return sums
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = (sorted.length - 1) / 2
  return ((sorted[Math.floor(middle)] ?? 0) + (sorted[Math.ceil(middle)] ?? 0)) / 2
}
