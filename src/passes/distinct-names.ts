/**
 * Requires: nothing. Guarantees: no two values of the model have the same name, wherever they are, so that what is known of a value
 * can be kept by its name. Values of the graph itself keep theirs; those inside nodes are renamed where they repeat another.
 */
import type { Graph } from '../onnx/ir.js'
import { replaced } from '../onnx/messages.js'
import { mapSubgraphs, namesInUse, renameValues } from '../onnx/subgraphs.js'

export function distinctNames(graph: Graph): Graph {
  if (graph.nodes.every((n) => ![...n.attributes.values()].some((a) => a.g))) return graph
  const taken = namesInUse(graph)
  const seen = new Set(graph.valueNames())
  const visit = (inner: Graph): Graph => {
    const names = new Map<string, string>()
    for (const name of new Set(inner.valueNames())) {
      const free = seen.has(name) ? another(name, taken) : name
      if (free !== name) names.set(name, free)
      seen.add(free)
    }
    return mapSubgraphs(names.size === 0 ? inner : renamed(inner, names), visit)
  }
  return mapSubgraphs(graph, visit)
}

function another(name: string, taken: Set<string>): string {
  let n = 1
  while (taken.has(`${name}/${n}`)) n++
  taken.add(`${name}/${n}`)
  return `${name}/${n}`
}

/** The graph with other names for values, those inside its nodes included; names that are not in the map stay. */
export function renamed(graph: Graph, names: ReadonlyMap<string, string>): Graph {
  const rename = (name: string): string => names.get(name) ?? name
  const named = <T extends { name: string }>(v: T): T => replaced<{ name: string }>(v, { name: rename(v.name) }) as T
  return graph.with({
    nodes: graph.nodes.map((n) => renameValues(n, rename)),
    inputs: graph.inputs.map(named),
    outputs: graph.outputs.map(named),
    initializers: new Map([...graph.initializers].map(([name, t]) => [rename(name), named(t)])),
    valueInfo: graph.valueInfo.map(named),
  })
}
