import { throwIfAborted } from '../core/errors.js'
import { float32, type Tensor } from '../core/tensor.js'
import { channelsOf, weightedChannels } from './feature-channels.js'
import { EPSILON } from './grad-cam-plus-plus.js'
import { NOISE_OPTIONS, noisy } from './many-gradients.js'
import { defineMethod } from './method.js'

/**
 * Smooth Grad-CAM++: Grad-CAM++ with means over noisy pictures in the place of `g`, `g^2` and `g^3`: `w_k = sum over positions of a relu(mean g)`,
 * `a = mean g^2 / (2 mean g^2 + (sum of A^k) mean g^3)`, A of the picture itself. The paper has `mean g` above the line, which torch-cam corrects to
 * `mean g^2`, as here. With one sample without noise it is Grad-CAM++.
 */
export const smoothGradCamPlusPlus = defineMethod({
  id: 'smooth-grad-cam++',
  kind: 'driven',
  title: 'Smooth Grad-CAM++',
  family: 'cam',
  space: 'layer',
  atLayer: true,
  display: 'positive',
  summary: 'Grad-CAM++ of what the gradients of noisy copies of the picture have in common.',
  source:
    "Omeiza et al. 2019 (arXiv 1908.01224), section 3, with torch-cam's numerator; the mean gradient and the picture's own features, where torch-cam takes those of its last noisy copy",
  cost: '1 forward + 1 forward and the head backward for each noisy copy (20 by default)',
  options: {
    ...NOISE_OPTIONS,
    samples: { ...NOISE_OPTIONS.samples, default: 20 },
    noise: { ...NOISE_OPTIONS.noise, default: 0.06 },
  },
  run: async (context) => {
    const { input, options, targets, signal } = context
    const layer = await context.layer()
    const sums = Array.from({ length: targets }, () => new Powers(layer.features))
    const maps = (): Tensor<'float32'>[] => sums.map((s) => weightedChannels(layer.features, s.weights()))
    const next = noisy(input.data, options.noise, options.seed)
    for (let done = 0; done < options.samples; done++) {
      const picture = float32(input.dims, next())
      for (const [t, sum] of sums.entries()) {
        throwIfAborted(signal)
        sum.add((await layer.gradients(picture, t)).gradients.data)
      }
      context.progress(done + 1, options.samples, maps)
    }
    return maps()
  },
})

/** Sums of gradients, of their squares and of their cubes. */
class Powers {
  readonly #features: Tensor<'float32'>
  readonly #first: Float64Array
  readonly #second: Float64Array
  readonly #third: Float64Array
  #count = 0

  constructor(features: Tensor<'float32'>) {
    this.#features = features
    this.#first = new Float64Array(features.data.length)
    this.#second = this.#first.slice()
    this.#third = this.#first.slice()
  }

  add(gradients: Float32Array): void {
    this.#count++
    for (const [i, g] of gradients.entries()) {
      this.#first[i] = (this.#first[i] ?? 0) + g
      this.#second[i] = (this.#second[i] ?? 0) + g * g
      this.#third[i] = (this.#third[i] ?? 0) + g * g * g
    }
  }

  /** A weight a channel. */
  weights(): Float64Array {
    const { count, size } = channelsOf(this.#features)
    const n = this.#count
    return Float64Array.from({ length: count }, (_, k) => {
      const [from, to] = [k * size, (k + 1) * size]
      const active = this.#features.data.subarray(from, to).reduce((a, v) => a + v, 0)
      let weight = 0
      for (let i = from; i < to; i++) {
        const square = (this.#second[i] ?? 0) / n
        const below = 2 * square + (active * (this.#third[i] ?? 0)) / n + EPSILON
        weight += (square / below) * Math.max((this.#first[i] ?? 0) / n, 0)
      }
      return weight
    })
  }
}
