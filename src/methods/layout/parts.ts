/** Parts of an axis, and parts put together: class and register tokens come and go here. */
import type { Dim } from '../../core/runtime.js'
import { intOf } from '../../onnx/attributes.js'
import type { Graph, Node } from '../../onnx/ir.js'
import {
  type Axis,
  agreed,
  directionOf,
  holdsPlaces,
  type Layout,
  other,
  places,
  product,
  sequenceOf,
  tokens,
} from './axes.js'
import { type AxisCall, type AxisRule, fromFront, numbersOf } from './call.js'

/** Ends of slices from here on mean the end of the axis. */
const FAR = 2 ** 31 - 1

/**
 * What is left of an axis from `start` (negative: from its end) up to `end` (exclusive). A sequence of which all places are left stays
 * one; of a part of its places nothing is said.
 */
export function part(axis: Axis, start: number, end: number, left: Dim | undefined): Axis {
  const sequence = sequenceOf(axis)
  if (!sequence) return other(left)
  const count = product(sequence.places)
  const size = count === null ? undefined : count + sequence.before + sequence.after
  const first = start < 0 && size !== undefined ? Math.max(0, start + size) : start
  const cut = end >= FAR || end === size ? 0 : end < 0 ? -end : size === undefined ? undefined : size - end
  if (cut === undefined || first < 0 || first > sequence.before || cut > sequence.after) return other(left)
  return tokens(sequence.places, sequence.before - first, sequence.after - Math.max(0, cut))
}

/**
 * `Slice`. Along one direction of a map every n-th place, or all but the border, is a map again; turned round, or a part that is put
 * together with others, as where a map is rolled, it is none.
 */
export const sliced: AxisRule = ({ node, graph, layouts: [x], sizes: [from], output, dims }) => {
  const [, starts, ends, axes, steps] = node.inputs.map((i) => numbersOf(graph, i))
  const count = starts?.length ?? 0
  if (!x) return undefined
  const onAxes = axes ?? Array.from({ length: count }, (_, i) => i)
  // computed axes: those whose size has not changed are taken for untouched
  const touched = node.inputs[3] && !axes ? undefined : onAxes.map((a) => fromFront(a, x.length))
  return x.map((axis, i) => {
    const at = touched?.indexOf(i) ?? 0
    const step = (steps ?? [])[at] ?? 1
    if (at < 0 || (from?.[i] === dims[i] && typeof dims[i] === 'number' && step > 0)) return axis
    const along = directionOf(axis)
    if (along !== undefined && step > 0 && !(step === 1 && isRejoined(graph, node, i, x.length)))
      return places(along, dims[i], output, i)
    const [start, end] = [starts?.[at], ends?.[at]]
    return start === undefined || end === undefined || step !== 1 ? other(dims[i]) : part(axis, start, end, dims[i])
  })
}

/** True where a part is put together with another part of the same value, along `axis`. */
function isRejoined(graph: Graph, node: Node, axis: number, rank: number): boolean {
  return graph.consumers(node.outputs[0] ?? '').some((c) => {
    if (c.op !== 'Concat' || fromFront(intOf(c, 'axis', 0), rank) !== axis) return false
    const parts = c.inputs.map((i) => graph.producer(i))
    return parts.some((p) => p !== node && p?.op === 'Slice' && p.inputs[0] === node.inputs[0])
  })
}

/** `Split`. */
export const split: AxisRule = ({ node, shapes, layouts: [x], output, dims }) => {
  if (!x) return undefined
  const axis = fromFront(intOf(node, 'axis', 0), x.length)
  const index = node.outputs.indexOf(output)
  const sizes = node.outputs.slice(0, index + 1).map((o) => shapes.get(o)?.dims?.[axis])
  const start = sum(sizes.slice(0, index))
  const last = index === node.outputs.length - 1
  const end = last ? FAR : sum(sizes)
  return x.map((a, i) => {
    if (i !== axis) return a
    return start === undefined || end === undefined ? other(dims[i]) : part(a, start, end, dims[i])
  })
}

/**
 * `Concat`. What is put before or behind a sequence becomes other tokens; a map with one other value beside it is padded. Several maps in
 * a row, such as the two halves of one that is rolled, are none.
 */
export const concatenated: AxisRule = (call) => {
  const { node, layouts, dims, output } = call
  const axis = fromFront(intOf(node, 'axis', 0), dims.length)
  return dims.map((size, i) =>
    i === axis
      ? row(call, axis, output)
      : agreed(
          layouts.map((l) => l?.[i]),
          size,
        ),
  )
}

function row({ layouts, sizes, dims }: AxisCall, axis: number, output: string): Axis {
  const owners = layouts.flatMap((l, n) => (holdsPlaces(l?.[axis]) ? [n] : []))
  const [owner = 0, ...more] = owners
  const own = layouts[owner]?.[axis] ?? []
  if (owners.length === 0 || more.length > 0) return other(dims[axis])
  const along = directionOf(own)
  if (along !== undefined && spreads(layouts[owner] ?? [])) return places(along, dims[axis], output, axis)
  const sequence = sequenceOf(own)
  const extents = sizes.map((s) => s?.[axis])
  const [before, after] = [sum(extents.slice(0, owner)), sum(extents.slice(owner + 1))]
  if (!sequence || before === undefined || after === undefined) return other(dims[axis])
  return tokens(sequence.places, before + sequence.before, after + sequence.after)
}

/** True where more than one axis holds places: a map, of which one axis is a direction and not a sequence. */
function spreads(layout: Layout): boolean {
  return layout.filter(holdsPlaces).length > 1
}

function sum(sizes: readonly (Dim | undefined)[]): number | undefined {
  return sizes.reduce<number | undefined>((n, s) => (n === undefined || typeof s !== 'number' ? undefined : n + s), 0)
}
