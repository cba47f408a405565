/** Activations that are compositions of others. */
import { floatOf } from '../../onnx/attributes.js'
import { sigmoidLinear } from './contrib-activation.js'
import { defineDecompositions } from './decomposition.js'

export const activation = defineDecompositions({
  /** `x sigmoid(alpha x)`. Ramachandran et al. 2017. ONNX Runtime has no kernel of its own for it. */
  Swish: (node, b) => [sigmoidLinear(b, node.inputs[0] ?? '', floatOf(node, 'alpha', 1))],
})
