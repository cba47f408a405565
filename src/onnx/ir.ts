/**
 * The graph in memory. A {@link Graph} is immutable: passes make new graphs out of its parts. Protobuf messages are kept
 * inside (`origin`), so that whatever onnxplain does not know survives `decode -> encode`.
 */
import type { ModelProto, NodeProto, TensorProto, ValueInfoProto } from 'onnx-buf'
import { ExplainError } from '../core/errors.js'
import { float32, int64, type Tensor } from '../core/tensor.js'
import { type Attributes, floatOf, floatsOf, graphsOf, intOf, intsOf, tensorOf } from './attributes.js'
import { toFloat32 } from './float16.js'
import { dataType, type ExternalData, readTensor } from './tensors.js'

export interface Node {
  /** Operator name, verbatim. */
  readonly op: string
  /** Operator domain; '' is ONNX's own (also written `ai.onnx`). */
  readonly domain: string
  readonly name: string
  /** Value names; '' where an optional input is absent. */
  readonly inputs: readonly string[]
  readonly outputs: readonly string[]
  readonly attributes: Attributes
  /** The message this node was read from, if it was. */
  readonly origin?: NodeProto
}

export interface GraphParts {
  readonly nodes: readonly Node[]
  readonly inputs: readonly ValueInfoProto[]
  readonly outputs: readonly ValueInfoProto[]
  readonly initializers: ReadonlyMap<string, TensorProto>
  /** Types and shapes that the file declares for values in between; ORT takes them where it cannot infer. */
  readonly valueInfo: readonly ValueInfoProto[]
  /** Operator set version by domain. */
  readonly opsets: ReadonlyMap<string, number>
  readonly irVersion: number
  /** Written to the model's metadata, after what the model already has. */
  readonly metadata: ReadonlyMap<string, string>
  readonly origin: ModelProto
  /** The bytes that the model was read from: weights are views into them. Of a model that was joined from several files, those of each. */
  readonly sources: readonly Uint8Array[]
  readonly externalData: ExternalData
  /** The graph around this one, where this one is inside a node (`If`, `Loop`, `Scan`): its values can be read here. */
  readonly outer?: Graph | undefined
}

interface Index {
  readonly producers: ReadonlyMap<string, Node>
  readonly consumers: ReadonlyMap<string, readonly Node[]>
}

export class Graph implements GraphParts {
  readonly nodes: readonly Node[]
  readonly inputs: readonly ValueInfoProto[]
  readonly outputs: readonly ValueInfoProto[]
  readonly initializers: ReadonlyMap<string, TensorProto>
  readonly valueInfo: readonly ValueInfoProto[]
  readonly opsets: ReadonlyMap<string, number>
  readonly irVersion: number
  readonly metadata: ReadonlyMap<string, string>
  readonly origin: ModelProto
  readonly sources: readonly Uint8Array[]
  readonly externalData: ExternalData
  readonly outer: Graph | undefined
  #index: Index | undefined

  constructor(parts: GraphParts) {
    this.nodes = parts.nodes
    this.inputs = parts.inputs
    this.outputs = parts.outputs
    this.initializers = parts.initializers
    this.valueInfo = parts.valueInfo
    this.opsets = parts.opsets
    this.irVersion = parts.irVersion
    this.metadata = parts.metadata
    this.origin = parts.origin
    this.sources = parts.sources
    this.externalData = parts.externalData
    this.outer = parts.outer
  }

  /** A graph with some parts replaced. */
  with(parts: Partial<GraphParts>): Graph {
    return new Graph({ ...this, ...parts })
  }

  /** Version of ONNX's own operator set. */
  get opset(): number {
    return this.opsets.get('') ?? 1
  }

  /** The node that makes a value; undefined for inputs, initialisers and unknown names. */
  producer(value: string): Node | undefined {
    return this.#indexed().producers.get(value)
  }

  /** The nodes that read a value, those included whose subgraphs capture it. */
  consumers(value: string): readonly Node[] {
    return this.#indexed().consumers.get(value) ?? []
  }

  /** True where the name is an input, an initialiser or some node's output, here or in the graph around. */
  has(value: string): boolean {
    return this.#makes(value) || (this.outer?.has(value) ?? false)
  }

