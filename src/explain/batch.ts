/**
 * Several targets of one picture in one run: a value on the way is repeated, once a target, so that what lies before it is computed
 * once. With as many pictures as targets nothing is repeated.
 */
import { Builder } from '../onnx/builder.js'
import type { Graph, Node } from '../onnx/ir.js'
import { reads } from '../onnx/ir.js'
import type { Shapes } from '../onnx/shapes.js'
import { TARGET_INPUT } from '../targets/append.js'

/** The graph with the repetition, and the name under which the picture goes on. */
export interface Repeated {
  readonly graph: Graph
  readonly input: string
}

/**
 * Repeats `at` along its first axis to the length of the input `target`: the layer `at`, where everything that leads from the
 * picture to the answer passes through it, else the picture. All value names keep their meaning but the picture's, whose
 * repeated form has the name that is returned.
 */
export function repeatForTargets(graph: Graph, shapes: Shapes, input: string, at: string, logits: string): Repeated {
  const place = at !== input && isCut(graph, input, at, logits) ? at : input
  const b = new Builder(graph, shapes)
  const rank = b.requireRank(place, 'several targets of one picture')
  const before = b.scope('onnxplain', () => b.fresh(place === input ? `${place}/repeated` : `${place}/once`))
  const ones = b.int64s(Array.from({ length: rank - 1 }, () => 1))
  const count = b.scope('onnxplain', () => b.op('Shape', [TARGET_INPUT]))
  const shape = b.scope('onnxplain', () => b.op('Concat', [count, ones], { axis: 0 }))
  const expand = (from: string, to: string): Node => ({
    op: 'Expand',
    domain: '',
    // not `to`: the node that made the layer may bear its value's name, and ORT wants node names to differ
    name: before,
    inputs: [from, shape],
    outputs: [to],
    attributes: new Map(),
  })
  if (place === input) {
    const nodes = graph.nodes.map((n) => ({ ...n, inputs: n.inputs.map((i) => (i === input ? before : i)) }))
    return {
      graph: graph.with({ nodes: [...b.nodes, expand(input, before), ...nodes], initializers: b.initializers() }),
      input: before,
    }
  }
  // the layer's own name goes to its repeated form, which is what everything behind reads
  const nodes = graph.nodes.flatMap((n) =>
    n.outputs.includes(place)
      ? [{ ...n, outputs: n.outputs.map((o) => (o === place ? before : o)) }, expand(before, place)]
      : [n],
  )
  return { graph: graph.with({ nodes: [...b.nodes, ...nodes], initializers: b.initializers() }), input }
}

/** True where every way from `input` to `end` leads through `at`. */
function isCut(graph: Graph, input: string, at: string, end: string): boolean {
  const reached = new Set([input])
  const queue = [input]
  for (let value = queue.pop(); value !== undefined; value = queue.pop()) {
    if (value === end) return false
    for (const node of graph.consumers(value)) {
      if (!reads(node).has(value)) continue
      for (const output of node.outputs)
        if (output !== at && !reached.has(output)) {
          reached.add(output)
          queue.push(output)
        }
    }
  }
  return true
}
