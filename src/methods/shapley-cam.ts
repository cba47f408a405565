import { EIGEN_SMOOTH, overPlaces, times, weightedSum } from './maps.js'
import { type CompileContext, defineMethod } from './method.js'

/**
 * ShapleyCAM: `sum_k w_k A^k` with `w_k = mean over positions of (g - H A / 2)`, of the score `y_c + log softmax(y)_c`; g is its gradient by the layer and
 * H its Hessian: what a layer's values add to the score, to the second order. `g + H A` is the gradient of `sum(g A)`, so that the head is
 * differentiated twice.
 */
export const shapleyCam = defineMethod({
  id: 'shapley-cam',
  kind: 'compiled',
  title: 'ShapleyCAM',
  family: 'cam',
  space: 'layer',
  atLayer: true,
  display: 'positive',
  summary: "As Grad-CAM, with each channel's share of the score to the second order, as Shapley values have it.",
  source: 'Cai, 2025 (arXiv 2501.06261), section 4, with the score ReST = logit + log softmax, as in pytorch-grad-cam',
  cost: '1 forward + the head backward twice',
  options: EIGEN_SMOOTH,
  build: (context) => {
    const { b } = context
    const { value, features, gradient } = context.layer()
    const of = rest(context)
    const product = times(b, context.gradient(value, { of }), value)
    const g = gradient({ of })
    // g + H A
    const twice = gradient({ of: product })
    const weights = b.op('Sub', [b.op('Mul', [g, b.scalar(1.5, g)]), b.op('Mul', [twice, b.scalar(0.5, g)])])
    b.know(weights, b.type(g), b.dims(g))
    context.note('shapley-cam is of the logit and its log softmax, whichever score is asked for.')
    return weightedSum(context, features, overPlaces(b, 'ReduceMean', weights))
  },
})

/** `[N,1]`: the residual softmax target, a class' logit and its log softmax. */
function rest({ b, ...context }: CompileContext): string {
  const { logits, chosen } = context.classes()
  const column = b.op('Unsqueeze', [chosen(), b.int64s([1])])
  const whole = b.op('Add', [logits, b.op('LogSoftmax', [logits], { axis: 1 })])
  return b.op('GatherElements', [whole, column], { axis: 1 })
}
