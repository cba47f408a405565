/**
 * Weights packed by ONNX Runtime: while a session is made it copies those of matrix products into the order in which its kernels read them. For products of
 * one row that gains nothing, and takes half of the time to load a network like VGG-16 and as much memory again.
 */
import type { Dim } from '../core/runtime.js'
import { graphsOf } from '../onnx/attributes.js'
import type { Graph } from '../onnx/ir.js'
import { type Shapes, valueInfo } from '../onnx/shapes.js'

/** Operators whose weights are packed whatever their rows, besides those of other domains than ONNX's own and those that hold graphs. */
const PACKED: ReadonlySet<string> = new Set([
  'LSTM',
  'GRU',
  'RNN',
  'Attention',
  'QLinearConv',
  'QLinearMatMul',
  'ConvInteger',
  'MatMulInteger',
])

/**
 * Whether a network is faster with packed weights: false where all that would be packed multiplies one row for each picture, as the last layers of
 * convolutional networks do.
 *
 * @param input the picture's input, whose first axis is the batch.
 */
export function gainsByPacking(graph: Graph, shapes: Shapes, input: string): boolean {
  const own = graph.inputs.find((i) => i.name === input)
  const batch = own && valueInfo(own).dims?.[0]
  const isOfPictures = (d: Dim | undefined): boolean => d === 1 || (typeof d === 'string' && d === batch)
  return graph.nodes.some((node) => {
    if (node.domain !== '' || PACKED.has(node.op) || graphsOf(node).length > 0) return true
    if (node.op !== 'MatMul' && node.op !== 'Gemm') return false
    const dims = shapes.get(node.inputs[0] ?? '')?.dims
    return dims?.length !== 2 || !isOfPictures(dims[0])
  })
}
