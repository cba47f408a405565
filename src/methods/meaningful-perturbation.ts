import { throwIfAborted } from '../core/errors.js'
import type { Tensor } from '../core/tensor.js'
import { BlurPyramid } from './blur-pyramid.js'
import { everySlice } from './every-slice.js'
import { type DriveContext, defineMethod } from './method.js'
import { SEED, uniform } from './random.js'
import { SoftGrid } from './soft-grid.js'

/** The picture and its blur by 10 pixels, of which the mask makes a mixture. */
const PYRAMID = { levels: 2, widest: 10 }
/** Weights of what is deleted and of the mask's roughness, and the power of the roughness. */
const [AREA, ROUGHNESS, POWER] = [1e-4, 1e-2, 3]
/** Adam. */
const [LEARNING_RATE, BETA_1, BETA_2, EPSILON] = [0.1, 0.9, 0.999, 1e-8]
/** Deviation of the blur of an enlarged mask, in pixels. */
const MASK_BLUR = 5
/** Radii of the discs that the mask may start with, and the share of the score that is to be left. */
const [RADII, LEFT] = [20, 0.01]

const OPTIONS = {
  iterations: {
    kind: 'integer',
    default: 300,
    minimum: 1,
    unit: 'iterations',
    description: 'steps of the optimisation',
  },
  cells: { kind: 'integer', default: 28, minimum: 1, unit: 'cells', description: 'cells of a mask along each side' },
  jitter: {
    kind: 'integer',
    default: 4,
    minimum: 1,
    unit: 'px',
    description: 'the mask is shifted by chance by less than this in each iteration; 1: never',
  },
  seed: SEED,
} as const

/**
 * Meaningful perturbations: the mask `m` of cells that goes down, by Adam, `1e-4 sum |1 - m| + 1e-2 sum |difference of neighbours|^3 + f`. `f` is
 * how much more the score is than that of the blurred picture, as a share of what the whole picture has more, and 0 below: near the
 * probability where that is near 1; so the weights mean the same for logits, which could else fall without end. It starts with the
 * smallest disc in the middle that leaves 1 % of the score; the map is `1 - m`: what has to be blurred. On volumes and clips a mask goes through all slices.
 */
export const meaningfulPerturbation = defineMethod({
  id: 'meaningful-perturbation',
  kind: 'driven',
  title: 'Meaningful perturbation',
  family: 'perturbation',
  display: 'positive',
  space: 'input',
  atLayer: false,
  summary: 'The smallest smooth region that has to be blurred for the score to fall.',
  source:
    'Fong and Vedaldi, ICCV 2017 (arXiv 1704.03296), section 4.3, equation 6, with its parameters; the score as a share of its fall to that of the blurred picture',
  cost: '2 forward + 1 backward for each iteration (300 by default)',
  options: OPTIONS,
  run: async (context) => {
    const { input, layout, options, signal } = context
    const pyramid = new BlurPyramid(input, layout, PYRAMID)
    const { height, width } = pyramid
    const grid = new SoftGrid(height, width, options.cells, MASK_BLUR)
    const starts = await discs(context, pyramid, grid)
    const searches = starts.map(({ cells, ...start }) => ({ descent: new Descent(grid, cells), ...start }))
    const maps = (): Tensor<'float32'>[] =>
      searches.map(({ descent }) =>
        everySlice(
          grid.mask(descent.cells).map((m) => 1 - m),
          layout.slice(1),
          input.dims.slice(1),
        ),
      )
    const chance = uniform(options.seed)
    const shift = (): number => Math.floor(chance() * options.jitter) - Math.floor(options.jitter / 2)
    for (let i = 0; i < options.iterations; i++) {
      const places = shifted(height, width, shift(), shift())
      for (const [t, { descent, fall, blur }] of searches.entries()) {
        throwIfAborted(signal)
        const whole = grid.mask(descent.cells)
        const mask = Float32Array.from(places, (at) => whole[at] ?? 1)
        const picture = pyramid.apply([mask])
        const [scores] = await context.scores(picture)
        const slope = new Float64Array(mask.length)
        // nothing more to gain below the score of the blur
        const isLow = (scores?.[t] ?? 0) <= blur
        const { data } = isLow ? picture : await context.gradients(picture, t)
        if (!isLow)
          for (const [p, g] of pyramid.pull(mask, data).entries()) {
            const at = places[p] ?? 0
            slope[at] = (slope[at] ?? 0) + g / fall
          }
        descent.step(grid.pull(slope))
      }
      context.progress(i + 1, options.iterations, maps)
    }
    return maps()
  },
})

