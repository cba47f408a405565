/**
 * The reverse walk: from a value back to the values whose gradients are wanted, over the nodes between them and no others.
 * The walk sums repeated uses, un-broadcasts and checks; rules only know their own operator.
 */
import { ExplainError } from '../core/errors.js'
import type { DataType } from '../core/tensor.js'
import { atNode } from '../onnx/at-node.js'
import { intOf } from '../onnx/attributes.js'
import type { Builder } from '../onnx/builder.js'
import { captures, describe, type Graph, type Node, operatorName, reads } from '../onnx/ir.js'
import { printNode } from '../onnx/print.js'
import { printDims } from '../onnx/shapes.js'
import { dataType } from '../onnx/tensors.js'
import { sorted } from '../passes/prune.js'
import { sum } from './blocked.js'
import { sumTo } from './broadcast.js'
import { gateGradient, gateOf } from './gates.js'
import type { Override, OverridePullback, OverrideRule, Rule, RuleCall, RuleEntry, Walk } from './rule.js'
import { QUANTIZERS, RULES, ZERO_GRADIENT } from './rules/index.js'
import { remedyFor, whyUnsupported } from './unsupported.js'

export interface GradientRequest {
  /** The value that is differentiated. */
  readonly of: string
  /** The gradient that arrives at `of`: a value of its shape. */
  readonly seed: string
  /** The values whose gradients are wanted. */
  readonly wrt: readonly string[]
  readonly override?: Override | undefined
}

/** The rule of a node's operator; undefined where there is none. */
export function ruleOf(node: Node): RuleEntry | undefined {
  const rules: Readonly<Record<string, RuleEntry>> = RULES
  const name = operatorName(node)
  return Object.hasOwn(rules, name) ? rules[name] : undefined
}

/**
 * Adds the backward pass to the builder; returns the gradient's value name for each of `wrt`, in order.
 *
 * Throws `unknown-value`, `not-connected` where no differentiable path leads from a wanted value to `of`, and
 * `unsupported-operator` with every node on the path that has no rule.
 */
export function pullBack(b: Builder, request: GradientRequest): string[] {
  const { of, seed, wrt, override } = request
  for (const value of [of, ...wrt]) b.graph.require(value, 'differentiation')
  return pullSeeds(b, [[of, seed]], wrt, nodesBetween(b, of, wrt), override).map((gradient, i) => {
    if (gradient === undefined) throw notConnected(wrt[i] ?? '', of)
    return gradient
  })
}

/** The walk over `path`, from values at which gradients arrive; undefined for values that none reaches. */
function pullSeeds(
  b: Builder,
  seeds: readonly (readonly [value: string, gradient: string])[],
  wrt: readonly string[],
  path: readonly Node[],
  override: Override | undefined,
): (string | undefined)[] {
  refuseUnsupported(path)
  const wanted = new Set([...wrt, ...path.flatMap((n) => n.outputs.slice(0, ruleOf(n)?.outputs))])
  const arrived = new Map<string, string[]>()
  const arrive = (value: string, gradient: string): void => {
    arrived.set(value, [...(arrived.get(value) ?? []), gradient])
  }
  for (const [value, gradient] of seeds) arrive(value, gradient)
  const summed = new Map<string, string>()
  const gradientOf = (value: string): string | undefined => {
    const done = summed.get(value)
    const parts = arrived.get(value)
    if (done !== undefined || !parts) return done
    const total = sum(b, parts)
    b.know(total, gradientType(b, value), b.dims(value))
    summed.set(value, total)
    return total
  }
  for (const node of [...path].reverse()) {
    const gys = node.outputs.map((y) => (y === '' ? undefined : gradientOf(y)))
    if (gys.every((g) => g === undefined)) continue
    b.scope(`gradient/${node.name || node.outputs[0]}`, () => {
      const gradients = atNode(node, () => inputGradients(b, node, gys, { wanted, wrt, override }))
      for (const [value, gradient] of gradients) arrive(value, gradient)
    })
  }
  return wrt.map(gradientOf)
}

/** What the walk is after. */
interface Wanted {
  /** All values on the way, `wrt` too. */
  readonly wanted: ReadonlySet<string>
  readonly wrt: readonly string[]
  readonly override: Override | undefined
}

