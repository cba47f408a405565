/** The linear head that CAM needs, read off the network's end. */
import { intOf } from '../onnx/attributes.js'
import type { Graph, Node } from '../onnx/ir.js'
import type { Shapes } from '../onnx/shapes.js'
import { chooseLayer, type Network } from './layers.js'
import type { Layer } from './layout/view.js'
import { type Pooled, pooledBy, producer } from './pooling.js'

/** A head that is linear in the pooled feature map: logits = W pool(A) + b. */
export interface LinearHead extends Pooled {
  /** The weights' value name, and the axis of classes in it; undefined where the pooled channels are the logits. */
  readonly weights: { readonly value: string; readonly classAxis: 0 | 1 } | undefined
}

/** The linear head behind the logits: global pooling and one linear layer, or global pooling alone. */
export function linearHead(network: Network): LinearHead | undefined {
  const { graph, shapes, logits } = network
  const last = producer(graph, logits)
  if (!last) return undefined
  const direct = pooledBy(network, last)
  if (direct) return { ...direct, weights: undefined }
  const linear = linearLayer(graph, shapes, last)
  const pool = linear && producer(graph, linear.input)
  const pooled = pool && pooledBy(network, pool)
  return pooled && linear && { ...pooled, weights: linear.weights }
}

/**
 * The layer to explain at: the wanted value, or the one that {@link chooseLayer} finds; where log-sum-exp pools, the map that is pooled, and none of the
 * exponentials on the way.
 */
export function layerOf(network: Network, wanted: string | undefined): Layer {
  const head = wanted === undefined ? linearHead(network) : undefined
  return head?.pooling.kind === 'log-sum-exp' ? head.features : chooseLayer(network, wanted)
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
  const product = [x, w].map((v) => producer(graph, v)).find((n) => n?.op === 'MatMul')
  return product && linearLayer(graph, shapes, product)
}
