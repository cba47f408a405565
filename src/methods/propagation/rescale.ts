/**
 * DeepLIFT's multipliers in the place of the gradient, as an override of the reverse walk: what a change of an input makes of a change of the
 * output, from the reference to the picture. So contributions, multiplier times change, sum to the change of the score:
 *
 *   linear operators          the plain gradient, which is the multiplier (the linear rule)
 *   functions of one value    change of the output over change of the input; the gradient where the input hardly changes (the rescale rule)
 *   maxima                    the change of the maximum, at the places where the two maxima are, as Captum has it
 *   products of two values    each factor with the mean of the other one, of picture and reference, which are Shapley's values of the two
 *   quotients                 at the larger divisor of both, whose other side pays for the change of the divisor
 *   Softmax, LayerNormalization, InstanceNormalization   taken apart into these; a Softmax that is the score itself as Captum has it
 */

import { ExplainError } from '../../core/errors.js'
import { floatOf, intOf } from '../../onnx/attributes.js'
import type { Builder } from '../../onnx/builder.js'
import { describe, type Node } from '../../onnx/ir.js'
import { product } from '../../vjp/arithmetic.js'
import type { Override, OverrideRule, Rule, RuleCall } from '../../vjp/rule.js'
import { indexing } from '../../vjp/rules/indexing.js'
import { quantise } from '../../vjp/rules/quantise.js'
import { shape } from '../../vjp/rules/shape.js'
import { ACTIVATIONS } from '../activations.js'
import { alike } from './positive.js'
import type { Reference } from './reference.js'

/** Changes of inputs below this are none: Captum's eps. */
const TINY = 1e-10

const LINEAR = [
  ...[
    'Add',
    'Sub',
    'Sum',
    'Mean',
    'Neg',
    'AveragePool',
    'GlobalAveragePool',
    'ReduceMean',
    'ReduceSum',
    'CumSum',
    'Resize',
  ],
  ...['BatchNormalization', 'GridSample', 'MaxUnpool', 'Col2Im'],
  ...[
    ...Object.keys(shape),
    ...Object.keys(indexing),
    ...Object.keys(quantise).filter((op) => op !== 'DynamicQuantizeLinear'),
  ],
]
const BILINEAR = ['Mul', 'Conv', 'ConvTranspose', 'Gemm', 'MatMul', 'Einsum']
const MAXIMA = ['MaxPool', 'GlobalMaxPool', 'ReduceMax', 'ReduceMin']
/** Functions of one value. */
const FUNCTIONS = [
  ...ACTIVATIONS,
  ...['Exp', 'Log', 'Sqrt', 'Reciprocal', 'Pow', 'Abs', 'Max', 'Min'],
  ...['Sin', 'Cos', 'Tan', 'Asin', 'Acos', 'Atan', 'Sinh', 'Cosh', 'Asinh', 'Acosh', 'Atanh'],
]

/** The override, where `reference` is the second forward pass and `score` the value that is explained. */
export function rescale(name: string, reference: Reference, score: string): Override {
  const of: Of = (b, value) => new Change(b, value, reference.of(value))
  const only =
    (rule: (call: RuleCall, plain: Rule, i: number) => string): OverrideRule =>
    (call, plain) => {
      if (call.wanted.filter(Boolean).length > 1) refuse(call.node)
      return call.wanted.map((w, i) => (w ? () => rule(call, plain, i) : undefined))
    }
  const table = (names: readonly string[], rule: OverrideRule): Record<string, OverrideRule> =>
    Object.fromEntries(names.map((n) => [n, rule]))
  const linear: OverrideRule = (call, plain) => plain(call)
  const rules = {
    ...table(LINEAR, linear),
    ...table(BILINEAR, bilinear(of)),
    ...table(
      FUNCTIONS,
      only((call, plain, i) => ofFunction(call, plain, i, of)),
    ),
    ...table(
      MAXIMA,
      only((call, plain, i) => ofMaximum(call, plain, i, of, reference)),
    ),
    ...table(
      ['LayerNormalization', 'InstanceNormalization'],
      only((call, _, i) => (i === 0 ? ofNorm(call, of) : refuse(call.node))),
    ),
    Div: quotient(of),
    Softmax: only((call, plain, i) =>
      call.y[0] === score ? softmaxOfScore(call, ofFunction(call, plain, i, of)) : ofSoftmax(call, of),
    ),
    // a choice that the picture makes has no multiplier
    Where: ((call, plain) =>
      reference.of(call.x[0] ?? '') === call.x[0] ? plain(call) : refuse(call.node)) satisfies OverrideRule,
  }
  return { name, rules, otherwise: (call) => refuse(call.node) }
}

