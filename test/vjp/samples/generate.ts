/** Samples of operators that make a tensor from a few numbers, and of the one that keeps what differs. */
import { NEWEST_OPSET } from '../../support/model.js'
import { defineSamples, distinct, fed, fixed, ints, normal, SINCE_11, stored, typed, values } from '../sample.js'

export const generate = defineSamples({
  OneHot: [
    {
      name: 'last-axis',
      opsets: [18, 9, NEWEST_OPSET],
      inputs: [ints([1, 0, 3]), typed('int64', [], [4]), normal([2])],
    },
    {
      name: 'first-axis',
      opsets: SINCE_11,
      attributes: { axis: 0 },
      inputs: [fed(ints([1, -1, 2, 0], [2, 2])), ints([3]), normal([2])],
    },
  ],
  Range: [
    {
      name: 'up',
      opsets: SINCE_11,
      inputs: [values([], [0.3]), stored(fixed(values([], [3.1]))), values([], [0.5])],
    },
    { name: 'down', inputs: [values([], [2.3]), stored(fixed(values([], [0.1]))), values([], [-0.5])] },
  ],
  Unique: [
    { name: 'all', opsets: SINCE_11, inputs: [distinct([2, 3])] },
    { name: 'not-sorted', attributes: { sorted: 0 }, inputs: [distinct([2, 3])] },
    { name: 'axis', attributes: { axis: 1 }, inputs: [distinct([2, 3])] },
    { name: 'tie', pin: { gy: [5, 7], gradients: [[7, 5, 0]] }, inputs: [values([3], [2, 1, 2])] },
  ],
})
