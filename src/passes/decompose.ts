/**
 * Decomposition: operators that are shorthand for others, written out. Requires: the form of opset 18 or newer. Guarantees: none of
 * the operators of {@link DECOMPOSITIONS} is left; the same answers up to rounding; the same value names.
 *
 * So an operator that is a composition needs no backward rule: its parts have them.
 */
import { atNode } from '../onnx/at-node.js'
import { Builder } from '../onnx/builder.js'
import { type Graph, type Node, operatorName } from '../onnx/ir.js'
import { renameValues } from '../onnx/subgraphs.js'
import type { Decompose } from './decompositions/decomposition.js'
import { DECOMPOSITIONS } from './decompositions/index.js'

/** An operator that is written out before differentiation. */
export type DecomposedOperator = keyof typeof DECOMPOSITIONS

/** The decomposition of an operator (`domain.Operator` outside ONNX's own domain); undefined where there is none. */
export function decompositionOf(name: string): Decompose | undefined {
  const table: Readonly<Record<string, Decompose>> = DECOMPOSITIONS
  return Object.hasOwn(table, name) ? table[name] : undefined
}

/** Writes out every node whose operator has a decomposition. */
export function decompose(graph: Graph): Graph {
  const partsOf = (node: Node): Decompose | undefined => decompositionOf(operatorName(node))
  if (!graph.nodes.some(partsOf)) return graph
  const b = new Builder(graph)
  for (const node of graph.nodes) {
    const parts = partsOf(node)
    if (parts) writeOut(b, node, parts)
    else b.emit(node)
  }
  const { initializers, valueInfo } = b.finish()
  return graph.with({ nodes: b.nodes, initializers, valueInfo })
}

function writeOut(b: Builder, node: Node, parts: Decompose): void {
  const start = b.nodes.length
  const made = b.scope(node.name || node.outputs[0] || node.op, () => atNode(node, () => parts(node, b)))
  const own = b.nodes.splice(start)
  const names = new Map<string, string>()
  const copies: [string, string][] = []
  for (const [i, output] of node.outputs.entries()) {
    const value = made[i]
    if (output === '' || !value) continue
    if (!names.has(value) && own.some((n) => n.outputs.includes(value))) names.set(value, output)
    else copies.push([value, output])
  }
  const renamed = (name: string): string => names.get(name) ?? name
  for (const n of own) b.emit(renameValues(n, renamed))
  for (const [value, output] of copies) b.alias(renamed(value), output)
}
