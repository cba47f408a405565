/**
 * Every floating type to float32. Requires: the form of opset 18 or newer. Guarantees: nothing is computed, taken or given in float16 or
 * bfloat16, nor in float64 where the model convolves (ONNX Runtime convolves float32 alone); so gradients do not underflow, and bfloat16
 * models run at all. Weights stay as they are stored (constants among the nodes become
 * initialisers) and are read through a `Cast`, which ONNX Runtime folds at load. Value names
 * stay, and mean the float32 value; borders.ts gives inputs and outputs the model's own types again.
 *
 * The rounding of each value to a narrow type is left out: the answers are those of the same weights in float32.
 */
import { create } from '@bufbuild/protobuf'
import {
  type AttributeProto,
  AttributeProto_AttributeType as AttributeType,
  TensorProto_DataType as ProtoType,
  type TensorProto,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from 'onnx-buf'
import type { DataType } from '../core/tensor.js'
import { attribute, attributes, intOf, tensorOf } from '../onnx/attributes.js'
import { Builder, declare } from '../onnx/builder.js'
import { toFloat32 } from '../onnx/float16.js'
import type { Graph, Node } from '../onnx/ir.js'
import { replaced } from '../onnx/messages.js'
import { dataType, readTensor, writeTensor } from '../onnx/tensors.js'
import { everywhere } from './everywhere.js'

/** Attributes that hold an element type. */
const TYPE_ATTRIBUTES: ReadonlySet<string> = new Set([
  'dtype',
  'output_datatype',
  'output_dtype',
  'precision',
  'softmax_precision',
  'stash_type',
  'to',
])

export function widen(graph: Graph): Graph {
  const foreign = foreignTypes(graph)
  return everywhere((g) => widened(g, foreign))(graph)
}

/** The types that the model computes in, and that {@link widen} replaces: by name, in no order. */
export function widenedTypes(graph: Graph): readonly DataType[] {
  const foreign = foreignTypes(graph)
  const declared = [...graph.inputs, ...graph.outputs, ...graph.valueInfo].map(elementType)
  const stored = [...graph.initializers].flatMap(([name, t]) => (isOnlyCast(graph, name) ? [] : [t.dataType]))
  const made = graph.nodes.flatMap((n) => (n.op === 'Cast' ? [intOf(n, 'to', 0)] : []))
  const found = [...new Set([...declared, ...stored, ...made])].filter((type) => foreign.has(type))
  return found.flatMap((type) => dataType(type) ?? [])
}

function foreignTypes(graph: Graph): ReadonlySet<number> {
  const doubles = convolvesDoubles(graph) ? [ProtoType.DOUBLE] : []
  return new Set<number>([ProtoType.FLOAT16, ProtoType.BFLOAT16, ...doubles])
}

function elementType(value: ValueInfoProto): number {
  const type = value.type?.value
  return type?.case === 'tensorType' ? type.value.elemType : ProtoType.UNDEFINED
}

function widened(graph: Graph, foreign: ReadonlySet<number>): Graph {
  const b = new Builder(graph)
  const initializers = new Map<string, TensorProto>()
  const declared: ValueInfoProto[] = []
  const read = (t: TensorProto, name: string): void => {
    const own = b.fresh(`${name}/stored`)
    initializers.set(own, replaced(t, { name: own }))
    b.emit(cast(own, name))
    declared.push(declare(name, 'float32', t.dims.map(Number)))
  }
  const isForeign = (t: TensorProto, name: string): boolean => foreign.has(t.dataType) && !isOnlyCast(graph, name)
  for (const [name, t] of graph.initializers)
    if (isForeign(t, name)) read(t, name)
    else initializers.set(name, t)
  for (const node of graph.nodes) {
    const [output = ''] = node.outputs
    const value = node.op === 'Constant' && node.domain === '' ? tensorOf(node, 'value') : undefined
    if (value && isForeign(value, output)) read(value, output)
    else if (value) b.emit(node)
    else {
      const own = new Map([...node.attributes].map(([name, a]) => [name, widenedAttribute(graph, a, foreign)]))
      b.emit([...node.attributes].every(([name, a]) => own.get(name) === a) ? node : { ...node, attributes: own })
    }
  }
  const float32 = (v: ValueInfoProto): ValueInfoProto => declaration(v, foreign)
  const borders = [...graph.inputs, ...graph.outputs, ...graph.valueInfo]
  if (b.nodes.every((n, i) => n === graph.nodes[i]) && borders.every((v) => float32(v) === v)) return graph
  return graph.with({
    inputs: graph.inputs.map(float32),
    outputs: graph.outputs.map(float32),
    nodes: b.nodes,
    initializers,
    valueInfo: [...graph.valueInfo.map(float32), ...declared],
  })
}

/** True for a stored value that the model itself casts to float32 wherever it is read. */
function isOnlyCast(graph: Graph, name: string): boolean {
  const readers = graph.consumers(name)
  const isCast = (n: Node): boolean => n.op === 'Cast' && n.domain === '' && intOf(n, 'to', 0) === ProtoType.FLOAT
  return readers.length > 0 && readers.every(isCast)
}

/** The cast to float32 of a value whose name no node bears yet. */
function cast(from: string, to: string): Node {
  const values = attributes({ to: ProtoType.FLOAT })
  return { op: 'Cast', domain: '', name: from, inputs: [from], outputs: [to], attributes: values }
}

function widenedAttribute(graph: Graph, a: AttributeProto, foreign: ReadonlySet<number>): AttributeProto {
  if (a.type === AttributeType.INT && TYPE_ATTRIBUTES.has(a.name) && foreign.has(Number(a.i)))
    return attribute(a.name, ProtoType.FLOAT)
  if (!a.t || !foreign.has(a.t.dataType)) return a
  return attribute(a.name, writeTensor(a.t.name, toFloat32(readTensor(a.t, graph.externalData))))
}

function declaration(value: ValueInfoProto, foreign: ReadonlySet<number>): ValueInfoProto {
  const type = value.type?.value
  if (type?.case !== 'tensorType' || !foreign.has(elementType(value))) return value
  const tensorType = { ...type.value, elemType: ProtoType.FLOAT }
  return create(ValueInfoProtoSchema, { name: value.name, type: { value: { case: 'tensorType', value: tensorType } } })
}

/** True where the weights of a convolution are float64. */
function convolvesDoubles(graph: Graph): boolean {
  return graph.nodes.some(
    (n) =>
      (n.op === 'Conv' || n.op === 'ConvTranspose') &&
      n.inputs.some((i) => graph.initializers.get(i)?.dataType === ProtoType.DOUBLE),
  )
}
