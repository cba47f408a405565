import { EIGEN_SMOOTH, overPlaces, positive, times, weightedSum } from './maps.js'
import { defineMethod } from './method.js'

/** Keeps the denominator from 0, as in pytorch-grad-cam. */
export const EPSILON = 1e-6

/**
 * Grad-CAM++: `sum_k w_k A^k` with `w_k = sum over positions of a relu(g)` and `a = g^2 / (2 g^2 + (sum of A^k) g^3)`. It is the paper's
 * weight for the score `exp(S)`, less the factor `exp(S)` that all channels share.
 */
export const gradCamPlusPlus = defineMethod({
  id: 'grad-cam++',
  kind: 'compiled',
  title: 'Grad-CAM++',
  family: 'cam',
  space: 'layer',
  atLayer: true,
  display: 'positive',
  summary:
    'As Grad-CAM, with positive gradients alone, each weighted by its share: for a class that appears several times.',
  source: 'Chattopadhay et al., WACV 2018 (arXiv 1710.11063), section 3, equation 19; epsilon as in pytorch-grad-cam',
  cost: '1 forward + the head backward',
  options: EIGEN_SMOOTH,
  build: (context) => {
    const { b } = context
    const { features, gradient } = context.layer()
    const g = gradient()
    const square = times(b, g, g)
    const cubic = b.op('Mul', [overPlaces(b, 'ReduceSum', features, true), times(b, square, g)])
    const below = b.op('Add', [b.op('Add', [b.op('Mul', [square, b.scalar(2, g)]), cubic]), b.scalar(EPSILON, g)])
    const share = b.op('Div', [square, below])
    return weightedSum(context, features, overPlaces(b, 'ReduceSum', times(b, positive(b, g), share)))
  },
})
