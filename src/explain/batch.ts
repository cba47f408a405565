/**
 * Several targets of one picture in one run: a value on the way is repeated, once a target, so that what lies before it is computed
 * once. With as many pictures as targets nothing is repeated.
 */
import type { Dim } from '../core/runtime.js'
import { Builder, declare } from '../onnx/builder.js'
import type { Graph, Node } from '../onnx/ir.js'
import { reads } from '../onnx/ir.js'
import type { Shapes } from '../onnx/shapes.js'
import { renameValues } from '../onnx/subgraphs.js'
import { targetInput } from '../targets/append.js'

/** The graph with the repetition, the shapes of its values, and the name under which the picture goes on. */
export interface Repeated {
  readonly graph: Graph
  readonly shapes: Shapes
  readonly input: string
}

/** The free axis of the target, and of everything behind the repetition. */
export const TARGETS_AXIS = 'targets'

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
  const count = b.scope('onnxplain', () => b.op('Shape', [targetInput(graph)]))
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
  const repeated = place === input ? before : place
  const rename = place === input ? [input, before] : [place, before]
  // a picture's consumers read its repeated form; a layer's own name goes to its repeated form, which is what they read
  const nodes =
    place === input
      ? [expand(input, before), ...graph.nodes.map((n) => renameValues(n, (name) => (name === input ? before : name)))]
      : graph.nodes.flatMap((n) =>
          n.outputs.includes(place) ? [{ ...n, outputs: renamed(n.outputs, rename) }, expand(before, place)] : [n],
        )
  const known = behind(graph, shapes, place, repeated)
  const info = known.get(repeated)
  const declared = info?.type && info.dims ? [declare(repeated, info.type, info.dims)] : []
  const stale = new Set(graph.valueInfo.filter((v) => known.get(v.name) !== shapes.get(v.name)))
  const valueInfo = [...graph.valueInfo.filter((v) => !stale.has(v) && v.name !== repeated), ...declared]
  return {
    graph: graph.with({ nodes: [...b.nodes, ...nodes], initializers: b.initializers(), valueInfo }),
    shapes: known,
    input: place === input ? before : input,
  }
}

function renamed(names: readonly string[], [from, to]: readonly string[]): readonly string[] {
  return names.map((name) => (name === from && to !== undefined ? to : name))
}

/** The shapes behind the repetition: the batch's free axis has become that of the targets. */
function behind(graph: Graph, shapes: Shapes, place: string, repeated: string): Shapes {
  const symbol = shapes.get(place)?.dims?.[0]
  const moved = new Map(shapes)
  const move = (value: string, as: string): void => {
    const info = shapes.get(value)
    if (!info) return
    const dims = info.dims?.map((d, axis): Dim => {
      if (d === symbol && (axis === 0 || d !== null)) return TARGETS_AXIS
      // a multiple of the batch, as the probe names it
      return typeof d === 'string' && d.endsWith(`*${symbol}`) ? d.replace(`*${symbol}`, `*${TARGETS_AXIS}`) : d
    })
    moved.set(as, { ...info, name: as, dims })
  }
  move(place, repeated)
  const reached = new Set([place])
  const queue = [place]
  for (let value = queue.pop(); value !== undefined; value = queue.pop())
    for (const node of graph.consumers(value))
      for (const output of node.outputs)
        if (output !== '' && !reached.has(output)) {
          reached.add(output)
          queue.push(output)
          move(output, output)
        }
  return moved
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
