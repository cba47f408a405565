/** How a network pools its last feature map: by the mean, the maximum, or between the two by log-sum-exp. */
import { intsOf } from '../onnx/attributes.js'
import type { Graph, Node } from '../onnx/ir.js'
import { ROUNDS, TRANSPARENT } from '../targets/answer.js'
import { type Network, ownLayer } from './layers.js'
import { holdsPlaces } from './layout/axes.js'
import { reducedAxes } from './layout/call.js'
import type { Layer } from './layout/view.js'

/** `log-sum-exp`: `log(mean over places of exp(r A)) / r`, with `r` as `scale`; what is added to it besides is a constant. */
export type Pooling =
  | { readonly kind: 'mean' }
  | { readonly kind: 'max' }
  | { readonly kind: 'log-sum-exp'; readonly scale: number }

export interface Pooled {
  /** The feature map that is pooled. */
  readonly features: Layer
  readonly pooling: Pooling
}

/** What a node makes one value a channel of; undefined where it pools no feature map over all its places. */
export function pooledBy(network: Network, node: Node): Pooled | undefined {
  const [x = ''] = node.inputs
  const kind = poolsAll(network, node)
  const features = kind && ownLayer(network, x)
  if (features && kind !== 'sum') return { features, pooling: { kind } }
  return logSumExp(network, node)
}

/** Says of CAM's map what the pooling makes of it; nothing of the mean, of which the mean of the map is the score less its bias. */
export function poolingNote(pooling: Pooling): string | undefined {
  switch (pooling.kind) {
    case 'mean':
      return undefined
    case 'max':
      return "cam: the network pools by the maximum. The map says where each channel is high; the score is made of each channel's highest place alone (Zhou et al., section 3.3): hires-cam shows these."
    case 'log-sum-exp':
      return `cam: the network pools by log-sum-exp, r = ${pooling.scale} (Pinheiro and Collobert, CVPR 2015): near the maximum where r A is large, near the mean where it is small. The map says where each channel is high; hires-cam gives places their weight in the pooling, softmax of r A.`
  }
}

/** Which reduction over all places a node is. */
function poolsAll({ graph, shapes, layouts }: Network, node: Node): 'mean' | 'max' | 'sum' | undefined {
  const [x = ''] = node.inputs
  if (node.op === 'GlobalAveragePool') return 'mean'
  if (node.op === 'GlobalMaxPool') return 'max'
  if (node.op === 'AveragePool') {
    const kernel = intsOf(node, 'kernel_shape', [])
    const places = shapes.get(x)?.dims?.slice(2) ?? []
    return places.every((d, i) => d === kernel[i]) ? 'mean' : undefined
  }
  const kind = (
    { ReduceMean: 'mean', ReduceMax: 'max', ReduceSum: 'sum', ReduceLogSum: 'sum', ReduceLogSumExp: 'sum' } as const
  )[node.op]
  // other nodes' second inputs may be weights, which are not to be read
  if (!kind) return undefined
  const layout = layouts.get(x) ?? []
  const over = layout.flatMap((axis, i) => (holdsPlaces(axis) ? [i] : []))
  const axes = [...(reducedAxes(graph, node, layout.length) ?? [])].sort((p, q) => p - q)
  return over.length > 0 && axes.join() === over.join() ? kind : undefined
}

/**
 * Log-sum-exp as exporters write it: `ReduceLogSumExp`, `ReduceLogSum` of `Exp`, or `Log` of the mean or sum of `Exp`, with factors and constants before and
 * behind, and with the maximum taken off before and added again behind, or not.
 */
function logSumExp(network: Network, node: Node): Pooled | undefined {
  const { graph } = network
  const outside = unscaled(network, node)
  const log = outside.node
  if (log?.domain !== '') return undefined
  const summed = log.op === 'Log' ? unscaled(network, producer(graph, log.inputs[0])).node : log
  if (!summed || !poolsAll(network, summed) || summed.op === 'ReduceMax' || summed.op === 'GlobalMaxPool')
    return undefined
  if (log.op !== 'Log' && log.op !== 'ReduceLogSum' && log.op !== 'ReduceLogSumExp') return undefined
  const [sum = ''] = summed.inputs
  const exp = log.op === 'ReduceLogSumExp' ? undefined : producer(graph, sum)
  if (log.op !== 'ReduceLogSumExp' && exp?.op !== 'Exp') return undefined
  const inside = unscaledValue(network, exp ? (exp.inputs[0] ?? '') : sum)
  const features = ownLayer(network, inside.value)
  if (!features || !(inside.scale > 0) || inside.shifted !== outside.shifted) return undefined
  return { features, pooling: { kind: 'log-sum-exp', scale: inside.scale } }
}

/** A value behind factors and constants. */
interface Unscaled {
  readonly value: string
  readonly node: Node | undefined
  readonly scale: number
  /** True where a maximum over all places was added or taken off on the way. */
  readonly shifted: boolean
}

function unscaled(network: Network, node: Node | undefined): Unscaled {
  const rest = node && step(network, node)
  if (!rest) return { value: node?.outputs[0] ?? '', node, scale: 1, shifted: false }
  const further = unscaledValue(network, rest.value)
  return { ...further, scale: further.scale * rest.scale, shifted: further.shifted !== rest.shifted }
}

function unscaledValue(network: Network, value: string): Unscaled {
  const found = unscaled(network, producer(network.graph, value))
  return found.node ? found : { ...found, value }
}

/** One factor, constant or maximum taken off a value; undefined where the node is something else. */
function step(network: Network, node: Node): Omit<Unscaled, 'node'> | undefined {
  const { graph } = network
  const [x = '', y = ''] = node.inputs
  if (node.domain !== '' || !['Mul', 'Div', 'Add', 'Sub'].includes(node.op)) return undefined
  const [first, second] = [constant(graph, x), constant(graph, y)]
  if (node.op === 'Mul' || node.op === 'Div') {
    if (second !== undefined) return { value: x, scale: node.op === 'Mul' ? second : 1 / second, shifted: false }
    return first !== undefined && node.op === 'Mul' ? { value: y, scale: first, shifted: false } : undefined
  }
  if (second !== undefined) return { value: x, scale: 1, shifted: false }
  if (first !== undefined && node.op === 'Add') return { value: y, scale: 1, shifted: false }
  const isMaximum = (value: string): boolean => {
    const { node: found } = unscaledValue(network, value)
    return found !== undefined && poolsAll(network, found) === 'max'
  }
  if (isMaximum(y)) return { value: x, scale: 1, shifted: true }
  return node.op === 'Add' && isMaximum(x) ? { value: y, scale: 1, shifted: true } : undefined
}

/** A constant of one number, or one whose numbers are all the same. */
function constant(graph: Graph, value: string): number | undefined {
  const { data = [] } = graph.constant(value) ?? {}
  const first = data.length > 0 ? Number(data[0]) : undefined
  for (const v of data) if (Number(v) !== first) return undefined
  return first
}

/** The node behind a value, past those that only rearrange. */
export function producer(graph: Graph, value: string | undefined): Node | undefined {
  let node = graph.producer(value ?? '')
  while (node && node.domain === '' && (TRANSPARENT.has(node.op) || ROUNDS.has(node.op)))
    node = graph.producer(node.inputs[0] ?? '')
  return node?.domain === '' ? node : undefined
}
