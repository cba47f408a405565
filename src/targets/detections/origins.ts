/**
 * From which elements of which values those of a value were chosen. Where a model thresholds, sorts and suppresses boxes itself, each number of its answer is
 * still one element of what the network computed: the operators between only choose. The same operators on positions tell which one, exactly and in one run.
 */
import { int64, type Tensor } from '../../core/tensor.js'
import { intOf, intsOf } from '../../onnx/attributes.js'
import { Builder, declare } from '../../onnx/builder.js'
import type { Graph, Node } from '../../onnx/ir.js'
import type { Shapes } from '../../onnx/shapes.js'
import { prune } from '../../passes/prune.js'
import { again, againAll } from '../../vjp/again.js'

/** One element of a value. */
export interface Element {
  readonly value: string
  /** Row-major, in all of the value. */
  readonly index: number
}

/** A graph that tells origins. */
export interface Origins {
  /** The graph with the asked values and, for each, an int64 value of its shape as outputs. */
  readonly graph: Graph
  /** The name of the second, by the value's. */
  readonly names: ReadonlyMap<string, string>
  /** The values that elements were chosen from: what no choosing operator has made. */
  readonly sources: readonly string[]
}

/** What a source's number is multiplied by in a position: more elements than any tensor has here. */
const STRIDE = 2 ** 32

/** Which inputs hold the elements that an operator chooses from, and how it is applied to their positions. */
type Choice = (call: { b: Builder; node: Node; positions: (value: string) => string }) => string

/** The operator itself, on the positions of its first input. */
const first: Choice = ({ b, node, positions }) =>
  again(b, node, [positions(node.inputs[0] ?? ''), ...node.inputs.slice(1)])

const every: Choice = ({ b, node, positions }) => again(b, node, node.inputs.map(positions))

const same: Choice = ({ node, positions }) => positions(node.inputs[0] ?? '')

/** The largest along one axis: where it lies. */
const largest: Choice = ({ b, node, positions }) => {
  const [x = '', axes = ''] = node.inputs
  const [axis = 0] = axesOf(b.graph, node, axes) ?? []
  const at = b.op('ArgMax', [x], { axis, keepdims: 1 })
  const picked = b.op('GatherElements', [positions(x), at], { axis })
  return intOf(node, 'keepdims', 1) === 1 ? picked : b.op('Squeeze', [picked, b.int64s([axis])])
}

const CHOICES: Readonly<Record<string, Choice>> = {
  Cast: same,
  Compress: first,
  Concat: every,
  Dropout: same,
  Expand: first,
  Flatten: first,
  Gather: first,
  GatherElements: first,
  GatherND: first,
  Identity: same,
  ReduceMax: largest,
  Reshape: first,
  Slice: first,
  Split: first,
  Squeeze: first,
  Tile: first,
  TopK: ({ b, node, positions }) =>
    b.op('GatherElements', [positions(node.inputs[0] ?? ''), b.output(node, 1)], { axis: intOf(node, 'axis', -1) }),
  Transpose: first,
  Unsqueeze: first,
  Where: ({ b, node, positions }) => again(b, node, [node.inputs[0] ?? '', ...node.inputs.slice(1).map(positions)]),
}

function axesOf(graph: Graph, node: Node, input: string): readonly number[] | undefined {
  const stored = input === '' ? undefined : graph.constant(input)
  return stored ? Array.from(stored.data, Number) : intsOf(node, 'axes', undefined)
}

/** How the node chooses; undefined where it computes, or puts numbers of another kind (indices made floats) in the place of its input's. */
function choiceOf(graph: Graph, shapes: Shapes, node: Node): Choice | undefined {
  const { op, domain, inputs } = node
  if (domain !== '' || !Object.hasOwn(CHOICES, op)) return undefined
  if (op === 'Cast' && !shapes.get(inputs[0] ?? '')?.type?.startsWith('float')) return undefined
  if (op === 'ReduceMax' && axesOf(graph, node, inputs[1] ?? '')?.length !== 1) return undefined
  return CHOICES[op]
}

/**
 * Traces values of a lowered graph back. The result has `also` as outputs too, and runs as the graph does; {@link originOf} reads it.
 */
export function originsOf(
  graph: Graph,
  shapes: Shapes,
  values: readonly string[],
  also: readonly string[] = [],
): Origins {
  const b = new Builder(graph, shapes)
  const sources: string[] = []
  const known = new Map<string, string>()
  const outputs = new Map<Node, readonly string[]>()
  const positions = (value: string): string => {
    const found = known.get(value)
    if (found !== undefined) return found
    const made = b.scope('onnxplain/origins', () => traced(value))
    known.set(value, made)
    return made
  }
  const traced = (value: string): string => {
    const node = graph.producer(value)
    const choice = node && choiceOf(graph, shapes, node)
    if (!node || !choice) return numbered(value)
    const index = node.outputs.indexOf(value)
    if (index === 0 || node.op === 'TopK') return choice({ b, node, positions })
    const all =
      outputs.get(node) ??
      againAll(b, node, [positions(node.inputs[0] ?? ''), ...node.inputs.slice(1)], node.outputs.length)
    outputs.set(node, all)
    return all[index] ?? ''
  }
  const scalar = (n: number): string => b.constant(int64([], [n]))
  const numbered = (value: string): string => {
    const start = STRIDE * (sources.push(value) - 1)
    const end = b.op('Add', [b.op('Size', [value]), scalar(start)])
    return b.op('Reshape', [b.op('Range', [scalar(start), end, scalar(1)]), b.op('Shape', [value])])
  }
  const names = new Map(values.map((value) => [value, positions(value)]))
  const kept = [...new Set([...values, ...also])]
  const declared = [
    ...kept.map((v) => graph.outputs.find((o) => o.name === v) ?? declare(v, b.type(v), b.dims(v))),
    ...[...new Set(names.values())].map((name) => declare(name, 'int64')),
  ]
  return { graph: prune(b.finish({ outputs: declared })), names, sources }
}

/** What a run of the graph tells: the element that element `index` of a value was chosen from; undefined where there is none. */
export function originOf(
  origins: Origins,
  outputs: Readonly<Record<string, Tensor>>,
  { value, index }: Element,
): Element | undefined {
  const told = outputs[origins.names.get(value) ?? '']?.data[index]
  if (told === undefined) return undefined
  const position = Number(told)
  return { value: origins.sources[Math.floor(position / STRIDE)] ?? '', index: position % STRIDE }
}
