/**
 * Refuses graphs that cannot be walked. Requires: nothing. Guarantees: every value is made once, every value that is read is made, and
 * none is made from itself. ONNX asks for the same (IR.md, "Graphs": single static assignment, sorted; only the sorting is not insisted on here).
 */
import { ExplainError } from '../core/errors.js'
import { describe, type Graph, type Node, reads } from '../onnx/ir.js'

/** The graph itself. Throws `invalid-model`, naming the node and the value. */
export function validate(graph: Graph): Graph {
  const sparse = graph.origin.graph?.sparseInitializer.map((t) => t.values?.name ?? '') ?? []
  const inputs = new Set([...graph.inputs.map((i) => i.name), ...sparse])
  const makers = new Map<string, Node>()
  for (const node of graph.nodes)
    for (const output of node.outputs) {
      if (output === '') continue
      if (makers.has(output) || inputs.has(output) || graph.initializers.has(output))
        throw invalid(`The value "${output}" is made twice`, node)
      makers.set(output, node)
    }
  const isKnown = (value: string): boolean => makers.has(value) || inputs.has(value) || graph.initializers.has(value)
  for (const node of graph.nodes)
    for (const value of reads(node))
      if (!isKnown(value)) throw invalid(`The value "${value}" is read, but nothing makes it`, node)
  for (const { name } of graph.outputs) if (!isKnown(name)) throw invalid(`Nothing makes the output "${name}"`)
  refuseCycles(graph, makers)
  return graph
}

/** Nodes are taken off as soon as all they read is made; what is left waits for itself. */
function refuseCycles(graph: Graph, makers: ReadonlyMap<string, Node>): void {
  const waiting = new Map<Node, number>()
  const followers = new Map<Node, Node[]>()
  for (const node of graph.nodes) {
    const before = new Set([...reads(node)].flatMap((value) => makers.get(value) ?? []))
    waiting.set(node, before.size)
    for (const maker of before) {
      const known = followers.get(maker)
      if (known) known.push(node)
      else followers.set(maker, [node])
    }
  }
  const ready = graph.nodes.filter((node) => waiting.get(node) === 0)
  for (let node = ready.pop(); node; node = ready.pop()) {
    waiting.delete(node)
    for (const follower of followers.get(node) ?? []) {
      const left = (waiting.get(follower) ?? 0) - 1
      waiting.set(follower, left)
      if (left === 0) ready.push(follower)
    }
  }
  const [stuck] = waiting.keys()
  if (stuck) throw invalid('The graph goes in a circle', stuck)
}

function invalid(what: string, node?: Node): ExplainError {
  return new ExplainError('invalid-model', {
    what,
    ...(node ? { where: describe(node) } : {}),
    remedy: 'The file is damaged, or was not written by an ONNX exporter.',
  })
}
