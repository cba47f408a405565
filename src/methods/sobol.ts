import { throwIfAborted } from '../core/errors.js'
import type { Tensor } from '../core/tensor.js'
import { defineMethod } from './method.js'
import { SEED, uniform } from './random.js'
import { CELLS_OPTION, cellMap, cellsOf, latinHypercube } from './segments/cells.js'
import { COVER_OPTION, scoresOfShown } from './segments/shown.js'

/** Below this a variance is taken for it, as in Xplique. */
const LEAST_VARIANCE = 1e-12

/**
 * Sobol: total indices of the cells of a grid, each shown by a share between 0 and 1. Of pairs of random points `A` and `B`, and of `C_i`,
 * which is `A` with cell `i` of `B`, Jansen's estimator is `mean of (f(A) - f(C_i))^2 / (2 Var f(A))`: the share of the score's variance in
 * which cell `i` has a part, alone or with others.
 */
export const sobol = defineMethod({
  id: 'sobol',
  kind: 'driven',
  title: 'Sobol',
  family: 'perturbation',
  space: 'input',
  atLayer: false,
  display: 'positive',
  summary: "Share of the score's variance in which each cell of a grid has a part, alone or with others; without sign.",
  source:
    'Fel et al., NeurIPS 2021 (arXiv 2111.04138), section 3, equation 5; estimator of Jansen 1999 and inpainting as in Xplique, points by Latin hypercube',
  cost: '1 forward for each design and cell, and 1 for each design (2080 by default)',
  options: {
    designs: {
      kind: 'integer',
      default: 32,
      minimum: 2,
      unit: 'designs',
      description: 'pairs of random points; each is 1 run and 1 for every cell',
    },
    cells: CELLS_OPTION,
    baseline: COVER_OPTION,
    seed: SEED,
  },
  run: async (context) => {
    const { input, layout, options, batch, targets, signal } = context
    const cells = cellsOf(input, layout, options.cells)
    const { count } = cells
    const score = scoresOfShown(context, cells, context.fill(options.baseline))
    const points = latinHypercube(options.designs, 2 * count, uniform(options.seed))
    const parts = Array.from({ length: targets }, () => ({
      differences: new Float64Array(count),
      scores: [0].slice(1),
    }))
    const maps = (): Tensor<'float32'>[] =>
      parts.map(({ differences, scores }) => {
        const scale = 2 * scores.length * Math.max(variance(scores), LEAST_VARIANCE)
        return cellMap(
          differences.map((sum) => sum / scale),
          cells,
          layout,
        )
      })
    // one design: f(A), then f(C_i) of every cell
    for (const [done, point] of points.entries()) {
      const at = point.subarray(0, count)
      const own: number[] = []
      for (let from = 0; from <= count; from += batch) {
        throwIfAborted(signal)
        const shares = Array.from({ length: Math.min(batch, count + 1 - from) }, (_, k) => {
          const cell = from + k - 1
          return cell < 0 ? at : at.with(cell, point[count + cell] ?? 0)
        })
        const scores = await score(shares)
        for (const [k, row] of scores.entries())
          for (const [t, { differences }] of parts.entries()) {
            const cell = from + k - 1
            if (cell < 0) own[t] = row[t] ?? 0
            else differences[cell] = (differences[cell] ?? 0) + ((own[t] ?? 0) - (row[t] ?? 0)) ** 2
          }
      }
      for (const [t, { scores }] of parts.entries()) scores.push(own[t] ?? 0)
      context.progress(done + 1, points.length, maps)
    }
    return maps()
  },
})

/** Of a sample, unbiased. */
function variance(values: readonly number[]): number {
  const mean = values.reduce((a, v) => a + v, 0) / values.length
  return values.reduce((a, v) => a + (v - mean) ** 2, 0) / Math.max(1, values.length - 1)
}
