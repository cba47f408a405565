import { attentionsOf, meanOfHeads } from './attention.js'
import { positive } from './maps.js'
import { defineMethod } from './method.js'

/**
 * LeGrad: the mean over blocks, heads and attending tokens of the positive part of the score's gradient by the attention, at each place
 * that is attended. The score is the network's own in every block, where the paper reads one from each block's tokens.
 */
export const legrad = defineMethod({
  id: 'legrad',
  kind: 'compiled',
  title: 'LeGrad',
  family: 'attention',
  space: 'layer',
  atLayer: false,
  display: 'positive',
  options: {},
  summary: 'Which places would raise the score if a transformer attended to them more, in all blocks.',
  source:
    "Bousselham et al., ICCV 2025 (arXiv 2404.03214), section 3.2, equations 5 to 7; the network's own score in every block",
  cost: '1 forward + 1 backward',
  build: (context) => {
    const { b } = context
    const { gradients, map } = attentionsOf(context)
    const rows = gradients().map((gradient) =>
      b.op('ReduceMean', [meanOfHeads(b, positive(b, gradient)), b.int64s([1])], { keepdims: 1 }),
    )
    return map(b.op('Mean', rows))
  },
})
