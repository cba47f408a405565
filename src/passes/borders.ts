/**
 * The model's own types at its inputs and outputs, where lowering made them float32. Requires: a graph that came of `lower(model)`.
 * Guarantees: inputs and outputs that the model has are declared as the model declares them, with a `Cast` behind each input, and before
 * each output, that was another; the others stay.
 */
import type { ValueInfoProto } from 'onnx-buf'
import { type AttributeValue, attributes } from '../onnx/attributes.js'
import { Builder } from '../onnx/builder.js'
import type { Graph, Node } from '../onnx/ir.js'
import { valueInfo } from '../onnx/shapes.js'
import { renameValues } from '../onnx/subgraphs.js'
import { protoType } from '../onnx/tensors.js'

export function ownBorders(graph: Graph, model: Graph): Graph {
  const own = new Map([...model.inputs, ...model.outputs].map((v) => [v.name, v]))
  const isOther = (v: ValueInfoProto): boolean => {
    const [now, then] = [valueInfo(v).type, valueInfo(own.get(v.name) ?? v).type]
    return then !== undefined && now !== undefined && now !== then
  }
  const inputs = graph.inputs.filter(isOther)
  const outputs = graph.outputs.filter(isOther)
  if (inputs.length + outputs.length === 0) return graph
  const b = new Builder(graph)
  const inside = new Map([...inputs, ...outputs].map(({ name }) => [name, b.fresh(`${name}/float32`)]))
  const at = (name: string): string => inside.get(name) ?? name
  const before = inputs.map(({ name }) => cast(at(name), name, at(name), 'float32'))
  const after = outputs.map(({ name }) => cast(b.fresh(`${name}/Cast`), at(name), name, typeOf(own.get(name))))
  const declared = (v: ValueInfoProto): ValueInfoProto => (isOther(v) ? (own.get(v.name) ?? v) : v)
  return graph.with({
    inputs: graph.inputs.map(declared),
    outputs: graph.outputs.map(declared),
    nodes: [...before, ...graph.nodes.map((n) => renameValues(n, at)), ...after],
  })
}

function typeOf(value: ValueInfoProto | undefined): Parameters<typeof protoType>[0] {
  return (value && valueInfo(value).type) ?? 'float32'
}

function cast(name: string, from: string, to: string, type: Parameters<typeof protoType>[0]): Node {
  const values: Record<string, AttributeValue> = { to: protoType(type) }
  return { op: 'Cast', domain: '', name, inputs: [from], outputs: [to], attributes: attributes(values) }
}