/** For each pixel, the pixel whose mask it has: a shift, the border repeated. */
function shifted(height: number, width: number, down: number, right: number): Int32Array {
  const within = (v: number, size: number): number => Math.min(size - 1, Math.max(0, v))
  return Int32Array.from(
    { length: height * width },
    (_, i) => within(Math.floor(i / width) + down, height) * width + within((i % width) + right, width),
  )
}

/** Where each target's mask starts: the smallest disc that leaves a hundredth of the score, or the one that leaves least; and how far the score can fall. */
async function discs(context: DriveContext<typeof OPTIONS>, pyramid: BlurPyramid, grid: SoftGrid) {
  const { batch, signal } = context
  const [middleY, middleX] = [(grid.rows - 1) / 2, (grid.columns - 1) / 2]
  const disc = (radius: number): Float64Array =>
    Float64Array.from({ length: grid.count }, (_, i) => {
      const far = Math.hypot(Math.floor(i / grid.columns) - middleY, (i % grid.columns) - middleX)
      return far <= radius * Math.hypot(middleY, middleX) ? 0 : 1
    })
  const all = Array.from({ length: RADII + 1 }, (_, r) => disc(r === 0 ? -1 : r / RADII))
  const scores: Float32Array[] = []
  for (let done = 0; done < all.length; done += batch) {
    throwIfAborted(signal)
    const masks = all.slice(done, done + batch).map((cells) => grid.mask(cells))
    scores.push(...(await context.scores(pyramid.apply(masks))))
  }
  return Array.from({ length: context.targets }, (_, t) => {
    const found = scores.map((s) => s[t] ?? 0)
    const [picture = 0, blur = 0] = [found[0], found.at(-1)]
    const fall = Math.abs(picture - blur) || 1
    if (picture <= blur)
      context.note(
        'meaningful-perturbation: the score does not fall when all is blurred, so that no region is found to be needed for it.',
      )
    const left = found.map((f) => (f - blur) / fall)
    const enough = left.findIndex((share) => share <= LEFT)
    const best = enough < 0 ? left.indexOf(Math.min(...left)) : enough
    return { cells: Float64Array.from(all[best] ?? []), fall, blur }
  })
}

/** Cells on their way down, by Adam; they stay between 0 and 1. */
class Descent {
  readonly cells: Float64Array
  readonly #grid: SoftGrid
  readonly #means: Float64Array
  readonly #squares: Float64Array
  #steps = 0

  constructor(grid: SoftGrid, cells: Float64Array) {
    this.#grid = grid
    this.cells = cells
    this.#means = new Float64Array(cells.length)
    this.#squares = new Float64Array(cells.length)
  }

  /** @param slope the gradient of the score's share by the cells. */
  step(slope: Float64Array): void {
    this.#steps++
    const rough = this.#roughness()
    for (const [i, cell] of this.cells.entries()) {
      const g = (slope[i] ?? 0) + (rough[i] ?? 0) - AREA * Math.sign(1 - cell)
      const mean = BETA_1 * (this.#means[i] ?? 0) + (1 - BETA_1) * g
      const square = BETA_2 * (this.#squares[i] ?? 0) + (1 - BETA_2) * g * g
      this.#means[i] = mean
      this.#squares[i] = square
      const size = Math.sqrt(square / (1 - BETA_2 ** this.#steps)) + EPSILON
      const next = cell - (LEARNING_RATE * mean) / (1 - BETA_1 ** this.#steps) / size
      this.cells[i] = Math.min(1, Math.max(0, next))
    }
  }

  /** The gradient of `1e-2 sum |difference of neighbours|^3`. */
  #roughness(): Float64Array {
    const { rows, columns } = this.#grid
    const out = new Float64Array(this.cells.length)
    const pair = (i: number, j: number): void => {
      const difference = (this.cells[j] ?? 0) - (this.cells[i] ?? 0)
      const g = ROUGHNESS * POWER * Math.sign(difference) * Math.abs(difference) ** (POWER - 1)
      out[j] = (out[j] ?? 0) + g
      out[i] = (out[i] ?? 0) - g
    }
    for (let y = 0; y < rows; y++)
      for (let x = 0; x < columns; x++) {
        const i = y * columns + x
        if (x + 1 < columns) pair(i, i + 1)
        if (y + 1 < rows) pair(i, i + columns)
      }
    return out
  }
}
