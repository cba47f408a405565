/** Samples of matrix products. */
import { float } from '../../../src/onnx/attributes.js'
import { defineSamples, normal, SINCE_7, SINCE_11, stored } from '../sample.js'

export const matmul = defineSamples({
  MatMul: [
    { name: 'matrices', opsets: SINCE_7, inputs: [normal([2, 3]), normal([3, 4])] },
    { name: 'square', inputs: [normal([3, 3]), normal([3, 3])] },
    { name: 'stored-right', opsets: SINCE_7, inputs: [normal([2, 3]), stored(normal([3, 2]))] },
    { name: 'batched', opsets: SINCE_7, inputs: [normal([2, 2, 3]), normal([2, 3, 2])] },
    { name: 'left-batched', inputs: [normal([2, 2, 3]), normal([3, 2])] },
    { name: 'right-batched', inputs: [normal([2, 3]), normal([2, 3, 2])] },
    { name: 'broadcast-both', inputs: [normal([2, 1, 2, 3]), normal([1, 2, 3, 2])] },
    { name: 'broadcast-rank', inputs: [normal([2, 2, 2, 3]), normal([1, 3, 2])] },
    { name: 'vector-vector', inputs: [normal([3]), normal([3])] },
    { name: 'vector-matrix', inputs: [normal([3]), normal([3, 2])] },
    { name: 'matrix-vector', inputs: [normal([2, 3]), normal([3])] },
    { name: 'vector-batch', inputs: [normal([3]), normal([2, 3, 2])] },
    { name: 'batch-vector', inputs: [normal([2, 2, 3]), normal([3])] },
    { name: 'row-and-column', inputs: [normal([1, 3]), normal([3, 1])] },
    { name: 'float64', inputs: [normal([2, 3], { type: 'float64' }), normal([3, 2], { type: 'float64' })] },
  ],
  Gemm: [
    { name: 'plain', opsets: SINCE_11, inputs: [normal([2, 3]), normal([3, 4])] },
    { name: 'bias', opsets: SINCE_7, inputs: [normal([2, 3]), normal([3, 4]), normal([4])] },
    {
      name: 'linear-layer',
      opsets: SINCE_7,
      attributes: { transB: 1 },
      inputs: [normal([2, 3]), stored(normal([4, 3])), stored(normal([4]))],
    },
    { name: 'trans-a', attributes: { transA: 1 }, inputs: [normal([3, 2]), normal([3, 4]), normal([2, 1])] },
    { name: 'trans-b', attributes: { transB: 1 }, inputs: [normal([2, 3]), normal([4, 3]), normal([2, 4])] },
    {
      name: 'trans-both',
      attributes: { transA: 1, transB: 1 },
      inputs: [normal([3, 2]), normal([4, 3]), normal([1, 4])],
    },
    {
      name: 'alpha-beta',
      opsets: SINCE_7,
      attributes: { alpha: float(0.5), beta: float(-2) },
      inputs: [normal([2, 3]), normal([3, 4]), normal([1])],
    },
    {
      name: 'alpha-trans-both',
      attributes: { alpha: float(1.5), beta: float(0.25), transA: 1, transB: 1 },
      inputs: [normal([3, 2]), normal([4, 3]), normal([2, 1])],
    },
    { name: 'scalar-bias', inputs: [normal([2, 3]), normal([3, 4]), normal([])] },
    { name: 'float64', inputs: [normal([2, 3], { type: 'float64' }), normal([3, 2], { type: 'float64' })] },
  ],
})
