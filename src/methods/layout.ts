/** Where the channels of a value lie, read off the operators around it: four axes alone do not make a feature map. */
import { intsOf } from '../onnx/attributes.js'
import type { Graph, Node } from '../onnx/ir.js'
import type { Shapes } from '../onnx/shapes.js'
import { sorted } from '../passes/prune.js'

/** `[N, channels, ...spatial]` or `[N, ...spatial, channels]`. */
export type Layout = 'channels-first' | 'channels-last'

/** Operators that take and give channels on the second axis. */
export const SPATIAL: ReadonlySet<string> = new Set([
  'AveragePool',
  'BatchNormalization',
  'Conv',
  'ConvTranspose',
  'DepthToSpace',
  'GlobalAveragePool',
  'GlobalLpPool',
  'GlobalMaxPool',
  'GroupNormalization',
  'InstanceNormalization',
  'LpPool',
  'LRN',
  'MaxPool',
  'SpaceToDepth',
])

/** Operators behind which axes mean something else. */
export const REARRANGES: ReadonlySet<string> = new Set([
  'Einsum',
  'Expand',
  'Flatten',
  'Gather',
  'Gemm',
  'MatMul',
  'Reshape',
  'Shape',
  'Squeeze',
  'Unsqueeze',
])

/**
 * The layout of each value for which the graph tells one: operators such as `Conv` settle it, transpositions turn it, and
 * everything that works place by place hands it on. Attention's `[N, heads, tokens, size]` has none.
 */
export function layouts(graph: Graph, shapes: Shapes): ReadonlyMap<string, Layout> {
  const known = new Map<string, Layout>()
  const order = sorted(graph)
  for (const node of order)
    if (isSpatial(node))
      for (const value of [node.inputs[0], ...node.outputs]) if (value) known.set(value, 'channels-first')
  for (const node of order) {
    if (isSpatial(node)) continue
    const layout = handedOn(node, known, shapes)
    if (layout) for (const y of node.outputs) if (y !== '' && !known.has(y)) known.set(y, layout)
  }
  return known
}

function isSpatial(node: Node): boolean {
  return node.domain === '' && SPATIAL.has(node.op)
}

function handedOn(node: Node, known: ReadonlyMap<string, Layout>, shapes: Shapes): Layout | undefined {
  const [x = '', w = ''] = node.inputs
  if (node.op === 'Transpose') return turned(known.get(x), intsOf(node, 'perm', []))
  // a linear layer at each place
  if (node.op === 'MatMul' && known.get(x) === 'channels-last')
    return shapes.get(w)?.dims?.length === 2 ? 'channels-last' : undefined
  if (REARRANGES.has(node.op)) return undefined
  const found = new Set(node.inputs.flatMap((i) => known.get(i) ?? []))
  return found.size === 1 ? [...found][0] : undefined
}

function turned(layout: Layout | undefined, perm: readonly number[]): Layout | undefined {
  const spatial = Array.from({ length: Math.max(0, perm.length - 2) }, (_, i) => i + 1)
  if (layout === 'channels-first' && perm.join() === [0, ...spatial.map((i) => i + 1), 1].join()) return 'channels-last'
  if (layout === 'channels-last' && perm.join() === [0, perm.length - 1, ...spatial].join()) return 'channels-first'
  return undefined
}
