/**
 * Activations. At a kink the gradient is that of the flat side: 0 at 0 for Relu, 0 at both bounds for Clip (as PyTorch's ReLU6
 * and hardtanh have it; torch.clamp gives 1 there).
 */
import type { Tensor } from '../../core/tensor.js'
import { floatOf, intOf, stringOf } from '../../onnx/attributes.js'
import type { Builder } from '../../onnx/builder.js'
import { float16Value } from '../../onnx/float16.js'
import { complement, oneMinus, product } from '../arithmetic.js'
import { asMask, isAbove, isBelow, isPositive } from '../masks.js'
import { atTies, defineRules, type RuleCall, type RuleEntry, unary } from '../rule.js'

/** `gy` times a derivative. */
function derivative(make: (call: RuleCall & { readonly in0: string; readonly out: string }) => string): RuleEntry {
  return unary((call) => call.b.op('Mul', [call.gy, make(call)]))
}

/** `positive` where the mask is 1, `negative` where it is 0; finite values. */
function choose(b: Builder, mask: string, positive: string, negative: string): string {
  const other = b.op('Mul', [b.op('Sub', [b.scalar(1, mask), mask]), negative])
  return b.op('Add', [b.op('Mul', [mask, positive]), other])
}

/** A bound of Clip: a number, the name of a value that is computed or whose type is not known, or none. */
function bound(b: Builder, y: string, name: string | undefined): number | string | undefined {
  if (!name) return undefined
  // a number would be written as float32 where the type is not known, and a float64 bound lies beside it
  const known = b.type(y) && b.graph.constant(name)
  return known ? scalarOf(known) : name
}

function scalarOf(t: Tensor): number {
  const first = Number(t.data[0])
  return t.type === 'float16' ? float16Value(first) : first
}

/** 1 where the bound does not hold the value, by the output: `y > low`, `y < high`. */
function free(b: Builder, y: string, limit: number | string | undefined, side: 'low' | 'high'): string | undefined {
  if (limit === undefined || limit === Number.NEGATIVE_INFINITY || limit === Number.POSITIVE_INFINITY) return undefined
  if (typeof limit === 'string') return asMask(b, b.op(side === 'low' ? 'Greater' : 'Less', [y, limit]), y)
  if (Math.abs(limit) > 1e38) return undefined
  return side === 'low' ? isAbove(b, y, limit) : isBelow(b, y, limit)
}

const clip: RuleEntry = {
  rule: ({ b, x: [x = '', min, max], y: [y = ''], gy }) => {
    /** A bound that is computed takes the gradient of every element that it holds. */
    const held = (condition: string, limit: string): string =>
      b.reshapeLike(b.op('ReduceSum', [b.op('Mul', [gy, asMask(b, condition, x)])], { keepdims: 0 }), limit)
    // where the lower bound is above the upper one, y is the upper one
    const lifted = (): string => (min ? b.op('Max', [x, min]) : x)
    const atLow = (low: string): string => {
      const below = b.op('LessOrEqual', [x, low])
      return max ? b.op('And', [below, b.op('LessOrEqual', [low, max])]) : below
    }
    return [
      () => {
        const masks = [free(b, y, bound(b, y, min), 'low'), free(b, y, bound(b, y, max), 'high')]
        return product(b, gy, ...masks.filter((m) => m !== undefined))
      },
      min ? () => held(atLow(min), min) : undefined,
      max ? () => held(b.op('GreaterOrEqual', [lifted(), max]), max) : undefined,
    ]
  },
}

/** Whether a model looks for NaN in a value, as attention does whose masks may leave nothing. */
function isReplaced(b: Builder, value: string): boolean {
  return b.graph
    .consumers(value)
    .some((n) => n.op === 'Where' || n.op === 'IsNaN' || (n.op === 'Cast' && isReplaced(b, n.outputs[0] ?? '')))
}

const SELU = { alpha: 1.6732632423543772, gamma: 1.0507009873554805 }

