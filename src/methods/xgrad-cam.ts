import { EIGEN_SMOOTH, overPlaces, times, weightedSum } from './maps.js'
import { defineMethod } from './method.js'

/** Keeps the denominator from 0, as in pytorch-grad-cam. */
const EPSILON = 1e-7

/** XGrad-CAM: `sum_k w_k A^k` with `w_k = sum over positions of g A^k / (sum of A^k)`: gradients averaged by activation. */
export const xGradCam = defineMethod({
  id: 'xgrad-cam',
  kind: 'compiled',
  title: 'XGrad-CAM',
  family: 'cam',
  space: 'layer',
  atLayer: true,
  display: 'positive',
  summary: "As Grad-CAM, the mean gradient of a channel taken by its activation: the map keeps the score's sum.",
  source: 'Fu et al., BMVC 2020 (arXiv 2008.02312), section 3, equation 7; epsilon as in pytorch-grad-cam',
  cost: '1 forward + the head backward',
  options: EIGEN_SMOOTH,
  build: (context) => {
    const { b } = context
    const { features, gradient } = context.layer()
    const weighted = overPlaces(b, 'ReduceSum', times(b, gradient(), features))
    const whole = b.op('Add', [overPlaces(b, 'ReduceSum', features), b.scalar(EPSILON, features)])
    return weightedSum(context, features, b.op('Div', [weighted, whole]))
  },
})
