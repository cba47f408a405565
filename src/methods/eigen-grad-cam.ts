import { firstComponent } from './eigen.js'
import { times } from './maps.js'
import { defineMethod } from './method.js'

/** Eigen-Grad-CAM: the first principal component of gradient times activation. The sign: the value farthest from 0 is positive. */
export const eigenGradCam = defineMethod({
  id: 'eigen-grad-cam',
  kind: 'compiled',
  title: 'Eigen-Grad-CAM',
  family: 'cam',
  space: 'layer',
  atLayer: true,
  display: 'positive',
  summary: 'As Eigen-CAM, of the channels times their gradients: cleaner, and of the class.',
  source: 'EigenGradCAM of pytorch-grad-cam',
  cost: '1 forward + the head backward',
  options: {},
  build: (context) => {
    const { features, gradient } = context.layer()
    return firstComponent(context.b, times(context.b, gradient(), features))
  },
})
