/** Normalisations, as at inference. */
import { ExplainError } from '../../core/errors.js'
import { float, floatOf, intOf } from '../../onnx/attributes.js'
import type { Builder } from '../../onnx/builder.js'
import { describe } from '../../onnx/ir.js'
import { product } from '../arithmetic.js'
import { sumTo } from '../broadcast.js'
import { defineRules, type Rule, type RuleCall, type RuleEntry } from '../rule.js'
import { countPer } from '../scatter.js'

/** A vector over channels, ready to be multiplied onto `[N, C, ...]`. */
function overChannels(b: Builder, vector: string, rank: number): string {
  return b.op('Unsqueeze', [vector, b.int64s(Array.from({ length: rank - 2 }, (_, i) => i + 1))])
}

function sumOverAllButChannels(b: Builder, value: string, rank: number): string {
  return b.reduceSum(value, [0, ...Array.from({ length: rank - 2 }, (_, i) => i + 2)], false)
}

/**
 * y = (x - mean) / sqrt(var + eps) * scale + bias, per channel, with given statistics. Ioffe and Szegedy 2015. The input's gradient is
 * written as a BatchNormalization without mean and bias, which ORT keeps in its blocked layout or folds into a convolution.
 */
const batchNormalization: RuleEntry = {
  rule: (call) => {
    const { b, node, gy } = call
    const [x = '', scale = '', bias = '', mean = '', variance = ''] = call.x
    if (intOf(node, 'training_mode', 0) !== 0) return trained(call)
    const epsilon = floatOf(node, 'epsilon', 1e-5)
    const deviation = (): string => b.op('Sqrt', [b.op('Add', [variance, b.scalar(epsilon, variance)])])
    const rank = (): number => b.requireRank(x, 'BatchNormalization')
    const centred = (): string => b.op('Sub', [x, overChannels(b, mean, rank())])
    const sum = (value: string): string => sumOverAllButChannels(b, value, rank())
    return [
      () => {
        const zero = b.op('Sub', [mean, mean])
        return b.op('BatchNormalization', [gy, scale, zero, zero, variance], { epsilon: float(epsilon) })
      },
      () => b.op('Div', [sum(product(b, gy, centred())), deviation()]),
      bias === '' ? undefined : () => sum(gy),
      () => b.op('Neg', [b.op('Div', [product(b, sum(gy), scale), deviation()])]),
      () => {
        const cube = b.op('Mul', [deviation(), b.op('Add', [variance, b.scalar(epsilon, variance)])])
        return b.op('Div', [product(b, sum(product(b, gy, centred())), scale, b.scalar(-0.5, scale)), cube])
      },
    ]
  },
}

/** `(x - mean) / sqrt(var + eps)` and `1 / sqrt(var + eps)` over the axes. */
function standardise(b: Builder, x: string, axes: string, epsilon: number): { normal: string; inverse: string } {
  const centred = b.op('Sub', [x, b.op('ReduceMean', [x, axes], { keepdims: 1 })])
  const variance = b.op('ReduceMean', [product(b, centred, centred), axes], { keepdims: 1 })
  const inverse = b.op('Reciprocal', [b.op('Sqrt', [b.op('Add', [variance, b.scalar(epsilon, x)])])])
  return { normal: b.op('Mul', [centred, inverse]), inverse }
}

/** Gradient of `normal` by its input: inverse (h - mean(h) - normal mean(h normal)). */
function standardiseBack(b: Builder, h: string, normal: string, inverse: string, axes: string): string {
  const mean = (v: string): string => b.op('ReduceMean', [v, axes], { keepdims: 1 })
  const inner = b.op('Sub', [b.op('Sub', [h, mean(h)]), product(b, normal, mean(product(b, h, normal)))])
  return product(b, inverse, inner)
}

/** BatchNormalization in training mode: the statistics are the batch's own, and the given ones only make running averages. */
function trained({
  b,
  node,
  x: [x = '', scale = '', , mean = '', variance = ''],
  gy,
  gys,
}: RuleCall): ReturnType<Rule> {
  if (gys[1] ?? gys[2])
    throw new ExplainError('unsupported-operator', {
      what: 'The running averages of BatchNormalization have no gradient here',
      where: describe(node),
      remedy: 'Export the model in evaluation mode.',
    })
  const rank = b.requireRank(x, 'BatchNormalization')
  const axes = b.int64s([0, ...Array.from({ length: rank - 2 }, (_, i) => i + 2)])
  const own = (): ReturnType<typeof standardise> => standardise(b, x, axes, floatOf(node, 'epsilon', 1e-5))
  return [
    () => {
      const { normal, inverse } = own()
      return standardiseBack(b, b.op('Mul', [gy, overChannels(b, scale, rank)]), normal, inverse, axes)
    },
    () => sumOverAllButChannels(b, product(b, gy, own().normal), rank),
    () => sumOverAllButChannels(b, gy, rank),
    () => b.op('Sub', [mean, mean]),
    () => b.op('Sub', [variance, variance]),
  ]
}

