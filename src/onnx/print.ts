/** Graphs as text, for tests and messages. One line a node, operators and names verbatim. */
import { type AttributeProto, AttributeProto_AttributeType as AttributeType, type ValueInfoProto } from 'onnx-buf'
import type { Graph, Node } from './ir.js'
import { dataType } from './tensors.js'

/**
 * @example
 * ```
 * opset 18
 * x: float32[batch, 3]
 * w = float32[3, 2]
 * y = MatMul(x, w)
 * -> y: float32[batch, 2]
 * ```
 */
export function print(graph: Graph): string {
  const opsets = [...graph.opsets].map(([domain, version]) => `${domain === '' ? '' : `${domain} `}${version}`)
  return [
    `opset ${opsets.join(', ')}`,
    ...graph.inputs.map(printValue),
    ...[...graph.initializers].map(
      ([name, t]) => `${name} = ${dataType(t.dataType) ?? t.dataType}[${t.dims.join(', ')}]`,
    ),
    ...graph.nodes.map(printNode),
    ...graph.outputs.map((o) => `-> ${printValue(o)}`),
  ].join('\n')
}

export function printNode(node: Node): string {
  const attributes = [...node.attributes.values()].map((a) => `${a.name}=${printAttribute(a)}`)
  const operator = `${node.domain === '' ? '' : `${node.domain}.`}${node.op}`
  const inputs = node.inputs.map((i) => i || '_')
  return `${node.outputs.map((o) => o || '_').join(', ')} = ${operator}(${[...inputs, ...attributes].join(', ')})`
}

function printAttribute(a: AttributeProto): string {
  switch (a.type) {
    case AttributeType.INT:
      return String(a.i)
    case AttributeType.FLOAT:
      return String(a.f)
    case AttributeType.STRING:
      return `'${new TextDecoder().decode(a.s)}'`
    case AttributeType.INTS:
      return `[${a.ints.join(', ')}]`
    case AttributeType.FLOATS:
      return `[${a.floats.join(', ')}]`
    case AttributeType.TENSOR:
      return a.t ? `${dataType(a.t.dataType) ?? a.t.dataType}[${a.t.dims.join(', ')}]` : 'tensor'
    default:
      return AttributeType[a.type].toLowerCase()
  }
}

function printValue(value: ValueInfoProto): string {
  const type = value.type?.value
  if (type?.case !== 'tensorType') return value.name
  const dims = type.value.shape?.dim.map((d) => (d.value.case === undefined ? '?' : String(d.value.value)))
  return `${value.name}: ${dataType(type.value.elemType) ?? type.value.elemType}${dims ? `[${dims.join(', ')}]` : ''}`
}
