import { firstComponent } from './eigen.js'
import { defineMethod } from './method.js'

/** Eigen-CAM: the feature map's first principal component, whatever the class. The sign: the value farthest from 0 is positive. */
export const eigenCam = defineMethod({
  id: 'eigen-cam',
  kind: 'compiled',
  title: 'Eigen-CAM',
  family: 'cam',
  space: 'layer',
  atLayer: true,
  display: 'positive',
  summary: 'What stands out in the layer, whatever the class: its first principal component.',
  source: 'Muhammad and Yeasin, IJCNN 2020 (arXiv 2008.00299), section III; channels centred as in pytorch-grad-cam',
  cost: '1 forward',
  options: {},
  build: (context) => firstComponent(context.b, context.layer().features),
})
