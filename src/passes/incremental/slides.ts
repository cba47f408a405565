/** The sliding windows of convolutions and pooling over maps of known sizes. */
import { intsOf, stringOf } from '../../onnx/attributes.js'
import type { Node } from '../../onnx/ir.js'
import type { Slide } from './frames.js'

/**
 * One slide an axis. What `auto_pad` puts in front follows from the sizes on both sides: SAME_UPPER the smaller half, SAME_LOWER the larger.
 * @param inputs places of the input, axis by axis; `outputs` those of the output.
 */
export function slidesOf(
  node: Node,
  kernel: readonly number[],
  inputs: readonly number[],
  outputs: readonly number[],
): readonly Slide[] {
  const strides = intsOf(node, 'strides', undefined)
  const dilations = intsOf(node, 'dilations', undefined)
  const pads = intsOf(node, 'pads', undefined)
  const auto = stringOf(node, 'auto_pad', 'NOTSET')
  return kernel.map((k, i): Slide => {
    const stride = strides?.[i] ?? 1
    const span = (k - 1) * (dilations?.[i] ?? 1) + 1
    const total = Math.max(((outputs[i] ?? 1) - 1) * stride + span - (inputs[i] ?? 1), 0)
    const half = auto === 'SAME_UPPER' ? Math.floor(total / 2) : Math.ceil(total / 2)
    const before = auto === 'NOTSET' ? (pads?.[i] ?? 0) : auto === 'VALID' ? 0 : half
    return { stride, before, span, repeat: 1 }
  })
}
