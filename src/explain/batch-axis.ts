/** Models that take one picture without a batch axis, as torchvision's detectors do: they are given an axis of one. */
import { Builder, declare } from '../onnx/builder.js'
import type { Graph } from '../onnx/ir.js'
import { type Shapes, valueInfo } from '../onnx/shapes.js'
import { renameValues } from '../onnx/subgraphs.js'
import { channelAxis } from './channels.js'

/**
 * The graph with every picture input `[C,H,W]` made `[1,C,H,W]`, and the shapes of what is new; itself where there is none. What the network reads is the input
 * without the axis, under another name; all other values keep theirs. A picture has no batch axis where the first convolution behind it reads
 * an axis as its batch that the graph has added.
 */
export function addBatchAxis(graph: Graph, shapes: Shapes): { readonly graph: Graph; readonly shapes: Shapes } {
  const bare = new Map(
    graph.inputs.flatMap((input) => {
      const { name, type, dims } = shapes.get(input.name) ?? valueInfo(input)
      const isBare =
        type?.startsWith('float') && dims && channelAxis(graph, shapes, name, dims.length)?.batched === false
      return isBare ? [[name, { type, dims, batched: [1, ...dims] }] as const] : []
    }),
  )
  if (bare.size === 0) return { graph, shapes }
  const b = new Builder(graph, shapes)
  const names = new Map<string, string>()
  const known = new Map(shapes)
  b.scope('onnxplain', () => {
    for (const [name, { type, dims, batched }] of bare) {
      const inner = b.op('Squeeze', [name, b.int64s([0])])
      names.set(name, inner)
      known.set(inner, { name: inner, type, dims })
      known.set(name, { name, type, dims: batched })
    }
  })
  const rename = (name: string): string => names.get(name) ?? name
  const inputs = graph.inputs.map((input) => {
    const found = bare.get(input.name)
    return found ? declare(input.name, found.type, found.batched) : input
  })
  const nodes = [...b.nodes, ...graph.nodes.map((node) => renameValues(node, rename))]
  return { graph: graph.with({ inputs, nodes, initializers: b.initializers() }), shapes: known }
}
