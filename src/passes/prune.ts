/**
 * Keeps what the outputs need. ORT does not prune: what is not wanted must not be in the graph. Requires: nothing.
 * Guarantees: every node and initialiser left is needed by an output; inputs stay unless `dropInputs`; order is kept.
 */
import { ExplainError } from '../core/errors.js'
import { describe, type Graph, type Node, reads } from '../onnx/ir.js'

export function prune(graph: Graph, options: { readonly dropInputs?: boolean } = {}): Graph {
  const wanted = new Set(graph.outputs.map((o) => o.name))
  const kept: Node[] = []
  const order = sorted(graph)
  for (let i = order.length - 1; i >= 0; i--) {
    const node = order[i]
    if (!node?.outputs.some((o) => wanted.has(o))) continue
    kept.push(node)
    for (const name of reads(node)) wanted.add(name)
  }
  return graph.with({
    nodes: kept.reverse(),
    initializers: new Map([...graph.initializers].filter(([name]) => wanted.has(name))),
    valueInfo: graph.valueInfo.filter((v) => wanted.has(v.name)),
    inputs: options.dropInputs ? graph.inputs.filter((i) => wanted.has(i.name)) : graph.inputs,
  })
}

/** The nodes in an order in which every value is made before it is read; the given order where that already holds. Throws `invalid-model` where there is none. */
export function sorted(graph: Graph): readonly Node[] {
  const done = new Set<Node>()
  const open = new Set<Node>()
  const order: Node[] = []
  for (const start of graph.nodes) {
    const stack: Node[] = [start]
    while (stack.length > 0) {
      const node = stack[stack.length - 1]
      if (!node || done.has(node)) {
        stack.pop()
        continue
      }
      const missing = [...reads(node)].flatMap((name) => graph.producer(name) ?? []).filter((p) => !done.has(p))
      if (missing.some((p) => open.has(p) || p === node))
        throw new ExplainError('invalid-model', { what: 'The graph goes in a circle', where: describe(node) })
      if (missing.length === 0) {
        done.add(node)
        order.push(node)
        stack.pop()
      } else {
        open.add(node)
        stack.push(...missing)
      }
    }
  }
  return order
}
