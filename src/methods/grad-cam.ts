import { EIGEN_SMOOTH, overPlaces, weightedSum } from './maps.js'
import { defineMethod } from './method.js'

/**
 * Grad-CAM: `sum_k a_k A^k` with `a_k = mean over positions of dy/dA^k`. Raw: before the ReLU, at the layer's resolution. Only the
 * nodes between the layer and the answer are differentiated.
 */
export const gradCam = defineMethod({
  id: 'grad-cam',
  kind: 'compiled',
  title: 'Grad-CAM',
  family: 'cam',
  space: 'layer',
  atLayer: true,
  display: 'positive',
  summary: "The layer's channels, each weighted by the mean gradient of the class' score.",
  source: 'Selvaraju et al., ICCV 2017 (arXiv 1610.02391), section 3, equations 1 and 2',
  cost: '1 forward + the head backward',
  options: EIGEN_SMOOTH,
  build: (context) => {
    const { b } = context
    const { features, gradient } = context.layer()
    return weightedSum(context, features, overPlaces(b, 'ReduceMean', gradient()))
  },
})
