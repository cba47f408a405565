/** Inputs of tokens, and what the network looks up for them: a token has no gradient, its embedding has. */
import type { Graph } from '../onnx/ir.js'
import type { Shapes } from '../onnx/shapes.js'

/** Operators that hand tokens on. */
const HANDS_ON: ReadonlySet<string> = new Set(['Cast', 'Identity', 'Reshape', 'Squeeze', 'Unsqueeze', 'Flatten'])

/** The embeddings of an input's tokens, `[..., numbers]`: what is gathered for them from a table of weights. undefined where nothing is. */
export function embeddingOf(graph: Graph, shapes: Shapes, input: string): string | undefined {
  const queue = [input]
  for (let value = queue.shift(); value !== undefined; value = queue.shift())
    for (const node of graph.consumers(value)) {
      const [table = '', indices] = node.inputs
      const [output = ''] = node.outputs
      const isTable =
        graph.constant(table)?.dims.length === 2 ||
        (graph.producer(table)?.op === 'Cast' && shapes.get(table)?.dims?.length === 2)
      if (node.domain === '' && node.op === 'Gather' && indices === value && isTable) return output
      if (node.domain === '' && HANDS_ON.has(node.op) && node.inputs[0] === value) queue.push(output)
    }
  return undefined
}