/** Applies one node's rule. A value that is read twice gets two gradients. */
function inputGradients(
  b: Builder,
  node: Node,
  gys: readonly (string | undefined)[],
  { wanted: wantedValues, wrt, override }: Wanted,
): [string, string][] {
  const entry = ruleOf(node)
  if (!entry) return []
  const first = node.outputs[0] ?? ''
  const gy = gys[0] ?? b.op('Mul', [first, b.scalar(0, first)])
  const gate = gateOf(b, node, override)
  if (gate && !wrt.includes(gate.s))
    return wantedValues.has(gate.x) ? [[gate.x, handedOn(b, node, gate.x, gateGradient(b, gate, gy))]] : []
  const x = [...node.inputs, ...captures(node)]
  const count = entry.inputs ?? x.length
  const wanted = x.map((v, i) => v !== '' && i < count && wantedValues.has(v) && isDifferentiable(gradientType(b, v)))
  const walk: Walk = {
    dependents: (inner, wrt) => dependentsOf(inner, wrt).values,
    pull: (inner, seeds, wrt) =>
      pullSeeds(inner, seeds, wrt, pathTo(dependentsOf(inner, wrt), new Set(seeds.map(([v]) => v))), override),
  }
  const call = { node, x, wanted, y: node.outputs, gy, gys, b, walk }
  const pullbacks = ruleFor(entry.rule, operatorName(node), override)(call)
  return x.flatMap((x, i): [string, string][] => {
    if (!wanted[i]) return []
    const pullback: OverridePullback = pullbacks[i]
    if (pullback === 'nothing') return []
    if (!pullback)
      throw new ExplainError('unsupported-operator', {
        what: `${node.op} has no gradient for its input ${i}, "${x}", which depends on what is differentiated`,
        where: printNode(node),
        remedy: 'Methods that need no gradient, such as occlusion, still work.',
        details: { nodes: [{ name: node.name, op: node.op, domain: node.domain }] },
      })
    const made = pullback()
    return [[x, handedOn(b, node, x, entry.broadcast ? sumTo(b, made, first, x) : made)]]
  })
}

/** The gradient of an input, checked, and with all that is known of it said. */
function handedOn(b: Builder, node: Node, x: string, gradient: string): string {
  checkShape(b, node, x, gradient)
  b.know(gradient, gradientType(b, x), b.dims(x))
  b.declareShape(gradient)
  return gradient
}

function ruleFor(
  plain: Rule,
  name: string,
  override: Override | undefined,
): (call: RuleCall) => readonly OverridePullback[] {
  const named: OverrideRule | undefined =
    override && Object.hasOwn(override.rules, name) ? override.rules[name] : override?.otherwise
  return named ? (call) => named(call, plain) : plain
}

/** What a rule gives must have the shape and type of the input, as far as both are known. */
function checkShape(b: Builder, node: Node, x: string, gradient: string): void {
  const got = b.dims(gradient)
  const want = b.dims(x)
  const fits =
    !got ||
    !want ||
    (got.length === want.length &&
      got.every((d, i) => typeof d !== 'number' || typeof want[i] !== 'number' || d === want[i]))
  const types = [b.type(gradient), gradientType(b, x)]
  if (fits && (types[0] === undefined || types[1] === undefined || types[0] === types[1])) return
  throw new ExplainError('shape-mismatch', {
    what: `The gradient of "${x}" came out as ${types[0]}${printDims(got)}, not ${types[1]}${printDims(want)}`,
    where: printNode(node),
    remedy: 'This is a fault of the backward rule; please report it with the model.',
  })
}

/**
 * The type of a value's gradient: its own, or, where it is quantised, that of the real numbers that it stands for. The gradient of
 * a quantised value is the gradient by these.
 */
function gradientType(b: Builder, value: string): DataType | undefined {
  const producer = b.graph.producer(value)
  const quantised = producer && QUANTIZERS.has(operatorName(producer)) && producer.outputs[0] === value
  return b.type(quantised ? (producer.inputs[0] ?? '') : value)
}

/** Values of integer and boolean types have no gradient. */
function isDifferentiable(type: DataType | undefined): boolean {
  return type === undefined || type.startsWith('float') || type === 'bfloat16'
}

