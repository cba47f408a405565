/** Samples of activations. */
import { float } from '../../../src/onnx/attributes.js'
import { NEWEST_OPSET } from '../../support/model.js'
import {
  defineSamples,
  type Input,
  normal,
  type Sample,
  SINCE_7,
  SINCE_9,
  SINCE_11,
  SINCE_13,
  stored,
  uniform,
  values,
} from '../sample.js'

type Attributes = Sample['attributes']

/** Defaults, other attributes, and float64, away from the kinks. */
function curve(
  kinks: readonly number[],
  options: { opsets?: readonly number[]; attributes?: Attributes } = {},
): Sample[] {
  const { opsets = SINCE_7, attributes } = options
  const x = normal([2, 3, 2], { kinks, scale: 2 })
  return [
    { name: 'default', opsets, inputs: [x] },
    { name: 'float64', opsets: opsets.slice(0, 1), inputs: [normal([5], { kinks, scale: 2, type: 'float64' })] },
    ...(attributes ? [{ name: 'attributes', opsets, attributes, inputs: [x] }] : []),
  ]
}

function edge(at: readonly number[], slope: readonly number[], attributes: Attributes = {}, opsets = SINCE_7): Sample {
  return {
    name: 'edge',
    opsets,
    attributes,
    pin: { gy: at.map(() => 1), gradients: [slope] },
    inputs: [values([at.length], at)],
  }
}

/** Along the axis from opset 13 on; before, over all axes from the axis on. */
function softmax(): Sample[] {
  const x = normal([2, 3, 2])
  return [
    { name: 'default', opsets: SINCE_13, inputs: [x] },
    { name: 'middle-axis', opsets: SINCE_13, attributes: { axis: 1 }, inputs: [x] },
    { name: 'first-axis', opsets: SINCE_13, attributes: { axis: 0 }, inputs: [normal([3, 2])] },
    { name: 'negative-axis', opsets: SINCE_13, attributes: { axis: -2 }, inputs: [x] },
    { name: 'matrix', opsets: SINCE_7, inputs: [normal([2, 4])] },
    { name: 'flattened-default', opsets: [11, 7, 9], inputs: [x] },
    { name: 'flattened-at-2', opsets: [11, 7], attributes: { axis: 2 }, inputs: [x] },
    { name: 'flattened-at-0', opsets: [11, 7], attributes: { axis: 0 }, inputs: [normal([2, 3])] },
    { name: 'flattened-negative', opsets: [11], attributes: { axis: -2 }, inputs: [x] },
    { name: 'flattened-last', opsets: [11], attributes: { axis: -1 }, inputs: [x] },
    { name: 'large', inputs: [normal([2, 5], { scale: 5 })] },
    { name: 'float64', inputs: [normal([2, 3], { type: 'float64' })] },
  ]
}

const scalar = (v: number): Input => stored({ ...values([], [v]), wanted: false })

