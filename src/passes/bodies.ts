/** The graphs inside nodes as models of their own, so that they can be probed: what they are given and what they capture are inputs. */
import type { Dim } from '../core/runtime.js'
import type { DataType } from '../core/tensor.js'
import { intOf, intsOf } from '../onnx/attributes.js'
import { declare } from '../onnx/builder.js'
import { captures, type Graph, type Node } from '../onnx/ir.js'
import type { Shapes } from '../onnx/shapes.js'
import { subgraphs } from '../onnx/subgraphs.js'

interface Known {
  readonly type: DataType | undefined
  readonly dims: readonly Dim[] | undefined
}

/** The graphs directly inside the graph's nodes. `shapes`: of the graph's own values. */
export function bodies(graph: Graph, shapes: Shapes): readonly Graph[] {
  return graph.nodes.flatMap((node) => subgraphs(graph, node).map(([, body]) => standAlone(graph, node, body, shapes)))
}

function standAlone(graph: Graph, node: Node, body: Graph, shapes: Shapes): Graph {
  const given = body.inputs.map((input, i) => {
    const { type, dims } = givenTo(node, i, shapes)
    return type ? declare(input.name, type, dims) : input
  })
  const captured = [...captures(node)]
  const stored = captured.filter((name) => graph.initializers.has(name))
  const computed = captured.filter((name) => !graph.initializers.has(name))
  return body.with({
    outer: undefined,
    inputs: [...given, ...computed.map((name) => declare(name, shapes.get(name)?.type, shapes.get(name)?.dims))],
    initializers: new Map([
      ...stored.flatMap((name) => {
        const t = graph.initializers.get(name)
        return t ? [[name, t] as const] : []
      }),
      ...body.initializers,
    ]),
  })
}

/** What is known outside of input `i` of the graph inside. */
function givenTo(node: Node, i: number, shapes: Shapes): Known {
  const outside = shapes.get(node.inputs[i] ?? '')
  const unknown = { type: undefined, dims: undefined }
  if (node.op === 'Loop') {
    if (i === 0) return { type: 'int64', dims: [] }
    if (i === 1) return { type: 'bool', dims: [] }
    // a step may change the shape
    return outside ? { type: outside.type, dims: outside.dims?.map(() => null) } : unknown
  }
  if (node.op !== 'Scan' || !outside) return unknown
  const states = node.inputs.length - intOf(node, 'num_scan_inputs', 0)
  if (i < states) return outside
  const axis = intsOf(node, 'scan_input_axes', [])[i - states] ?? 0
  return { type: outside.type, dims: outside.dims?.toSpliced(axis, 1) }
}
