/** Samples of attention, rotated positions and caches. */
import { float } from '../../../src/onnx/attributes.js'
import { defineSamples, fed, fixed, type Input, ints, normal, type Sample, stored, typed, uniform } from '../sample.js'

/** Attention's inputs: 2 pictures, `heads` heads of 4 queries, `own` heads of 3 keys. */
function four(heads = 2, own = heads, size = 3): Input[] {
  return [normal([2, heads, 4, size]), normal([2, own, 3, size]), normal([2, own, 3, 2])]
}

/** The same with the heads in the last axis. */
function flat(heads = 2, own = heads): Input[] {
  return [normal([2, 4, heads * 3]), normal([2, 3, own * 3]), normal([2, 3, own * 2])]
}

const PAST = [normal([2, 2, 2, 3]), normal([2, 2, 2, 2])]
const SQUARE = [normal([2, 2, 3, 2]), normal([2, 2, 3, 2]), normal([2, 2, 3, 2])]
const MASK = [1, 1, 0, 1, 0, 1, 1, 1, 1, 0, 0, 1]

/** As an initialiser. */
function given(input: Input): Input {
  return input && stored(input)
}

/** Cosines and sines need not belong to one angle: the operator is linear in both. */
function angles(dims: readonly number[]): Input[] {
  return [uniform(dims, -1, 1), uniform(dims, -1, 1)]
}

const OPSETS = [23, 24, 26]
const since23 = (sample: Sample): Sample => ({ opsets: [23, 26], ...sample })

export const attention = defineSamples({
  Attention: [
    { name: 'plain', opsets: OPSETS, inputs: four() },
    { name: 'three-axes', opsets: OPSETS, attributes: { q_num_heads: 2, kv_num_heads: 2 }, inputs: flat() },
    { name: 'stored-keys', inputs: [normal([1, 2, 2, 3]), stored(normal([1, 2, 3, 3])), stored(normal([1, 2, 3, 3]))] },
    { name: 'scale', attributes: { scale: float(0.3) }, inputs: four() },
    { name: 'softcap', attributes: { softcap: float(0.7) }, inputs: four() },
    { name: 'grouped', opsets: OPSETS, inputs: four(4, 2) },
    { name: 'one-key-head', inputs: four(3, 1) },
    { name: 'grouped-three-axes', attributes: { q_num_heads: 4, kv_num_heads: 2 }, inputs: flat(4, 2) },
    // stored, so that the rank is known however little the model tells
    { name: 'heads-said-twice', attributes: { q_num_heads: 2, kv_num_heads: 2 }, inputs: four(2, 2, 2).map(given) },
    { name: 'causal', opsets: OPSETS, attributes: { is_causal: 1 }, inputs: SQUARE },
    { name: 'mask-2d', inputs: [...four(), normal([4, 3])] },
    { name: 'mask-3d', inputs: [...four(), normal([2, 4, 3])] },
    { name: 'mask-4d', inputs: [...four(), normal([2, 1, 4, 3])] },
    { name: 'mask-boolean', opsets: OPSETS, inputs: [...four(), typed('bool', [4, 3], MASK)] },
    { name: 'mask-boolean-fed', inputs: [...four(), fed(typed('bool', [1, 1, 4, 3], MASK))] },
    {
      name: 'mask-leaves-no-key',
      inputs: [...four(), typed('bool', [4, 3], [1, 0, 1, 0, 0, 0, 1, 1, 1, 0, 1, 0])],
    },
    { name: 'mask-and-causal', attributes: { is_causal: 1 }, inputs: [...SQUARE, normal([3, 3])] },
    { name: 'softcap-and-mask', attributes: { softcap: float(0.5) }, inputs: [...four(), normal([4, 3])] },
    { name: 'past', outputs: 3, of: [0, 1, 2], inputs: [...four(), undefined, ...PAST] },
    { name: 'past-and-mask', outputs: 3, inputs: [...four(), normal([4, 5]), ...PAST] },
    { name: 'scores', attributes: { qk_matmul_output_mode: 0 }, outputs: 4, of: [0, 3], inputs: four() },
    {
      name: 'scores-capped',
      attributes: { qk_matmul_output_mode: 1, softcap: float(0.5) },
      outputs: 4,
      of: [0, 3],
      inputs: [...four(), normal([4, 3])],
    },
    {
      name: 'scores-masked',
      attributes: { qk_matmul_output_mode: 2, softcap: float(0.5) },
      outputs: 4,
      of: [0, 3],
      inputs: [...four(), normal([4, 3])],
    },
    {
      name: 'weights',
      attributes: { qk_matmul_output_mode: 3 },
      outputs: 4,
      of: [3],
      inputs: four().map((i, k) => (i && k === 2 ? fixed(i) : i)),
    },
    {
      name: 'lengths',
      opsets: [24, 26],
      inputs: [...four(), undefined, undefined, undefined, ints([2, 3])],
    },
    { name: 'precision', attributes: { softmax_precision: 1 }, inputs: four() },
    {
      name: 'float64',
      inputs: [2, 3, 4].map((t) => normal([1, 2, t === 4 ? 3 : t, 2], { type: 'float64' })),
    },
  ].map(since23),
  RotaryEmbedding: [
    { name: 'three-axes', attributes: { num_heads: 2 }, inputs: [normal([2, 3, 8]), ...angles([2, 3, 2])] },
    { name: 'four-axes', inputs: [normal([2, 2, 3, 4]), ...angles([2, 3, 2])] },
    { name: 'interleaved', attributes: { interleaved: 1 }, inputs: [normal([2, 2, 3, 4]), ...angles([2, 3, 2])] },
    {
      name: 'partial',
      attributes: { rotary_embedding_dim: 4, num_heads: 2 },
      inputs: [normal([1, 3, 12]), ...angles([1, 3, 2])],
    },
    { name: 'positions', inputs: [normal([2, 2, 3, 4]), ...angles([5, 2]), ints([0, 1, 2, 4, 2, 2], [2, 3])] },
    {
      name: 'stored',
      inputs: [normal([1, 2, 3, 4]), ...angles([1, 3, 2]).map(given)],
    },
  ].map(since23),
  TensorScatter: [
    { name: 'default', opsets: [24, 26], inputs: [normal([2, 2, 4, 3]), normal([2, 2, 2, 3]), ints([1, 2])] },
    { name: 'no-indices', opsets: [24, 26], inputs: [normal([2, 4, 3]), normal([2, 2, 3])] },
    {
      name: 'circular',
      opsets: [24, 26],
      attributes: { mode: 'circular' },
      inputs: [normal([2, 4, 2]), normal([2, 3, 2]), ints([1, 3])],
    },
    {
      name: 'axis',
      opsets: [24, 26],
      attributes: { axis: 1 },
      inputs: [normal([2, 4, 2, 2]), normal([2, 2, 2, 2]), ints([2, 0])],
    },
  ],
})
