import { firstComponent } from './eigen.js'
import { times } from './maps.js'
import { defineMethod } from './method.js'

/** Seg-Eigen-CAM: the first principal component of `|g_k| A^k`. The sign: the value farthest from 0 is positive. */
export const segEigenCam = defineMethod({
  id: 'seg-eigen-cam',
  kind: 'compiled',
  title: 'Seg-Eigen-CAM',
  family: 'cam',
  space: 'layer',
  atLayer: true,
  display: 'positive',
  summary:
    'As Eigen-CAM, of the channels times the magnitude of their gradients: what stands out where the score reacts.',
  source: 'Chung and Ying, Appl. Sci. 2025, 15, 7562, section 3.2, equations 10 to 13',
  cost: '1 forward + the head backward',
  options: {},
  build: (context) => {
    const { b } = context
    const { features, gradient } = context.layer()
    const g = gradient()
    const size = b.op('Abs', [g])
    b.know(size, b.type(g), b.dims(g))
    return firstComponent(b, times(b, size, features))
  },
})
