/**
 * Relevance in the place of the gradient, as an override of the reverse walk: what arrives at a node is shared among its inputs so that it is
 * neither made nor lost, but for what constants take. Each operator has a rule here, or the walk stops at it.
 *
 *   linear layers           the scheme's rule, batch norm behind them merged (layers.ts, share.ts)
 *   sums, means, resizing   in proportion to what each input adds: the epsilon rule. In front of the first layer constants take nothing
 *   activations             all of it goes on. So it does through norms of layers and places, whose deviation is taken as given (Achtibat et
 *                           al. 2024, section 3.3; Ali et al. 2022, section 4)
 *   products of two values  a gate (Sigmoid, Tanh, Erf, Softmax, ...) is taken as given and the signal takes all (Arras et al. 2017); without
 *                           one, half each (Achtibat et al. 2024, proposition 3.3). Divisors are taken as given
 *   maxima, what moves      where the gradient goes
 */

import { ExplainError } from '../../core/errors.js'
import type { Builder } from '../../onnx/builder.js'
import { describe, type Node } from '../../onnx/ir.js'
import { again } from '../../vjp/again.js'
import type { Override, OverridePullback, OverrideRule, Rule, RuleCall } from '../../vjp/rule.js'
import { indexing } from '../../vjp/rules/indexing.js'
import { quantise } from '../../vjp/rules/quantise.js'
import { shape } from '../../vjp/rules/shape.js'
import { ACTIVATIONS } from '../activations.js'
import { isGate } from './gates.js'
import { findLayers, type LayerNode } from './layers.js'
import { alike, positivePart, stabilised } from './positive.js'
import { type LayerRule, LinearLayer } from './share.js'

/** A way to propagate. */
export interface Scheme {
  /** With everything that makes a difference: `lrp-epsilon 1e-6`. */
  readonly name: string
  /** The rule of a linear layer. */
  layer(node: LayerNode): LayerRule
  /** Keeps denominators of sums away from 0. */
  readonly stabiliser: number
  /** Only what is positive takes part in sums. */
  readonly positive?: true
  /** Hears what was taken as given. */
  note(text: string): void
}

/** What relevance passes through as it is. */
const PASSED = [...ACTIVATIONS, 'LRN', 'LayerNormalization', 'InstanceNormalization', ...Object.keys(quantise)]
const LAYERS = ['Conv', 'ConvTranspose', 'Gemm', 'MatMul', 'Einsum']
const ADDITIONS = new Set(['Add', 'Sub', 'Sum', 'Mean'])
const NORMS = new Set(['BatchNormalization', 'Neg'])
/** What adds constants to a value. */
const SHIFTS = new Set([...ADDITIONS, 'BatchNormalization'])
const SUMS = [
  ...SHIFTS,
  ...['Neg', 'AveragePool', 'GlobalAveragePool', 'ReduceMean', 'ReduceSum', 'CumSum', 'Resize', 'GridSample'],
]
const PRODUCTS = ['Mul', 'Div']
const EXTREMES = ['Max', 'Min']
const ROUTED = [
  ...['MaxPool', 'GlobalMaxPool', 'ReduceMax', 'ReduceMin', 'MaxUnpool', 'Where', 'Col2Im'],
  ...Object.keys(shape),
  ...Object.keys(indexing),
]

/** The override of a scheme, for the nodes `path` between `from` and the score. */
export function propagation(b: Builder, path: readonly Node[], from: string, scheme: Scheme): Override {
  const found = findLayers(b, path, from)
  const summed: OverrideRule = (call, plain) => {
    // in front of the first layer is preprocessing: what the picture is held against is no evidence
    const isPrepared = !found.behind.has(call.node) && count(call.wanted) === 1 && SHIFTS.has(call.node.op)
    return isPrepared ? passed(call, plain) : sumRule(scheme)(call, plain)
  }
  const layer: OverrideRule = (call, plain) => {
    const known = found.layers.get(call.node)
    if (!known) return count(call.wanted) > 1 ? bilinear(scheme)(call, plain) : summed(call, plain)
    const share = (): string => scheme.layer(known)(new LinearLayer(known, call, plain))
    return call.x.map((_, i) => (i === known.data ? share : undefined))
  }
  const extreme: OverrideRule = (call, plain) => (count(call.wanted) === 1 ? passed : routed)(call, plain)
  const table = (names: readonly string[], rule: OverrideRule): Record<string, OverrideRule> => {
    const own: OverrideRule = (call, plain) => (found.merged.has(call.node) ? passed : rule)(call, plain)
    return Object.fromEntries(names.map((name) => [name, own]))
  }
  const rules = {
    ...table(ROUTED, routed),
    ...table(PASSED, passed),
    ...table(EXTREMES, extreme),
    ...table(SUMS, summed),
    ...table(LAYERS, layer),
    ...table(PRODUCTS, product(scheme)),
  }
  return { name: scheme.name, rules, otherwise: (call) => refuse(call.node, scheme) }
}

