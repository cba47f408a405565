/**
 * Control flow whose course follows from the model alone: an `If` whose condition is known becomes its branch, a `Loop` of a known number of
 * steps is written out, and a `Loop` that always runs to its trip count becomes a `Scan`. Lists of tensors go with them. Requires: the
 * form of opset 18 or newer. Guarantees: the same answers, the same value names; an `If` that is left depends on what is fed, and so does
 * when a `Loop` ends that is left, or what it carries along is no tensor of one shape. A computed trip count must not be 0.
 */
import { int64, type Tensor, tensor } from '../core/tensor.js'
import { attributes } from '../onnx/attributes.js'
import { Builder, declare } from '../onnx/builder.js'
import { constantOf, type Graph, type Node } from '../onnx/ir.js'
import { declaredShapes } from '../onnx/shapes.js'
import { renameValues, subgraph, toGraphProto } from '../onnx/subgraphs.js'
import { fold, type Knowledge, type Known, knownTensor } from './fold.js'
import { sorted } from './prune.js'
import { plain, Sequences } from './sequences.js'
import { splice } from './splice.js'

/** Nodes that a Loop may come to when it is written out. */
const LONGEST = 4096

const HELD: ReadonlySet<string> = new Set(['If', 'Loop'])

export function control(graph: Graph): Graph {
  if (!graph.nodes.some((n) => n.domain === '' && (HELD.has(n.op) || Sequences.concerns(n)))) return graph
  const course = new Course(graph)
  for (const node of sorted(graph)) course.take(node)
  return course.finish()
}

/** The nodes as they are written anew, and what is known of their values. */
class Course implements Knowledge {
  readonly #b: Builder
  readonly #producers = new Map<string, Node>()
  readonly #known = new Map<string, Known | undefined>()
  readonly #sequences: Sequences