type Of = (b: Builder, value: string) => Change

/** A value of the picture and of the reference. */
class Change {
  constructor(
    readonly b: Builder,
    readonly value: string,
    readonly reference: string,
  ) {}

  /** How much it changed. */
  get difference(): string {
    return this.#once('difference', () => this.b.op('Sub', [this.value, this.reference]))
  }

  get mean(): string {
    const { b, value, reference } = this
    if (value === reference) return value
    return this.#once('mean', () => b.op('Mul', [b.op('Add', [value, reference]), b.scalar(0.5, value)]))
  }

  #once(what: string, make: () => string): string {
    return this.b.cached(`${what} ${this.value} ${this.reference}`, () => alike(this.b, make(), this.value))
  }
}

/** `parts / difference` where the input changed, `otherwise` where it hardly did. */
function perChange(input: Change, parts: string, otherwise: string): string {
  const { b, difference } = input
  const still = b.op('Less', [b.op('Abs', [difference]), b.scalar(TINY, difference)])
  return b.op('Where', [still, otherwise, b.op('Div', [parts, difference])])
}

/** gy (y - y') / (x - x') */
function ofFunction(call: RuleCall, plain: Rule, i: number, of: Of): string {
  const { b, x, y, gy } = call
  const output = of(b, y[0] ?? '')
  return perChange(of(b, x[i] ?? ''), b.op('Mul', [gy, output.difference]), plain(call)[i]?.() ?? '')
}

/** What each side's maximum adds lies where that maximum is: `max(y, y') - y'` in the picture, `y - max(y, y')` in the reference. */
function ofMaximum(call: RuleCall, plain: Rule, i: number, of: Of, reference: Reference): string {
  const { b, node, x, y, gy } = call
  const input = of(b, x[i] ?? '')
  const { value, reference: before } = of(b, y[0] ?? '')
  const further = b.op(node.op === 'ReduceMin' ? 'Min' : 'Max', [value, before])
  const back = (part: string, twin: RuleCall): string => {
    const own = alike(b, b.op('Mul', [gy, part]), y[0] ?? '')
    return plain({ ...twin, gy: own, gys: [own] })[i]?.() ?? ''
  }
  const copy = reference.node(node)
  const twin = { ...call, node: copy, x: copy.inputs, y: copy.outputs }
  const parts = b.op('Add', [back(b.op('Sub', [further, before]), call), back(b.op('Sub', [value, further]), twin)])
  return perChange(input, parts, plain(call)[i]?.() ?? '')
}

/** With constants linear; of two values each has the mean of the other. */
function bilinear(of: Of): OverrideRule {
  return (call, plain) => {
    const { b, wanted } = call
    const count = wanted.filter(Boolean).length
    if (count === 1) return plain(call)
    if (count > 2) refuse(call.node)
    const means = call.x.map((v, k) => (wanted[k] ? of(b, v).mean : v))
    return wanted.map((w, i) =>
      w ? () => plain({ ...call, x: means.map((m, k) => (k === i ? (call.x[k] ?? '') : m)) })[i]?.() ?? '' : undefined,
    )
  }
}

/** a / b: a divided by the larger of the two divisors, and the other side's a for the change of 1 / b, so that nothing small divides alone. */
function quotient(of: Of): OverrideRule {
  return (call, plain) => {
    const { b, x, gy } = call
    const [above, below] = [of(b, x[0] ?? ''), of(b, x[1] ?? '')]
    if (below.value === below.reference) return plain(call)
    const [own, before] = [below.value, below.reference]
    const larger = b.op('GreaterOrEqual', [b.op('Abs', [own]), b.op('Abs', [before])])
    const divisor = b.op('Where', [larger, own, before])
    const other = b.op('Where', [larger, above.reference, above.value])
    return [
      () => b.op('Div', [gy, divisor]),
      () => b.op('Neg', [b.op('Div', [b.op('Div', [b.op('Mul', [gy, other]), own]), before])]),
    ]
  }
}

/** Captum's rule, by DeepLIFT's section 3.6: the multipliers less their mean, so that what all classes share is no contribution. */
function softmaxOfScore({ b, node }: RuleCall, multipliers: string): string {
  const mean = b.op('ReduceMean', [multipliers, b.int64s([intOf(node, 'axis', -1)])], { keepdims: 1 })
  return b.op('Sub', [multipliers, mean])
}

