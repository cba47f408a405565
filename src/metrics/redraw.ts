/**
 * A network whose weights are drawn anew, layer by layer. A layer's values are shuffled within each of its tensors: they keep their
 * distribution, so that signals keep their size, and their type, so that float16 and quantised networks go the same way. Nothing is written.
 */
import type { TensorProto } from 'onnx-buf'
import { type Tensor, zeros } from '../core/tensor.js'
import { uniform } from '../methods/random.js'
import { tensorOf } from '../onnx/attributes.js'
import { type Graph, type Node, reads } from '../onnx/ir.js'
import { readTensor, writeTensor } from '../onnx/tensors.js'
import { sorted } from '../passes/prune.js'

/** Operators that are layers with weights. Normalisations stay as they are. */
const LAYERS: ReadonlySet<string> = new Set([
  'Conv',
  'ConvTranspose',
  'DeformConv',
  'Gemm',
  'MatMul',
  'Einsum',
  'LSTM',
  'GRU',
  'RNN',
  'Scan',
])

export interface WeightLayer {
  /** The node's name, or that of its output. */
  readonly name: string
  /** Initialisers and constants that it is made of. */
  readonly weights: readonly string[]
}

/** The layers with weights that the logits depend on, from the logits down. */
export function weightLayers(graph: Graph, logits: string): readonly WeightLayer[] {
  const needed = new Set([logits])
  const layers: WeightLayer[] = []
  const taken = new Set<string>()
  for (const node of sorted(graph).toReversed()) {
    if (!node.outputs.some((o) => needed.has(o))) continue
    for (const name of reads(node)) needed.add(name)
    if (node.domain !== '' || !LAYERS.has(node.op)) continue
    const weights = [...new Set([...reads(node)].flatMap((name) => sources(graph, name) ?? []))].filter(
      (name) => !taken.has(name) && isWeight(graph, name),
    )
    for (const name of weights) taken.add(name)
    if (weights.length > 0) layers.push({ name: node.name || (node.outputs[0] ?? ''), weights })
  }
  return layers
}

/** The network with these layers' weights shuffled. Each layer's order depends on the seed and its name alone. */
export function redrawn(graph: Graph, layers: readonly WeightLayer[], seed: number): Graph {
  const initializers = new Map(graph.initializers)
  const written = new Set<string>()
  for (const layer of layers)
    for (const name of layer.weights) {
      const stored = initializers.get(name) ?? constantOf(graph.producer(name))
      if (!stored) continue
      if (!graph.initializers.has(name)) written.add(name)
      const chance = uniform(seed ^ hash(name))
      initializers.set(name, writeTensor(name, shuffled(readTensor(stored, graph.externalData), chance)))
    }
  const nodes = graph.nodes.filter((n) => !n.outputs.some((o) => written.has(o)))
  return graph.with({ initializers, nodes })
}

/** A tensor's values in another order (Fisher and Yates), whatever their type. */
function shuffled({ type, dims, data }: Tensor, chance: () => number): Tensor {
  const values = zeros(type, data.length)
  const size = data.BYTES_PER_ELEMENT
  const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength)
  bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength))
  const kept = new Uint8Array(size)
  for (let i = data.length - 1; i > 0; i--) {
    const j = Math.floor(chance() * (i + 1))
    kept.set(bytes.subarray(i * size, (i + 1) * size))
    bytes.copyWithin(i * size, j * size, (j + 1) * size)
    bytes.set(kept, j * size)
  }
  return { type, dims, data: values }
}

/** The initialisers and constants that a value is computed of alone; undefined where it depends on an input. */
function sources(graph: Graph, value: string): readonly string[] | undefined {
  if (graph.initializers.has(value)) return [value]
  const node = graph.producer(value)
  if (!node) return undefined
  if (node.op === 'Constant') return [value]
  // scales and zero points belong to the numbers' form
  const inputs = node.op === 'DequantizeLinear' ? node.inputs.slice(0, 1) : [...reads(node)]
  const found = inputs.map((name) => sources(graph, name))
  return inputs.length > 0 && found.every((f) => f !== undefined) ? found.flat() : undefined
}

/** Numbers that are not shapes or indices. */
function isWeight(graph: Graph, name: string): boolean {
  const value = graph.constant(name)
  return value !== undefined && value.data.length > 1 && !/^(u?int64|bool)$/.test(value.type)
}

function constantOf(node: Node | undefined): TensorProto | undefined {
  return node?.op === 'Constant' ? tensorOf(node, 'value') : undefined
}

/** FNV-1a, of a layer's name. */
function hash(text: string): number {
  let h = 0x811c9dc5
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193)
  return h >>> 0
}
