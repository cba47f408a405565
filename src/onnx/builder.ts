/**
 * Adds nodes to a graph. What is known of shapes becomes constants; what is not is read by `Shape` nodes at run time. An
 * {@link Extent} is either, so that nothing that is built on it needs two versions.
 */
import { create } from '@bufbuild/protobuf'
import { type TensorProto, type ValueInfoProto, ValueInfoProtoSchema } from 'onnx-buf'
import { ExplainError } from '../core/errors.js'
import { type Dim, LACKS, type Lack } from '../core/runtime.js'
import { type DataType, int64, type Tensor, tensor, whole } from '../core/tensor.js'
import { type AttributeValue, attributes } from './attributes.js'
import { float16Bits } from './float16.js'
import { inferred } from './infer.js'
import type { Graph, Node } from './ir.js'
import { axisWithin, declaredShapes, type Shapes } from './shapes.js'
import { namesInUse } from './subgraphs.js'
import { protoType, readTensor, writeTensor } from './tensors.js'

/** One axis' size: a number where it is known, else the name of an int64 value of shape [1]. */
export type Extent = number | string

export interface BuilderOptions {
  /** The builder of the graph around, for a graph inside a node; names, constants and `lacks` are shared with it. */
  readonly outer?: Builder
  /** What the runtime that the graph is built for has no kernel for. Default: nothing. */
  readonly lacks?: readonly Lack[] | undefined
}

export class Builder {
  /** The nodes added so far, in order. */
  readonly nodes: Node[] = []
  /** What was added, by what it makes; kept when it becomes a part of the graph. */
  readonly #producers = new Map<string, Node>()
  readonly #initializers = new Map<string, TensorProto>()
  readonly #replaced = new Map<Node, Node>()
  readonly #valueInfo = new Map<string, ValueInfoProto>()
  readonly #taken: Set<string>
  readonly #counters = new Map<string, number>()
  readonly #cache = new Map<string, string>()
  readonly #declared: Shapes
  readonly #outer: Builder | undefined
  readonly #lacks: readonly Lack[]
  readonly #known = new Map<string, { type: DataType | undefined; dims: readonly Dim[] | undefined }>()
  #constants: ReadonlyMap<string, string> | undefined
  #prefix = ''
  #graph: Graph

