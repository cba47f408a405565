import { attentionsOf, meanOfHeads } from './attention.js'
import { positive, times } from './maps.js'
import { defineMethod } from './method.js'

/**
 * Gradient-weighted attention rollout: the relevance `R = I`, and from the first block to the last `R = R + mean over heads of (gradient of the
 * score by A * A)+ R`; the map is the class token's row of it, or the mean row of all places where there is none.
 */
export const transformerAttribution = defineMethod({
  id: 'transformer-attribution',
  kind: 'compiled',
  title: 'Transformer attribution',
  family: 'attention',
  space: 'layer',
  atLayer: false,
  display: 'positive',
  options: {},
  summary: "Which places speak for the class along a transformer's attention, weighed by its gradient in each block.",
  source: 'Chefer, Gur and Wolf, ICCV 2021 (arXiv 2103.15679), section 3.2, equations 5 and 6: self-attention',
  cost: '1 forward + 1 backward',
  build: (context) => {
    const { b } = context
    const { weights, gradients, read, map } = attentionsOf(context)
    const slopes = gradients()
    const row = weights.reduceRight((r, weight, i) => {
      const mean = meanOfHeads(b, positive(b, times(b, weight, slopes[i] ?? '')))
      return b.op('Add', [r, b.op('MatMul', [r, mean])])
    }, read)
    return map(row)
  },
})
