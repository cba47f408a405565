/** How whole numbers stand for real ones: `real = (number - zero point) * scale`. */

import { TensorProto_DataType as ProtoType } from 'onnx-buf'
import { type Attributes, intOf, tensorOf } from '../../onnx/attributes.js'
import type { Builder } from '../../onnx/builder.js'
import type { Graph, Node } from '../../onnx/ir.js'
import { valueInfo } from '../../onnx/shapes.js'

export interface Quantisation {
  /** Value name of the scale; '' is 1. One number, one along an axis, or one a block. */
  readonly scale: string
  /** Value name of the zero point; '' is 0. */
  readonly zeroPoint: string
  /** `axis`, `block_size`, `output_dtype`, ... of the operator that quantises. */
  readonly attributes: Attributes
  /** Of that operator: com.microsoft has the operators for types that ONNX came to later. */
  readonly domain: string
}

/** One scale for the whole tensor. */
export function perTensor(scale: string, zeroPoint: string): Quantisation {
  return { scale, zeroPoint, attributes: new Map(), domain: '' }
}

/** The quantisation that a `QuantizeLinear` or `DequantizeLinear` node states. */
export function quantisationOf(node: Node): Quantisation {
  const [, scale = '', zeroPoint = ''] = node.inputs
  return { scale, zeroPoint, attributes: node.attributes, domain: node.domain }
}

/** ONNX's number of the type that `QuantizeLinear` gives: its zero point's, the one it is asked for, or uint8. */
export function quantisedType(graph: Graph, node: Node): number {
  const [, , zeroPoint = ''] = node.inputs
  const maker = graph.producer(zeroPoint)
  const stored = graph.initializers.get(zeroPoint) ?? (maker?.op === 'Constant' ? tensorOf(maker, 'value') : undefined)
  return stored?.dataType ?? (intOf(node, 'output_dtype', 0) || ProtoType.UINT8)
}

/** True where both give every number the same meaning. Scales that are computed are compared by name. */
export function same(graph: Graph, a: Quantisation, b: Quantisation): boolean {
  if (!sameValue(graph, a.scale, b.scale) || !sameValue(graph, a.zeroPoint, b.zeroPoint)) return false
  if (isPerTensor(graph, a)) return true
  const layout = ({ attributes }: Quantisation): string => {
    const node = { op: 'QuantizeLinear', name: '', attributes }
    return [intOf(node, 'axis', 1), intOf(node, 'block_size', 0)].join()
  }
  return layout(a) === layout(b)
}

function sameValue(graph: Graph, a: string, b: string): boolean {
  if (a === b) return true
  const [left, right] = [a, b].map((name) => (name === '' ? [0] : Array.from(graph.constant(name)?.data ?? [], Number)))
  if (!left || !right || left.length === 0) return false
  return left.length === right.length && left.every((v, i) => v === right[i])
}

/** True for one scale for the whole tensor, as far as can be told: a computed one is that of `DynamicQuantizeLinear`. */
export function isPerTensor(graph: Graph, q: Quantisation): boolean {
  const fed = graph.inputs.find((i) => i.name === q.scale)
  const known = q.scale === '' ? undefined : (graph.constant(q.scale)?.dims ?? (fed && valueInfo(fed).dims))
  return known === undefined || known.every((d) => d === 1)
}

/** Adds a `QuantizeLinear` or `DequantizeLinear` node with the quantisation; returns its output. */
export function linear(
  b: Builder,
  op: 'QuantizeLinear' | 'DequantizeLinear',
  value: string,
  q: Quantisation,
  output?: string,
): string {
  // what the type of the whole numbers is belongs to QuantizeLinear alone
  const attributes =
    op === 'QuantizeLinear' ? q.attributes : new Map([...q.attributes].filter(([name]) => LAYOUT.has(name)))
  const name = b.fresh(op)
  const inputs = q.zeroPoint === '' ? [value, q.scale] : [value, q.scale, q.zeroPoint]
  b.emit({ op, domain: q.domain, name, inputs, outputs: [output ?? name], attributes })
  return output ?? name
}

/** The attributes that both operators have. */
const LAYOUT: ReadonlySet<string> = new Set(['axis', 'block_size'])
