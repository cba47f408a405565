/** Which nodes of a network are done on windows, and what each would cost there and on whole maps. */
import type { Tensor } from '../../core/tensor.js'
import { type Graph, type Node, reads } from '../../onnx/ir.js'
import type { Shapes } from '../../onnx/shapes.js'
import { sorted } from '../prune.js'
import { macsOf } from './count.js'
import { type Changes, type Frame, inputFrame } from './frames.js'
import { isAsItIs, type Reading } from './reading.js'
import { type Seen, type Step, stepOf, type Windowed } from './rules.js'

/** A node that the picture reaches. */
export interface Task {
  readonly node: Node
  /** How it is done on windows; undefined where it needs whole maps. */
  readonly step: Step | undefined
  /** Multiply-adds for one picture. */
  readonly macs: number
  /** Elements of its outputs for one picture. */
  readonly elements: number
}

/** A network taken apart for one size of its input. */
export interface Locality {
  readonly graph: Graph
  readonly input: string
  readonly window: Windowed
  /** All nodes that the outputs need, in order; those that the picture does not reach have no task. */
  readonly nodes: readonly (Node | Task)[]
  readonly seen: Seen
  /** Pictures that the network takes at once; 1 where that is free. */
  readonly batch: number
}

/**
 * @param shapes sizes of all values for the input's own size; the batch axis, the first, may be free.
 * @param axes the places' axes of the input.
 */
export function locality(graph: Graph, shapes: Shapes, input: string, axes: readonly number[]): Locality | undefined {
  const [free = 1] = shapes.get(input)?.dims ?? []
  const batch = typeof free === 'number' ? free : 1
  // sizes for one picture: of what the picture reaches the first axis is the batch, or a multiple of it such as `64*batch`
  const sizes = new Map<string, readonly number[] | undefined>()
  const dims = (value: string): readonly number[] | undefined => {
    const key = `${reached.has(value)} ${value}`
    if (!sizes.has(key)) sizes.set(key, sizesOf(value, reached.has(value)))
    return sizes.get(key)
  }
  const sizesOf = (value: string, isReached: boolean): readonly number[] | undefined => {
    const stored = graph.initializers.get(value)?.dims.map(Number)
    const known = stored ?? shapes.get(value)?.dims ?? graph.constant(value)?.dims
    const found = known?.map((d, i) => {
      if (typeof d === 'string' && i === 0) return Number(/^(\d+)\*/.exec(d)?.[1] ?? 1)
      return typeof d === 'number' ? (isReached && i === 0 ? d / batch : d) : Number.NaN
    })
    return found?.some(Number.isNaN) ? undefined : found
  }
  const reached = new Set([input])
  const windowed = new Map<string, Windowed>()
  const constants = new Map<string, Tensor | undefined>()
  const constant = (value: string): Tensor | undefined => {
    if (!constants.has(value)) constants.set(value, graph.constant(value))
    return constants.get(value)
  }
  const seen: Seen = { dims, windowed: (value) => windowed.get(value), constant }
  const isMap = (value: string): boolean =>
    value === '' || (shapes.get(value)?.type === 'float32' && dims(value)?.[0] === 1)
  const own = dims(input)
  if (!own) return undefined
  const window = { frame: inputFrame(axes.map((a) => own[a] ?? 1)), axes }
  windowed.set(input, window)
  const nodes = sorted(graph).map((node): Node | Task => {
    const inputs = [...reads(node)]
    if (!inputs.some((i) => reached.has(i))) return node
    // sizes are the same whatever the picture shows
    if (node.op !== 'Shape') for (const output of node.outputs) reached.add(output)
    // all that depends on the picture has to be windows
    const isLocal = inputs.every((i) => windowed.has(i) || !reached.has(i)) && node.outputs.every(isMap)
    const step = isLocal ? stepOf(node, seen) : undefined
    if (step) for (const output of node.outputs) if (output !== '') windowed.set(output, step.out)
    const elements = node.outputs.reduce((n, o) => n + product(dims(o) ?? []), 0)
    return { node, step, macs: macsOf(node, dims), elements }
  })
  return { graph, input, window, nodes, seen, batch }
}

export function isTask(node: Node | Task): node is Task {
  return 'node' in node
}

/** The frames of all that can be done on windows, each once, in order. */
export function framesOf({ nodes, window }: Locality): readonly Frame[] {
  const frames = nodes.flatMap((n) => (isTask(n) && n.step ? [n.step.out.frame] : []))
  return [...new Map([window.frame, ...frames].map((f) => [f.key, f])).values()]
}

/** The part of a whole map that the windows of a batch are, the largest of its windows. */
export function share(frame: Frame, changes: Changes): number {
  const { lengths } = changes.windows(frame)
  return product(lengths) / product(frame.extents)
}

/** What is read of windows to do a node: the inputs that do not come as they are. */
export function readingsOf({ step, node }: Task): readonly { readonly value: string; readonly reading: Reading }[] {
  return node.inputs.flatMap((value, i) => {
    const reading = step?.readings[i]
    return reading && !isAsItIs(reading) ? [{ value, reading }] : []
  })
}

export function product(dims: readonly number[]): number {
  return dims.reduce((a, b) => a * b, 1)
}