/**
 * y = exp(u), u = x - l, l = log(sum of exp(x)). A change of l is shared as the sum's is, `exp(x) - exp(x')`; both are taken relative to the larger
 * of l and l', so that nothing overflows.
 */
function ofSoftmax(call: RuleCall, of: Of): string {
  const { b, node, x, y, gy } = call
  const axis = intOf(node, 'axis', -1)
  const over = (op: 'ReduceMax' | 'ReduceSum', v: string): string => b.op(op, [v, b.int64s([axis])], { keepdims: 1 })
  const input = of(b, x[0] ?? '')
  const output = of(b, y[0] ?? '')
  const log = (v: string): string => alike(b, b.op('LogSoftmax', [v], { axis }), v)
  const u = new Change(b, log(input.value), log(input.reference))
  const typed = (v: string): string => {
    b.know(v, b.type(input.value), undefined)
    return v
  }
  const ofLog = (v: string, logs: string): string => typed(b.op('Sub', [over('ReduceMax', v), over('ReduceMax', logs)]))
  const l = new Change(b, ofLog(input.value, u.value), ofLog(input.reference, u.reference))
  const largest = b.op('Max', [l.value, l.reference])
  const relative = (v: string): string => typed(b.op('Exp', [b.op('Sub', [v, largest])]))
  const e = new Change(b, relative(input.value), relative(input.reference))
  const s = new Change(b, relative(l.value), relative(l.reference))
  const direct = perChange(u, b.op('Mul', [gy, output.difference]), b.op('Mul', [gy, output.value]))
  const ofSum = perChange(s, l.difference, b.scalar(1, gy))
  const ofInput = perChange(input, e.difference, e.value)
  return b.op('Sub', [direct, product(b, over('ReduceSum', direct), ofSum, ofInput)])
}

/**
 * y = c s scale + bias with c = x - mean(x), s = 1 / sqrt(mean(c^2) + epsilon). A change of the variance changes s by
 * `-(s s')^2 / (s + s')` of it, and c changes the variance by `(c + c') / n` of it.
 */
function ofNorm(call: RuleCall, of: Of): string {
  const { b, node, x, gy } = call
  const [own = '', scale = ''] = x
  const rank = b.requireRank(own, node.op)
  const isLayer = node.op === 'LayerNormalization'
  const first = isLayer ? intOf(node, 'axis', -1) : 2
  const begin = first < 0 ? first + rank : first
  const axes = b.int64s(Array.from({ length: rank - begin }, (_, i) => begin + i))
  const mean = (v: string): string => b.op('ReduceMean', [v, axes], { keepdims: 1 })
  const input = of(b, own)
  const centred = (v: string): string => alike(b, b.op('Sub', [v, mean(v)]), v)
  const c = new Change(b, centred(input.value), centred(input.reference))
  const inverse = (v: string): string =>
    b.op('Reciprocal', [
      b.op('Sqrt', [b.op('Add', [mean(product(b, v, v)), b.scalar(floatOf(node, 'epsilon', 1e-5), v)])]),
    ])
  const [s, before] = [inverse(c.value), inverse(c.reference)]
  const factor = isLayer
    ? scale
    : b.op('Unsqueeze', [scale, b.int64s(Array.from({ length: rank - 2 }, (_, i) => i + 1))])
  const h = alike(b, b.op('Mul', [gy, factor]), own)
  const total = b.op('Add', [s, before])
  // as of a quotient
  const smaller = b.op('LessOrEqual', [s, before])
  const direct = b.op('Mul', [h, b.op('Min', [s, before])])
  const other = b.op('Where', [smaller, c.reference, c.value])
  // the sum over the places of h c, divided by n, is their mean
  const slope = b.op('Div', [product(b, s, before, s, before), total])
  const through = product(b, mean(product(b, h, other)), slope, c.mean, b.scalar(2, h))
  return centred(alike(b, b.op('Sub', [direct, through]), own))
}

function refuse(node: Node): never {
  throw new ExplainError('unsupported-operator', {
    what: `DeepLIFT has no rule for ${describe(node)}: what a change of its inputs makes of its output is not said`,
    where: describe(node),
    remedy: 'Integrated gradients explain the same change of the score.',
    details: { nodes: [{ name: node.name, op: node.op, domain: node.domain }] },
  })
}
