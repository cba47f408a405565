/** Samples of reductions and running sums. */
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
  SINCE_7,
  SINCE_11,
  typed,
  uniform,
  values,
} from '../sample.js'

type Make = (dims: readonly number[]) => InputSpec

/** `axes` as an attribute up to `input` (the opset from which it is an input), and as an input from there on. */
function reduction(make: Make, input = 18): Sample[] {
  const dims = [2, 3, 2]
  const before = [7, 11, 13].filter((v) => v < input)
  const after = [18, 13, NEWEST_OPSET].filter((v) => v >= input)
  return [
    { name: 'all', opsets: SINCE_7, inputs: [make(dims)] },
    { name: 'all-dropped', opsets: SINCE_7, attributes: { keepdims: 0 }, inputs: [make(dims)] },
    { name: 'attribute', opsets: before, attributes: { axes: [1] }, inputs: [make(dims)] },
    { name: 'attribute-dropped', opsets: before, attributes: { axes: [0, 2], keepdims: 0 }, inputs: [make(dims)] },
    {
      name: 'attribute-negative',
      opsets: before.filter((v) => v >= 11).concat(input === 13 ? [12] : []),
      attributes: { axes: [-2], keepdims: 0 },
      inputs: [make(dims)],
    },
    { name: 'input', opsets: after, inputs: [make(dims), ints([0, 2])] },
    { name: 'input-dropped', opsets: after, attributes: { keepdims: 0 }, inputs: [make(dims), ints([2, 1])] },
    { name: 'input-negative', opsets: after, attributes: { keepdims: 0 }, inputs: [make(dims), ints([-1])] },
    { name: 'input-computed', opsets: after, inputs: [make(dims), fed(ints([1]))] },
    {
      name: 'input-computed-dropped',
      opsets: after,
      attributes: { keepdims: 0 },
      inputs: [make(dims), fed(ints([1]))],
    },
    { name: 'input-empty', opsets: after, inputs: [make(dims), ints([])] },
    { name: 'input-empty-dropped', opsets: after, attributes: { keepdims: 0 }, inputs: [make(dims), ints([])] },
    { name: 'input-left-out', opsets: after, attributes: { keepdims: 0 }, inputs: [make(dims), undefined] },
    { name: 'matrix', inputs: [make([3, 4]), ints([1])] },
  ]
}

const noop: Sample = { name: 'noop', attributes: { noop_with_empty_axes: 1 }, inputs: [normal([2, 3])] }
const noopDropped: Sample = {
  name: 'noop-dropped',
  attributes: { noop_with_empty_axes: 1, keepdims: 0 },
  inputs: [normal([2, 3])],
}

function float64(make: (dims: readonly number[], options: { type: 'float64' }) => InputSpec): Sample {
  return { name: 'float64', inputs: [make([2, 3], { type: 'float64' }), ints([1])] }
}

const positive: Make = (dims) => uniform(dims, 0.5, 2)
const spaced: Make = (dims) => distinct(dims)
const away: Make = (dims) => awayFromZero(dims)

export const reduce = defineSamples({
  ReduceSum: [...reduction(normal, 13), noop, noopDropped, float64(normal)],
  ReduceMean: [...reduction(normal), noop, noopDropped, float64(normal)],
  ReduceMax: [
    ...reduction(spaced),
    {
      name: 'tie',
      pin: { gy: [6, 4], gradients: [[2, 2, 2, 0, 4, 0]] },
      inputs: [values([2, 3], [5, 5, 5, 1, 3, 2]), ints([1])],
    },
  ],
  ReduceMin: [
    ...reduction(spaced),
    {
      name: 'tie',
      pin: { gy: [6, 4], gradients: [[3, 3, 0, 4, 0, 0]] },
      inputs: [values([2, 3], [5, 5, 6, 1, 3, 2]), ints([1])],
    },
  ],
  ReduceProd: [
    ...reduction(away),
    { name: 'one-zero', twice: false, inputs: [values([2, 3], [2, 0, 3, 1, 2, 4]), ints([1])] },
    { name: 'two-zeros', twice: false, inputs: [values([2, 3], [2, 0, 0, 1, 3, 4]), ints([1])] },
  ],
  ReduceL1: [
    ...reduction(away),
    { name: 'zero', pin: { gy: [1], gradients: [[-1, 0, 1]] }, inputs: [values([3], [-2, 0, 2])] },
  ],
  ReduceL2: [
    ...reduction(away),
    { name: 'zero', pin: { gy: [1, 5], gradients: [[0, 0, 3, 4]] }, inputs: [values([2, 2], [0, 0, 3, 4]), ints([1])] },
  ],
  ReduceSumSquare: reduction(normal),
  ReduceLogSum: reduction(positive),
  ReduceLogSumExp: reduction(normal),
  CumProd: [
    { name: 'first-axis', opsets: [26], inputs: [normal([3, 2]), typed('int64', [], [0])] },
    { name: 'middle-axis', opsets: [26], inputs: [normal([2, 3, 2]), typed('int64', [], [1])] },
    {
      name: 'exclusive',
      opsets: [26],
      attributes: { exclusive: 1 },
      inputs: [normal([2, 4]), typed('int32', [], [1])],
    },
    { name: 'reverse', opsets: [26], attributes: { reverse: 1 }, inputs: [normal([2, 4]), typed('int64', [], [-1])] },
    {
      name: 'both',
      opsets: [26],
      attributes: { exclusive: 1, reverse: 1 },
      inputs: [normal([2, 4]), typed('int64', [], [1])],
    },
    { name: 'zero', opsets: [26], twice: false, inputs: [values([1, 4], [2, 0, 3, 4]), typed('int64', [], [1])] },
  ],
  CumSum: [
    { name: 'first-axis', opsets: SINCE_11, inputs: [normal([3, 2]), typed('int64', [], [0])] },
    { name: 'exclusive', attributes: { exclusive: 1 }, inputs: [normal([2, 4]), typed('int64', [], [1])] },
    { name: 'reverse', attributes: { reverse: 1 }, inputs: [normal([2, 4]), typed('int64', [], [-1])] },
    { name: 'both', attributes: { exclusive: 1, reverse: 1 }, inputs: [normal([2, 4]), typed('int32', [], [1])] },
    { name: 'computed-axis', inputs: [normal([2, 3]), fed(typed('int64', [], [0]))] },
  ],
})
