import { EIGEN_SMOOTH, overChannels, positive, times } from './maps.js'
import { defineMethod } from './method.js'

/** Elementwise Grad-CAM: `sum_k relu(g_k A^k)`. Never negative. */
export const elementwiseGradCam = defineMethod({
  id: 'elementwise-grad-cam',
  kind: 'compiled',
  title: 'Elementwise Grad-CAM',
  family: 'cam',
  space: 'layer',
  atLayer: true,
  display: 'positive',
  summary: 'Each channel times its gradient, place by place, and only where that is positive.',
  source: 'GradCAMElementWise of pytorch-grad-cam',
  cost: '1 forward + the head backward',
  options: EIGEN_SMOOTH,
  build: (context) => {
    const { b } = context
    const { features, gradient } = context.layer()
    return overChannels(context, positive(b, times(b, gradient(), features)))
  },
})
