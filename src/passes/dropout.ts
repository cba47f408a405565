/**
 * Removes `Dropout` that does nothing, as it does at inference. Requires: the form of opset 12 or newer. Guarantees: no
 * `Dropout` is left but those whose mask is read or whose training mode is on or computed.
 */
import type { Graph, Node } from '../onnx/ir.js'

export function dropout(graph: Graph): Graph {
  const outputs = new Set(graph.outputs.map((o) => o.name))
  const idle = (node: Node): boolean => {
    if (node.op !== 'Dropout' || node.domain !== '') return false
    const [, mask = ''] = node.outputs
    if (mask !== '' && (graph.consumers(mask).length > 0 || outputs.has(mask))) return false
    const training = node.inputs[2]
    if (!training) return true
    const known = graph.constant(training)
    return known !== undefined && Number(known.data[0]) === 0
  }
  const nodes = graph.nodes.map((node) =>
    idle(node)
      ? {
          op: 'Identity',
          domain: '',
          name: node.name,
          inputs: node.inputs.slice(0, 1),
          outputs: node.outputs.slice(0, 1),
          attributes: new Map(),
        }
      : node,
  )
  return graph.with({ nodes })
}