  #makes(value: string): boolean {
    return (
      this.initializers.has(value) || this.#indexed().producers.has(value) || this.inputs.some((i) => i.name === value)
    )
  }

  /** Every value name of its own: inputs, initialisers, node outputs. */
  valueNames(): string[] {
    return [
      ...this.inputs.map((i) => i.name),
      ...this.initializers.keys(),
      ...this.nodes.flatMap((n) => n.outputs.filter((o) => o !== '')),
    ]
  }

  /**
   * The tensor behind an initialiser or a `Constant` node, or an `Identity` or a cast to float32 of one; undefined for values that are
   * computed, and for element types that no typed array holds (4-bit integers, 8-bit floats, strings).
   */
  constant(value: string): Tensor | undefined {
    const initializer = this.initializers.get(value)
    if (initializer) return this.#read(initializer)
    const node = this.producer(value)
    if (!node && this.outer && !this.#makes(value)) return this.outer.constant(value)
    if (node?.domain !== '') return undefined
    if (node.op === 'Identity') return this.constant(node.inputs[0] ?? '')
    if (node.op === 'Cast' && dataType(intOf(node, 'to', 0)) === 'float32') {
      const narrow = this.constant(node.inputs[0] ?? '')
      return narrow?.type.startsWith('float') || narrow?.type === 'bfloat16' ? toFloat32(narrow) : undefined
    }
    if (node.op !== 'Constant') return undefined
    const stored = tensorOf(node, 'value')
    return stored ? this.#read(stored) : plainConstant(node)
  }

  #read(stored: TensorProto): Tensor | undefined {
    return dataType(stored.dataType) ? readTensor(stored, this.externalData) : undefined
  }

  /** Throws `unknown-value` unless the graph has the value. */
  require(value: string, role: string): void {
    if (!this.has(value))
      throw new ExplainError('unknown-value', {
        what: `There is no value "${value}" in this model`,
        where: role,
        remedy: 'Value names are those that Netron shows; "onnxplain inspect MODEL" lists them.',
      })
  }

  #indexed(): Index {
    if (this.#index) return this.#index
    const producers = new Map<string, Node>()
    const consumers = new Map<string, Node[]>()
    for (const node of this.nodes) {
      for (const output of node.outputs) if (output !== '') producers.set(output, node)
      for (const input of reads(node)) {
        const known = consumers.get(input)
        if (known) known.push(node)
        else consumers.set(input, [node])
      }
    }
    this.#index = { producers, consumers }
    return this.#index
  }
}

/** The tensor of a `Constant` node; undefined for other nodes. */
export function constantOf(node: Node, externalData: ExternalData): Tensor | undefined {
  if (node.op !== 'Constant' || node.domain !== '') return undefined
  const stored = tensorOf(node, 'value')
  return stored ? readTensor(stored, externalData) : plainConstant(node)
}

/** A `Constant` written as plain numbers (`value_int`, `value_floats`, ...), as it may be since opset 12. */
function plainConstant(node: Node): Tensor | undefined {
  const integer = intOf(node, 'value_int', undefined)
  if (integer !== undefined) return int64([], [integer])
  const integers = intsOf(node, 'value_ints', undefined)
  if (integers) return int64([integers.length], integers)
  const floats = floatsOf(node, 'value_floats', undefined)
  if (floats) return float32([floats.length], floats)
  return node.attributes.has('value_float') ? float32([], [floatOf(node, 'value_float', 0)]) : undefined
}

/** The distinct values that a node reads: its inputs and what its subgraphs capture from outside. */
export function reads(node: Node): Set<string> {
  return new Set([...node.inputs.filter((i) => i !== ''), ...captures(node)])
}

/** The values from outside that the graphs inside a node read, each once, in a fixed order. */
export function captures(node: Node): Set<string> {
  const names = new Set<string>()
  const visit = (g: ReturnType<typeof graphsOf>[number], outer: ReadonlySet<string>): void => {
    const own = new Set([...outer, ...g.input.map((i) => i.name), ...g.initializer.map((t) => t.name)])
    for (const n of g.node) {
      for (const i of n.input) if (i !== '' && !own.has(i)) names.add(i)
      for (const a of n.attribute) for (const inner of [...(a.g ? [a.g] : []), ...a.graphs]) visit(inner, own)
      for (const o of n.output) own.add(o)
    }
    for (const o of g.output) if (!own.has(o.name)) names.add(o.name)
  }
  for (const g of graphsOf(node)) visit(g, new Set())
  return names
}

/** An operator as tables know it: its name, with its domain where that is not ONNX's own. */
export function operatorName(node: Node): string {
  return node.domain === '' ? node.op : `${node.domain}.${node.op}`
}

/** How a node is called in messages. */
export function describe(node: Node): string {
  return `${operatorName(node)} "${node.name || node.outputs[0] || ''}"`
}
