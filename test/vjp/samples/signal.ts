/** Samples of Fourier transforms and determinants. */
import { defineSamples, ints, normal, stored } from '../sample.js'

const MINUS_TWO = ints([-2], [])

export const signal = defineSamples({
  DFT: [
    { name: 'real', opsets: [18, 17], attributes: { axis: 1 }, inputs: [normal([2, 5, 1])] },
    { name: 'complex', opsets: [18, 17], attributes: { axis: 1 }, inputs: [normal([2, 4, 2])] },
    { name: 'inverse', opsets: [18], attributes: { axis: 1, inverse: 1 }, inputs: [normal([2, 5, 2])] },
    { name: 'onesided', opsets: [18], attributes: { axis: 1, onesided: 1 }, inputs: [normal([2, 5, 1])] },
    { name: 'onesided-even', opsets: [18], attributes: { axis: 1, onesided: 1 }, inputs: [normal([2, 4, 1])] },
    { name: 'cut', opsets: [18], attributes: { axis: 1 }, inputs: [normal([1, 6, 1]), ints([4], [])] },
    { name: 'padded', opsets: [18], attributes: { axis: 1 }, inputs: [normal([1, 3, 2]), ints([5], [])] },
    { name: 'to-real', opsets: [18], attributes: { axis: 1, inverse: 1, onesided: 1 }, inputs: [normal([2, 4, 2])] },
    {
      name: 'to-real-odd',
      opsets: [18],
      attributes: { axis: 1, inverse: 1, onesided: 1 },
      inputs: [normal([1, 3, 2]), ints([5], [])],
    },
    {
      name: 'to-real-axis-from-the-end',
      opsets: [20, 26],
      attributes: { inverse: 1, onesided: 1 },
      inputs: [normal([2, 4, 2]), ints([6], []), MINUS_TWO],
    },
    { name: 'second-axis', opsets: [18], attributes: { axis: 2 }, inputs: [normal([1, 2, 3, 2])] },
    { name: 'axis-input', opsets: [20, 26], inputs: [normal([2, 3, 4, 2]), undefined, ints([1], [])] },
    { name: 'axis-from-the-end', opsets: [20, 26], inputs: [normal([2, 4, 1]), ints([4], []), MINUS_TWO] },
    { name: 'axis-by-default', opsets: [20, 26], attributes: { onesided: 1 }, inputs: [normal([2, 5, 1])] },
    { name: 'float64', opsets: [18], attributes: { axis: 1 }, inputs: [normal([1, 3, 2], { type: 'float64' })] },
  ],
  STFT: [
    { name: 'window', opsets: [18, 17, 26], inputs: [normal([2, 10, 1]), ints([2], []), stored(normal([4]))] },
    {
      name: 'window-and-length',
      opsets: [18, 26],
      inputs: [normal([1, 9, 1]), ints([3], []), normal([4]), ints([4], [])],
    },
    { name: 'length', opsets: [18, 26], inputs: [normal([1, 8, 1]), ints([2], []), undefined, ints([4], [])] },
    {
      name: 'two-sided',
      opsets: [18, 26],
      attributes: { onesided: 0 },
      inputs: [normal([1, 8, 1]), ints([2], []), normal([4])],
    },
  ],
  Det: [
    { name: 'two', opsets: [18, 11, 26], inputs: [normal([2, 2])] },
    { name: 'three', opsets: [18, 11, 26], inputs: [normal([2, 3, 3])] },
    { name: 'four', inputs: [normal([1, 2, 4, 4])] },
    { name: 'one', inputs: [normal([3, 1, 1])] },
  ],
})
