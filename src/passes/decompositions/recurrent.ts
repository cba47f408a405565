/**
 * LSTM, GRU and RNN: one `Scan` a direction, whose body is the cell. What does not depend on the state, `X W^T + Wb`, is one product for all
 * steps before it. Source: the operators' sections of ONNX's Operators.md; names are theirs.
 *
 * T steps, N sequences, D directions, H hidden_size, G gates.
 */
import { ExplainError } from '../../core/errors.js'
import { type AttributeValue, float, floatOf, floatsOf, intOf, stringOf, stringsOf } from '../../onnx/attributes.js'
import { Builder, declare, type Extent } from '../../onnx/builder.js'
import { describe, type Node } from '../../onnx/ir.js'
import { emptyInside, toGraphProto } from '../../onnx/subgraphs.js'
import { protoType } from '../../onnx/tensors.js'
import { type Decompose, defineDecompositions } from './decomposition.js'

type Activation = (b: Builder, x: string) => string

/** An activation by its name in lower case, given the next of `activation_alpha` and `activation_beta` that it takes. */
function activationOf(name: string, node: Node, alphas: number[], betas: number[]): Activation {
  const plain =
    (op: string, values: Readonly<Record<string, AttributeValue>> = {}): Activation =>
    (b, x) =>
      b.op(op, [x], values)
  const alpha = (otherwise: number): number => alphas.shift() ?? otherwise
  const beta = (otherwise: number): number => betas.shift() ?? otherwise
  const times = (b: Builder, x: string, factor: number): string => b.op('Mul', [x, b.scalar(factor, x)])
  switch (name.toLowerCase()) {
    case 'relu':
      return plain('Relu')
    case 'tanh':
      return plain('Tanh')
    case 'sigmoid':
      return plain('Sigmoid')
    case 'softsign':
      return plain('Softsign')
    case 'softplus':
      return plain('Softplus')
    case 'leakyrelu':
      return plain('LeakyRelu', { alpha: float(alpha(0.01)) })
    case 'thresholdedrelu':
      return plain('ThresholdedRelu', { alpha: float(alpha(1)) })
    case 'elu':
      return plain('Elu', { alpha: float(alpha(1)) })
    case 'hardsigmoid':
      return plain('HardSigmoid', { alpha: float(alpha(0.2)), beta: float(beta(0.5)) })
    case 'affine': {
      const [scale, shift] = [alpha(1), beta(0)]
      return (b, x) => b.op('Add', [times(b, x, scale), b.scalar(shift, x)])
    }
    case 'scaledtanh': {
      const [outer, inner] = [alpha(1), beta(1)]
      return (b, x) => times(b, b.op('Tanh', [times(b, x, inner)]), outer)
    }
    default:
      throw new ExplainError('unsupported-operator', {
        what: `${node.op} with the activation ${name} is not supported`,
        where: describe(node),
      })
  }
}

/** What a cell reads in a step. Gates come one after another, in the operator's order. */
interface Step {
  readonly b: Builder
  /** `X_t W^T + Wb`, by gate: `[N, H]`. */
  readonly x: readonly string[]
  /** The state before the step: `[N, H]`. */
  readonly h: string
  readonly c: string
  /** `value R^T + Rb` of one gate: `[N, H]`. */
  readonly recur: (value: string, gate: number) => string
  /** The peepholes, by gate: `[H]`; undefined where there are none. */
  readonly p: readonly string[] | undefined
  /** Limits what goes into an activation to `[-clip, clip]`. */
  readonly clip: (value: string) => string
  /** The activations of this direction. */
  readonly act: readonly Activation[]
  readonly node: Node
}

/** A recurrent operator: how many gates, which activations by default, and a step. Gives H, and C where there is one. */
interface Cell {
  readonly gates: number
  readonly activations: readonly string[]
  readonly step: (s: Step) => { readonly h: string; readonly c?: string }
}

function activate({ b, act, clip }: Step, which: number, value: string): string {
  const activation = act[which]
  return activation ? activation(b, clip(value)) : value
}

function sum(b: Builder, ...values: readonly string[]): string {
  return values.reduce((a, v) => b.op('Add', [a, v]))
}

function oneMinus(b: Builder, v: string): string {
  return b.op('Sub', [b.scalar(1, v), v])
}

const RNN_CELL: Cell = {
  gates: 1,
  activations: ['Tanh'],
  step: (s) => ({ h: activate(s, 0, sum(s.b, s.x[0] ?? '', s.recur(s.h, 0))) }),
}

