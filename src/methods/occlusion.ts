import { throwIfAborted } from '../core/errors.js'
import { float32, type Tensor } from '../core/tensor.js'
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
} as const

type Context = DriveContext<typeof OPTIONS>

/** A square of the model's input; `x1`, `y1` exclusive. */
interface Square {
  readonly x0: number
  readonly y0: number
  readonly x1: number
  readonly y1: number
}

/** Scores of pictures of which one square each is covered: `[squares][targets]`. The seam for faster ways than whole runs. */
type ScoreSquares = (squares: readonly Square[]) => Promise<readonly Float32Array[]>

/**
 * Occlusion sensitivity: a grey square slides over the picture; the map is, at each pixel, the mean drop of the target's score over
 * the squares that cover it (0 where none does). The last square of a row or column is cut off at the border.
 */
export const occlusion = defineMethod({
  id: 'occlusion',
  kind: 'driven',
  title: 'Occlusion sensitivity',
  family: 'perturbation',
  display: 'signed',
  summary: 'How much the score falls when a grey square covers the place; needs no gradient.',
  source: 'Zeiler and Fergus, ECCV 2014 (arXiv 1311.2901), section 4.2; averaged over covering squares as in Captum',
  cost: '1 forward for each position of the square (169 by default)',
  options: OPTIONS,
  run: async (context) => {
    const { input, options, batch, signal } = context
    const { height, width } = sizeOf(context)
    if (options.stride > options.patch)
      context.note(
        `occlusion: a stride of ${options.stride} px leaves gaps between squares of ${options.patch} px; the map is 0 there.`,
      )
    const squares = positions(height, width, options.patch, options.stride)
    const score = coverAndRun(context, context.fill(options.fill))
    const [baseline] = await context.scores(input)
    const sums = Array.from({ length: context.targets }, () => new Float64Array(height * width))
    const counts = new Float64Array(height * width)
    const maps = (): Tensor<'float32'>[] =>
      sums.map((sum) =>
        float32(
          [height, width],
          Float32Array.from(sum, (v, i) => (counts[i] ? v / (counts[i] ?? 1) : 0)),
        ),
      )
    for (let done = 0; done < squares.length; done += batch) {
      throwIfAborted(signal)
      const part = squares.slice(done, done + batch)
      const scores = await score(part)
      for (const [i, square] of part.entries()) {
        cover(square, width, (at) => {
          counts[at] = (counts[at] ?? 0) + 1
          for (const [t, sum] of sums.entries()) sum[at] = (sum[at] ?? 0) + (baseline?.[t] ?? 0) - (scores[i]?.[t] ?? 0)
        })
      }
      context.progress(Math.min(done + batch, squares.length), squares.length, maps)
    }
    return maps()
  },
})

function sizeOf({ input, layout }: Context): { readonly height: number; readonly width: number } {
  const [height = 0, width = 0] = layout === 'NCHW' ? input.dims.slice(2) : input.dims.slice(1, 3)
  return { height, width }
}

/** Squares in raster order: from 0 in steps of `stride` until the border is reached. */
export function positions(height: number, width: number, patch: number, stride: number): readonly Square[] {
  const starts = (extent: number): number[] =>
    Array.from({ length: Math.max(0, Math.ceil((extent - patch) / stride)) + 1 }, (_, i) => i * stride).filter(
      (start) => start < extent, // a stride wider than the square may step over the border
    )
  return starts(height).flatMap((y0) =>
    starts(width).map((x0) => ({ x0, y0, x1: Math.min(x0 + patch, width), y1: Math.min(y0 + patch, height) })),
  )
}

function cover(square: Square, width: number, visit: (at: number) => void): void {
  for (let y = square.y0; y < square.y1; y++) for (let x = square.x0; x < square.x1; x++) visit(y * width + x)
}

/** The plain way: copies of the whole picture, each with its square filled, through the whole network. */
function coverAndRun(context: Context, fill: readonly number[]): ScoreSquares {
  const { input, layout } = context
  const { height, width } = sizeOf(context)
  const plane = height * width
  const channels = fill.length
  return (squares) => {
    const data = new Float32Array(squares.length * input.data.length)
    for (const [i, square] of squares.entries()) {
      const offset = i * input.data.length
      data.set(input.data, offset)
      cover(square, width, (at) => {
        for (let c = 0; c < channels; c++) {
          const place = layout === 'NCHW' ? c * plane + at : at * channels + c
          data[offset + place] = fill[c] ?? 0
        }
      })
    }
    return context.scores(float32([squares.length, ...input.dims.slice(1)], data))
  }
}
