/** Multiply-adds, counted exactly: of convolutions and products of matrices, which are what a network costs. */
import { intOf } from '../../onnx/attributes.js'
import { type Node, operatorName } from '../../onnx/ir.js'

type Dims = (value: string) => readonly number[] | undefined

/** Multiply-adds of a node for one picture; biases are not counted. 0 for other operators, and where sizes are not known. */
export function macsOf(node: Node, dims: Dims): number {
  const [x = '', w = ''] = node.inputs
  const [own, weights, made] = [dims(x), dims(w), dims(node.outputs[0] ?? '')]
  if (!own || !weights || !made) return 0
  const outputs = product(made)
  switch (operatorName(node)) {
    case 'Conv':
      return outputs * product(weights.slice(1))
    case 'ConvTranspose':
      return product(own) * product(weights.slice(1))
    case 'Gemm':
      return outputs * (own[intOf(node, 'transA', 0) === 1 ? 0 : 1] ?? 1)
    case 'MatMul':
      return outputs * (own.at(-1) ?? 1)
    default:
      return 0
  }
}

function product(dims: readonly number[]): number {
  return dims.reduce((a, b) => a * b, 1)
}
