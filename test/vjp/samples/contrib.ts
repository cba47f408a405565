/** Samples of ONNX Runtime's own operators. */
import { float } from '../../../src/onnx/attributes.js'
import { defineSamples, fixed, ints, normal, stored, typed, uniform, values } from '../sample.js'

const NO_KERNEL = 'ONNX Runtime has no kernel for processors'

const picture = normal([2, 2, 5, 4])
const kernel = stored(normal([3, 2, 3, 3]))
const vector = (length: number) => stored(normal([length]))

export const contrib = defineSamples({
  'com.microsoft.Gelu': [{ name: 'usual', inputs: [normal([2, 3])] }],
  'com.microsoft.FastGelu': [
    { name: 'bias', inputs: [normal([2, 3, 4]), vector(4)] },
    { name: 'no-bias', inputs: [normal([2, 3])] },
  ],
  'com.microsoft.QuickGelu': [
    { name: 'default', inputs: [normal([2, 3])] },
    { name: 'swish', attributes: { alpha: float(1) }, inputs: [normal([2, 3])] },
  ],
  'com.microsoft.BiasGelu': [{ name: 'usual', inputs: [normal([2, 3, 4]), vector(4)] }],
  'com.microsoft.BiasSplitGelu': [{ name: 'usual', noKernel: NO_KERNEL, inputs: [normal([1, 2, 6]), vector(6)] }],
  'com.microsoft.BiasAdd': [
    { name: 'usual', noKernel: NO_KERNEL, inputs: [normal([2, 3, 4]), vector(4), normal([2, 3, 4])] },
  ],
  'com.microsoft.BiasDropout': [
    { name: 'residual', noKernel: NO_KERNEL, outputs: 2, inputs: [normal([2, 3]), vector(3), normal([2, 3])] },
    { name: 'no-residual', noKernel: NO_KERNEL, inputs: [normal([2, 3]), vector(3)] },
  ],
  'com.microsoft.BiasSoftmax': [
    {
      name: 'last-axis',
      noKernel: NO_KERNEL,
      attributes: { axis: -1, is_inner_broadcast: 1 },
      inputs: [normal([2, 2, 3, 4]), normal([2, 1, 1, 4])],
    },
    {
      name: 'two-axes',
      noKernel: NO_KERNEL,
      attributes: { axis: 1, is_inner_broadcast: 0 },
      inputs: [normal([2, 3, 4]), normal([3, 4])],
    },
  ],
  'com.microsoft.FusedConv': [
    { name: 'relu', attributes: { activation: 'Relu', pads: [1, 1, 1, 1] }, inputs: [picture, kernel, vector(3)] },
    { name: 'sum', attributes: { activation: 'Tanh' }, inputs: [picture, kernel, vector(3), normal([2, 3, 3, 2])] },
    { name: 'no-activation', inputs: [picture, kernel] },
    {
      name: 'leaky-relu',
      attributes: { activation: 'LeakyRelu', activation_params: float([0.2]), strides: [2, 1] },
      inputs: [picture, kernel],
    },
    {
      name: 'clip',
      attributes: { activation: 'Clip', activation_params: float([-1, 2]) },
      inputs: [values([1, 1, 1, 4], [-2, -0.5, 0.5, 2]), stored(values([1, 1, 1, 1], [1.5]))],
    },
    {
      name: 'hard-sigmoid',
      attributes: { activation: 'HardSigmoid', activation_params: float([0.1, 0.4]) },
      inputs: [picture, kernel, vector(3)],
    },
    { name: 'sigmoid', attributes: { activation: 'Sigmoid', auto_pad: 'SAME_UPPER' }, inputs: [picture, kernel] },
  ],
  'com.microsoft.NhwcConv': [
    {
      name: 'usual',
      noKernel: NO_KERNEL,
      attributes: { pads: [1, 0, 1, 1], strides: [2, 1] },
      inputs: [normal([2, 5, 4, 2]), kernel, vector(3)],
    },
  ],
  'com.microsoft.NhwcFusedConv': [
    {
      name: 'sum',
      noKernel: NO_KERNEL,
      attributes: { activation: 'Sigmoid' },
      inputs: [normal([2, 5, 4, 2]), kernel, vector(3), normal([2, 3, 2, 3])],
    },
  ],
  'com.ms.internal.nhwc.Conv': [
    { name: 'usual', noKernel: NO_KERNEL, inputs: [normal([2, 5, 4, 2]), kernel, vector(3)] },
  ],
  'com.ms.internal.nhwc.MaxPool': [
    {
      name: 'usual',
      noKernel: NO_KERNEL,
      attributes: { kernel_shape: [2, 2], strides: [2, 1] },
      inputs: [normal([2, 5, 4, 2])],
    },
  ],
  'com.ms.internal.nhwc.AveragePool': [
    {
      name: 'usual',
      noKernel: NO_KERNEL,
      attributes: { kernel_shape: [2, 3], pads: [1, 1, 0, 1] },
      inputs: [normal([2, 5, 4, 2])],
    },
  ],
  'com.ms.internal.nhwc.GlobalAveragePool': [{ name: 'usual', noKernel: NO_KERNEL, inputs: [normal([2, 3, 2, 4])] }],
  'com.ms.internal.nhwc.GlobalMaxPool': [{ name: 'usual', noKernel: NO_KERNEL, inputs: [normal([2, 3, 2, 4])] }],
  'com.microsoft.FusedMatMul': [
    { name: 'plain', inputs: [normal([2, 3, 4]), normal([4, 2])] },
    { name: 'alpha', attributes: { alpha: float(0.3), transB: 1 }, inputs: [normal([2, 3, 4]), normal([2, 5, 4])] },
    { name: 'both', attributes: { transA: 1, transB: 1 }, inputs: [normal([4, 3]), normal([2, 4])] },
    { name: 'batch-a', attributes: { transBatchA: 1 }, inputs: [normal([3, 2, 4]), normal([2, 4, 5])] },
    {
      name: 'all',
      attributes: { transA: 1, transB: 1, transBatchA: 1, transBatchB: 1 },
      inputs: [normal([4, 2, 3]), normal([5, 2, 4])],
    },
    { name: 'vector', attributes: { transA: 1 }, inputs: [normal([3]), normal([3, 4])] },
  ],
  'com.microsoft.TransposeMatMul': [
    { name: 'usual', attributes: { transA: 1, alpha: float(2) }, inputs: [normal([2, 4, 3]), normal([2, 4, 2])] },
  ],
  'com.microsoft.FusedGemm': [
    {
      name: 'leaky-relu',
      attributes: { activation: 'LeakyRelu', activation_alpha: float(0.2), transB: 1 },
      inputs: [normal([2, 3]), normal([4, 3]), vector(4)],
    },
    { name: 'relu', attributes: { activation: 'Relu' }, inputs: [normal([3, 3]), normal([3, 4])] },
    {
      name: 'elu',
      attributes: { activation: 'Elu', activation_alpha: float(0.7), alpha: float(0.5), beta: float(2) },
      inputs: [normal([2, 3]), normal([3, 4]), vector(4)],
    },
    { name: 'softsign', attributes: { activation: 'Softsign' }, inputs: [normal([2, 3]), normal([3, 4])] },
    { name: 'softplus', attributes: { activation: 'Softplus' }, inputs: [normal([2, 3]), normal([3, 4])] },
    {
      name: 'hard-sigmoid',
      attributes: { activation: 'HardSigmoid', activation_alpha: float(0.1), activation_beta: float(0.4) },
      inputs: [normal([2, 3]), normal([3, 4])],
    },
  ],
  'com.microsoft.ConvTransposeWithDynamicPads': [
    {
      name: 'pads',
      attributes: { strides: [2, 1] },
      inputs: [normal([1, 2, 3, 3]), stored(normal([2, 2, 3, 2])), ints([1, 0, 0, 1]), vector(2)],
    },
  ],
  'com.microsoft.SkipLayerNormalization': [
    { name: 'usual', inputs: [normal([2, 3, 4]), normal([2, 3, 4]), vector(4), vector(4), vector(4)] },
    {
      name: 'sum',
      attributes: { epsilon: float(0.01) },
      outputs: 4,
      of: [0, 3],
      inputs: [normal([2, 3, 4]), normal([2, 3, 4]), vector(4)],
    },
    { name: 'broadcast-skip', inputs: [normal([2, 3, 4]), normal([3, 4]), vector(4), vector(4)] },
  ],
  'com.microsoft.SkipSimplifiedLayerNormalization': [
    { name: 'usual', inputs: [normal([2, 3, 4]), normal([2, 3, 4]), vector(4), vector(4)] },
    {
      name: 'sum',
      attributes: { epsilon: float(0.01) },
      outputs: 4,
      of: [0, 3],
      inputs: [normal([2, 3, 4]), normal([2, 3, 4]), vector(4)],
    },
  ],
  SimplifiedLayerNormalization: [
    { name: 'usual', opsets: [18, 11, 26], inputs: [normal([2, 3, 4]), vector(4)] },
    { name: 'axis-1', attributes: { axis: 1, epsilon: float(0.1) }, inputs: [normal([2, 3, 2]), normal([3, 2])] },
    { name: 'deviation', attributes: { axis: -1 }, outputs: 2, of: [0, 1], inputs: [normal([2, 3, 4]), vector(4)] },
  ],
  'com.microsoft.EmbedLayerNormalization': [
    {
      name: 'segments',
      outputs: 3,
      of: [0, 2],
      inputs: [
        typed('int32', [2, 3], [0, 2, 1, 4, 0, 3]),
        typed('int32', [2, 3], [0, 1, 1, 0, 0, 1]),
        normal([5, 4]),
        normal([6, 4]),
        normal([2, 4]),
        vector(4),
        vector(4),
        typed('int32', [2, 3], [1, 1, 0, 1, 1, 1]),
      ],
    },
    {
      name: 'positions',
      outputs: 2,
      inputs: [
        typed('int32', [2, 3], [0, 2, 1, 4, 0, 3]),
        undefined,
        normal([5, 4]),
        normal([6, 4]),
        undefined,
        vector(4),
        vector(4),
        undefined,
        typed('int32', [2, 3], [1, 3, 5, 0, 2, 4]),
      ],
    },
  ],
  'com.microsoft.GroupNorm': [
    {
      name: 'channels-last',
      noKernel: NO_KERNEL,
      attributes: { groups: 2, activation: 0, epsilon: float(0.01) },
      inputs: [normal([2, 2, 3, 4]), vector(4), vector(4)],
    },
    {
      name: 'channels-first-silu',
      noKernel: NO_KERNEL,
      attributes: { groups: 2, activation: 1, channels_last: 0 },
      inputs: [normal([2, 4, 2, 3]), vector(4), vector(4)],
    },
  ],
  'com.microsoft.SkipGroupNorm': [
    {
      name: 'sum',
      noKernel: NO_KERNEL,
      attributes: { groups: 2, activation: 1 },
      outputs: 2,
      of: [0, 1],
      inputs: [normal([2, 2, 3, 4]), vector(4), vector(4), normal([2, 2, 3, 4]), vector(4)],
    },
    {
      name: 'skip-of-vectors',
      noKernel: NO_KERNEL,
      attributes: { groups: 4, activation: 0 },
      inputs: [normal([2, 2, 3, 4]), vector(4), vector(4), normal([2, 4])],
    },
  ],
  'com.microsoft.Inverse': [
    { name: 'matrix', inputs: [values([2, 2], [2, 0.5, -0.3, 1.5])] },
    { name: 'matrices', inputs: [values([2, 1, 2, 2], [2, 0.5, -0.3, 1.5, -1, 0.2, 0.7, 2])] },
  ],
  'com.microsoft.ExpandDims': [{ name: 'usual', inputs: [normal([2, 3]), typed('int32', [], [-1])] }],
  'com.microsoft.Trilu': [
    { name: 'upper', inputs: [normal([2, 3, 4]), typed('int64', [], [1])] },
    { name: 'lower', attributes: { upper: 0 }, inputs: [normal([3, 3])] },
  ],
  'com.microsoft.GatherND': [{ name: 'usual', inputs: [normal([2, 3, 2]), ints([0, 1, 1, 2, 0, 1], [3, 2])] }],
  'com.microsoft.GridSample': [
    {
      name: 'usual',
      attributes: { mode: 'bilinear' },
      inputs: [normal([1, 2, 3, 4]), values([1, 2, 2, 2], [-0.4, -0.3, 0.15, 0.2, 0.35, -0.15, -0.1, 0.6])],
    },
  ],
  'com.microsoft.CropAndResize': [
    {
      name: 'usual',
      inputs: [
        normal([2, 2, 4, 5]),
        values([2, 4], [0.12, 0.23, 0.71, 0.88, 0.31, 0.07, 0.93, 0.45]),
        typed('int32', [2], [1, 0]),
        typed('int32', [2], [3, 2]),
      ],
    },
    {
      name: 'beyond',
      attributes: { extrapolation_value: float(0.5) },
      inputs: [
        normal([1, 2, 4, 4]),
        values([1, 4], [-0.4, 0.1, 0.8, 1.5]),
        typed('int32', [1], [0]),
        typed('int32', [2], [3, 3]),
      ],
    },
    {
      name: 'one-point',
      inputs: [
        normal([1, 1, 4, 4]),
        values([1, 4], [0.1, 0.2, 0.7, 0.9]),
        typed('int32', [1], [0]),
        typed('int32', [2], [1, 2]),
      ],
    },
  ],
  'com.microsoft.Pad': [
    { name: 'constant', inputs: [normal([2, 3]), ints([0, 1, 2, 0]), stored(fixed(values([1], [0.5])))] },
    { name: 'reflect', attributes: { mode: 'reflect' }, inputs: [normal([2, 3]), ints([0, 1, 1, 2])] },
  ],
  Crop: [
    { name: 'border', opsets: [9, 7], attributes: { border: [1, 2, 0, 1] }, inputs: [normal([1, 2, 5, 6])] },
    {
      name: 'scale',
      opsets: [9, 7],
      attributes: { border: [1, 2, 0, 0], scale: [2, 3] },
      inputs: [normal([1, 2, 5, 6])],
    },
  ],
  ImageScaler: [
    {
      name: 'usual',
      opsets: [9, 7],
      attributes: { scale: float(0.5), bias: float([1, -2, 0.5]) },
      inputs: [normal([2, 3, 2, 2])],
    },
  ],
  Affine: [
    { name: 'usual', opsets: [9, 7], attributes: { alpha: float(0.5), beta: float(2) }, inputs: [normal([2, 3])] },
  ],
  Scale: [{ name: 'usual', opsets: [9, 7], attributes: { scale: float(0.5) }, inputs: [normal([2, 3])] }],
  ParametricSoftplus: [
    { name: 'usual', opsets: [9, 7], attributes: { alpha: float(0.5), beta: float(2) }, inputs: [normal([2, 3])] },
  ],
  ScaledTanh: [
    {
      name: 'usual',
      opsets: [9, 7],
      attributes: { alpha: float(0.5), beta: float(2) },
      inputs: [uniform([2, 3], -1, 1)],
    },
  ],
})