  constructor(
    graph: Graph,
    readonly shapes: Shapes = new Map(),
    { outer, lacks = outer ? outer.#lacks : [] }: BuilderOptions = {},
  ) {
    refuseUnknown(lacks)
    this.#graph = graph
    // a new node bears its first output's name, and ORT wants node names to differ
    this.#taken = outer ? outer.#taken : namesInUse(graph)
    this.#declared = declaredShapes(graph)
    this.#outer = outer
    this.#lacks = lacks
    this.#prefix = outer ? outer.#prefix : ''
  }

  /** The graph that is added to: what it was, or was when it was last settled. */
  get graph(): Graph {
    return this.#graph
  }

  /**
   * Makes what was added so far a part of `graph`, so that it can be differentiated in its turn; of its shapes what follows from
   * their inputs' is known from then on.
   */
  settle(): void {
    const added = [...this.nodes]
    this.#graph = this.finish()
    this.nodes.length = 0
    this.#replaced.clear()
    this.#valueInfo.clear()
    for (const node of added) {
      const [output = ''] = node.outputs
      if (this.type(output) !== undefined && this.dims(output)) continue
      const { type, dims } = inferred(node, this)
      this.know(output, this.type(output) ?? type, this.dims(output) ?? dims)
    }
  }

  /** Names of what is made inside `make` begin with `prefix/`. */
  scope<T>(prefix: string, make: () => T): T {
    const outer = this.#prefix
    this.#prefix = `${prefix}/`
    try {
      return make()
    } finally {
      this.#prefix = outer
    }
  }

  /** A value name that nothing has yet; `hint` itself where it is free. */
  fresh(hint: string): string {
    const base = this.#prefix + hint
    let n = this.#counters.get(base) ?? 0
    let name = n === 0 ? base : `${base}_${n}`
    while (this.#taken.has(name)) name = `${base}_${++n}`
    this.#counters.set(base, n + 1)
    this.#taken.add(name)
    return name
  }

  /** True where what is built has to do without a kernel. */
  lacks(kernel: Lack): boolean {
    return this.#lacks.includes(kernel)
  }

  emit(node: Node): void {
    this.nodes.push(node)
    for (const output of node.outputs) this.#producers.set(output, node)
  }

  /** The node that makes a value, of the graph or added; undefined for inputs and constants. */
  producer(value: string): Node | undefined {
    return this.#producers.get(value) ?? this.graph.producer(value)
  }

  /** Adds a node with `count` outputs in ONNX's own domain; returns their names. */
  ops(
    op: string,
    inputs: readonly string[],
    values: Readonly<Record<string, AttributeValue>>,
    count: number,
  ): string[] {
    const outputs = Array.from({ length: count }, () => this.fresh(op))
    this.emit({ op, domain: '', name: outputs[0] ?? '', inputs, outputs, attributes: attributes(values) })
    return outputs
  }

  /** Adds a node with one output in ONNX's own domain; returns the output's name. */
  op(op: string, inputs: readonly string[], values: Readonly<Record<string, AttributeValue>> = {}): string {
    const output = this.fresh(op)
    this.emit({ op, domain: '', name: output, inputs, outputs: [output], attributes: attributes(values) })
    return output
  }

  /** Gives `value` another name by an `Identity` node. */
  alias(value: string, name: string): string {
    this.#taken.add(name)
    this.emit({ op: 'Identity', domain: '', name, inputs: [value], outputs: [name], attributes: new Map() })
    return name
  }

  /** The name of a node's output `index`, which is given one if the model left that output out. */
  output(node: Node, index: number): string {
    const current = this.current(node)
    const existing = current.outputs[index]
    if (existing) return existing
    const name = this.fresh(`${current.outputs[0] ?? current.op}/output${index}`)
    const outputs = Array.from({ length: Math.max(index + 1, current.outputs.length) }, (_, i) =>
      i === index ? name : (current.outputs[i] ?? ''),
    )
    this.replace(node, { ...current, outputs })
    return name
  }

  /** The node of the graph as it will be written: itself, or what took its place. */
  current(node: Node): Node {
    return this.#replaced.get(node) ?? node
  }

  /** Puts another node in the place of one of the graph's own: it gives the same values, and perhaps more. */
  replace(node: Node, by: Node): void {
    this.#replaced.set(node, by)
  }

  // --- constants -------------------------------------------------------------------------------------------------

  /** An initialiser; equal small ones are shared, also with those that an earlier builder added. */
  constant(t: Tensor, hint = 'constant'): string {
    if (this.#outer) return this.#outer.constant(t, hint)
    const key = sharingKey(t)
    const cached = key === undefined ? undefined : (this.#cache.get(key) ?? this.#earlier().get(key))
    if (cached !== undefined) return cached
    const name = this.scope('onnxplain', () => this.fresh(hint))
    this.#initializers.set(name, writeTensor(name, t))
    this.know(name, t.type, t.dims)
    if (key !== undefined) this.#cache.set(key, name)
    return name
  }

  /** Constants that an earlier builder added, and no others: a weight of the model may be what is differentiated by. */
  #earlier(): ReadonlyMap<string, string> {
    this.#constants ??= new Map(
      [...this.graph.initializers].flatMap(([name, proto]): [string, string][] => {
        const isOurs = name.startsWith('onnxplain/') && proto.dims.length <= 1
        const key = isOurs ? sharingKey(readTensor(proto, this.graph.externalData)) : undefined
        return key === undefined ? [] : [[key, name]]
      }),
    )
    return this.#constants
  }

  /** The tensor behind a constant of the graph, or one that was added; undefined for values that are computed. */
  stored(value: string): Tensor | undefined {
    const added = this.#initializers.get(value)
    return added ? readTensor(added, this.graph.externalData) : this.graph.constant(value)
  }

  int64s(values: readonly number[]): string {
    return this.constant(int64([values.length], values), `int64_${values.join('_')}`)
  }

  /** A scalar of the element type of `like`. */
  scalar(value: number, like: string): string {
    const type = this.type(like)
    if (type !== undefined) return this.constant(scalarTensor(value, type))
    const known = this.constant(scalarTensor(value, 'float32'))
    return this.cached(`CastLike ${value} ${like}`, () => this.op('CastLike', [known, like]))
  }

  // --- shapes ----------------------------------------------------------------------------------------------------

  /** Records what is known of a value that was added. */
  know(value: string, type: DataType | undefined, dims: readonly Dim[] | undefined): void {
    const before = this.#known.get(value)
    this.#known.set(value, { type: type ?? before?.type, dims: dims ?? before?.dims })
  }

  type(value: string): DataType | undefined {
    return (
      this.#known.get(value)?.type ??
      this.#outer?.type(value) ??
      this.shapes.get(value)?.type ??
      this.#declared.get(value)?.type ??
      this.graph.constant(value)?.type
    )
  }

  /**
   * Writes what is known of a value into the graph, for ORT: it keeps elementwise operators in its blocked layout only where it
   * sees that their shapes are equal, and loses sight of a free batch axis behind `Expand` and `Reshape`.
   */
  declareShape(value: string): void {
    const [type, dims] = [this.type(value), this.dims(value)]
    if (type && dims?.some((d) => typeof d === 'string')) {
      this.#valueInfo.set(value, declare(value, type, dims))
    }
  }

  dims(value: string): readonly Dim[] | undefined {
    return (
      this.#known.get(value)?.dims ??
      this.#outer?.dims(value) ??
      this.shapes.get(value)?.dims ??
      this.#declared.get(value)?.dims ??
      this.graph.constant(value)?.dims
    )
  }

  rank(value: string): number | undefined {
    return this.dims(value)?.length
  }

  /** The rank, which `what` cannot do without. Throws `shape-mismatch`. */
  requireRank(value: string, what: string): number {
    const rank = this.rank(value)
    if (rank === undefined)
      throw new ExplainError('shape-mismatch', {
        what: `${what} needs the rank of "${value}", which the model does not tell`,
        remedy: 'Pass the shapes that probe(graph, runtime) finds.',
      })
    return rank
  }

  /** The shape as an int64 vector: a constant, or a `Shape` node. */
  shapeOf(value: string): string {
    const dims = this.dims(value)
    if (dims?.every((d) => typeof d === 'number')) return this.int64s(dims)
    return this.cached(`Shape ${value}`, () => this.op('Shape', [value]))
  }

  /** One axis' size. `axis` may be negative. Throws `invalid-model` for an axis that the value does not have. */
  extent(value: string, axis: number): Extent {
    const dims = this.dims(value)
    const dim = dims?.[axisWithin(axis, dims.length, value)]
    if (typeof dim === 'number') return dim
    return this.cached(`Extent ${value} ${axis}`, () =>
      this.op('Gather', [this.shapeOf(value), this.int64s([axis])], { axis: 0 }),
    )
  }

  add(a: Extent, b: Extent): Extent {
    return typeof a === 'number' && typeof b === 'number' ? a + b : this.op('Add', [this.vector([a]), this.vector([b])])
  }

  sub(a: Extent, b: Extent): Extent {
    return typeof a === 'number' && typeof b === 'number' ? a - b : this.op('Sub', [this.vector([a]), this.vector([b])])
  }

  mul(a: Extent, b: Extent): Extent {
    return typeof a === 'number' && typeof b === 'number' ? a * b : this.op('Mul', [this.vector([a]), this.vector([b])])
  }

  /** Integer division, rounding towards zero. */
  div(a: Extent, b: Extent): Extent {
    return typeof a === 'number' && typeof b === 'number'
      ? Math.trunc(a / b)
      : this.op('Div', [this.vector([a]), this.vector([b])])
  }

  max(a: Extent, b: Extent): Extent {
    return typeof a === 'number' && typeof b === 'number'
      ? Math.max(a, b)
      : this.op('Max', [this.vector([a]), this.vector([b])])
  }

  /** An int64 vector of extents: one constant where all are known. */
  vector(extents: readonly Extent[]): string {
    if (extents.every((e) => typeof e === 'number')) return this.int64s(extents)
    const parts = extents.map((e) => (typeof e === 'number' ? this.int64s([e]) : e))
    const only = parts.length === 1 ? parts[0] : undefined
    return only ?? this.op('Concat', parts, { axis: 0 })
  }

  // --- often used operators -----------------------------------------------------------------------------------------

  /** `value` in the shape of `like`, which has as many elements. */
  reshapeLike(value: string, like: string): string {
    return this.op('Reshape', [value, this.shapeOf(like)], this.dims(like)?.includes(0) ? { allowzero: 1 } : {})
  }

  reshape(value: string, extents: readonly Extent[]): string {
    return this.op('Reshape', [value, this.vector(extents)], { allowzero: 0 })
  }

  transpose(value: string, perm: readonly number[]): string {
    return perm.every((p, i) => p === i) ? value : this.op('Transpose', [value], { perm })
  }

  reduceSum(value: string, axes: readonly number[], keepdims: boolean): string {
    if (axes.length === 0) return value
    return this.op('ReduceSum', [value, this.int64s(axes)], { keepdims: keepdims ? 1 : 0 })
  }

  /** The part of `value` from `starts` up to `ends` (exclusive) on `axes`. */
  slice(value: string, axes: readonly number[], starts: readonly Extent[], ends: readonly Extent[]): string {
    return this.op('Slice', [value, this.vector(starts), this.vector(ends), this.int64s(axes)])
  }

  cached(key: string, make: () => string): string {
    const cached = this.#cache.get(key)
    if (cached !== undefined) return cached
    const made = this.scope('onnxplain', make)
    this.#cache.set(key, made)
    return made
  }

  // --- the result ----------------------------------------------------------------------------------------------------

  /** Initialisers added so far, after those of the graph. */
  initializers(): ReadonlyMap<string, TensorProto> {
    return new Map([...this.graph.initializers, ...this.#initializers])
  }

  /** The graph with the added nodes behind its own. */
  finish(parts: { inputs?: readonly ValueInfoProto[]; outputs?: readonly ValueInfoProto[] } = {}): Graph {
    return this.graph.with({
      nodes: [...this.graph.nodes.map((n) => this.current(n)), ...this.nodes],
      initializers: this.initializers(),
      valueInfo: [...this.graph.valueInfo, ...this.#valueInfo.values()],
      ...parts,
    })
  }
}

function refuseUnknown(lacks: readonly Lack[]): void {
  for (const lack of lacks)
    if (!LACKS.includes(lack))
      throw new ExplainError('bad-option', {
        what: `"${lack}" is no kernel that can be done without`,
        where: 'lacks',
        remedy: `These can: ${LACKS.join(', ')}.`,
      })
}

/** An input or output declaration; `dims` undefined: no shape said; no type: an untyped output, which ORT infers. */
export function declare(name: string, type?: DataType, dims?: readonly Dim[]): ValueInfoProto {
  if (type === undefined) return create(ValueInfoProtoSchema, { name })
  const dim = dims?.map((d) => {
    if (d === null) return { value: { case: undefined } }
    return typeof d === 'number'
      ? { value: { case: 'dimValue' as const, value: whole(d) } }
      : { value: { case: 'dimParam' as const, value: d } }
  })
  const tensorType = { elemType: protoType(type), ...(dim ? { shape: { dim } } : {}) }
  return create(ValueInfoProtoSchema, { name, type: { value: { case: 'tensorType', value: tensorType } } })
}

/** Equal for constants that can be shared; undefined for large ones. */
function sharingKey(t: Tensor): string | undefined {
  return t.data.length <= 16 ? `${t.type}[${t.dims.join()}]${Array.from(t.data, printNumber).join()}` : undefined
}

function printNumber(v: number | bigint): string {
  return Object.is(v, -0) ? '-0' : String(v)
}

function scalarTensor(value: number, type: DataType): Tensor {
  if (type === 'float16') return tensor(type, [], Uint16Array.of(float16Bits(value)))
  if (type === 'float64') return tensor(type, [], Float64Array.of(value))
  if (type === 'int64') return tensor(type, [], BigInt64Array.of(whole(value)))
  if (type === 'int32') return tensor(type, [], Int32Array.of(value))
  if (type === 'float32') return tensor(type, [], Float32Array.of(value))
  throw new ExplainError('unsupported-operator', { what: `No gradient is computed in ${type}` })
}
