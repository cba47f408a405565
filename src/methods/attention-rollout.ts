import { attentionsOf, meanOfHeads } from './attention.js'
import { defineMethod } from './method.js'

/**
 * Attention rollout: `r A_L ... A_1` with `A = normalised rows of (mean over heads of the attention + identity)`, the identity for the
 * residual connection; `r` picks the class token's row, or the mean row of all places where there is none. Whatever the class.
 */
export const attentionRollout = defineMethod({
  id: 'attention-rollout',
  kind: 'compiled',
  title: 'Attention rollout',
  family: 'attention',
  space: 'layer',
  atLayer: false,
  display: 'positive',
  options: {},
  summary: "Which places of the picture a transformer's answer gathers from, block after block, whatever the class.",
  source: 'Abnar and Zuidema, ACL 2020 (arXiv 2005.00928), section 3, equation 1 and Attention Rollout',
  cost: '1 forward',
  build: (context) => {
    const { b } = context
    const { weights, read, map } = attentionsOf(context)
    const row = weights.toReversed().reduce((r, weight) => {
      const mean = meanOfHeads(b, weight)
      const sums = b.op('Add', [b.op('ReduceSum', [mean, b.int64s([2])], { keepdims: 0 }), b.scalar(1, weight)])
      const share = b.op('Div', [r, b.op('Unsqueeze', [sums, b.int64s([1])])])
      return b.op('Add', [b.op('MatMul', [share, mean]), share])
    }, read)
    return map(row)
  },
})
