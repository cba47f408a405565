/** The linear head that CAM needs, read off the network's end. */
import { intOf, intsOf } from '../onnx/attributes.js'
import type { Graph, Node } from '../onnx/ir.js'
import type { Shapes } from '../onnx/shapes.js'
import { ROUNDS, TRANSPARENT } from '../targets/answer.js'
import { type Network, ownLayer } from './layers.js'
import { holdsPlaces } from './layout/axes.js'
import { reducedAxes } from './layout/call.js'
import type { Layer } from './layout/view.js'

/** A head that is linear in the pooled feature map: logits = W pool(A) + b. */
export interface LinearHead {
  /** The feature map that is pooled. */
  readonly features: Layer
  /** The weights' value name, and the axis of classes in it; undefined where the pooled channels are the logits. */
  readonly weights: { readonly value: string; readonly classAxis: 0 | 1 } | undefined
}

/** The linear head behind the logits: global pooling and one linear layer, or global pooling alone. */
export function linearHead(network: Network): LinearHead | undefined {
  const { graph, shapes, logits } = network
  const last = skip(graph, logits)
  if (!last) return undefined
  const direct = pooled(network, last)
  if (direct) return { features: direct, weights: undefined }
  const linear = linearLayer(graph, shapes, last)
  const pool = linear && skip(graph, linear.input)
  const features = pool && pooled(network, pool)
  return features && linear && { features, weights: linear.weights }
}

/** The node behind a value, past those that only rearrange. */
function skip(graph: Graph, value: string): Node | undefined {
  let node = graph.producer(value)
  while (node && node.domain === '' && (TRANSPARENT.has(node.op) || ROUNDS.has(node.op)))
    node = graph.producer(node.inputs[0] ?? '')
  return node?.domain === '' ? node : undefined
}

function linearLayer(
  graph: Graph,
  shapes: Shapes,
  node: Node,
): { readonly input: string; readonly weights: LinearHead['weights'] } | undefined {
  const [x = '', w = ''] = node.inputs
  if (node.op === 'Gemm' && intOf(node, 'transA', 0) === 0)
    return { input: x, weights: { value: w, classAxis: intOf(node, 'transB', 0) === 1 ? 0 : 1 } }
  if (node.op === 'MatMul') return { input: x, weights: { value: w, classAxis: 1 } }
  if (
    node.op === 'Conv' &&
    shapes
      .get(w)
      ?.dims?.slice(2)
      .every((d) => d === 1) &&
    intOf(node, 'group', 1) === 1
  )
    return { input: x, weights: { value: w, classAxis: 0 } }
  if (node.op !== 'Add') return undefined
  // a bias behind MatMul
  const product = [x, w].map((v) => skip(graph, v)).find((n) => n?.op === 'MatMul')
  return product && linearLayer(graph, shapes, product)
}

/** The map of which a node takes the mean, or the largest, over all places. */
function pooled(network: Network, node: Node): Layer | undefined {
  const { graph, shapes, layouts } = network
  const [x = ''] = node.inputs
  const layout = layouts.get(x) ?? []
  const over = layout.flatMap((axis, i) => (holdsPlaces(axis) ? [i] : []))
  const layer = ownLayer(network, x)
  if (node.op === 'GlobalAveragePool' || node.op === 'GlobalMaxPool') return layer
  if (node.op === 'AveragePool') {
    const kernel = intsOf(node, 'kernel_shape', [])
    const places = shapes.get(x)?.dims?.slice(2) ?? []
    return places.every((d, i) => d === kernel[i]) ? layer : undefined
  }
  if (node.op !== 'ReduceMean' && node.op !== 'ReduceMax') return undefined
  const axes = [...(reducedAxes(graph, node, layout.length) ?? [])].sort((p, q) => p - q)
  return axes.join() === over.join() ? layer : undefined
}
