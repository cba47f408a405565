/** A pass lifted to the whole model: the graphs inside `If`, `Loop` and `Scan` first, the innermost before all, then the graph itself. */
import type { Graph } from '../onnx/ir.js'
import { mapSubgraphs } from '../onnx/subgraphs.js'

type Change = (graph: Graph) => Graph

export function everywhere(pass: Change): Change {
  const all: Change = (graph) => pass(mapSubgraphs(graph, all))
  return all
}