export const activation = defineRules({
  // max(x, 0)
  Relu: atTies(
    '0 at 0',
    derivative(({ b, out }) => isPositive(b, out)),
  ),
  // x > 0 ? x : alpha x
  LeakyRelu: atTies(
    'alpha at 0',
    derivative(({ b, node, in0 }) => {
      const alpha = floatOf(node, 'alpha', 0.01)
      const steep = b.op('Mul', [isPositive(b, in0), b.scalar(1 - alpha, in0)])
      return b.op('Add', [steep, b.scalar(alpha, in0)])
    }),
  ),
  // x > 0 ? x : slope x
  PRelu: atTies('the slope at 0', {
    broadcast: true,
    rule: ({ b, x: [x = '', slope = ''], gy }) => [
      () => b.op('Mul', [gy, choose(b, isPositive(b, x), b.scalar(1, x), slope)]),
      () => product(b, gy, x, oneMinus(b, isPositive(b, x))),
    ],
  }),
  // x > 0 ? x : alpha (e^x - 1)
  Elu: atTies(
    'alpha at 0',
    derivative(({ b, node, in0, out }) =>
      choose(b, isPositive(b, in0), b.scalar(1, out), b.op('Add', [out, b.scalar(floatOf(node, 'alpha', 1), out)])),
    ),
  ),
  // gamma (x > 0 ? x : alpha (e^x - 1))
  Selu: atTies(
    'gamma alpha at 0',
    derivative(({ b, node, in0, out }) => {
      const gamma = floatOf(node, 'gamma', SELU.gamma)
      const slope = b.op('Add', [out, b.scalar(gamma * floatOf(node, 'alpha', SELU.alpha), out)])
      return choose(b, isPositive(b, in0), b.scalar(gamma, out), slope)
    }),
  ),
  // x > 0 ? x : alpha (e^(x/alpha) - 1)
  Celu: atTies(
    '1 at 0',
    derivative(({ b, node, in0, out }) => {
      const slope = b.op('Add', [b.op('Div', [out, b.scalar(floatOf(node, 'alpha', 1), out)]), b.scalar(1, out)])
      return choose(b, isPositive(b, in0), b.scalar(1, out), slope)
    }),
  ),
  // x > alpha ? x : 0
  ThresholdedRelu: atTies(
    '0 at alpha',
    derivative(({ b, node, in0 }) => isAbove(b, in0, floatOf(node, 'alpha', 1))),
  ),
  // x < -lambd ? x + bias : x > lambd ? x - bias : 0
  Shrink: atTies(
    '0 at both ends',
    derivative(({ b, node, in0 }) => isAbove(b, b.op('Abs', [in0]), floatOf(node, 'lambd', 0.5))),
  ),
  Clip: atTies(
    "0 at both bounds, as PyTorch's ReLU6 and hardtanh (torch.clamp: 1); a computed bound takes the gradient of the elements it holds",
    clip,
  ),
  Sigmoid: derivative(({ b, out }) => b.op('Mul', [out, complement(b, out)])),
  // clip(alpha x + beta, 0, 1)
  HardSigmoid: atTies(
    '0 at both bounds',
    unary(({ b, node, gy, out }) =>
      product(b, gy, isPositive(b, out), isBelow(b, out, 1), b.scalar(floatOf(node, 'alpha', 0.2), out)),
    ),
  ),
  // x clip(x/6 + 1/2, 0, 1)
  HardSwish: atTies(
    '0 at -3, 1 at 3',
    derivative(({ b, in0 }) => {
      const gate = b.op('HardSigmoid', [in0], { alpha: { float: 1 / 6 }, beta: { float: 0.5 } })
      const inside = isBelow(b, b.op('Abs', [in0]), 3)
      return b.op('Add', [gate, product(b, in0, inside, b.scalar(1 / 6, in0))])
    }),
  ),
  Tanh: derivative(({ b, out }) => oneMinus(b, b.op('Mul', [out, out]))),
  // log(1 + e^x)
  Softplus: derivative(({ b, in0 }) => b.op('Sigmoid', [in0])),
  // x / (1 + |x|)
  Softsign: unary(({ b, gy, in0 }) => {
    const scale = b.op('Add', [b.op('Abs', [in0]), b.scalar(1, in0)])
    return b.op('Div', [gy, b.op('Mul', [scale, scale])])
  }),
  // y (gy - sum(gy y)) along the axis; Bridle 1990
  Softmax: atTies(
    'a row that is all -infinity is NaN, with a NaN gradient, or 0 where the model puts something else in its place',
    unary(({ b, node, gy, out }) => {
      const axis = b.int64s([intOf(node, 'axis', -1)])
      const y = isReplaced(b, out) ? b.op('Where', [b.op('IsNaN', [out]), b.scalar(0, out), out]) : out
      const mean = b.op('ReduceSum', [b.op('Mul', [gy, y]), axis], { keepdims: 1 })
      return b.op('Mul', [y, b.op('Sub', [gy, mean])])
    }),
  ),
  // gy - softmax(x) sum(gy) along the axis
  LogSoftmax: unary(({ b, node, gy, out }) => {
    const axis = b.int64s([intOf(node, 'axis', -1)])
    const sum = b.op('ReduceSum', [gy, axis], { keepdims: 1 })
    return b.op('Sub', [gy, b.op('Mul', [b.op('Exp', [out]), sum])])
  }),
  // x Phi(x), or its tanh approximation; Hendrycks and Gimpel 2016
  Gelu: derivative(({ b, node, in0: x }) => {
    const scaled = (v: string, k: number): string => b.op('Mul', [v, b.scalar(k, x)])
    const plus = (v: string, k: number): string => b.op('Add', [v, b.scalar(k, x)])
    const square = b.op('Mul', [x, x])
    if (stringOf(node, 'approximate', 'none') === 'tanh') {
      const c = Math.sqrt(2 / Math.PI)
      const t = b.op('Tanh', [b.op('Mul', [scaled(x, c), plus(scaled(square, 0.044715), 1)])])
      const inner = scaled(plus(scaled(square, 3 * 0.044715), 1), 0.5 * c)
      return b.op('Add', [scaled(plus(t, 1), 0.5), product(b, x, oneMinus(b, b.op('Mul', [t, t])), inner)])
    }
    const phi = scaled(b.op('Exp', [scaled(square, -0.5)]), 1 / Math.sqrt(2 * Math.PI))
    const cdf = scaled(plus(b.op('Erf', [scaled(x, Math.SQRT1_2)]), 1), 0.5)
    return b.op('Add', [cdf, b.op('Mul', [x, phi])])
  }),
  // x tanh(softplus(x)); Misra 2019
  Mish: derivative(({ b, in0: x }) => {
    const t = b.op('Tanh', [b.op('Softplus', [x])])
    return b.op('Add', [t, product(b, x, oneMinus(b, b.op('Mul', [t, t])), b.op('Sigmoid', [x]))])
  }),
})
