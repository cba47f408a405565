/** Parts of values by sign, and values that have none but positive ones. */
import type { Builder } from '../../onnx/builder.js'
import type { Graph } from '../../onnx/ir.js'

const ALWAYS = new Set(['Relu', 'Sigmoid', 'HardSigmoid', 'Softmax', 'Softplus', 'Abs', 'Exp', 'Sqrt'])
/** Not negative where none of their inputs is. */
const AS_INPUTS = new Set([
  ...['Add', 'Sum', 'Mean', 'Mul', 'Max', 'Concat', 'MaxPool', 'GlobalMaxPool', 'AveragePool', 'GlobalAveragePool'],
])
/** Not negative where their first input is not. */
const AS_FIRST = new Set([
  ...['ReduceMean', 'ReduceSum', 'ReduceMax', 'Identity', 'Flatten', 'Reshape', 'Squeeze', 'Unsqueeze', 'Transpose'],
  ...['Slice', 'Split', 'Gather', 'Dropout', 'Expand', 'DepthToSpace', 'SpaceToDepth', 'LeakyRelu'],
])

/** True for a value of which the graph tells that no element is negative. */
export function isPositive(graph: Graph, value: string, known = new Map<string, boolean>()): boolean {
  const before = known.get(value)
  if (before !== undefined) return before
  const found = tellsPositive(graph, value, (x) => isPositive(graph, x, known))
  known.set(value, found)
  return found
}

function tellsPositive(graph: Graph, value: string, positive: (x: string) => boolean): boolean {
  const node = graph.producer(value)
  // large constants are weights, which have both signs
  if (!node && (graph.initializers.get(value)?.dims.length ?? 2) > 1) return false
  if (!node || node.op === 'Constant') return graph.constant(value)?.data.every((v) => Number(v) >= 0) ?? false
  if (node.domain !== '') return false
  const [first = '', low = ''] = node.inputs
  if (ALWAYS.has(node.op)) return true
  if (node.op === 'Clip') return Number(graph.constant(low)?.data[0] ?? -1) >= 0
  if (AS_INPUTS.has(node.op)) return node.inputs.every(positive)
  return AS_FIRST.has(node.op) && positive(first)
}

/** The positive part of a value; itself where it has no other. */
export function positivePart(b: Builder, value: string): string {
  if (isPositive(b.graph, value)) return value
  return b.cached(`positive ${value}`, () => alike(b, b.op('Relu', [value]), value))
}

/** The negative part; undefined where there is none. */
export function negativePart(b: Builder, value: string): string | undefined {
  if (isPositive(b.graph, value)) return undefined
  return b.cached(`negative ${value}`, () => alike(b, b.op('Min', [value, b.scalar(0, value)]), value))
}

/** `value` with the type and shape of `like`. */
export function alike(b: Builder, value: string, like: string): string {
  b.know(value, b.type(like), b.dims(like))
  b.declareShape(value)
  return value
}

/** `z` moved away from 0 by `epsilon`, to the side on which it is; 0 to the positive one. Zennit's stabilizer. */
export function stabilised(b: Builder, z: string, epsilon: number): string {
  const e = (sign: 1 | -1): string => b.scalar(sign * epsilon, z)
  return b.op('Add', [z, b.op('Where', [b.op('Less', [z, b.scalar(0, z)]), e(-1), e(1)])])
}
