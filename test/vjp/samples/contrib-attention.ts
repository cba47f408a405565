/** Samples of ONNX Runtime's attention operators: 2 pictures, 3 tokens, 2 heads of 2 numbers. */
import { float } from '../../../src/onnx/attributes.js'
import { defineSamples, type Input, normal, stored, typed } from '../sample.js'

const tokens = normal([2, 3, 4])
const projection = (width: number): Input[] => [stored(normal([4, width])), stored(normal([width]))]
const heads = { num_heads: 2 }
const NO_PACKED = 'ONNX Runtime has no kernel of packed queries for processors'

export const contribAttention = defineSamples({
  'com.microsoft.Attention': [
    { name: 'plain', attributes: heads, inputs: [tokens, ...projection(12)] },
    { name: 'scale', attributes: { ...heads, scale: float(0.4) }, inputs: [tokens, ...projection(12)] },
    {
      name: 'no-bias',
      noKernel: 'ONNX Runtime 1.30 ends the process where the bias is absent',
      attributes: heads,
      inputs: [tokens, stored(normal([4, 12]))],
    },
    { name: 'lengths', attributes: heads, inputs: [tokens, ...projection(12), typed('int32', [2], [2, 3])] },
    {
      name: 'ends-and-starts',
      attributes: heads,
      inputs: [tokens, ...projection(12), typed('int32', [4], [3, 2, 1, 0])],
    },
    {
      name: 'mask-2-d',
      attributes: { ...heads, mask_filter_value: float(-3) },
      inputs: [tokens, ...projection(12), typed('int32', [2, 3], [1, 0, 1, 1, 1, 0])],
    },
    {
      name: 'mask-3-d',
      attributes: heads,
      inputs: [
        tokens,
        ...projection(12),
        typed('int32', [2, 3, 3], [1, 0, 1, 1, 1, 0, 0, 0, 1, 1, 1, 1, 0, 1, 1, 1, 0, 0]),
      ],
    },
    {
      name: 'mask-4-d',
      noKernel: 'ONNX Runtime has no kernel of masks of four axes for processors',
      attributes: heads,
      inputs: [
        tokens,
        ...projection(12),
        typed('int32', [2, 1, 3, 3], [1, 0, 0, 1, 1, 0, 1, 1, 1, 1, 1, 0, 1, 1, 1, 0, 1, 1]),
      ],
    },
    {
      name: 'widths-and-bias',
      attributes: { ...heads, qkv_hidden_sizes: [4, 4, 6] },
      inputs: [tokens, ...projection(14), undefined, undefined, normal([1, 2, 3, 3])],
    },
    {
      name: 'causal-past',
      attributes: { ...heads, unidirectional: 1 },
      outputs: 2,
      of: [0, 1],
      inputs: [tokens, ...projection(12), undefined, normal([2, 2, 2, 2, 2])],
    },
    {
      name: 'causal-mask',
      attributes: { ...heads, unidirectional: 1 },
      inputs: [tokens, ...projection(12), typed('int32', [2, 3], [1, 1, 0, 1, 1, 1])],
    },
  ],
  'com.microsoft.MultiHeadAttention': [
    { name: 'plain', attributes: heads, inputs: [tokens, normal([2, 3, 4]), normal([2, 3, 4])] },
    {
      name: 'bias-and-widths',
      attributes: { ...heads, scale: float(0.3) },
      inputs: [tokens, normal([2, 5, 4]), normal([2, 5, 6]), stored(normal([14]))],
    },
    {
      name: 'mask',
      attributes: heads,
      inputs: [tokens, normal([2, 3, 4]), normal([2, 3, 4]), undefined, typed('int32', [2, 3], [1, 1, 0, 0, 1, 1])],
    },
    {
      name: 'attention-bias',
      attributes: { ...heads, unidirectional: 1 },
      inputs: [tokens, normal([2, 3, 4]), normal([2, 3, 4]), undefined, undefined, normal([2, 1, 3, 3])],
    },
    {
      name: 'past',
      attributes: heads,
      outputs: 3,
      of: [0, 1, 2],
      inputs: [
        tokens,
        normal([2, 3, 4]),
        normal([2, 3, 4]),
        undefined,
        undefined,
        undefined,
        normal([2, 2, 2, 2]),
        normal([2, 2, 2, 2]),
      ],
    },
    { name: 'split-keys', attributes: heads, inputs: [tokens, normal([2, 2, 5, 2]), normal([2, 2, 5, 2])] },
    {
      name: 'packed',
      noKernel: NO_PACKED,
      attributes: heads,
      inputs: [normal([2, 3, 2, 3, 2]), undefined, undefined, stored(normal([12]))],
    },
    { name: 'packed-keys', noKernel: NO_PACKED, attributes: heads, inputs: [tokens, normal([2, 5, 2, 2, 2])] },
  ],
  'com.microsoft.RotaryEmbedding': [
    {
      name: 'usual',
      inputs: [normal([2, 3, 8]), typed('int64', [2, 3], [0, 1, 2, 2, 3, 4]), normal([5, 2]), normal([5, 2])],
    },
    {
      name: 'interleaved',
      attributes: { interleaved: 1 },
      inputs: [normal([2, 3, 8]), typed('int64', [2, 3], [0, 1, 2, 2, 3, 4]), normal([5, 2]), normal([5, 2])],
    },
    { name: 'offset', inputs: [normal([2, 2, 3, 4]), typed('int64', [1], [1]), normal([5, 2]), normal([5, 2])] },
    {
      name: 'part',
      attributes: { rotary_embedding_dim: 4, num_heads: 2 },
      inputs: [normal([1, 2, 12]), typed('int64', [1, 2], [0, 3]), normal([5, 2]), normal([5, 2])],
    },
  ],
})
