/** What is computed from what. */
import { type Graph, reads } from '../onnx/ir.js'
import { sorted } from './prune.js'

/** Every value that is computed from some, these included. */
export function dependents(graph: Graph, values: Iterable<string>): ReadonlySet<string> {
  const found = new Set(values)
  for (const node of sorted(graph))
    if ([...reads(node)].some((value) => found.has(value))) for (const output of node.outputs) found.add(output)
  return found
}