export const activation = defineSamples({
  Relu: [...curve([0]), edge([-1, 0, 2], [0, 0, 1])],
  LeakyRelu: [
    ...curve([0], { attributes: { alpha: float(0.3) } }),
    edge([-1, 0, 2], [0.25, 0.25, 1], { alpha: float(0.25) }),
  ],
  PRelu: [
    { name: 'same-shape', opsets: SINCE_7, inputs: [normal([2, 3], { kinks: [0] }), normal([2, 3])] },
    { name: 'per-channel', opsets: SINCE_7, inputs: [normal([2, 3, 2, 2], { kinks: [0] }), stored(normal([3, 1, 1]))] },
    { name: 'shared', opsets: SINCE_7, inputs: [normal([2, 3], { kinks: [0] }), normal([1])] },
    {
      name: 'edge',
      pin: { gy: [1, 1, 1], gradients: [[0.5, 0.5, 1], [-1]] },
      inputs: [values([3], [-1, 0, 2]), values([1], [0.5])],
    },
  ],
  Elu: [...curve([0], { attributes: { alpha: float(0.5) } }), edge([0, 1], [0.5, 1], { alpha: float(0.5) })],
  Selu: [
    ...curve([0], { attributes: { alpha: float(1.5), gamma: float(1.25) } }),
    edge([0, 1], [1.875, 1.25], { alpha: float(1.5), gamma: float(1.25) }),
  ],
  Celu: [
    ...curve([0], { opsets: SINCE_13, attributes: { alpha: float(0.5) } }).filter((s) => s.name !== 'float64'),
    edge([0, 1], [1, 1], { alpha: float(2) }, [18]),
  ],
  ThresholdedRelu: [
    ...curve([1], { opsets: [18, 11, NEWEST_OPSET] }).filter((s) => s.name !== 'float64'),
    { name: 'attributes', attributes: { alpha: float(0.5) }, inputs: [normal([2, 5], { kinks: [0.5] })] },
    edge([0.5, 1, 2], [0, 0, 1], {}, [18]),
  ],
  Shrink: [
    { name: 'default', opsets: SINCE_9, inputs: [normal([3, 5], { kinks: [-0.5, 0.5] })] },
    {
      name: 'soft',
      opsets: SINCE_9,
      attributes: { lambd: float(0.8), bias: float(0.8) },
      inputs: [normal([3, 5], { kinks: [-0.8, 0.8] })],
    },
    edge([-0.5, 0, 0.5, 1], [0, 0, 0, 1], {}, [18]),
  ],
  Clip: [
    {
      name: 'crossed-bounds',
      pin: { gy: [1, 2, 4], gradients: [[0, 0, 0], [0], [7]] },
      inputs: [values([3], [-2, 0, 2]), values([], [1]), values([], [-1])],
    },
    {
      name: 'attributes',
      opsets: [7, 9, 10],
      attributes: { min: float(-0.5), max: float(1) },
      inputs: [normal([2, 5], { kinks: [-0.5, 1] })],
    },
    { name: 'attribute-min', opsets: [7], attributes: { min: float(0.2) }, inputs: [normal([2, 5], { kinks: [0.2] })] },
    { name: 'attribute-max', opsets: [7], attributes: { max: float(0.2) }, inputs: [normal([2, 5], { kinks: [0.2] })] },
    { name: 'attribute-none', opsets: [7], inputs: [normal([2, 5])] },
    {
      name: 'attribute-relu6',
      opsets: [7],
      attributes: { min: float(0), max: float(6) },
      inputs: [normal([2, 5], { scale: 6, kinks: [0, 6] })],
    },
    { name: 'inputs', opsets: SINCE_11, inputs: [normal([2, 5], { kinks: [-0.5, 1] }), scalar(-0.5), scalar(1)] },
    { name: 'input-min', opsets: SINCE_11, inputs: [normal([2, 5], { kinks: [0] }), scalar(0)] },
    { name: 'input-max', opsets: SINCE_11, inputs: [normal([2, 5], { kinks: [0.5] }), undefined, scalar(0.5)] },
    { name: 'input-none', opsets: SINCE_11, inputs: [normal([2, 5])] },
    { name: 'tiny-bounds', inputs: [normal([2, 5], { kinks: [0], gap: 0.02 }), scalar(-1e-6), scalar(1e-6)] },
    { name: 'unbounded', inputs: [normal([2, 5]), scalar(-3.4028234663852886e38), scalar(3.4028234663852886e38)] },
    {
      name: 'computed-bounds',
      inputs: [normal([2, 5], { kinks: [-0.5, 0.75] }), values([], [-0.5]), values([], [0.75])],
    },
    {
      name: 'float64',
      inputs: [
        normal([2, 5], { kinks: [-0.5, 1], type: 'float64' }),
        stored({ ...values([], [-0.5], { type: 'float64' }), wanted: false }),
        stored({ ...values([], [1], { type: 'float64' }), wanted: false }),
      ],
    },
    {
      name: 'edges',
      pin: { gy: [1, 1, 1, 1, 1], gradients: [[0, 0, 1, 0, 0]] },
      inputs: [values([5], [-1, 0, 3, 6, 7]), scalar(0), scalar(6)],
    },
    {
      name: 'odd-edges',
      pin: { gy: [1, 1, 1, 1], gradients: [[0, 1, 1, 0]] },
      inputs: [
        values([4], [Math.fround(-0.1), Math.fround(-0.09999), Math.fround(0.29999), Math.fround(0.3)]),
        scalar(-0.1),
        scalar(0.3),
      ],
    },
  ],
  Sigmoid: curve([]),
  HardSigmoid: [
    ...curve([-2.5, 2.5], { attributes: { alpha: float(0.5), beta: float(0.4) } })
      .filter((s) => s.name !== 'float64')
      .map((s) => (s.name === 'attributes' ? { ...s, inputs: [normal([2, 3, 2], { kinks: [-0.8, 1.2] })] } : s)),
    edge([-1, 0, 1], [0, 0.5, 0], { alpha: float(0.5), beta: float(0.5) }),
  ],
  HardSwish: [
    ...curve([-3, 3], { opsets: [18, 14, NEWEST_OPSET] }).filter((s) => s.name !== 'float64'),
    { name: 'wide', inputs: [uniform([3, 4], -5, 5)] },
    { name: 'edge', pin: { gy: [1, 1, 1], gradients: [[0, 0, 1]] }, inputs: [values([3], [-4, -3, 3])] },
  ],
  Tanh: curve([]),
  Softplus: curve([]),
  Softsign: [...curve([0]).filter((s) => s.name !== 'float64'), edge([0], [1])],
  Softmax: softmax(),
  LogSoftmax: softmax(),
  Gelu: curve([], { opsets: [20, NEWEST_OPSET], attributes: { approximate: 'tanh' } }).filter(
    (s) => s.name !== 'float64',
  ),
  Mish: curve([], { opsets: [18, NEWEST_OPSET] }).filter((s) => s.name !== 'float64'),
  Swish: curve([], { opsets: [24, NEWEST_OPSET], attributes: { alpha: float(1.7) } }),
})
