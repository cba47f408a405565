import { float32 } from '../core/tensor.js'
import { noteCompleteness } from './baseline.js'
import { blurred, scipyBlur } from './blur.js'
import { manyGradients } from './many-gradients.js'
import { defineMethod } from './method.js'

/** By how much more a picture is blurred to see how it changes, in pixels: PAIR's `grad_step`. */
const GRADIENT_STEP = 0.01

/**
 * Blur integrated gradients: integrated gradients along the way on which the picture comes out of a Gaussian blur,
 * `-sum over i of (dL_i / d sigma) * gradient at L_i * sigma_max / steps`, with `L_i` the picture blurred by `sigma_i = i sigma_max / steps`
 * and its derivative by a small difference, as PAIR saliency has it. No colour is a baseline, and no detail is invented on the way. Slices
 * of volumes and frames of clips are blurred each by itself.
 */
export const blurIg = defineMethod({
  id: 'blur-ig',
  kind: 'driven',
  title: 'Blur IG',
  family: 'gradient',
  channels: 'sum',
  display: 'signed',
  space: 'input',
  atLayer: false,
  summary: 'What the details at each pixel add to the score as the picture comes out of a blur; no baseline to choose.',
  source: 'Xu et al., CVPR 2020 (arXiv 2004.03383), section 3, equation 6; defaults as in PAIR saliency',
  cost: '1 forward + 1 backward for each step (100 by default)',
  options: {
    steps: {
      kind: 'integer',
      default: 100,
      minimum: 1,
      unit: 'steps',
      description: 'steps from the picture to the blur',
    },
    sigma: {
      kind: 'number',
      default: 50,
      minimum: 0.1,
      maximum: 1000,
      unit: 'px',
      description: 'deviation of the widest blur, in pixels of the model input',
    },
  },
  run: async (context) => {
    const { input, options, targets } = context
    const dims = input.dims.slice(1)
    const blur = (sigma: number): Float64Array => blurred(input.data, context.layout.slice(1), dims, scipyBlur(sigma))
    const step = options.sigma / options.steps
    const changes = new Map<number, Float64Array>()
    const sums = Array.from({ length: targets }, () => new Float64Array(input.data.length))
    const maps = await manyGradients(context, {
      count: options.steps,
      picture: (i) => {
        const at = blur(i * step)
        const next = blur(i * step + GRADIENT_STEP)
        changes.set(
          i,
          next.map((v, k) => (v - (at[k] ?? 0)) / GRADIENT_STEP),
        )
        return Float32Array.from(at)
      },
      take: (target, gradient, i) => {
        const [sum, change] = [sums[target], changes.get(i)]
        if (sum && change) for (const [k, g] of gradient.entries()) sum[k] = (sum[k] ?? 0) - step * (change[k] ?? 0) * g
        if (target === targets - 1) changes.delete(i)
      },
      maps: () => sums.map((sum) => float32(dims, Float32Array.from(sum))),
    })
    await noteCompleteness(context, 'blur-ig', Float32Array.from(blur(options.sigma)), maps)
    return maps
  },
})
