import { throwIfAborted } from '../core/errors.js'
import { gridOf } from '../core/layout.js'
import { covered, MeanDrops, type Square } from './covering.js'
import { defineMethod } from './method.js'

const OPTIONS = {
  patch: {
    kind: 'integer',
    default: 32,
    minimum: 1,
    unit: 'px',
    description: 'side of the square, in pixels of the model input',
  },
  stride: {
    kind: 'integer',
    default: 16,
    minimum: 1,
    unit: 'px',
    description: 'step of the square, in pixels of the model input',
  },
  fill: {
    kind: 'fill',
    default: 'mean',
    description: 'what the square is filled with: mean (0 after normalisation) or a colour',
  },
  slices: {
    kind: 'integer',
    default: 0,
    minimum: 0,
    unit: 'slices',
    description:
      'slices of a volume or frames of a clip that the square covers, in steps of half as many; 0: all of them',
  },
  order: {
    kind: 'choice',
    default: 'raster',
    choices: ['raster', 'coarse-to-fine'],
    description: 'which squares come first, and so what maps show before all are done; the map is the same',
  },
} as const

/** Axes of a map, in order. */
const AXES = ['D', 'H', 'W'] as const

/**
 * Occlusion sensitivity: a grey square slides over the picture; the map is, at each pixel, the mean drop of the target's score over
 * the squares that cover it (0 where none does). The last square of a row or column is cut off at the border. On volumes and clips the
 * square goes through all slices or frames, or through `slices` of them: a box, which slides along them too.
 */
export const occlusion = defineMethod({
  id: 'occlusion',
  kind: 'driven',
  title: 'Occlusion sensitivity',
  family: 'perturbation',
  space: 'input',
  atLayer: false,
  display: 'signed',
  summary: 'How much the score falls when a grey square covers the place; needs no gradient.',
  source: 'Zeiler and Fergus, ECCV 2014 (arXiv 1311.2901), section 4.2; averaged over covering squares as in Captum',
  cost: '1 forward for each position of the square (169 by default)',
  options: OPTIONS,
  run: async (context) => {
    const { input, options, signal } = context
    throwIfAborted(signal)
    const grid = gridOf(context.layout.slice(1), input.dims.slice(1))
    const size = { depth: grid.D.extent, height: grid.H.extent, width: grid.W.extent }
    const dims = AXES.filter((letter) => context.layout.includes(letter)).map((letter) => grid[letter].extent)
    if (options.stride > options.patch)
      context.note(
        `occlusion: a stride of ${options.stride} px leaves gaps between squares of ${options.patch} px; the map is 0 there.`,
      )
    const squares = positions(size, options)
    const levels = options.order === 'coarse-to-fine' ? coarseToFine(squares) : [{ step: 1, squares }]
    const [baseline] = await context.scores(input)
    const drops = new MeanDrops(size, context.targets)
    let done = 0
    // until all are done, a place takes the mean of what squares of the last whole level say around it
    const reach = (): number => {
      if (done === squares.length) return 0
      const isComplete = (_: Level, i: number): boolean =>
        levels.slice(0, i + 1).reduce((n, level) => n + level.squares.length, 0) <= done
      const { step = 1 } = levels.filter(isComplete).at(-1) ?? levels[0] ?? {}
      return levels.length > 1 ? Math.ceil((options.stride * step) / 2) : 0
    }
    const grey = covered(input, context.layout, context.fill(options.fill))
    const groups = levels.map((level) => level.squares)
    for await (const run of context.changed(groups, grey)) {
      for (const { box, scores } of run)
        drops.add(
          box,
          Array.from(scores, (score, t) => (baseline?.[t] ?? 0) - score),
        )
      done += run.length
      const spread = reach()
      context.progress(done, squares.length, () => drops.maps(dims, spread))
      throwIfAborted(signal)
    }
    return drops.maps(dims)
  },
})

/** Every fifth square of each fifth row are less than a twentieth of a fine grid. */
const STEPS: readonly number[] = [5, 3, 1]

/** Squares of one distance, in steps of `stride`. */
interface Level {
  readonly step: number
  readonly squares: readonly Square[]
}

/** Squares spread over the picture first, then those between them. */
export function coarseToFine(squares: readonly Square[]): readonly Level[] {
  const places = (of: (s: Square) => number): ReadonlyMap<number, number> =>
    new Map([...new Set(squares.map(of))].map((start, i) => [start, i]))
  const [columns, rows] = [places((s) => s.x0), places((s) => s.y0)]
  const isOn = (i: number, step: number): boolean => i % step === Math.floor(step / 2)
  const isAt = (s: Square, step: number): boolean =>
    isOn(columns.get(s.x0) ?? 0, step) && isOn(rows.get(s.y0) ?? 0, step)
  const levelOf = (s: Square): number => STEPS.findIndex((step) => isAt(s, step))
  const levels = STEPS.map((step, i): Level => ({ step, squares: squares.filter((s) => levelOf(s) === i) }))
  return levels.filter((level) => level.squares.length > 0)
}

/** Squares in raster order: from 0 in steps of `stride` until the border is reached; slices by half of those covered. */
export function positions(
  size: { readonly depth: number; readonly height: number; readonly width: number },
  options: { readonly patch: number; readonly stride: number; readonly slices: number },
): readonly Square[] {
  const starts = (extent: number, patch: number, stride: number): number[] =>
    Array.from({ length: Math.max(0, Math.ceil((extent - patch) / stride)) + 1 }, (_, i) => i * stride).filter(
      (start) => start < extent, // a stride wider than the square may step over the border
    )
  const { depth, height, width } = size
  const { patch, stride } = options
  const slices = options.slices === 0 ? depth : options.slices
  return starts(depth, slices, Math.max(1, Math.floor(slices / 2))).flatMap((z0) =>
    starts(height, patch, stride).flatMap((y0) =>
      starts(width, patch, stride).map((x0) => ({
        x0,
        y0,
        z0,
        x1: Math.min(x0 + patch, width),
        y1: Math.min(y0 + patch, height),
        z1: Math.min(z0 + slices, depth),
      })),
    ),
  )
}