/** y = normal * scale + bias over the axes from `axis` on, and the mean and the inverse deviation. Ba et al. 2016. */
const layerNormalization: RuleEntry = {
  rule: ({ b, node, x: [x = '', scale = '', bias], y: [y = ''], gy, gys: [, gMean, gInverse] }) => {
    const axis = intOf(node, 'axis', -1)
    const last = axis < 0 ? 0 : b.requireRank(x, 'LayerNormalization')
    const axes = b.int64s(Array.from({ length: last - axis }, (_, i) => axis + i))
    const epsilon = floatOf(node, 'epsilon', 1e-5)
    return [
      () => {
        const { normal, inverse } = standardise(b, x, axes, epsilon)
        const parts = [standardiseBack(b, b.op('Mul', [gy, scale]), normal, inverse, axes)]
        const share = (g: string): string => b.op('Div', [g, countPer(b, x, g)])
        if (gMean) parts.push(b.op('Expand', [share(gMean), b.shapeOf(x)]))
        // inverse = (variance + epsilon)^(-1/2), and d variance / d x = 2 (x - mean) / n
        if (gInverse) parts.push(b.op('Neg', [product(b, share(gInverse), inverse, inverse, normal)]))
        return parts.reduce((a, p) => b.op('Add', [a, p]))
      },
      () => sumTo(b, product(b, gy, standardise(b, x, axes, epsilon).normal), y, scale),
      bias ? () => sumTo(b, gy, y, bias) : undefined,
    ]
  },
}

/** y = normal * scale + bias over the spatial axes, per picture and channel. Ulyanov et al. 2016. */
const instanceNormalization: RuleEntry = {
  rule: ({ b, node, x: [x = '', scale = '', bias = ''], gy }) => {
    const rank = b.requireRank(x, 'InstanceNormalization')
    const axes = b.int64s(Array.from({ length: rank - 2 }, (_, i) => i + 2))
    const epsilon = floatOf(node, 'epsilon', 1e-5)
    return [
      () => {
        const { normal, inverse } = standardise(b, x, axes, epsilon)
        return standardiseBack(b, b.op('Mul', [gy, overChannels(b, scale, rank)]), normal, inverse, axes)
      },
      () => sumOverAllButChannels(b, product(b, gy, standardise(b, x, axes, epsilon).normal), rank),
      bias === '' ? undefined : () => sumOverAllButChannels(b, gy, rank),
    ]
  },
}

/**
 * y = x / s^beta, s = bias + alpha / size * (sum of x^2 over `size` neighbouring channels). Krizhevsky et al. 2012, section 3.3.
 * gx = gy s^-beta - 2 alpha beta / size * x * (sum over the channels whose window holds this one of gy y / s).
 */
const localResponseNormalization: RuleEntry = {
  rule: ({ b, node, x: [x = ''], y: [y = ''], gy }) => [
    () => {
      const size = intOf(node, 'size', 1)
      const [alpha, beta, bias] = [floatOf(node, 'alpha', 1e-4), floatOf(node, 'beta', 0.75), floatOf(node, 'bias', 1)]
      const before = Math.floor((size - 1) / 2)
      const after = size - 1 - before
      /** The mean over neighbouring channels, absent ones counted as zeros. */
      const window = (value: string, begin: number, end: number): string => {
        const planes = b.reshape(value, [b.extent(x, 0), 1, b.extent(x, 1), -1])
        const attributes = { kernel_shape: [size, 1], pads: [begin, 0, end, 0], strides: [1, 1], count_include_pad: 1 }
        return b.reshapeLike(b.op('AveragePool', [planes], attributes), x)
      }
      const squares = product(b, window(product(b, x, x), before, after), b.scalar(alpha, x))
      const s = b.op('Add', [squares, b.scalar(bias, x)])
      const direct = b.op('Mul', [gy, b.op('Pow', [s, b.scalar(-beta, x)])])
      const through = window(b.op('Div', [product(b, gy, y), s]), after, before)
      return b.op('Sub', [direct, product(b, through, x, b.scalar(2 * alpha * beta, x))])
    },
  ],
}

export const norm = defineRules({
  BatchNormalization: batchNormalization,
  LayerNormalization: layerNormalization,
  InstanceNormalization: instanceNormalization,
  LRN: localResponseNormalization,
})