/** Gates z, r, h. */
const GRU_CELL: Cell = {
  gates: 3,
  activations: ['Sigmoid', 'Tanh'],
  step: (s) => {
    const { b, x, h, recur, node } = s
    const z = activate(s, 0, sum(b, x[0] ?? '', recur(h, 0)))
    const r = activate(s, 0, sum(b, x[1] ?? '', recur(h, 1)))
    const reset =
      intOf(node, 'linear_before_reset', 0) === 0 ? recur(b.op('Mul', [r, h]), 2) : b.op('Mul', [r, recur(h, 2)])
    const candidate = activate(s, 1, sum(b, x[2] ?? '', reset))
    return { h: sum(b, b.op('Mul', [oneMinus(b, z), candidate]), b.op('Mul', [z, h])) }
  },
}

/** Gates i, o, f, c; peepholes i, o, f. */
const LSTM_CELL: Cell = {
  gates: 4,
  activations: ['Sigmoid', 'Tanh', 'Tanh'],
  step: (s) => {
    const { b, x, h, c, recur, p, node } = s
    const gate = (which: number): string => sum(b, x[which] ?? '', recur(h, which))
    const peep = (value: string, state: string, which: number): string =>
      p ? sum(b, value, b.op('Mul', [p[which] ?? '', state])) : value
    const i = activate(s, 0, peep(gate(0), c, 0))
    const f = intOf(node, 'input_forget', 0) === 0 ? activate(s, 0, peep(gate(2), c, 2)) : oneMinus(b, i)
    const next = sum(b, b.op('Mul', [f, c]), b.op('Mul', [i, activate(s, 1, gate(3))]))
    const o = activate(s, 0, peep(gate(1), next, 1))
    const squashed = s.act[2]?.(b, next) ?? next
    return { h: b.op('Mul', [o, squashed]), c: next }
  },
}

/** One direction: Y `[T, N, H]` and the last states `[N, H]`. */
interface Direction {
  readonly y: string
  readonly last: readonly string[]
}

/** The parts of the node that belong to one direction, without the axis D; '' where absent. */
interface Given {
  /** `[T, N, I]` */
  readonly x: string
  readonly w: string
  readonly r: string
  readonly bias: string
  readonly peepholes: string
  /** bool `[T, N, 1]`: true within the sequence. */
  readonly valid: string
  readonly initial: readonly string[]
  readonly act: readonly Activation[]
  readonly reverse: boolean
}

function split(b: Builder, value: string, parts: number, axis: number): readonly string[] {
  return parts === 1 ? [value] : b.ops('Split', [value], { axis, num_outputs: parts }, parts)
}

function runDirection(b: Builder, node: Node, cell: Cell, given: Given): Direction {
  const [wb, rb] = given.bias === '' ? [] : split(b, given.bias, 2, 0)
  const product = b.op('MatMul', [given.x, b.transpose(given.w, [1, 0])])
  const projected = wb === undefined ? product : sum(b, product, wb)
  const r = split(b, given.r, cell.gates, 0)
  const rbs = rb === undefined ? [] : split(b, rb, cell.gates, 0)
  const p = given.peepholes === '' ? undefined : split(b, given.peepholes, 3, 0)

  const inner = new Builder(emptyInside(b.graph), b.shapes, { outer: b })
  const type = b.type(given.x)
  const matrix = (name: string): ReturnType<typeof declare> => declare(name, type, [null, null])
  const states = given.initial.map((_, i) => inner.fresh(i === 0 ? 'H' : 'C'))
  const [h = '', c = ''] = states
  const xt = inner.fresh('X')
  const valid = given.valid === '' ? '' : inner.fresh('valid')
  for (const value of [...states, xt]) inner.know(value, type, undefined)
  const limit = floatOf(node, 'clip', 0)
  const made = cell.step({
    b: inner,
    x: split(inner, xt, cell.gates, 1),
    h,
    c,
    recur: (value, gate) =>
      inner.op('Gemm', [value, r[gate] ?? '', ...(rbs[gate] === undefined ? [] : [rbs[gate]])], { transB: 1 }),
    p,
    clip: (v) => (limit > 0 ? inner.op('Clip', [v, inner.scalar(-limit, given.x), inner.scalar(limit, given.x)]) : v),
    act: given.act,
    node,
  })
  const keep = (next: string, before: string): string =>
    valid === '' ? next : inner.op('Where', [valid, next, before])
  const next = [keep(made.h, h), ...(made.c === undefined ? [] : [keep(made.c, c)])]
  const y = valid === '' ? inner.op('Identity', [made.h]) : keep(made.h, inner.scalar(0, given.x))
  const sequences = [[xt, projected] as const, ...(valid === '' ? [] : [[valid, given.valid] as const])]
  const body = inner.finish({
    inputs: [...[...states, xt].map(matrix), ...(valid === '' ? [] : [declare(valid, 'bool', [null, 1])])],
    outputs: [...next, y].map(matrix),
  })
  const direction = given.reverse ? 1 : 0
  const results = b.ops(
    'Scan',
    [...given.initial, ...sequences.map(([, whole]) => whole)],
    {
      body: toGraphProto(body, 'body'),
      num_scan_inputs: sequences.length,
      scan_input_directions: sequences.map(() => direction),
      scan_output_directions: [direction],
    },
    states.length + 1,
  )
  return { y: results[states.length] ?? '', last: results.slice(0, states.length) }
}

