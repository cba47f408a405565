/**
 * Staying in the blocked layout in which ONNX Runtime's CPU computes convolutions of pictures (NCHWc). Sums and products stay in it only where
 * all that they join are in it; each that is not costs a reorder of every one that is, all the way along a residual stream.
 */
import { intOf, intsOf } from '../onnx/attributes.js'
import type { Builder } from '../onnx/builder.js'
import type { Node } from '../onnx/ir.js'

/** ORT blocks channels by 16 or, on older processors, by 8; pictures of other numbers of channels stay as they are. */
const BLOCK = 8

/**
 * The same picture `[N,C,h,w]`, brought into the blocked layout: an average over windows of one pixel. For gradients that no convolution made and
 * that meet others. What is never in it comes back as it is: other ranks and types, and other numbers of channels than multiples of a block.
 */
export function blocked(b: Builder, picture: string, like: string): string {
  if (b.type(like) !== 'float32' || b.rank(like) !== 4) return picture
  const channels = b.dims(like)?.[1]
  if (typeof channels === 'number' && channels % BLOCK !== 0) return picture
  return b.op('AveragePool', [picture], { kernel_shape: [1, 1] })
}

/**
 * The sum of gradients of one value. What was spread over a picture (the gradient of a global pooling) is added as it was before, by broadcasting,
 * where another covers the picture.
 */
export function sum(b: Builder, gradients: readonly string[]): string {
  const small = gradients.map((g) => spreadFrom(b, g))
  const covering = gradients.filter((_, i) => small[i] === undefined)
  const [first = '', ...others] =
    covering.length === 0 ? gradients : [...covering, ...small.filter((s) => s !== undefined)]
  return others.reduce((total, g) => b.op('Add', [total, g]), first)
}

/** What an `Expand` spread, brought into the blocked layout or not. */
function spreadFrom(b: Builder, picture: string): string | undefined {
  const last = b.producer(picture)
  const isCopy = last?.op === 'AveragePool' && intsOf(last, 'kernel_shape', []).every((k) => k === 1)
  const made = isCopy ? b.producer(last.inputs[0] ?? '') : last
  return made?.op === 'Expand' ? made.inputs[0] : undefined
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
