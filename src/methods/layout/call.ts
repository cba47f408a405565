/** What a rule about axes is given. */
import type { Dim } from '../../core/runtime.js'
import { intOf, intsOf } from '../../onnx/attributes.js'
import type { Graph, Node } from '../../onnx/ir.js'
import type { Shapes } from '../../onnx/shapes.js'
import type { Layout } from './axes.js'

export interface AxisCall {
  readonly node: Node
  readonly graph: Graph
  readonly shapes: Shapes
  /** In how many directions places lie: two for a picture. */
  readonly directions: number
  /** The picture's batch: what has another first axis, such as patches taken for pictures, is no map of the picture. */
  readonly batch: Dim
  /** The layout of each input; undefined for values that do not depend on the picture, or whose rank is unknown. */
  readonly layouts: readonly (Layout | undefined)[]
  /** The sizes of each input. */
  readonly sizes: readonly (readonly Dim[] | undefined)[]
  /** The output, and its sizes. */
  readonly output: string
  readonly dims: readonly Dim[]
}

/** The layout of an output; undefined where an axis is not known to be the axis of anything. */
export type AxisRule = (call: AxisCall) => Layout | undefined

/** Stored numbers: axes, indices. */
export function numbersOf(graph: Graph, value: string | undefined): readonly number[] | undefined {
  const stored = value ? graph.constant(value) : undefined
  return stored && Array.from(stored.data, Number)
}

export function fromFront(axis: number, rank: number): number {
  return axis < 0 ? axis + rank : axis
}

/** The axes that a reduction takes away; undefined where they are computed. */
export function reducedAxes(graph: Graph, node: Node, rank: number): readonly number[] | undefined {
  const given = node.inputs[1] ? numbersOf(graph, node.inputs[1]) : intsOf(node, 'axes', [])
  if (given?.length !== 0) return given?.map((a) => fromFront(a, rank))
  return intOf(node, 'noop_with_empty_axes', 0) === 1 ? [] : Array.from({ length: rank }, (_, i) => i)
}
