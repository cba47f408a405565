/** ONNX Runtime's normalisations: over the last axis, with what transformers add before, and over groups of channels. */
import { ExplainError } from '../../core/errors.js'
import { float, floatOf, intOf } from '../../onnx/attributes.js'
import type { Builder } from '../../onnx/builder.js'
import { describe, type Node } from '../../onnx/ir.js'
import { biased, sigmoidLinear } from './contrib-activation.js'
import { rankOrUsual } from './contrib-attention-parts.js'
import { type Decompose, defineDecompositions } from './decomposition.js'

/** Over the last axis: the result, the mean and the inverse deviation. Ba et al. 2016. */
function layerNorm(b: Builder, x: string, scale: string, bias: string | undefined, epsilon: number): string[] {
  const inputs = bias ? [x, scale, bias] : [x, scale]
  return b.ops('LayerNormalization', inputs, { axis: -1, epsilon: float(epsilon) }, 3)
}

/** `x / sqrt(mean(x^2) + epsilon) * scale` over the axes from `axis` on. Zhang and Sennrich 2019. Also the inverse deviation. */
function rootMeanSquareNorm(b: Builder, x: string, scale: string, axis: number, epsilon: number): readonly string[] {
  const rank = axis < 0 ? 0 : b.requireRank(x, 'SimplifiedLayerNormalization')
  const axes = b.int64s(Array.from({ length: rank - axis }, (_, i) => axis + i))
  const square = b.op('ReduceMean', [b.op('Mul', [x, x]), axes], { keepdims: 1 })
  const inverse = b.op('Reciprocal', [b.op('Sqrt', [b.op('Add', [square, b.scalar(epsilon, x)])])])
  return [b.op('Mul', [b.op('Mul', [x, inverse]), scale]), inverse]
}

/** ORT's default where the attribute is absent. */
const SKIP_EPSILON = 1e-12

/** Word, position and, where there are any, segment embeddings, summed and normalised. Devlin et al. 2019. */
const embedLayerNormalization: Decompose = (node, b) => {
  const [ids = '', segments, words = '', positions = '', segment = '', scale = '', bias = '', mask, places] =
    node.inputs
  const length = b.op('Shape', [ids], { start: 1, end: 2 })
  const position = places
    ? b.op('Gather', [positions, places], { axis: 0 })
    : b.op('Slice', [positions, b.int64s([0]), length, b.int64s([0])])
  const embedded = b.op('Add', [b.op('Gather', [words, ids], { axis: 0 }), position])
  const sum = biased(b, embedded, segments ? b.op('Gather', [segment, segments], { axis: 0 }) : undefined)
  // the number of words that are not masked; zeros without a mask
  const counted = (): string => {
    const ones = mask ?? ''
    if (ones !== '') return b.op('ReduceSum', [ones, b.int64s([1])], { keepdims: 0 })
    const zeros = b.op('Expand', [b.int64s([0]), b.op('Shape', [ids], { start: 0, end: 1 })])
    return b.op('Cast', [zeros], { to: INT32 })
  }
  const [y] = layerNorm(b, sum, scale, bias, floatOf(node, 'epsilon', SKIP_EPSILON))
  return [y, node.outputs[1] ? counted() : undefined, sum]
}

/** ONNX's element type number. */
const INT32 = 6

/** Over groups of channels, per picture, then SiLU where `activation` is 1. Wu and He 2018. `[N, ..., C]`, or `[N, C, ...]`. */
function groupNorm(b: Builder, node: Node, x: string, scale: string, bias: string): string {
  const last = intOf(node, 'channels_last', 1) !== 0
  const groups = intOf(node, 'groups', 1)
  const planes = last ? b.op('Transpose', [x], { perm: [0, 3, 1, 2] }) : x
  const flat = b.op('Reshape', [planes, b.int64s([0, groups, -1])])
  const ones = b.op('Expand', [b.scalar(1, x), b.int64s([groups])])
  const zeros = b.op('Expand', [b.scalar(0, x), b.int64s([groups])])
  const epsilon = { epsilon: float(floatOf(node, 'epsilon', 1e-5)) }
  const normal = b.op('InstanceNormalization', [flat, ones, zeros], epsilon)
  const shaped = b.op('Reshape', [normal, b.op('Shape', [planes])])
  const channels = (v: string): string => (last ? v : b.op('Unsqueeze', [v, b.int64s([1, 2])]))
  const arranged = last ? b.op('Transpose', [shaped], { perm: [0, 2, 3, 1] }) : shaped
  const y = b.op('Add', [b.op('Mul', [arranged, channels(scale)]), channels(bias)])
  return intOf(node, 'activation', 0) === 0 ? y : sigmoidLinear(b, y, 1)
}

export const contribNorm = defineDecompositions({
  /** Layer normalisation of `input + skip + bias`; the sum is output 3. */
  'com.microsoft.SkipLayerNormalization': (node, b) => {
    const [x = '', skip = '', scale = '', bias, more] = node.inputs
    const sum = biased(b, b.op('Add', [x, skip]), more)
    return [...layerNorm(b, sum, scale, bias, floatOf(node, 'epsilon', SKIP_EPSILON)), sum]
  },
  /** By the root mean square alone, without a mean. ORT writes it to ONNX's own domain. */
  SimplifiedLayerNormalization: (node, b) => {
    const [x = '', scale = ''] = node.inputs
    return rootMeanSquareNorm(b, x, scale, intOf(node, 'axis', -1), floatOf(node, 'epsilon', 1e-5))
  },
  'com.microsoft.SkipSimplifiedLayerNormalization': (node, b) => {
    const [x = '', skip = '', scale = '', more] = node.inputs
    const sum = biased(b, b.op('Add', [x, skip]), more)
    const [y, inverse] = rootMeanSquareNorm(b, sum, scale, -1, floatOf(node, 'epsilon', SKIP_EPSILON))
    const mean = node.outputs[1] ? b.op('ReduceMean', [sum, b.int64s([-1])], { keepdims: 1 }) : undefined
    return [y, mean, inverse, sum]
  },
  'com.microsoft.EmbedLayerNormalization': embedLayerNormalization,
  'com.microsoft.GroupNorm': (node, b) => {
    const [x = '', scale = '', bias = ''] = node.inputs
    return [groupNorm(b, node, x, scale, bias)]
  },
  /** Group normalisation of `x + skip + bias`, channels-last; the sum is output 1. The skip may be `[N, C]`. */
  'com.microsoft.SkipGroupNorm': (node, b) => {
    const [x = '', scale = '', bias = '', skip = '', more] = node.inputs
    if (intOf(node, 'channels_last', 1) === 0)
      throw new ExplainError('unsupported-operator', {
        what: 'SkipGroupNorm of channels-first pictures is not supported',
        where: describe(node),
      })
    const vectors = rankOrUsual(b, node, skip, 4) === 2
    const sum = biased(b, b.op('Add', [x, vectors ? b.op('Unsqueeze', [skip, b.int64s([1, 2])]) : skip]), more)
    return [groupNorm(b, node, sum, scale, bias), sum]
  },
})
