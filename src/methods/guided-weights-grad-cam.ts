import { EIGEN_SMOOTH, overPlaces, positive, times, weightedSum } from './maps.js'
import { defineMethod } from './method.js'

/** Grad-CAM with guided gradients: `sum_k w_k A^k` with `w_k = mean over positions of g (g > 0) (A^k > 0)`, as tf-explain has it unless told otherwise. */
export const guidedWeightsGradCam = defineMethod({
  id: 'guided-weights-grad-cam',
  kind: 'compiled',
  title: 'Grad-CAM with guided weights',
  family: 'cam',
  space: 'layer',
  atLayer: true,
  display: 'positive',
  summary: 'As Grad-CAM, of the gradients that are positive where the channel is: what tf-explain calls Grad-CAM.',
  source: 'GradCAM of tf-explain 0.3 (use_guided_grads)',
  cost: '1 forward + the head backward',
  options: EIGEN_SMOOTH,
  build: (context) => {
    const { b } = context
    const { features, gradient } = context.layer()
    const on = b.op('Cast', [b.op('Greater', [features, b.scalar(0, features)])], { to: 1 })
    b.know(on, 'float32', b.dims(features))
    return weightedSum(context, features, overPlaces(b, 'ReduceMean', times(b, positive(b, gradient()), on)))
  },
})
