import { EIGEN_SMOOTH, overChannels, times } from './maps.js'
import { defineMethod } from './method.js'

/** HiResCAM: `sum_k g_k A^k`, place by place. On a network whose head is linear in the layer it is each place's exact share of the score. */
export const hiResCam = defineMethod({
  id: 'hires-cam',
  kind: 'compiled',
  title: 'HiResCAM',
  family: 'cam',
  space: 'layer',
  atLayer: true,
  display: 'positive',
  summary: "Each channel times its gradient, place by place: each place's own share of the score.",
  source: 'Draelos and Carin, 2020 (arXiv 2011.08891), section 3, equation 4',
  cost: '1 forward + the head backward',
  options: EIGEN_SMOOTH,
  build: (context) => {
    const { features, gradient } = context.layer()
    return overChannels(context, times(context.b, gradient(), features))
  },
})
