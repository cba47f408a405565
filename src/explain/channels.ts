/** Which axis of an input holds the channels, read off the graph. */

import { SPATIAL } from '../methods/layout/spatial.js'
import { intOf, intsOf } from '../onnx/attributes.js'
import type { Graph, Node } from '../onnx/ir.js'
import type { Shapes } from '../onnx/shapes.js'

export interface ChannelAxis {
  readonly axis: number
  /** As many channels as the convolution's weights take; undefined where another operator told the axis. */
  readonly channels: number | undefined
  /** False where the operator's batch axis was added to all of the input's: the input has no batch axis. (One that was taken away before is one.) */
  readonly batched: boolean
}

/** Operators behind which axes mean something else. */
const REARRANGES: ReadonlySet<string> = new Set(['Einsum', 'Expand', 'Flatten', 'Gemm', 'MatMul', 'Reshape', 'Shape'])

/**
 * The axis of an input that the first `Conv` or its like behind it reads as channels: followed through transpositions, axes that are added or taken away, and
 * operators that work place by place. undefined where none is found.
 */
export function channelAxis(graph: Graph, shapes: Shapes, input: string, rank: number): ChannelAxis | undefined {
  // a value, and for each of its axes the input's axis that it is; -1 for one that was added
  const queue: (readonly [string, readonly number[]])[] = [[input, Array.from({ length: rank }, (_, i) => i)]]
  const seen = new Set([input])
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
    const [value, axes] = next
    for (const node of graph.consumers(value)) {
      if (node.domain !== '') continue
      if (SPATIAL.has(node.op) && node.inputs[0] === value) {
        const axis = axes[1] ?? -1
        if (axis >= 0)
          return { axis, channels: weightChannels(node, shapes), batched: axes[0] === 0 || !axes.includes(0) }
        continue
      }
      const moved = movedAxes(graph, node, axes, shapes)
      const [output = ''] = node.outputs
      if (!moved || output === '' || seen.has(output)) continue
      seen.add(output)
      queue.push([output, moved])
    }
  }
  return undefined
}

/** The axes that `Squeeze` or `Unsqueeze` says, in the form of any opset. */
function storedAxes(graph: Graph, node: Node): readonly number[] {
  return intsOf(node, 'axes', undefined) ?? Array.from(graph.constant(node.inputs[1] ?? '')?.data ?? [], Number)
}

function weightChannels(node: Node, shapes: Shapes): number | undefined {
  if (node.op !== 'Conv') return undefined
  const each = shapes.get(node.inputs[1] ?? '')?.dims?.[1]
  return typeof each === 'number' ? each * intOf(node, 'group', 1) : undefined
}

function movedAxes(graph: Graph, node: Node, axes: readonly number[], shapes: Shapes): readonly number[] | undefined {
  if (node.op === 'Transpose') {
    const perm = intsOf(node, 'perm', undefined) ?? axes.map((_, i) => axes.length - 1 - i)
    return perm.map((p) => axes[p] ?? -1)
  }
  if (node.op === 'Unsqueeze') {
    const given = storedAxes(graph, node)
    const rank = axes.length + given.length
    const added = new Set(given.map((a) => (a < 0 ? a + rank : a)))
    const kept = [...axes]
    return Array.from({ length: rank }, (_, i) => (added.has(i) ? -1 : (kept.shift() ?? -1)))
  }
  if (node.op === 'Squeeze' || (node.op === 'Gather' && shapes.get(node.inputs[1] ?? '')?.dims?.length === 0)) {
    const gone = node.op === 'Gather' ? [intOf(node, 'axis', 0)] : storedAxes(graph, node)
    return axes.filter((_, i) => !gone.some((a) => i === (a < 0 ? a + axes.length : a)))
  }
  if (REARRANGES.has(node.op)) return undefined
  return shapes.get(node.outputs[0] ?? '')?.dims?.length === axes.length ? axes : undefined
}