function recurrent(cell: Cell): Decompose {
  return (node, b) => {
    const byBatch = intOf(node, 'layout', 0) === 1
    const turned = (value: string): string => (byBatch && value !== '' ? b.transpose(value, [1, 0, 2]) : value)
    const [x0 = '', w = '', r = '', bias = '', lengths = '', h0 = '', c0 = '', p = ''] = node.inputs
    const x = turned(x0)
    const name = stringOf(node, 'direction', 'forward').toLowerCase()
    const directions = name === 'bidirectional' ? [false, true] : [name === 'reverse']
    const names = stringsOf(node, 'activations', undefined) ?? directions.flatMap(() => cell.activations)
    const [alphas, betas] = [[...floatsOf(node, 'activation_alpha', [])], [...floatsOf(node, 'activation_beta', [])]]
    const activations = names.map((a) => activationOf(a, node, alphas, betas))
    const each = cell.activations.length
    const initials = cell === LSTM_CELL ? [turned(h0), turned(c0)] : [turned(h0)]
    const size: Extent = intOf(node, 'hidden_size', undefined) ?? b.extent(r, -1)
    const valid = lengths === '' ? '' : within(b, x, lengths)
    const zeros = (): string => b.op('Expand', [b.scalar(0, x), b.vector([b.extent(x, 1), size])])
    const of = (value: string, d: number): string =>
      value === ''
        ? ''
        : b.op('Gather', [value, b.constant({ type: 'int64', dims: [], data: BigInt64Array.of(BigInt(d)) })])
    const made = directions.map((reverse, d) =>
      runDirection(b, node, cell, {
        x,
        w: of(w, d),
        r: of(r, d),
        bias: of(bias, d),
        peepholes: of(p, d),
        valid,
        initial: initials.map((i) => of(i, d) || zeros()),
        act: activations.slice(d * each, (d + 1) * each),
        reverse,
      }),
    )
    const joined = (values: readonly string[], axis: number): string => {
      const parts = values.map((v) => b.op('Unsqueeze', [v, b.int64s([axis])]))
      return parts.length === 1 ? (parts[0] ?? '') : b.op('Concat', parts, { axis })
    }
    const y = joined(
      made.map((m) => m.y),
      1,
    )
    const last = initials.map((_, i) =>
      joined(
        made.map((m) => m.last[i] ?? ''),
        0,
      ),
    )
    return [byBatch ? b.transpose(y, [2, 0, 1, 3]) : y, ...last.map(turned)]
  }
}

/** bool `[T, N, 1]`: whether a step lies within its sequence. Behind it the state stays, and Y is 0; in reverse, so it is before the first. */
function within(b: Builder, x: string, lengths: string): string {
  const scalar = (v: number): string => b.constant({ type: 'int64', dims: [], data: BigInt64Array.of(BigInt(v)) })
  const steps = b.op('Reshape', [b.vector([b.extent(x, 0)]), b.int64s([])])
  const times = b.op('Range', [scalar(0), steps, scalar(1)])
  const column = b.op('Unsqueeze', [times, b.int64s([1, 2])])
  const limits = b.op('Unsqueeze', [b.op('Cast', [lengths], { to: protoType('int64') }), b.int64s([1])])
  return b.op('Less', [column, limits])
}

export const recurrentNetworks = defineDecompositions({
  GRU: recurrent(GRU_CELL),
  LSTM: recurrent(LSTM_CELL),
  RNN: recurrent(RNN_CELL),
})
