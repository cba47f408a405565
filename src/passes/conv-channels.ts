/**
 * Fills up the channels of convolutions with zeros for a runtime that computes them wrongly otherwise: ONNX Runtime's WebGPU provider, for one or
 * two spatial axes, where the channels read are a multiple of 3 above 3 that is none of 4 and those made a multiple of 4 (seen in 1.30). Requires:
 * shapes. Guarantees: the same values.
 */
import { intOf } from '../onnx/attributes.js'
import { Builder } from '../onnx/builder.js'
import type { Graph, Node } from '../onnx/ir.js'
import type { Shapes } from '../onnx/shapes.js'

export function fillConvChannels(graph: Graph, shapes: Shapes): Graph {
  const b = new Builder(graph, shapes)
  for (const node of graph.nodes) {
    const missing = missingChannels(b, node)
    const [picture = '', kernel = '', ...bias] = node.inputs
    const rank = b.dims(picture)?.length ?? b.dims(kernel)?.length
    if (missing === 0 || rank === undefined) continue
    // zeros behind the channels, the second axis of both
    const pads = b.int64s(Array.from({ length: 2 * rank }, (_, i) => (i === rank + 1 ? missing : 0)))
    const inputs = [b.op('Pad', [picture, pads]), b.op('Pad', [kernel, pads]), ...bias]
    b.replace(node, { ...node, inputs })
  }
  return b.nodes.length === 0 ? graph : b.finish()
}

function missingChannels(b: Builder, node: Node): number {
  if (node.op !== 'Conv' || node.domain !== '' || intOf(node, 'group', 1) !== 1) return 0
  const [picture = '', kernel = ''] = node.inputs
  const channels = [b.dims(picture)?.[1], b.dims(kernel)?.[1]].find((d) => typeof d === 'number')
  return typeof channels === 'number' && channels > 3 && channels % 3 === 0 ? (4 - (channels % 4)) % 4 : 0
}