function count(wanted: readonly boolean[]): number {
  return wanted.filter(Boolean).length
}

const routed: OverrideRule = (call, plain) => plain(call)

/** All of it goes to the input that depends on the picture. */
const passed: OverrideRule = ({ wanted, gy }) => wanted.map((w) => (w ? () => gy : undefined))

/** In proportion to what each input adds to the output. */
function sumRule(scheme: Scheme): OverrideRule {
  return (call, plain) => {
    const { b, node, x, y, wanted, gy } = call
    // as in TorchRay, chances pass through a norm of their own
    if (scheme.positive && NORMS.has(node.op)) return passed(call, plain)
    if (!ADDITIONS.has(node.op))
      return wanted.map((w, i) => (w ? () => shareOf(call, plain, i, scheme, gy) : undefined))
    if (!scheme.positive) {
      const ratio = b.op('Div', [gy, stabilised(b, y[0] ?? '', scheme.stabiliser)])
      const backs = plain({ ...call, gy: ratio, gys: [ratio] })
      return wanted.map((w, i) => (w ? () => b.op('Mul', [x[i] ?? '', backs[i]?.() ?? '']) : undefined))
    }
    // what is taken away is no excitation, and constants are no neurons
    const taken = wanted.map((w, i) => w && !(node.op === 'Sub' && i === 1))
    if (count(taken) === 1) return wanted.map((w, i) => (taken[i] ? () => gy : w ? 'nothing' : undefined))
    const parts = x.map((v, i) => (taken[i] ? positivePart(b, v) : v))
    const z = parts.filter((_, i) => taken[i]).reduce((a, v) => b.op('Add', [a, v]))
    const ratio = b.op('Div', [gy, stabilised(b, alike(b, z, y[0] ?? ''), scheme.stabiliser)])
    return wanted.map((w, i) => (taken[i] ? () => b.op('Mul', [parts[i] ?? '', ratio]) : w ? 'nothing' : undefined))
  }
}

/** What one input gets of an operator that is linear in it: `x * VJP(R / z)`. */
function shareOf(call: RuleCall, plain: Rule, i: number, { stabiliser, positive }: Scheme, gy: string): string {
  const { b, node, y } = call
  const own = call.x[i] ?? ''
  const input = positive ? positivePart(b, own) : own
  const x = call.x.map((v, k) => (k === i ? input : v))
  const z = input === own ? (y[0] ?? '') : alike(b, again(b, node, x), y[0] ?? '')
  const ratio = b.op('Div', [gy, stabilised(b, z, stabiliser)])
  b.know(ratio, b.type(gy), b.dims(gy))
  return b.op('Mul', [input, plain({ ...call, x, gy: ratio, gys: [ratio] })[i]?.() ?? ''])
}

/** Products of matrices that both depend on the picture: all to the one that is no gate, or half each. */
function bilinear(scheme: Scheme): OverrideRule {
  return (call, plain) => byGates(call, scheme, (i, gy) => shareOf(call, plain, i, scheme, gy))
}

function product(scheme: Scheme): OverrideRule {
  return (call, plain) => {
    const { node, wanted } = call
    if (node.op === 'Div') return wanted[0] ? [() => call.gy, 'nothing'] : refuse(node, scheme)
    return count(wanted) === 1 ? passed(call, plain) : byGates(call, scheme, (_, gy) => gy)
  }
}

/** Shares a product of two values. */
function byGates(
  { b, node, x, wanted, gy }: RuleCall,
  scheme: Scheme,
  share: (i: number, gy: string) => string,
): readonly OverridePullback[] {
  if (count(wanted) !== 2) refuse(node, scheme)
  const gates = wanted.map((w, i) => w && isGate(b.graph, x[i] ?? ''))
  if (count(gates) === 1) {
    scheme.note(`${node.op} of two values: gates and attention weights are taken as given.`)
    return wanted.map((w, i) => (gates[i] ? 'nothing' : w ? () => share(i, gy) : undefined))
  }
  scheme.note(`${node.op} of two values, neither of them a gate: half the relevance to each.`)
  return wanted.map((w, i) => (w ? () => share(i, b.op('Mul', [gy, b.scalar(0.5, gy)])) : undefined))
}

function refuse(node: Node, scheme: Scheme): never {
  throw new ExplainError('unsupported-operator', {
    what: `${describe(node)} has no rule in ${scheme.name.split(' ')[0]}: how what arrives there is shared among its inputs is not said`,
    where: describe(node),
    remedy:
      node.op === 'Softmax' || node.op === 'LogSoftmax'
        ? 'Explain the logit (score: logit); gradients and occlusion work for probabilities too.'
        : 'Methods that follow gradients, and occlusion, still work.',
    details: { nodes: [{ name: node.name, op: node.op, domain: node.domain }] },
  })
}
