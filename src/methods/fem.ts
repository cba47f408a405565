import { overPlaces, times, weightedSum } from './maps.js'
import { defineMethod } from './method.js'

/** Deviations above the mean from which an activation counts. */
const DEVIATIONS = 2

/**
 * FEM: `sum_k w_k A^k`, `w_k` the share of places where `A^k` lies more than two deviations above its mean, as pytorch-grad-cam has it. Or, by `binary`,
 * `sum_k m_k B^k` with `m_k` the channel's mean and `B^k` 1 where `A^k` is at least two deviations above it, as Xplique has it. Whatever the class.
 */
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
  options: {
    binary: {
      kind: 'switch',
      default: 0,
      description:
        "where channels fire, each channel counted by its mean, as in Xplique; else the channels' own values",
    },
  },
  build: (context) => {
    const { b } = context
    const { features } = context.layer()
    const mean = overPlaces(b, 'ReduceMean', features, true)
    const centred = b.op('Sub', [features, mean])
    b.know(centred, b.type(features), b.dims(features))
    const deviation = b.op('Sqrt', [overPlaces(b, 'ReduceMean', times(b, centred, centred), true)])
    const bound = b.op('Mul', [deviation, b.scalar(DEVIATIONS, features)])
    const far = b.op(context.options.binary === 1 ? 'GreaterOrEqual' : 'Greater', [centred, bound])
    const ones = b.op('Where', [far, b.scalar(1, features), b.scalar(0, features)])
    b.know(ones, b.type(features), b.dims(features))
    if (context.options.binary === 1) return b.reduceSum(times(b, ones, mean), [1], false)
    return weightedSum({ b, options: {} }, features, overPlaces(b, 'ReduceMean', ones))
  },
})
