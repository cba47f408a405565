/** Samples of normalisations. */
import { float } from '../../../src/onnx/attributes.js'
import { awayFromZero, defineSamples, fixed, type Input, normal, SINCE_7, stored, uniform, values } from '../sample.js'

/** Scale, bias, mean and variance of BatchNormalization. */
function statistics(channels: number, given: (i: Input & object) => Input = stored): Input[] {
  return [normal([channels]), normal([channels]), normal([channels]), uniform([channels], 0.5, 2)].map(given)
}

export const norm = defineSamples({
  BatchNormalization: [
    { name: 'stored', opsets: [18, 7, 9, 14, 15, 26], inputs: [normal([2, 3, 2, 2]), ...statistics(3)] },
    { name: 'fed', opsets: [18, 9, 14], inputs: [normal([2, 3, 2, 2]), ...statistics(3, (s) => s)] },
    { name: 'epsilon', attributes: { epsilon: float(0.1) }, inputs: [normal([2, 2, 3]), ...statistics(2)] },
    { name: 'matrix', inputs: [normal([3, 2]), ...statistics(2)] },
    { name: '3-d', inputs: [normal([1, 2, 2, 1, 2]), ...statistics(2)] },
    {
      name: 'training',
      opsets: [18, 14, 26],
      attributes: { training_mode: 1 },
      outputs: 3,
      inputs: [normal([3, 2, 2]), normal([2]), normal([2]), ...statistics(2).slice(2)].map((i, k) =>
        i && k > 2 ? fixed(i) : i,
      ),
    },
    {
      name: 'old-attributes',
      opsets: [7],
      attributes: { epsilon: float(0.01), momentum: float(0.8), spatial: 1 },
      inputs: [normal([2, 3, 2, 2]), ...statistics(3)],
    },
  ],
  LayerNormalization: [
    { name: 'last-axis', opsets: [18, 17, 26], inputs: [normal([2, 3, 4]), stored(normal([4])), stored(normal([4]))] },
    { name: 'no-bias', inputs: [normal([2, 3, 4]), normal([4])] },
    { name: 'axis-1', attributes: { axis: 1 }, inputs: [normal([2, 3, 2]), normal([3, 2]), normal([3, 2])] },
    { name: 'axis-0', attributes: { axis: 0 }, inputs: [normal([2, 3]), normal([2, 3]), normal([2, 3])] },
    {
      name: 'axis-minus-2',
      attributes: { axis: -2, epsilon: float(0.1) },
      inputs: [normal([2, 3, 2]), normal([3, 2])],
    },
    { name: 'statistics', outputs: 3, of: [0, 1, 2], inputs: [normal([2, 3]), normal([3]), normal([3])] },
  ],
  InstanceNormalization: [
    { name: 'pictures', opsets: SINCE_7, inputs: [normal([2, 2, 3, 2]), stored(normal([2])), stored(normal([2]))] },
    { name: '1-d', inputs: [normal([2, 2, 5]), normal([2]), normal([2])] },
    { name: 'epsilon', attributes: { epsilon: float(0.1) }, inputs: [normal([1, 2, 2, 2]), normal([2]), normal([2])] },
  ],
  LRN: [
    {
      name: 'odd',
      opsets: SINCE_7,
      attributes: { size: 3, alpha: float(0.5), beta: float(0.7), bias: float(1.2) },
      inputs: [normal([2, 5, 2, 1])],
    },
    { name: 'default', attributes: { size: 5 }, inputs: [normal([1, 6, 1, 2])] },
    { name: 'wider-than-channels', attributes: { size: 7, alpha: float(1) }, inputs: [normal([1, 3, 1, 2])] },
    { name: 'one', attributes: { size: 1, alpha: float(1) }, inputs: [normal([1, 3, 1, 2])] },
  ],
  MeanVarianceNormalization: [
    { name: 'default', opsets: [18, 9, 26], inputs: [normal([2, 3, 2, 2])] },
    { name: 'axes', attributes: { axes: [1, 2] }, inputs: [normal([2, 3, 4])] },
    { name: 'far-from-zero', attributes: { axes: [1] }, inputs: [uniform([2, 3], 9, 11)] },
  ],
  LpNormalization: [
    { name: 'default', opsets: [18, 7, 26], inputs: [awayFromZero([2, 3, 4])] },
    { name: 'p-1', attributes: { p: 1, axis: 1 }, inputs: [awayFromZero([2, 3, 4])] },
    {
      name: 'zero',
      pin: { gy: [1, 2, 5, 10], gradients: [[0, 0, -0.32, 0.24]] },
      inputs: [values([2, 2], [0, 0, 3, 4])],
    },
  ],
  GroupNormalization: [
    {
      name: 'per-group',
      opsets: [18, 20],
      attributes: { num_groups: 2 },
      inputs: [normal([2, 4, 2, 2]), normal([2]), normal([2])],
    },
    {
      name: 'per-channel',
      opsets: [21, 26],
      attributes: { num_groups: 2 },
      inputs: [normal([2, 4, 2, 2]), stored(normal([4])), stored(normal([4]))],
    },
    {
      name: 'every-channel',
      opsets: [21],
      attributes: { num_groups: 3, epsilon: float(0.1) },
      inputs: [normal([2, 3, 4]), normal([3]), normal([3])],
    },
    {
      name: 'layer',
      opsets: [21],
      attributes: { num_groups: 1 },
      inputs: [normal([2, 3, 2]), normal([3]), normal([3])],
    },
    { name: 'matrix', opsets: [21], attributes: { num_groups: 2 }, inputs: [normal([2, 6]), normal([6]), normal([6])] },
  ],
  RMSNormalization: [
    { name: 'last-axis', opsets: [23, 26], inputs: [normal([2, 3, 4]), stored(normal([4]))] },
    {
      name: 'epsilon',
      opsets: [23],
      attributes: { epsilon: float(0.1), stash_type: 1 },
      inputs: [normal([2, 4]), normal([4])],
    },
    { name: 'axis-1', opsets: [23, 26], attributes: { axis: 1 }, inputs: [normal([2, 3, 2]), normal([3, 2])] },
    { name: 'axis-0', opsets: [23], attributes: { axis: 0 }, inputs: [normal([2, 3]), normal([2, 3])] },
    { name: 'axis-minus-2', opsets: [23], attributes: { axis: -2 }, inputs: [normal([2, 3, 2]), normal([2])] },
  ],
})
