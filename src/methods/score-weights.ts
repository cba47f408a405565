/** Channels as masks on the picture: what Score-CAM and its kin weigh a layer's channels by. */

import { throwIfAborted } from '../core/errors.js'
import { extremes } from '../core/extremes.js'
import { gridOf } from '../core/layout.js'
import { Places } from '../core/places.js'
import { float32, type Tensor } from '../core/tensor.js'
import { channelsOf, weightedChannels } from './feature-channels.js'
import { linearResize } from './linear.js'
import type { DriveContext, OptionDefinitions } from './method.js'

/** Keeps the range of a channel that is constant from 0, as in pytorch-grad-cam and torch-cam: its mask is 0. */
const EPSILON = 1e-8

/** How a channel is laid on the picture: what a pixel is multiplied by, from the channel's value there (0 to 1) and the pixel's index `[D,H,W]`. */
export type Lens = (value: number, pixel: number) => number

/**
 * `sum_k w_k A^k` with `w` the softmax over the channels of their mean scores in several passes. In each the picture is seen through every
 * channel: from 0 at its least to 1 at its greatest value, then resized linearly to the picture, and laid on it by the pass' lens.
 */
export async function scoreWeighted<O extends OptionDefinitions>(
  context: DriveContext<O>,
  passes: number,
  lensOf: (pass: number, pixels: number) => Lens,
): Promise<readonly Tensor<'float32'>[]> {
  const { input, layout, targets, batch, signal } = context
  const { features } = await context.layer()
  const { count, size, dims } = channelsOf(features)
  const grid = gridOf(layout.slice(1), input.dims.slice(1))
  const extents = [grid.D.extent, grid.H.extent, grid.W.extent]
  const resize = linearResize([1, 1, ...dims].slice(-3), extents)
  const places = new Places(grid)
  const sums = Array.from({ length: targets }, () => new Float64Array(count))
  const seen = new Float64Array(count)
  const maps = (): Tensor<'float32'>[] => sums.map((sum) => weightedChannels(features, softmaxOfMeans(sum, seen)))
  for (let pass = 0; pass < passes; pass++) {
    const lens = lensOf(pass, places.count)
    for (let done = 0; done < count; done += batch) {
      throwIfAborted(signal)
      const n = Math.min(batch, count - done)
      const data = new Float32Array(n * input.data.length)
      for (let i = 0; i < n; i++) {
        const channel = features.data.subarray((done + i) * size, (done + i + 1) * size)
        const mask = resize(fromZeroToOne(channel)).map(lens)
        const picture = data.subarray(i * input.data.length, (i + 1) * input.data.length)
        picture.set(input.data)
        places.scale(mask, picture)
      }
      const scores = await context.scores(float32([n, ...input.dims.slice(1)], data))
      for (let i = 0; i < n; i++) {
        seen[done + i] = pass + 1
        for (const [t, sum] of sums.entries()) sum[done + i] = (sum[done + i] ?? 0) + (scores[i]?.[t] ?? 0)
      }
      context.progress(pass * count + done + n, passes * count, maps)
    }
  }
  return maps()
}

function fromZeroToOne(values: Float32Array): Float32Array {
  const [low, high] = extremes(values)
  const range = high - low + EPSILON
  return values.map((v) => (v - low) / range)
}

/** Over what was seen; 0 for the rest. */
function softmaxOfMeans(sums: Float64Array, seen: Float64Array): Float64Array {
  const means = sums.map((s, k) => (seen[k] ? s / (seen[k] ?? 1) : Number.NEGATIVE_INFINITY))
  const top = means.reduce((a, b) => Math.max(a, b))
  const shares = means.map((m) => Math.exp(m - top))
  const total = shares.reduce((a, b) => a + b)
  return shares.map((s) => s / total)
}
