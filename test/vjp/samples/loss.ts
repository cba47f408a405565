/** Samples of losses. */
import { defineSamples, ints, normal, type Sample, typed, uniform } from '../sample.js'

/** Scores of 3 pictures and 4 classes, then of 2 pictures, 3 classes and 2 positions, with weights and what is ignored. */
const CASES: readonly Sample[] = [
  { name: 'mean', opsets: [18, 12, 13, 22], inputs: [normal([3, 4]), ints([1, 3, 0])] },
  { name: 'sum', attributes: { reduction: 'sum' }, inputs: [normal([3, 4]), ints([1, 3, 0])] },
  { name: 'none', attributes: { reduction: 'none' }, inputs: [normal([3, 4]), ints([1, 3, 0])] },
  { name: 'weights', inputs: [normal([3, 4]), ints([1, 3, 3]), uniform([4], 0.5, 2)] },
  {
    name: 'positions',
    attributes: { reduction: 'none' },
    inputs: [normal([2, 3, 2]), ints([0, 1, 2, 1], [2, 2]), uniform([3], 0.5, 2)],
  },
  { name: 'ignored', attributes: { ignore_index: 3 }, inputs: [normal([3, 4]), ints([1, 3, 0])] },
  {
    name: 'ignored-and-weights',
    attributes: { ignore_index: -1 },
    inputs: [normal([2, 3, 2]), ints([0, -1, 2, -1], [2, 2]), uniform([3], 0.5, 2)],
  },
  { name: 'int32-targets', inputs: [normal([3, 4]), typed('int32', [3], [1, 3, 0])] },
]

export const loss = defineSamples({
  NegativeLogLikelihoodLoss: CASES,
  SoftmaxCrossEntropyLoss: [
    ...CASES,
    { name: 'logs', outputs: 2, of: [0, 1], inputs: [normal([3, 4]), ints([1, 3, 0])] },
  ],
})