/** True for nodes through which no gradient can pass, whatever their inputs are. */
function blocks(node: Node): boolean {
  if (Object.hasOwn(ZERO_GRADIENT, operatorName(node))) return true
  return node.op === 'Cast' && !isDifferentiable(dataType(intOf(node, 'to', 1)))
}

/** The values that a node hands a gradient on to: none where it is zero by nature. */
export function handsOnTo(node: Node): ReadonlySet<string> {
  return blocks(node) ? new Set() : smoothReads(node)
}

/** What a node reads and has a gradient for. */
function smoothReads(node: Node): Set<string> {
  const count = ruleOf(node)?.inputs
  return count === undefined ? reads(node) : new Set(node.inputs.slice(0, count).filter((x) => x !== ''))
}

/** The nodes that depend on a wanted value and that `of` depends on, in order of computation. */
export function nodesBetween(b: Builder, of: string, wrt: readonly string[]): readonly Node[] {
  const dependents = dependentsOf(b, wrt)
  for (const value of wrt)
    if (value !== of && !leadsTo(b.graph, dependents.nodes, value, of)) throw notConnected(value, of)
  return pathTo(dependents, new Set([of]))
}

/** What depends on some values through what can be differentiated: values, these included, and nodes in order of computation. */
interface Dependents {
  readonly values: ReadonlySet<string>
  readonly nodes: readonly Node[]
}

function dependentsOf(b: Builder, wrt: readonly string[]): Dependents {
  const values = new Set(wrt)
  const nodes = sorted(b.graph).filter((node) => {
    if (blocks(node)) return false
    if (![...smoothReads(node)].some((x) => values.has(x) && isDifferentiable(gradientType(b, x)))) return false
    const smooth = node.outputs.slice(0, ruleOf(node)?.outputs)
    for (const y of smooth) if (y !== '' && isDifferentiable(gradientType(b, y))) values.add(y)
    return true
  })
  return { values, nodes }
}

/** Those of the dependent nodes that one of `ends` depends on. */
function pathTo(dependents: Dependents, ends: ReadonlySet<string>): readonly Node[] {
  const needed = new Set(ends)
  const path = [...dependents.nodes].reverse().filter((node) => {
    if (!node.outputs.some((y) => needed.has(y))) return false
    for (const x of smoothReads(node)) if (dependents.values.has(x)) needed.add(x)
    return true
  })
  return path.reverse()
}

function leadsTo(graph: Graph, forward: readonly Node[], from: string, to: string): boolean {
  const allowed = new Set(forward)
  const seen = new Set([from])
  const queue = [from]
  for (let value = queue.pop(); value !== undefined; value = queue.pop()) {
    if (value === to) return true
    for (const node of graph.consumers(value))
      if (allowed.has(node)) for (const y of node.outputs) if (!seen.has(y) && seen.add(y)) queue.push(y)
  }
  return false
}

function notConnected(value: string, of: string): ExplainError {
  return new ExplainError('not-connected', {
    what: `"${of}" does not depend on "${value}" through anything that can be differentiated`,
    remedy: 'Choose a value that lies on the way from the input to the answer.',
    details: { value, of },
  })
}

/** The nodes between the values that have no backward rule. Throws `not-connected`, `unknown-value`. */
export function nodesWithoutRule(b: Builder, of: string, wrt: readonly string[]): readonly Node[] {
  for (const value of [of, ...wrt]) b.graph.require(value, 'differentiation')
  return nodesBetween(b, of, wrt).filter((node) => !ruleOf(node))
}

function refuseUnsupported(path: readonly Node[]): void {
  const nodes = path.filter((node) => !ruleOf(node))
  if (nodes.length === 0) return
  const shown = nodes.slice(0, 6).map((n) => `${describe(n)}${reasonOf(n)}`)
  const list = [...shown, ...(nodes.length > shown.length ? [`and ${nodes.length - shown.length} more`] : [])].join(
    ', ',
  )
  throw new ExplainError('unsupported-operator', {
    what: `${nodes.length} ${nodes.length === 1 ? 'node has' : 'nodes have'} no backward rule: ${list}`,
    remedy: remedyFor(nodes),
    details: { nodes: nodes.map((n) => ({ name: n.name, op: n.op, domain: n.domain })), methods: ['occlusion'] },
  })
}

function reasonOf(node: Node): string {
  const why = whyUnsupported(operatorName(node))
  return why === undefined ? '' : ` (${why})`
}
