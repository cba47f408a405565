/** Samples of operators that choose, cut out and place elements. */

import { float32 } from '../../../src/core/tensor.js'
import { float } from '../../../src/onnx/attributes.js'
import { NEWEST_OPSET } from '../../support/model.js'
import {
  awayFromZero,
  defineSamples,
  distinct,
  fed,
  type InputSpec,
  ints,
  normal,
  type Sample,
  SINCE_9,
  SINCE_11,
  type SmoothSample,
  typed,
  values,
} from '../sample.js'

const SINCE_10 = [18, 10, 11, NEWEST_OPSET]
const FAR = Number.MAX_SAFE_INTEGER

function slice(
  name: string,
  starts: number[],
  ends: number[],
  axes?: number[],
  steps?: number[],
  opsets?: readonly number[],
): Sample {
  const more = steps ? [axes ? ints(axes) : undefined, ints(steps)] : axes ? [ints(axes)] : []
  return { name, ...(opsets ? { opsets } : {}), inputs: [normal([4, 5]), ints(starts), ints(ends), ...more] }
}

/** Updates that are multiplied and compared, of which several meet at one element; zeros among them, alone and two together. */
function joined(
  name: string,
  data: readonly number[],
  indices: InputSpec,
  updates: readonly number[],
  attributes: NonNullable<Sample['attributes']> = {},
): Sample[] {
  const opsets = [18, NEWEST_OPSET]
  const factors = awayFromZero(updates)
  const withZeros: InputSpec = {
    ...factors,
    make: (r) => {
      const kept = Array.from(factors.make(r).data, Number).map((v, i) => (i === 1 || i === 2 || i === 4 ? 0 : v))
      return float32(updates, kept)
    },
  }
  const compared = ['max', 'min'].map(
    (reduction): SmoothSample => ({
      name: `${name}${reduction}`,
      opsets,
      attributes: { ...attributes, reduction },
      inputs: [distinct(data, 0.37), indices, distinct(updates, 0.43)],
    }),
  )
  const multiplied: SmoothSample = {
    name: `${name}mul`,
    opsets,
    attributes: { ...attributes, reduction: 'mul' },
    inputs: [normal(data), indices, factors],
  }
  const zeros: SmoothSample = {
    ...multiplied,
    name: `${name}mul-zeros`,
    twice: false,
    inputs: [normal(data), fed(indices), withZeros],
  }
  return [...compared, multiplied, zeros]
}

