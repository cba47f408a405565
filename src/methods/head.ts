/** The linear head that CAM needs, read off the network's end. */
import type { Node } from '../onnx/ir.js'
import { type LinearLayer, linearLayer } from '../targets/linear.js'
import { chooseLayer, type Network } from './layers.js'
import type { Layer } from './layout/view.js'
import { type Pooled, pooledBy, producer } from './pooling.js'

/** A head that is linear in the pooled feature map: logits = W pool(A) + b. */
export interface LinearHead extends Pooled {
  /** The weights' value name, and the axis of classes in it; undefined where the pooled channels are the logits. */
  readonly weights: LinearLayer['weights'] | undefined
}

/** The linear head behind the logits: global pooling and one linear layer, or global pooling alone. */
export function linearHead(network: Network): LinearHead | undefined {
  const { graph, logits } = network
  const last = producer(graph, logits)
  if (!last) return undefined
  const direct = pooledBy(network, last)
  if (direct) return { ...direct, weights: undefined }
  const linear = biasedLayer(network, last)
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

/** A linear layer, with its bias behind it or without. */
function biasedLayer({ graph, shapes }: Network, node: Node): LinearLayer | undefined {
  if (node.op !== 'Add') return linearLayer(node, shapes)
  const product = node.inputs.map((v) => producer(graph, v)).find((n) => n?.op === 'MatMul')
  return product && linearLayer(product, shapes)
}
