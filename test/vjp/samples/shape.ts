/** Samples of operators that change shape, type or order. */
import { float } from '../../../src/onnx/attributes.js'
import { NEWEST_OPSET } from '../../support/model.js'
import {
  defineSamples,
  fed,
  fixed,
  ints,
  normal,
  type Sample,
  SINCE_7,
  SINCE_11,
  SINCE_13,
  stored,
  typed,
  values,
} from '../sample.js'

const FLOAT = 1
const DOUBLE = 11
const SINCE_8 = [18, 8, 13, NEWEST_OPSET]

function split(
  name: string,
  opsets: readonly number[],
  rest: Omit<Sample, 'name' | 'opsets' | 'inputs'>,
  sizes?: number[],
): Sample {
  return { name, opsets, ...rest, inputs: [normal([2, 6]), ...(sizes ? [ints(sizes)] : [])] }
}

const block = { blocksize: 2 }

export const shape = defineSamples({
  Identity: [{ name: 'random', opsets: SINCE_7, inputs: [normal([2, 3])] }],
  Flatten: [
    { name: 'default', opsets: SINCE_7, inputs: [normal([2, 3, 2])] },
    { name: 'axis-0', attributes: { axis: 0 }, inputs: [normal([2, 3])] },
    { name: 'axis-2', opsets: SINCE_7, attributes: { axis: 2 }, inputs: [normal([2, 3, 2])] },
    { name: 'negative', opsets: SINCE_11, attributes: { axis: -1 }, inputs: [normal([2, 3, 2])] },
  ],
  Reshape: [
    { name: 'plain', opsets: SINCE_7, inputs: [normal([2, 6]), ints([3, 4])] },
    { name: 'inferred', opsets: SINCE_7, inputs: [normal([2, 3, 2]), ints([0, -1])] },
    { name: 'to-scalar', inputs: [normal([1, 1]), ints([])] },
    { name: 'allowzero', attributes: { allowzero: 1 }, inputs: [normal([2, 3]), ints([6])] },
    { name: 'computed-shape', inputs: [normal([2, 6]), fed(ints([4, 3]))] },
  ],
  Squeeze: [
    { name: 'attribute', opsets: [7, 11], attributes: { axes: [1] }, inputs: [normal([2, 1, 3, 1])] },
    { name: 'attribute-negative', opsets: [11], attributes: { axes: [-1, 1] }, inputs: [normal([2, 1, 3, 1])] },
    { name: 'input', opsets: SINCE_13, inputs: [normal([2, 1, 3, 1]), ints([-1])] },
    { name: 'all', opsets: SINCE_7, inputs: [normal([2, 1, 3, 1])] },
    { name: 'computed', inputs: [normal([2, 1, 3, 1]), fed(ints([1]))] },
  ],
  Unsqueeze: [
    { name: 'attribute', opsets: [7, 11], attributes: { axes: [0, 2] }, inputs: [normal([2, 3])] },
    { name: 'attribute-negative', opsets: [11], attributes: { axes: [-1] }, inputs: [normal([2, 3])] },
    { name: 'input', opsets: SINCE_13, inputs: [normal([2, 3]), ints([1, -1])] },
    { name: 'scalar', inputs: [normal([]), ints([0])] },
    { name: 'computed', inputs: [normal([2, 3]), fed(ints([1]))] },
  ],
  Transpose: [
    { name: 'reversed', opsets: SINCE_7, inputs: [normal([2, 3, 2])] },
    { name: 'perm', opsets: SINCE_7, attributes: { perm: [1, 2, 0] }, inputs: [normal([2, 3, 2])] },
    { name: 'channels-last', attributes: { perm: [0, 2, 3, 1] }, inputs: [normal([2, 3, 2, 2])] },
  ],
  Cast: [
    { name: 'to-double', opsets: SINCE_7, attributes: { to: DOUBLE }, inputs: [normal([2, 3])] },
    { name: 'to-float', opsets: SINCE_7, attributes: { to: FLOAT }, inputs: [normal([2, 3], { type: 'float64' })] },
    { name: 'to-same', attributes: { to: FLOAT }, inputs: [normal([2, 3])] },
  ],
  CastLike: [
    {
      name: 'to-double',
      opsets: [18, 15, NEWEST_OPSET],
      inputs: [normal([2, 3]), stored(fixed(normal([1], { type: 'float64' })))],
    },
    { name: 'both-wanted', inputs: [normal([2, 3], { type: 'float64' }), normal([2])] },
  ],
  Dropout: [
    { name: 'default', opsets: SINCE_7, inputs: [normal([2, 3])] },
    { name: 'ratio-attribute', opsets: [7, 10], attributes: { ratio: float(0.3) }, inputs: [normal([2, 3])] },
    {
      name: 'ratio-input',
      opsets: [18, 12, 13, NEWEST_OPSET],
      inputs: [normal([2, 3]), stored(fixed(values([], [0.3])))],
    },
    {
      name: 'training-off',
      inputs: [normal([2, 3]), stored(fixed(values([], [0.3]))), typed('bool', [], [0])],
      outputs: 2,
    },
    {
      name: 'training-computed-off',
      inputs: [normal([2, 3]), stored(fixed(values([], [0.3]))), fed(typed('bool', [], [0]))],
      outputs: 2,
    },
    {
      name: 'training-of-nothing',
      inputs: [normal([2, 3]), stored(fixed(values([], [0]))), fed(typed('bool', [], [1]))],
    },
  ],
  Concat: [
    {
      name: 'channels',
      opsets: SINCE_7,
      attributes: { axis: 1 },
      inputs: [normal([2, 1, 2]), normal([2, 3, 2]), normal([2, 2, 2])],
    },
    { name: 'first-axis', attributes: { axis: 0 }, inputs: [normal([1, 3]), normal([2, 3])] },
    { name: 'negative', opsets: SINCE_11, attributes: { axis: -1 }, inputs: [normal([2, 1]), normal([2, 2])] },
    { name: 'one', attributes: { axis: 0 }, inputs: [normal([2, 3])] },
    { name: 'stored-part', attributes: { axis: 1 }, inputs: [fixed(stored(normal([2, 2]))), normal([2, 3])] },
  ],
  Split: [
    split('attribute', [7, 11], { attributes: { axis: 1, split: [1, 2, 3] }, outputs: 3, of: [0, 1, 2] }),
    split('attribute-equal', [7, 11, 13], { attributes: { axis: 1 }, outputs: 2, of: [0, 1] }),
    split('input', SINCE_13, { attributes: { axis: 1 }, outputs: 3, of: [0, 1, 2] }, [1, 2, 3]),
    split('negative-axis', SINCE_13, { attributes: { axis: -1 }, outputs: 2, of: [0, 1] }, [4, 2]),
    split('first-only', SINCE_13, { attributes: { axis: 1 }, outputs: 2 }, [4, 2]),
    split('last-only', SINCE_13, { attributes: { axis: 1 }, outputs: 3, of: [2] }, [1, 2, 3]),
    split('number', [18, NEWEST_OPSET], { attributes: { axis: 1, num_outputs: 3 }, outputs: 3, of: [0, 2] }),
    {
      name: 'number-uneven',
      attributes: { axis: -1, num_outputs: 3 },
      outputs: 3,
      of: [0, 1, 2],
      inputs: [normal([2, 7])],
    },
    split('first-axis', [18], { attributes: { num_outputs: 2 }, outputs: 2, of: [0, 1] }),
  ],
  Expand: [
    { name: 'size-1-axes', opsets: SINCE_8, inputs: [normal([2, 1, 3]), ints([2, 4, 3])] },
    { name: 'more-axes', opsets: SINCE_8, inputs: [normal([3, 1]), ints([2, 1, 2])] },
    { name: 'ones', inputs: [normal([2, 3]), ints([1, 1])] },
    { name: 'scalar', inputs: [normal([]), ints([2, 3])] },
    { name: 'computed', inputs: [normal([2, 1]), fed(ints([2, 2, 3]))] },
  ],
  Tile: [
    { name: 'both-axes', opsets: SINCE_7, inputs: [normal([2, 3]), ints([2, 3])] },
    { name: 'one-axis', inputs: [normal([2, 3]), ints([1, 2])] },
    { name: 'nothing', inputs: [normal([2, 3]), ints([1, 1])] },
    { name: 'computed', inputs: [normal([2, 3]), fed(ints([3, 2]))] },
  ],
  DepthToSpace: [
    { name: 'default', opsets: SINCE_7, attributes: block, inputs: [normal([2, 8, 1, 2])] },
    { name: 'dcr', opsets: SINCE_11, attributes: { ...block, mode: 'DCR' }, inputs: [normal([1, 4, 2, 2])] },
    { name: 'crd', opsets: SINCE_11, attributes: { ...block, mode: 'CRD' }, inputs: [normal([2, 8, 1, 2])] },
    { name: 'crd-3', attributes: { blocksize: 3, mode: 'CRD' }, inputs: [normal([1, 18, 2, 1])] },
  ],
  SpaceToDepth: [
    { name: 'two', opsets: SINCE_7, attributes: block, inputs: [normal([2, 2, 2, 4])] },
    { name: 'three', attributes: { blocksize: 3 }, inputs: [normal([1, 1, 3, 6])] },
  ],
  Trilu: [
    { name: 'upper', opsets: [18, 14, NEWEST_OPSET], inputs: [normal([3, 4])] },
    { name: 'lower', attributes: { upper: 0 }, inputs: [normal([2, 3, 3])] },
    { name: 'upper-shifted', inputs: [normal([3, 4]), typed('int64', [], [1])] },
    { name: 'lower-shifted', attributes: { upper: 0 }, inputs: [normal([3, 4]), fed(typed('int64', [], [-1]))] },
  ],
})
