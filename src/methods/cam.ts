import { ExplainError } from '../core/errors.js'
import type { Builder } from '../onnx/builder.js'
import { EIGEN_SMOOTH, weightedSum } from './maps.js'
import { type CompileContext, defineMethod } from './method.js'
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
    const { b, chosen, head } = context
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
    if (!weights) return pooledChannel(context, features)
    const rank = b.rank(weights.value) ?? 2
    const matrix = rank === 2 ? weights.value : b.op('Flatten', [weights.value], { axis: 1 })
    const rows = b.op('Gather', [matrix, chosen], { axis: weights.classAxis })
    return weightedSum(context, features, weights.classAxis === 0 ? rows : b.transpose(rows, [1, 0]))
  },
})

/** Where the pooled channels are the logits, the map is the class' own channel. */
function pooledChannel(context: CompileContext, features: string): string {
  const { b, chosen } = context
  const classes = b.extent(features, 1)
  const depth = b.op('Reshape', [b.vector([classes]), b.int64s([1])])
  const values = b.op('Concat', [unit(b, features, 0), unit(b, features, 1)], { axis: 0 })
  return weightedSum(context, features, b.op('OneHot', [chosen, depth, values], { axis: 1 }))
}

function unit(b: Builder, like: string, value: number): string {
  return b.op('Reshape', [b.scalar(value, like), b.int64s([1])])
}
