import { ExplainError } from '../core/errors.js'
import { float32 } from '../core/tensor.js'
import { EIGEN_SMOOTH, overPlaces, weightedSum } from './maps.js'
import { type CompileContext, defineMethod } from './method.js'

/** How many classes a class is told from. */
const NEAREST = 3

const OPTIONS = {
  ...EIGEN_SMOOTH,
  alpha: {
    kind: 'number',
    default: 1,
    minimum: 0,
    maximum: 10,
    unit: '',
    description: 'how much of the near classes is taken off; 0: nothing, which is Grad-CAM',
  },
} as const

/**
 * Finer-CAM: Grad-CAM of what sets the class off from those most like it, `sum_d p_d (y_c - alpha y_d) / sum_d p_d` over the three logits nearest to
 * `y_c`, with `p` the softmax of all logits; so `p_d / sum p_d` is the softmax of the three. It is differentiated as a whole, weights too, as in
 * pytorch-grad-cam (`FinerWeightedTarget`).
 */
export const finerCam = defineMethod({
  id: 'finer-cam',
  kind: 'compiled',
  title: 'Finer-CAM',
  family: 'cam',
  space: 'layer',
  atLayer: true,
  display: 'positive',
  summary:
    'What tells the class from the three whose scores are nearest: fine differences, not what all have in common.',
  source:
    'Zhang et al., CVPR 2025 (arXiv 2501.11309), section 3; the weighted difference and its defaults as in pytorch-grad-cam',
  cost: '1 forward + the head backward',
  options: OPTIONS,
  build: (context) => {
    const { b } = context
    const { features, gradient } = context.layer()
    const weights = overPlaces(b, 'ReduceMean', gradient({ of: difference(context) }))
    context.note('finer-cam is of the logits, whichever score is asked for.')
    return weightedSum(context, features, weights)
  },
})

/** `[N,1]`: how far the class' logit is above those nearest to it. */
function difference({ b, options, ...context }: CompileContext<typeof OPTIONS>): string {
  const { logits, chosen } = context.classes()
  const [, classes] = b.dims(logits) ?? []
  if (typeof classes === 'number' && classes < 2)
    throw new ExplainError('method-not-applicable', {
      what: 'finer-cam tells a class from others, and this model has one class',
      remedy: 'Use grad-cam.',
    })
  const near = typeof classes === 'number' ? Math.min(NEAREST, classes - 1) : NEAREST
  const column = b.op('Unsqueeze', [chosen(), b.int64s([1])])
  const own = b.op('GatherElements', [logits, column], { axis: 1 })
  // the class itself is nearest of all, and not one of the others
  const far = b.op('Abs', [b.op('Sub', [logits, own])])
  const itself = b.op('Expand', [b.constant(float32([], [-1])), b.shapeOf(column)])
  const distance = b.op('ScatterElements', [far, column, b.op('CastLike', [itself, far])], { axis: 1 })
  const [, order = ''] = b.ops('TopK', [distance, b.int64s([near + 1])], { axis: 1, largest: 0, sorted: 1 }, 2)
  const others = b.slice(order, [1], [1], [near + 1])
  b.know(others, 'int64', [b.dims(logits)?.[0] ?? null, near])
  const scores = b.op('GatherElements', [logits, others], { axis: 1 })
  const share = b.op('Softmax', [scores], { axis: 1 })
  const above = b.op('Sub', [own, b.op('Mul', [scores, b.scalar(options.alpha, logits)])])
  return b.reduceSum(b.op('Mul', [share, above]), [1], true)
}
