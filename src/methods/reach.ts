/**
 * Through which values the places of the picture reach the answer: all of them, or only a few that are picked. In a transformer whose
 * class token is read, the gradient behind the last attention reaches that token alone: a map taken there is empty.
 */
import { intOf, stringOf } from '../onnx/attributes.js'
import type { Graph, Node } from '../onnx/ir.js'
import { sorted } from '../passes/prune.js'
import { holdsPlaces, type Layout } from './layout/axes.js'
import { fromFront, reducedAxes } from './layout/call.js'
import type { Layouts } from './layout/layouts.js'
import { GLOBAL_POOLS } from './layout/spatial.js'
import { mapForm } from './layout/view.js'

export interface Reach {
  /** The last node that reads all places of the picture: the pooling, or the last attention. */
  readonly last: Node
  /** True for values of which all places reach the answer. */
  readonly whole: (value: string) => boolean
}

/** undefined where nothing that holds places leads to the answer. */
export function reachOf(graph: Graph, layouts: Layouts, logits: string, directions: number): Reach | undefined {
  const whole = new Set([logits])
  const few = new Set<string>()
  const isMap = (value: string): boolean => mapForm(layouts.get(value) ?? [], directions) !== undefined
  let last: Node | undefined
  for (const node of [...sorted(graph)].reverse()) {
    const outputs = node.outputs.filter((o) => whole.has(o) || few.has(o))
    if (outputs.length === 0) continue
    const goesOn = outputs.some((o) => whole.has(o) && isMap(o))
    for (const [i, x] of node.inputs.entries()) {
      const layout = layouts.get(x)
      if (!layout) continue
      const picked = PICKS.has(node.op) && isMap(x) && !goesOn
      const all = mixes(graph, node, i, layout) || (!picked && outputs.some((o) => whole.has(o)))
      if (all) whole.add(x)
      else few.add(x)
      if (all && isMap(x) && !goesOn) last ??= node
    }
  }
  return last && { last, whole: (value) => whole.has(value) }
}

/** Operators that may leave out places. */
const PICKS: ReadonlySet<string> = new Set(['Gather', 'GatherElements', 'GatherND', 'Slice', 'Split', 'TopK'])

/** True where each element of the output is made from all places that input `i` has along some axis, or from several. */
function mixes(graph: Graph, node: Node, i: number, layout: Layout): boolean {
  return mixedAxes(graph, node, i, layout.length).some((axis) => holdsPlaces(layout[axis]))
}

/** The axes of input `i` that are summed over, or otherwise taken together. */
function mixedAxes(graph: Graph, node: Node, i: number, rank: number): readonly number[] {
  const { op } = node
  if (op === 'MatMul') return i === 0 ? [rank - 1] : [Math.max(0, rank - 2)]
  if (op === 'Gemm') return [i === 0 ? 1 - intOf(node, 'transA', 0) : intOf(node, 'transB', 0)]
  if (op === 'Softmax' || op === 'LogSoftmax') return [fromFront(intOf(node, 'axis', -1), rank)]
  if (op.startsWith('Reduce')) return i === 0 ? (reducedAxes(graph, node, rank) ?? []) : []
  if (GLOBAL_POOLS.has(op)) return Array.from({ length: Math.max(0, rank - 2) }, (_, k) => k + 2)
  if (op !== 'Einsum') return []
  const [left = '', right = ''] = stringOf(node, 'equation', '').replaceAll(' ', '').split('->')
  return [...(left.split(',')[i] ?? '')].flatMap((letter, axis) => (right.includes(letter) ? [] : [axis]))
}
