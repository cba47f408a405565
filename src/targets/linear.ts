/** Linear layers, read off a graph. */
import { intOf } from '../onnx/attributes.js'
import type { Node } from '../onnx/ir.js'
import type { Shapes } from '../onnx/shapes.js'

/** What a linear layer reads, and its weights' value name with the axis of what it gives. */
export interface LinearLayer {
  readonly input: string
  readonly weights: { readonly value: string; readonly classAxis: 0 | 1 }
}

/** The linear layer that a node is: a matrix product, or a convolution of one place; undefined for other nodes. */
export function linearLayer(node: Node, shapes: Shapes): LinearLayer | undefined {
  const { op } = node
  const [input = '', value = ''] = node.inputs
  if (op === 'Gemm' && intOf(node, 'transA', 0) === 0)
    return { input, weights: { value, classAxis: intOf(node, 'transB', 0) === 1 ? 0 : 1 } }
  if (op === 'MatMul') return { input, weights: { value, classAxis: 1 } }
  const isOfOnePlace = shapes
    .get(value)
    ?.dims?.slice(2)
    .every((d) => d === 1)
  return op === 'Conv' && isOfOnePlace && intOf(node, 'group', 1) === 1
    ? { input, weights: { value, classAxis: 0 } }
    : undefined
}
