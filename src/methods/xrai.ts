import { ExplainError } from '../core/errors.js'
import { extremes } from '../core/extremes.js'
import { gridOf } from '../core/layout.js'
import { float32, type Tensor } from '../core/tensor.js'
import { manyGradients } from './many-gradients.js'
import { defineMethod } from './method.js'
import { rasterOf } from './segments/raster.js'
import { rankedRegions, regionsOf } from './segments/regions.js'

/**
 * XRAI: integrated gradients from a black and a white picture, averaged, the largest of the channels at each pixel; then regions of several
 * sizes in the order of their mean, each counting the pixels that are new. Black and white are the picture's own least and largest value, as in
 * PAIR saliency; gradients are taken at the middles of the steps.
 */
export const xrai = defineMethod({
  id: 'xrai',
  kind: 'driven',
  title: 'XRAI',
  family: 'gradient',
  space: 'input',
  atLayer: false,
  display: 'signed',
  summary: 'Which regions matter most, from the first to the last: integrated gradients summed over segments.',
  source:
    'Kapishnikov et al., ICCV 2019 (arXiv 1906.02825), section 3, algorithm 1; segments and defaults as in PAIR saliency',
  cost: '2 forward + 2 backward for each step (100 by default)',
  options: {
    steps: {
      kind: 'integer',
      default: 100,
      minimum: 1,
      unit: 'steps',
      description: 'steps from black, and from white, to the picture',
    },
  },
  run: (context) => {
    const { input, layout, options, targets } = context
    if (layout.includes('D') || !layout.includes('H')) throw noPicture(layout)
    const regions = regionsOf(rasterOf(input, layout, -1, 1))
    const { C, H, W } = gridOf(layout.slice(1), input.dims.slice(1))
    const [least, most] = extremes(input.data)
    const plain = (i: number): number => (i % 2 === 0 ? least : most)
    const sums = Array.from({ length: targets }, () => new Float64Array(input.data.length))
    return manyGradients(context, {
      count: 2 * options.steps,
      picture: (i) => {
        const share = (Math.floor(i / 2) + 0.5) / options.steps
        return input.data.map((v) => plain(i) + share * (v - plain(i)))
      },
      take: (target, gradient, i) => {
        const sum = sums[target]
        if (sum)
          for (const [at, g] of gradient.entries())
            sum[at] = (sum[at] ?? 0) + (g * ((input.data[at] ?? 0) - plain(i))) / (2 * options.steps)
      },
      maps: () =>
        sums.map((sum): Tensor<'float32'> => {
          const largest = Float64Array.from({ length: H.extent * W.extent }, (_, place) => {
            const at = Math.floor(place / W.extent) * H.stride + (place % W.extent) * W.stride
            return Math.max(...Array.from({ length: C.extent }, (_, c) => sum[at + c * C.stride] ?? 0))
          })
          return float32([H.extent, W.extent], rankedRegions(largest, regions))
        }),
    })
  },
})

function noPicture(layout: string): ExplainError {
  return new ExplainError('method-not-applicable', {
    what: `xrai ranks regions of a picture, and this model takes ${layout.includes('D') ? 'volumes or clips' : 'signals'}`,
    where: layout,
    remedy: 'Take kernel-shap or lime, whose segments go through slices and along signals, or integrated-gradients.',
  })
}