export const indexing = defineSamples({
  Slice: [
    { name: 'attributes', opsets: [7, 9], attributes: { starts: [1, -3], ends: [3, 1000] }, inputs: [normal([4, 5])] },
    {
      name: 'attribute-axes',
      opsets: [7, 9],
      attributes: { starts: [1], ends: [-1], axes: [1] },
      inputs: [normal([4, 5])],
    },
    slice('all-axes', [1, 0], [3, 4], undefined, undefined, SINCE_10),
    slice('axes', [1], [4], [1], undefined, SINCE_10),
    slice('negative-axis', [-3], [-1], [-1]),
    slice('beyond-the-end', [2], [FAR], [0]),
    slice('before-the-start', [-100], [2], [1]),
    slice('steps', [0, 1], [FAR, 5], [0, 1], [2, 3], SINCE_10),
    slice('axes-unordered', [1, 0], [5, 4], [1, 0], [2, 3]),
    slice('backwards', [-1], [-FAR], [1], [-1], SINCE_10),
    slice('backwards-steps', [3, 4], [0, -FAR], [0, 1], [-2, -3]),
    slice('backwards-clamped', [100], [0], [1], [-2]),
    slice('steps-without-axes', [0, 1], [4, 5], undefined, [1, 2]),
    { name: 'computed', inputs: [normal([4, 5]), fed(ints([1])), fed(ints([-1])), ints([1])] },
    { name: 'computed-negative', inputs: [normal([4, 5]), fed(ints([-3, 1])), fed(ints([100, 3]))] },
    { name: 'computed-axes', inputs: [normal([4, 5]), fed(ints([1])), fed(ints([3])), fed(ints([0])), fed(ints([2]))] },
    {
      name: 'computed-backwards',
      inputs: [normal([4, 5]), fed(ints([-1])), fed(ints([-100])), ints([1]), ints([-2])],
    },
  ],
  Pad: [
    {
      name: 'attributes',
      opsets: [7, 9, 10],
      attributes: { pads: [0, 1, 2, 0], value: float(0.5) },
      inputs: [normal([2, 3])],
    },
    {
      name: 'attribute-reflect',
      opsets: [7],
      attributes: { pads: [0, 1, 1, 2], mode: 'reflect' },
      inputs: [normal([2, 3])],
    },
    { name: 'constant', opsets: SINCE_11, inputs: [normal([2, 3]), ints([1, 0, 0, 2])] },
    { name: 'value', opsets: SINCE_11, inputs: [normal([2, 3]), ints([1, 0, 0, 2]), normal([])] },
    { name: 'crop', inputs: [normal([4, 4]), ints([-1, 1, 0, -2])] },
    { name: 'axes', inputs: [normal([2, 3, 2]), ints([1, 2]), undefined, ints([1])] },
    { name: 'negative-axes', inputs: [normal([2, 3, 2]), ints([1, 0, 2, 1]), normal([]), ints([-1, 0])] },
    { name: 'computed', inputs: [normal([2, 3]), fed(ints([1, 0, 0, 2]))] },
    {
      name: 'reflect',
      opsets: SINCE_11,
      attributes: { mode: 'reflect' },
      inputs: [normal([3, 4]), ints([1, 2, 2, 3])],
    },
    { name: 'edge', opsets: SINCE_11, attributes: { mode: 'edge' }, inputs: [normal([2, 3]), ints([1, 2, 2, 0])] },
    {
      name: 'wrap',
      opsets: [19, NEWEST_OPSET],
      attributes: { mode: 'wrap' },
      inputs: [normal([2, 3]), ints([1, 2, 0, 1])],
    },
    { name: 'computed-axes', inputs: [normal([2, 3, 2]), fed(ints([1, 2, 0, 1])), undefined, ints([2, 0])] },
    { name: 'axes-also-computed', inputs: [normal([2, 3, 2]), fed(ints([1, -1])), normal([]), fed(ints([-2]))] },
    {
      name: 'computed-axes-reflect',
      attributes: { mode: 'reflect' },
      inputs: [normal([2, 3, 2]), fed(ints([1, 2])), undefined, ints([1])],
    },
    { name: 'edge-axes', attributes: { mode: 'edge' }, inputs: [normal([2, 3]), ints([2, 1]), undefined, ints([1])] },
    {
      name: 'pictures-reflect',
      attributes: { mode: 'reflect' },
      inputs: [normal([1, 2, 3, 3]), ints([0, 0, 1, 1, 0, 0, 1, 2])],
    },
  ],
  Gather: [
    { name: 'first-axis', opsets: [18, 7, 11, 13, NEWEST_OPSET], inputs: [normal([3, 2]), ints([2, 0, 2])] },
    { name: 'axis-1', attributes: { axis: 1 }, inputs: [normal([2, 4, 2]), ints([3, 1, 1, 0], [2, 2])] },
    { name: 'negative-axis', opsets: SINCE_11, attributes: { axis: -1 }, inputs: [normal([2, 3]), ints([1, 0])] },
    { name: 'negative-indices', opsets: SINCE_11, inputs: [normal([4, 2]), ints([-1, 0, -1])] },
    { name: 'scalar', attributes: { axis: 1 }, inputs: [normal([2, 3, 2]), ints([1], [])] },
    { name: 'scalar-negative', attributes: { axis: -2 }, inputs: [normal([2, 3, 2]), ints([-1], [])] },
    { name: 'row-of-indices', attributes: { axis: 1 }, inputs: [normal([2, 5]), ints([1, 2, 3])] },
    { name: 'row-across-zero', attributes: { axis: 1 }, inputs: [normal([2, 5]), ints([-1, 0, 1])] },
    { name: 'matrix-of-a-row', attributes: { axis: 0 }, inputs: [normal([4, 2]), ints([1, 2], [1, 2])] },
    { name: 'computed', attributes: { axis: 1 }, inputs: [normal([2, 3]), fed(ints([2, 2, 0]))] },
    { name: 'computed-scalar', inputs: [normal([3, 2]), fed(ints([1], []))] },
    { name: 'vector-by-scalar', inputs: [normal([3]), ints([2], [])] },
  ],
  GatherElements: [
    { name: 'first-axis', opsets: SINCE_11, inputs: [normal([3, 2]), ints([0, 2, 0, -1], [2, 2])] },
    { name: 'axis-1', attributes: { axis: 1 }, inputs: [normal([2, 3]), fed(ints([2, 2, 0, 1], [2, 2]))] },
    { name: 'negative-axis', attributes: { axis: -1 }, inputs: [normal([2, 3]), ints([2, 2, 0, 1], [2, 2])] },
  ],
  GatherND: [
    { name: 'elements', opsets: SINCE_11, inputs: [normal([3, 2]), ints([0, 1, 2, 0, 0, 1], [3, 2])] },
    { name: 'rows', opsets: SINCE_11, inputs: [normal([3, 2]), ints([2, 2, -3], [3, 1])] },
    {
      name: 'batched',
      opsets: [18, 12, 13],
      attributes: { batch_dims: 1 },
      inputs: [normal([2, 3, 2]), fed(ints([1, 1, 0, 2], [2, 2, 1]))],
    },
  ],
  ScatterElements: [
    { name: 'first-axis', opsets: SINCE_11, inputs: [normal([3, 2]), ints([0, 2, -2, 0], [2, 2]), normal([2, 2])] },
    {
      name: 'axis-1',
      attributes: { axis: 1 },
      inputs: [normal([2, 3]), fed(ints([2, 0, 0, 1], [2, 2])), normal([2, 2])],
    },
    {
      name: 'add',
      opsets: [18, 16, NEWEST_OPSET],
      attributes: { axis: -1, reduction: 'add' },
      inputs: [normal([2, 3]), ints([2, 2, 0, 1], [2, 2]), normal([2, 2])],
    },
    ...joined('', [3, 3], ints([0, 2, 2, -1, 2, 0, 0, 1], [4, 2]), [4, 2]),
    ...joined('axis-', [2, 4], ints([3, 3, -1, 1, 0, 3], [2, 3]), [2, 3], { axis: 1 }),
    {
      name: 'old-name',
      operator: 'Scatter',
      opsets: [9, 10],
      inputs: [normal([3, 2]), ints([0, 2, 1, 0], [2, 2]), normal([2, 2])],
    },
  ],
  ScatterND: [
    { name: 'elements', opsets: SINCE_11, inputs: [normal([3, 2]), ints([0, 1, 2, 0], [2, 2]), normal([2])] },
    { name: 'rows', inputs: [normal([3, 2]), ints([2, 0], [2, 1]), normal([2, 2])] },
    {
      name: 'max-tie',
      attributes: { reduction: 'max' },
      inputs: [values([3, 1], [2, 5, 1]), ints([0, 0, 1], [3, 1]), values([3, 1], [2, 2, 4])],
      pin: {
        gy: [6, 10, 20],
        gradients: [
          [2, 10, 20],
          [2, 2, 0],
        ],
      },
    },
    ...joined('rows-', [3, 2], ints([2, 0, 2], [3, 1]), [3, 2]),
    ...joined('', [3, 2], ints([2, 1, 0, 0, 2, 1, -1, -1], [4, 2]), [4]),
    {
      name: 'add',
      opsets: [18, 16, NEWEST_OPSET],
      attributes: { reduction: 'add' },
      inputs: [normal([3, 2]), fed(ints([2, 2], [2, 1])), normal([2, 2])],
    },
  ],
  CenterCropPad: [
    { name: 'crop-and-pad', inputs: [normal([5, 2]), ints([2, 5])] },
    { name: 'odd', inputs: [normal([2, 4, 3]), ints([3, 1, 6])] },
    { name: 'axes', attributes: { axes: [-1, 0] }, inputs: [normal([2, 3, 4]), ints([1, 5])] },
    { name: 'computed', attributes: { axes: [1] }, inputs: [normal([2, 3, 4]), fed(ints([6]))] },
  ],
  Compress: [
    { name: 'axis', opsets: SINCE_9, attributes: { axis: 1 }, inputs: [normal([2, 3]), typed('bool', [3], [1, 0, 1])] },
    { name: 'flattened', inputs: [normal([2, 3]), typed('bool', [5], [0, 1, 1, 0, 1])] },
    { name: 'computed', attributes: { axis: 0 }, inputs: [normal([3, 2]), fed(typed('bool', [3], [0, 1, 1]))] },
  ],
  TopK: [
    { name: 'attribute', opsets: [7, 9], attributes: { k: 2 }, inputs: [distinct([2, 4])], outputs: 2 },
    { name: 'largest', opsets: SINCE_10, attributes: { axis: -1 }, inputs: [distinct([2, 4]), ints([2])], outputs: 2 },
    {
      name: 'smallest',
      opsets: SINCE_11,
      attributes: { axis: 0, largest: 0 },
      inputs: [distinct([4, 2]), ints([3])],
      outputs: 2,
    },
    {
      name: 'unsorted',
      noTorch: 'the order of the output is free',
      attributes: { sorted: 0 },
      inputs: [distinct([2, 5]), fed(ints([3]))],
      outputs: 2,
    },
  ],
  ReverseSequence: [
    { name: 'default', opsets: SINCE_10, inputs: [normal([4, 3]), ints([1, 2, 4])] },
    {
      name: 'batch-first',
      attributes: { batch_axis: 0, time_axis: 1 },
      inputs: [normal([2, 3, 2]), fed(ints([2, 3]))],
    },
  ],
})
