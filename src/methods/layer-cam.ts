import { EIGEN_SMOOTH, overChannels, positive, times } from './maps.js'
import { defineMethod } from './method.js'

/** LayerCAM: `sum_k relu(g_k) A^k`, place by place. Made for layers that are not the last. */
export const layerCam = defineMethod({
  id: 'layer-cam',
  kind: 'compiled',
  title: 'LayerCAM',
  family: 'cam',
  space: 'layer',
  atLayer: true,
  display: 'positive',
  summary: 'Each channel weighted place by place by its positive gradient: finer maps at earlier layers.',
  source: 'Jiang et al., IEEE TIP 2021 (doi 10.1109/TIP.2021.3089943), section III, equations 6 and 7',
  cost: '1 forward + the head backward',
  options: EIGEN_SMOOTH,
  build: (context) => {
    const { b } = context
    const { features, gradient } = context.layer()
    return overChannels(context, times(b, positive(b, gradient()), features))
  },
})