  constructor(readonly graph: Graph) {
    this.#b = new Builder(graph, declaredShapes(graph))
    this.#sequences = new Sequences(
      this.#b,
      (name) => this.#number(name),
      (node) => this.take(node),
    )
  }

  take(node: Node): void {
    if (node.domain === '') {
      if (node.op === 'If' && this.#branch(node)) return
      if (node.op === 'Loop' && (this.#writeOut(node) || this.#scan(node))) return
      if (this.#sequences.rewrite(node)) return
    }
    this.#emit(node)
  }

  finish(): Graph {
    const { graph } = this
    const nodes = this.#sequences.withoutUnread(this.#b.nodes)
    return graph.with({ nodes, initializers: this.#b.initializers() })
  }

  dims(name: string): ReturnType<Knowledge['dims']> {
    return this.#b.dims(name)
  }

  value(name: string): Known | undefined {
    if (this.#known.has(name)) return this.#known.get(name)
    // a value that is asked for while it is being found does not follow
    this.#known.set(name, undefined)
    const node = this.#producers.get(name)
    const stored = node ? constantOf(node, this.graph.externalData) : this.#b.stored(name)
    const found = stored ? knownTensor(stored) : node && fold(node, this)
    this.#known.set(name, found)
    return found
  }

  #emit(node: Node): void {
    this.#b.emit(node)
    for (const output of node.outputs) if (output !== '') this.#producers.set(output, node)
  }

  /** A known scalar. */
  #number(name: string): number | undefined {
    const known = this.value(name)
    return known?.data.length === 1 ? known.data[0] : undefined
  }

  #branch(node: Node): boolean {
    const condition = this.#number(node.inputs[0] ?? '')
    if (condition === undefined) return false
    const branch = subgraph(this.graph, node, condition ? 'then_branch' : 'else_branch')
    if (!branch) return false
    this.#b.scope(nameOf(node), () => splice(this.#b, branch, [], node.outputs, (n) => this.take(n)))
    return true
  }

  /** Step after step, as long as it is known whether there is another one. What was written is taken back where it is not. */
  #writeOut(node: Node): boolean {
    const loop = loopOf(this.graph, node)
    const [trips = '', condition = ''] = node.inputs
    const count = trips === '' ? Number.POSITIVE_INFINITY : this.#number(trips)
    let goesOn = condition === '' ? 1 : this.#number(condition)
    if (!loop || count === undefined) return false
    const longest = LONGEST / Math.max(1, loop.body.nodes.length)
    if (count !== Number.POSITIVE_INFINITY && count > longest) return false
    const { body, states } = loop
    const start = this.#b.nodes.length
    let carried: readonly string[] = node.inputs.slice(2)
    const made = body.outputs.slice(1 + states).map((): string[] => [])
    let step = 0
    this.#b.scope(nameOf(node), () => {
      for (; goesOn === 1 && step < Math.min(count, longest); step++) {
        const results = body.outputs.map((o) => this.#b.fresh(o.name))
        const given = [this.#constant(int64([], [step])), this.#constant(bool(true)), ...carried]
        splice(this.#b, body, given, results, (n) => this.take(n))
        carried = results.slice(1, 1 + states)
        for (const [i, list] of made.entries()) list.push(results[1 + states + i] ?? '')
        goesOn = this.#number(results[0] ?? '')
      }
    })
    // a list of no parts has no shape to be known
    const empty = step === 0 && node.outputs.slice(states).some((o) => o !== '')
    if (empty || goesOn === undefined || (goesOn === 1 && step < count)) {
      this.#b.nodes.splice(start)
      return false
    }
    for (const [i, output] of node.outputs.entries()) {
      if (output === '') continue
      if (i < states) this.take(plain('Identity', [carried[i] ?? ''], output))
      else {
        const parts = (made[i - states] ?? []).map((value) => this.#part(value))
        this.take(plain('Concat', parts, output, { axis: 0 }))
      }
    }
    return true
  }

  /** A step's part of what the Loop makes, with the axis of the steps. */
  #part(value: string): string {
    const part = this.#b.fresh(`${value}/step`)
    this.#emit(plain('Unsqueeze', [value, this.#b.int64s([0])], part))
    return part
  }

  /**
   * A Loop that runs to its trip count, over tensors that keep their shape: the steps' numbers are the sequence. There must be a step: ORT's
   * Scan takes no empty sequence.
   */
  #scan(node: Node): boolean {
    const loop = loopOf(this.graph, node)
    const [trips = '', condition = ''] = node.inputs
    if (!loop?.repeats || trips === '' || (condition !== '' && this.#number(condition) !== 1)) return false
    const b = this.#b
    const always = this.#constant(bool(true))
    const rename = (name: string): string => (name === loop.conditionIn ? always : name)
    const { inputs, outputs, nodes } = loop.body
    const copies: Node[] = []
    const results = outputs.slice(1).map((o) => {
      if (loop.body.producer(o.name)) return o
      const copy = b.fresh(`${o.name}/copy`)
      copies.push(plain('Identity', [rename(o.name)], copy))
      return { ...o, name: copy }
    })
    const body = loop.body.with({
      inputs: [...inputs.slice(2), declare(inputs[0]?.name ?? '', 'int64', [])],
      outputs: results,
      nodes: [...nodes.map((n) => renameValues(n, rename)), ...copies],
    })
    b.scope(nameOf(node), () => {
      const [zero, one] = [this.#constant(int64([], [0])), this.#constant(int64([], [1]))]
      const steps = b.op('Range', [zero, b.op('Reshape', [trips, b.int64s([])]), one])
      this.#emit({
        ...node,
        op: 'Scan',
        inputs: [...node.inputs.slice(2), steps],
        outputs: results.map((o, i) => node.outputs[i] || b.fresh(`${o.name}/unread`)),
        attributes: attributes({ body: toGraphProto(body, 'body'), num_scan_inputs: 1 }),
      })
    })
    return true
  }

  #constant(t: Tensor): string {
    return this.#b.constant(t)
  }
}

/** A Loop taken apart. */
interface LoopParts {
  readonly body: Graph
  /** How many values go from step to step. */
  readonly states: number
  /** The condition as the body is given it. */
  readonly conditionIn: string
  /** True where the body never ends the Loop, and what it carries along are tensors that do not grow by it. */
  readonly repeats: boolean
}

function loopOf(graph: Graph, node: Node): LoopParts | undefined {
  const body = subgraph(graph, node, 'body')
  if (!body || body.inputs.length !== node.inputs.length) return undefined
  const conditionIn = body.inputs[1]?.name ?? ''
  const stays = (name: string): boolean => {
    if (name === conditionIn) return true
    const stored = body.constant(name)
    if (stored) return Number(stored.data[0]) === 1
    const maker = body.producer(name)
    const handsOn = maker !== undefined && maker.domain === '' && ['And', 'Cast', 'Identity'].includes(maker.op)
    return handsOn && maker.inputs.every(stays)
  }
  const grows = body.inputs.slice(2).some((state, i) => {
    const maker = body.producer(body.outputs[i + 1]?.name ?? '')
    return maker?.op === 'Concat' && maker.inputs.includes(state.name)
  })
  const lists = body.inputs.some((i) => i.type?.value.case === 'sequenceType') || body.nodes.some(Sequences.concerns)
  return {
    body,
    states: node.inputs.length - 2,
    conditionIn,
    repeats: !grows && !lists && stays(body.outputs[0]?.name ?? ''),
  }
}

function nameOf(node: Node): string {
  return node.name || node.outputs[0] || node.op
}

function bool(value: boolean): Tensor {
  return tensor('bool', [], Uint8Array.of(value ? 1 : 0))
}
