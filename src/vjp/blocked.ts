/**
 * Staying in the blocked layout in which ONNX Runtime's CPU computes convolutions of pictures (NCHWc). Sums and products stay in it only where
 * all that they join are in it; each that is not costs a reorder of every one that is, all the way along a residual stream.
 */
import { intOf } from '../onnx/attributes.js'
import type { Builder } from '../onnx/builder.js'
import type { Node } from '../onnx/ir.js'

/**
 * The same picture `[N,C,h,w]`, brought into the blocked layout: an average over windows of one pixel. For gradients that no convolution made and
 * that meet others. Other ranks and types, which are never in it, come back as they are.
 */
export function blocked(b: Builder, picture: string, like: string): string {
  if (b.type(like) !== 'float32' || b.rank(like) !== 4) return picture
  return b.op('AveragePool', [picture], { kernel_shape: [1, 1] })
}

/**
 * A picture's channels in parts of these sizes, where convolutions made it: each part by a convolution with a part of the kernel, which ONNX Runtime
 * cuts when a session is created. Undefined where something else made it.
 */
export function channelParts(b: Builder, picture: string, sizes: readonly number[]): readonly string[] | undefined {
  let from = 0
  const parts: string[] = []
  for (const size of sizes) {
    const part = channels(b, picture, from, from + size)
    if (part === undefined) return undefined
    parts.push(part)
    from += size
  }
  return parts
}

function channels(b: Builder, picture: string, from: number, to: number): string | undefined {
  const node = b.producer(picture)
  if (node?.domain !== '') return undefined
  if (node.op === 'Conv') return someOutputs(b, node, from, to)
  if (node.op !== 'Add') return undefined
  const [left, right] = node.inputs.map((x) => channels(b, x, from, to))
  return left && right && b.op('Add', [left, right])
}

/** A convolution of which only some output channels are made; undefined where groups tie them to input channels, or it has a bias. */
function someOutputs(b: Builder, node: Node, from: number, to: number): string | undefined {
  const [x = '', kernel = '', bias = ''] = node.inputs
  if (bias !== '' || intOf(node, 'group', 1) !== 1) return undefined
  const output = b.fresh('Conv')
  const inputs = [x, b.slice(kernel, [0], [from], [to])]
  b.emit({ op: 'Conv', domain: '', name: output, inputs, outputs: [output], attributes: node.attributes })
  return output
}
