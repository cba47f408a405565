/** The part of a graph behind some of its values. */
import type { Dim } from '../core/runtime.js'
import { declare } from '../onnx/builder.js'
import type { Graph } from '../onnx/ir.js'
import type { Shapes } from '../onnx/shapes.js'

/**
 * The graph with values that it makes (float32) as inputs, under their own names; sizes that are not known are free axes. Requires: nothing.
 * Guarantees: what reads the values reads the inputs; what made them makes values that nobody reads, so that pruning takes it away.
 */
export function behind(graph: Graph, values: readonly string[], shapes: Shapes): Graph {
  const cut = new Set(values)
  const made = (name: string): string => (cut.has(name) ? `onnxplain/made/${name}` : name)
  const nodes = graph.nodes.map((node) =>
    node.outputs.some((o) => cut.has(o)) ? { ...node, outputs: node.outputs.map(made) } : node,
  )
  const free = (value: string): readonly Dim[] =>
    (shapes.get(value)?.dims ?? []).map((d, axis) => (typeof d === 'number' ? d : `${value}/${axis}`))
  return graph.with({
    nodes,
    inputs: [...graph.inputs, ...values.map((value) => declare(value, 'float32', free(value)))],
    valueInfo: graph.valueInfo.filter((v) => !cut.has(v.name)),
  })
}
