/** Gradients of many pictures that are made of one: what integrated and smoothed gradients are sums of. */

import { throwIfAborted } from '../core/errors.js'
import { extremes } from '../core/extremes.js'
import { float32, type Tensor } from '../core/tensor.js'
import type { DriveContext, DrivenMethod, OptionDefinitions } from './method.js'
import { normal, SEED, uniform } from './random.js'

/** The pictures, and what is done with their gradients. */
export interface ManyGradients {
  readonly count: number
  /** The `i`th picture; they are asked for in order, once each. */
  picture(i: number): Float32Array
  /** Takes in the gradient of a target's score by the `i`th picture. */
  take(target: number, gradient: Float32Array, i: number): void
  /** The maps of the gradients that were taken in. */
  maps(): readonly Tensor<'float32'>[]
}

/** Runs them batch by batch, every target's gradient of one batch before the next, so that all maps grow together. */
export async function manyGradients<O extends OptionDefinitions>(
  context: DriveContext<O>,
  { count, picture, take, maps }: ManyGradients,
): Promise<readonly Tensor<'float32'>[]> {
  const { input, batch, targets, signal } = context
  const size = input.data.length
  for (let done = 0; done < count; done += batch) {
    const n = Math.min(batch, count - done)
    const data = new Float32Array(n * size)
    for (let i = 0; i < n; i++) data.set(picture(done + i), i * size)
    for (let t = 0; t < targets; t++) {
      throwIfAborted(signal)
      const gradients = await context.gradients(float32([n, ...input.dims.slice(1)], data), t)
      for (let i = 0; i < n; i++) take(t, gradients.data.subarray(i * size, (i + 1) * size), done + i)
    }
    context.progress(done + n, count, maps)
  }
  return maps()
}

/** Options of methods that add noise. */
export const NOISE_OPTIONS = {
  samples: {
    kind: 'integer',
    default: 50,
    minimum: 1,
    unit: 'pictures',
    description: 'noisy copies of the picture',
  },
  noise: {
    kind: 'number',
    default: 0.15,
    minimum: 0,
    maximum: 10,
    unit: '',
    description: "deviation of the noise, as a share of the preprocessed picture's range",
  },
  seed: SEED,
} as const

/** A picture's values with normal noise, whose deviation is `share` of their range. */
export function noisy(values: Float32Array, share: number, seed: number): () => Float32Array {
  const next = normal(uniform(seed))
  const [low, high] = extremes(values)
  const deviation = share * (high - low)
  return () => values.map((v) => v + deviation * next())
}

/** What is made of the mean and the mean square of a place's gradients. */
export type Moment = (mean: number, meanSquare: number) => number

/** Maps of what the gradients of noisy copies have in common. */
export function ofNoisyCopies(of: Moment): DrivenMethod<typeof NOISE_OPTIONS>['run'] {
  return (context) => {
    const { input, options, targets } = context
    const moments = new GradientMoments(targets, input.data.length)
    return manyGradients(context, {
      count: options.samples,
      picture: noisy(input.data, options.noise, options.seed),
      take: (target, gradient) => moments.add(target, gradient),
      maps: () => moments.maps(input.dims.slice(1), of),
    })
  }
}

/** Running means of gradients, and of their squares, by target. */
export class GradientMoments {
  readonly #sums: readonly Float64Array[]
  readonly #squares: readonly Float64Array[]
  readonly #counts: number[]

  constructor(targets: number, size: number) {
    this.#sums = Array.from({ length: targets }, () => new Float64Array(size))
    this.#squares = Array.from({ length: targets }, () => new Float64Array(size))
    this.#counts = Array<number>(targets).fill(0)
  }

  add(target: number, gradient: Float32Array): void {
    const [sum, square] = [this.#sums[target], this.#squares[target]]
    if (!sum || !square) return
    this.#counts[target] = (this.#counts[target] ?? 0) + 1
    for (const [i, v] of gradient.entries()) {
      sum[i] = (sum[i] ?? 0) + v
      square[i] = (square[i] ?? 0) + v * v
    }
  }

  /** Maps of the mean and the mean square at each place. */
  maps(dims: readonly number[], of: Moment): Tensor<'float32'>[] {
    return this.#sums.map((sum, t) => {
      const count = this.#counts[t] ?? 1
      const squares = this.#squares[t]
      return float32(
        dims,
        Float32Array.from(sum, (v, i) => of(v / count, (squares?.[i] ?? 0) / count)),
      )
    })
  }
}
