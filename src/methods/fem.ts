import { overPlaces, weightedSum } from './maps.js'
import { defineMethod } from './method.js'

/** Deviations above the mean from which an activation counts. */
const DEVIATIONS = 2

/** FEM: `sum_k w_k A^k`, `w_k` the share of places where `A^k` lies more than two deviations above its mean. Whatever the class. */
export const fem = defineMethod({
  id: 'fem',
  kind: 'compiled',
  title: 'FEM',
  family: 'cam',
  space: 'layer',
  atLayer: true,
  display: 'positive',
  summary: 'Where channels fire far above their mean, whatever the class.',
  source:
    'Fuad et al., IPTA 2020 (Features Understanding in 3D CNNs), weights by shares of places as in pytorch-grad-cam',
  cost: '1 forward',
  options: {},
  build: (context) => {
    const { b } = context
    const { features } = context.layer()
    const centred = b.op('Sub', [features, overPlaces(b, 'ReduceMean', features, true)])
    b.know(centred, b.type(features), b.dims(features))
    const square = b.op('Mul', [centred, centred])
    b.know(square, b.type(features), b.dims(features))
    const deviation = b.op('Sqrt', [overPlaces(b, 'ReduceMean', square, true)])
    const far = b.op('Greater', [centred, b.op('Mul', [deviation, b.scalar(DEVIATIONS, features)])])
    const ones = b.op('Where', [far, b.scalar(1, features), b.scalar(0, features)])
    b.know(ones, b.type(features), b.dims(features))
    return weightedSum(context, features, overPlaces(b, 'ReduceMean', ones))
  },
})
