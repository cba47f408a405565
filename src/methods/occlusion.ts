import { throwIfAborted } from '../core/errors.js'
import { type Grid, gridOf } from '../core/layout.js'
import { float32, type Tensor } from '../core/tensor.js'
import { fillSquare, MeanDrops, type Square } from './covering.js'
import { type DriveContext, defineMethod } from './method.js'

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
} as const

type Context = DriveContext<typeof OPTIONS>

/** Axes of a map, in order. */
const AXES = ['D', 'H', 'W'] as const

/** Scores of pictures of which one square each is covered: `[squares][targets]`. The seam for faster ways than whole runs. */
type ScoreSquares = (squares: readonly Square[]) => Promise<readonly Float32Array[]>

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
    const { input, options, batch, signal } = context
    const grid = gridOf(context.layout.slice(1), input.dims.slice(1))
    const size = { depth: grid.D.extent, height: grid.H.extent, width: grid.W.extent }
    const dims = AXES.filter((letter) => context.layout.includes(letter)).map((letter) => grid[letter].extent)
    if (options.stride > options.patch)
      context.note(
        `occlusion: a stride of ${options.stride} px leaves gaps between squares of ${options.patch} px; the map is 0 there.`,
      )
    const squares = positions(size, options)
    const score = coverAndRun(context, grid, context.fill(options.fill))
    const [baseline] = await context.scores(input)
    const drops = new MeanDrops(size, context.targets)
    const maps = (): Tensor<'float32'>[] => drops.maps(dims)
    for (let done = 0; done < squares.length; done += batch) {
      throwIfAborted(signal)
      const part = squares.slice(done, done + batch)
      const scores = await score(part)
      for (const [i, square] of part.entries())
        drops.add(
          square,
          Array.from({ length: context.targets }, (_, t) => (baseline?.[t] ?? 0) - (scores[i]?.[t] ?? 0)),
        )
      context.progress(Math.min(done + batch, squares.length), squares.length, maps)
    }
    return maps()
  },
})

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

/** The plain way: copies of the whole picture, each with its square filled, through the whole network. */
function coverAndRun(context: Context, grid: Grid, fill: readonly number[]): ScoreSquares {
  const { input } = context
  return (squares) => {
    const data = new Float32Array(squares.length * input.data.length)
    for (const [i, square] of squares.entries()) {
      const offset = i * input.data.length
      data.set(input.data, offset)
      fillSquare(data, offset, grid, square, fill)
    }
    return context.scores(float32([squares.length, ...input.dims.slice(1)], data))
  }
}
