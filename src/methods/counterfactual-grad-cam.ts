import { overPlaces, weightedSum } from './maps.js'
import { defineMethod } from './method.js'

/** Counterfactual Grad-CAM: Grad-CAM with the gradient negated, `a_k = mean over positions of -dy/dA^k`. Raw: minus Grad-CAM's. */
export const counterfactualGradCam = defineMethod({
  id: 'counterfactual-grad-cam',
  kind: 'compiled',
  title: 'Counterfactual Grad-CAM',
  family: 'cam',
  space: 'layer',
  atLayer: true,
  display: 'positive',
  summary: 'What speaks against the class: without it, the score would rise.',
  source: 'Selvaraju et al., ICCV 2017 (arXiv 1610.02391), section 3.3',
  cost: '1 forward + the head backward',
  options: {},
  build: (context) => {
    const { b } = context
    const { features, gradient } = context.layer()
    return weightedSum(context, features, b.op('Neg', [overPlaces(b, 'ReduceMean', gradient())]))
  },
})
