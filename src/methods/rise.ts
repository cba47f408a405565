import { throwIfAborted } from '../core/errors.js'
import { gridOf } from '../core/layout.js'
import { Places } from '../core/places.js'
import { float32, type Tensor } from '../core/tensor.js'
import { everySlice } from './every-slice.js'
import { defineMethod } from './method.js'
import { SEED, uniform } from './random.js'

/**
 * RISE: `1 / (N p) * sum of (f_i - mean of f) M_i`, where the score of the picture under the random mask `M_i` is `f_i`: what is covered
 * becomes 0, the mean colour. The paper's map less a constant, the mean of the scores, which tells nothing. A mask is a grid of cells,
 * each open with probability p, resized bilinearly to one cell more than the picture and cut out at a random place. On volumes and
 * clips a mask goes through all slices.
 */
export const rise = defineMethod({
  id: 'rise',
  kind: 'driven',
  title: 'RISE',
  family: 'perturbation',
  space: 'input',
  atLayer: false,
  display: 'signed',
  summary: 'Which places have to be seen for a high score, by thousands of random masks; needs no gradient.',
  source:
    "Petsiuk et al., BMVC 2018 (arXiv 1806.07421), section 3, equation 6, less the mean of the scores; of the score that is asked for, which is the paper's with probability",
  cost: '1 forward for each mask (4000 by default)',
  options: {
    masks: { kind: 'integer', default: 4000, minimum: 2, unit: 'masks', description: 'random masks' },
    cells: { kind: 'integer', default: 7, minimum: 1, unit: 'cells', description: 'cells of a mask along each side' },
    open: {
      kind: 'number',
      default: 0.5,
      minimum: 0.01,
      maximum: 0.99,
      unit: '',
      description: 'probability that a cell is open',
    },
    seed: SEED,
  },
  run: async (context) => {
    const { input, options, batch, targets, signal } = context
    const grid = gridOf(context.layout.slice(1), input.dims.slice(1))
    const [height, width] = [grid.H.extent, grid.W.extent]
    const places = new Places(grid)
    const chance = uniform(options.seed)
    const seen = Array.from({ length: targets }, () => new Float64Array(height * width))
    const all = new Float64Array(height * width)
    const totals = new Float64Array(targets)
    let count = 0
    const maps = (): Tensor<'float32'>[] =>
      seen.map((sum, t) => {
        const mean = (totals[t] ?? 0) / count
        const plane = Float32Array.from(sum, (v, i) => (v - mean * (all[i] ?? 0)) / (count * options.open))
        return everySlice(plane, context.layout.slice(1), input.dims.slice(1))
      })
    for (let done = 0; done < options.masks; done += batch) {
      throwIfAborted(signal)
      const n = Math.min(batch, options.masks - done)
      const masks = Array.from({ length: n }, () => randomMask(height, width, options.cells, options.open, chance))
      const scores = await context.scores(masked(input, places, masks))
      for (const [i, mask] of masks.entries()) {
        count++
        for (const [at, m] of mask.entries()) all[at] = (all[at] ?? 0) + m
        for (let t = 0; t < targets; t++) {
          const score = scores[i]?.[t] ?? 0
          totals[t] = (totals[t] ?? 0) + score
          const sum = seen[t]
          if (sum) for (const [at, m] of mask.entries()) sum[at] = (sum[at] ?? 0) + score * m
        }
      }
      context.progress(done + n, options.masks, maps)
    }
    return maps()
  },
})

/** Cells that are open by chance, resized bilinearly to one cell more than the picture, and the part of it that a random shift leaves. */
function randomMask(height: number, width: number, cells: number, open: number, chance: () => number): Float32Array {
  const coarse = Float32Array.from({ length: cells * cells }, () => (chance() < open ? 1 : 0))
  const [cellHeight, cellWidth] = [Math.ceil(height / cells), Math.ceil(width / cells)]
  const [dy, dx] = [Math.floor(chance() * cellHeight), Math.floor(chance() * cellWidth)]
  const rows = between(height, dy, cellHeight, cells)
  const columns = between(width, dx, cellWidth, cells)
  const mask = new Float32Array(height * width)
  for (const [y, row] of rows.entries())
    for (const [x, column] of columns.entries()) {
      const at = (r: number, c: number): number => coarse[r * cells + c] ?? 0
      const above = at(row.low, column.low) * (1 - column.share) + at(row.low, column.high) * column.share
      const below = at(row.high, column.low) * (1 - column.share) + at(row.high, column.high) * column.share
      mask[y * width + x] = above * (1 - row.share) + below * row.share
    }
  return mask
}

/** For each pixel from `first` on of `cells` cells resized to one cell more: the cells on both sides, and how far it is from the lower. */
function between(count: number, first: number, cell: number, cells: number) {
  const scale = cells / ((cells + 1) * cell)
  return Array.from({ length: count }, (_, i) => {
    const at = Math.min(cells - 1, Math.max(0, (i + first + 0.5) * scale - 0.5))
    const low = Math.floor(at)
    return { low, high: Math.min(cells - 1, low + 1), share: at - low }
  })
}

/** The picture under each mask. */
function masked(input: Tensor<'float32'>, places: Places, masks: readonly Float32Array[]): Tensor<'float32'> {
  const size = input.data.length
  const data = new Float32Array(masks.length * size)
  for (const [i, mask] of masks.entries()) {
    const picture = data.subarray(i * size, (i + 1) * size)
    picture.set(input.data)
    places.scale(mask, picture)
  }
  return float32([masks.length, ...input.dims.slice(1)], data)
}
