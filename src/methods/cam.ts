import { ExplainError } from '../core/errors.js'
import { EIGEN_SMOOTH, weightedSum } from './maps.js'
import { defineMethod } from './method.js'
import { poolingNote } from './pooling.js'

/**
 * Class Activation Mapping: the class' weights of the linear layer behind global pooling, applied to the feature map before it:
 * `M_c(x,y) = sum_k w_k^c A_k(x,y)`. The bias is ignored.
 */
export const cam = defineMethod({
  id: 'cam',
  kind: 'compiled',
  title: 'CAM',
  family: 'cam',
  space: 'layer',
  atLayer: true,
  display: 'positive',
  summary:
    "The linear layer's weights of a class, applied to the last feature map; for networks that end in global pooling and one linear layer.",
  source: 'Zhou et al., CVPR 2016 (arXiv 1512.04150), section 2, equation 2',
  cost: '1 forward',
  options: EIGEN_SMOOTH,
  build: (context) => {
    const { b, head } = context
    const { weights: wanted } = context.classes()
    if (!head)
      throw new ExplainError('method-not-applicable', {
        what: 'cam needs a network that ends in global pooling and one linear layer; this one does not',
        remedy: 'Use grad-cam, which is the same map on such networks and works on all others.',
      })
    const { value, features } = context.layer()
    if (value !== head.features.value)
      throw new ExplainError('method-not-applicable', {
        what: `cam explains at the layer before the pooling, "${head.features.value}", not at "${value}"`,
        remedy: 'Leave the layer out, or use grad-cam.',
      })
    const { weights, pooling } = head
    const note = poolingNote(pooling)
    if (note !== undefined) context.note(note)
    // where the pooled channels are the logits, the map is the class' own channel
    if (!weights) return weightedSum(context, features, wanted)
    const rank = b.rank(weights.value) ?? 2
    const matrix = rank === 2 ? weights.value : b.op('Flatten', [weights.value], { axis: 1 })
    const byClass = weights.classAxis === 0 ? matrix : b.transpose(matrix, [1, 0])
    return weightedSum(context, features, b.op('MatMul', [wanted, byClass]))
  },
})
