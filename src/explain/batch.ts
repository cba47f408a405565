/**
 * Several targets of one picture in one run: a value on the way is repeated, once a target, so that what lies before it is computed
 * once. With as many pictures as targets nothing is repeated.
 */
import type { Dim } from '../core/runtime.js'
import type { Layouts } from '../methods/layout/layouts.js'
import { Builder, declare } from '../onnx/builder.js'
import type { Graph, Node } from '../onnx/ir.js'
import { reads } from '../onnx/ir.js'
import type { Shapes } from '../onnx/shapes.js'
import { ownValues, renameValues, subgraphs } from '../onnx/subgraphs.js'

/** The graph with the repetition, the shapes of its values, and the names under which repeated inputs go on. */
export interface Repeated {
  readonly graph: Graph
  readonly shapes: Shapes
  /** By the input's own name; inputs that are not repeated are not in it. */
  readonly inputs: ReadonlyMap<string, string>
}

/** The free axis of the target, and of everything behind the repetition. */
export const TARGETS_AXIS = 'targets'

/** What is repeated. */
export interface Repetition {
  /** The input whose length is the number of targets. */
  readonly count: string
  /** The picture, and what has a row for each picture. */
  readonly inputs: readonly string[]
  /** The layer that methods explain at, the first of several, where none explains an input. */
  readonly at: string | undefined
  /** What is read behind the repetition: the logits, and all layers. */
  readonly ends: readonly string[]
  readonly layouts: Layouts
}

/**
 * Repeats values along their batch to the length of the input `count`: the layer `at`, where everything that leads from any input to
 * one of `ends` passes through it and the batch has an axis of its own, else each of `inputs`. All value names keep their meaning but those
 * inputs', whose repeated forms have the names that are returned.
 */
export function repeatForTargets(graph: Graph, shapes: Shapes, repetition: Repetition): Repeated {
  const { count, inputs, at, ends, layouts } = repetition
  const all = graph.inputs.map((i) => i.name)
  const cut =
    at !== undefined &&
    batchAxis(layouts, at) !== undefined &&
    all.every((input) => ends.every((end) => isCut(graph, input, at, end)))
  if (cut) return { ...repeat(graph, shapes, layouts, count, at), inputs: new Map() }
  let made = { graph, shapes }
  const names = new Map<string, string>()
  for (const input of inputs) {
    const { name, ...next } = repeat(made.graph, made.shapes, layouts, count, input)
    names.set(input, name)
    made = next
  }
  return { ...made, inputs: names }
}

/** Repeats one value: a layer, whose own name goes to its repeated form, or an input, whose repeated form has the name returned. */
function repeat(
  graph: Graph,
  shapes: Shapes,
  layouts: Layouts,
  targets: string,
  place: string,
): { readonly graph: Graph; readonly shapes: Shapes; readonly name: string } {
  const isInput = graph.inputs.some((i) => i.name === place)
  const b = new Builder(graph, shapes)
  const rank = b.requireRank(place, 'several targets of one picture')
  const before = b.scope('onnxplain', () => b.fresh(isInput ? `${place}/repeated` : `${place}/once`))
  const axis = batchAxis(layouts, place) ?? 0
  const count = b.scope('onnxplain', () => b.op('Shape', [targets], { start: 0, end: 1 }))
  const sizes = Array.from({ length: rank }, (_, i) => (i === axis ? count : 1))
  const shape = b.scope('onnxplain', () => b.vector(sizes))
  const expand = (from: string, to: string): Node => ({
    op: 'Expand',
    domain: '',
    // not `to`: the node that made the layer may bear its value's name, and ORT wants node names to differ
    name: before,
    inputs: [from, shape],
    outputs: [to],
    attributes: new Map(),
  })
  const repeated = isInput ? before : place
  // an input's consumers read its repeated form; a layer's own name goes to its repeated form, which is what they read
  const nodes = isInput
    ? [expand(place, before), ...graph.nodes.map((n) => renameValues(n, (name) => (name === place ? before : name)))]
    : graph.nodes.flatMap((n) =>
        n.outputs.includes(place)
          ? [{ ...n, outputs: renamed(n.outputs, [place, before]) }, expand(before, place)]
          : [n],
      )
  const known = behind(graph, shapes, layouts, place, repeated)
  const info = known.get(repeated)
  const declared = info?.type && info.dims ? [declare(repeated, info.type, info.dims)] : []
  const stale = new Set(graph.valueInfo.filter((v) => known.get(v.name) !== shapes.get(v.name)))
  const valueInfo = [...graph.valueInfo.filter((v) => !stale.has(v) && v.name !== repeated), ...declared]
  return {
    graph: graph.with({ nodes: [...b.nodes, ...nodes], initializers: b.initializers(), valueInfo }),
    shapes: known,
    name: repeated,
  }
}

function renamed(names: readonly string[], [from, to]: readonly string[]): readonly string[] {
  return names.map((name) => (name === from && to !== undefined ? to : name))
}

/** The axis along which the batch runs, and nothing else. */
function batchAxis(layouts: Layouts, value: string): number | undefined {
  const axis = layouts.get(value)?.findIndex((a) => a.length === 1 && a[0]?.kind === 'batch') ?? -1
  return axis < 0 ? undefined : axis
}

/** The shapes behind the repetition: the batch's free axis has become that of the targets. */
function behind(graph: Graph, shapes: Shapes, layouts: Layouts, place: string, repeated: string): Shapes {
  const symbol = shapes.get(place)?.dims?.[batchAxis(layouts, place) ?? 0]
  const moved = new Map(shapes)
  const move = (value: string, as: string): void => {
    const info = shapes.get(value)
    if (!info) return
    const own = batchAxis(layouts, value)
    const dims = info.dims?.map((d, axis): Dim => {
      if (axis === own || (d === symbol && d !== null)) return TARGETS_AXIS
      // a multiple of the batch, as the probe names it
      return typeof d === 'string' && d.endsWith(`*${symbol}`) ? d.replace(`*${symbol}`, `*${TARGETS_AXIS}`) : d
    })
    moved.set(as, { ...info, name: as, dims })
  }
  move(place, repeated)
  const reached = new Set([place])
  const queue = [place]
  for (let value = queue.pop(); value !== undefined; value = queue.pop())
    for (const node of graph.consumers(value)) {
      for (const [, inner] of subgraphs(graph, node)) for (const own of ownValues(inner)) move(own, own)
      for (const output of node.outputs)
        if (output !== '' && !reached.has(output)) {
          reached.add(output)
          queue.push(output)
          move(output, output)
        }
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
