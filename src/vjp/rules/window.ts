/** The sliding windows of convolutions and pooling: attributes read once, padding made explicit. */
import { ExplainError } from '../../core/errors.js'
import { intsOf, stringOf } from '../../onnx/attributes.js'
import type { Builder, Extent } from '../../onnx/builder.js'
import { describe, type Node } from '../../onnx/ir.js'
import { padWithZeros } from '../scatter.js'

/** One window per spatial axis; lists are as long as there are spatial axes. */
export interface Window {
  readonly kernel: readonly number[]
  readonly strides: readonly number[]
  readonly dilations: readonly number[]
  /** Pixels spanned by a dilated kernel. */
  readonly span: readonly number[]
  /** Padding before and after each axis. A number unless `auto_pad` depends on an extent that is not known. */
  readonly begins: readonly Extent[]
  readonly ends: readonly Extent[]
}

/**
 * The window of a Conv or pooling node over the spatial axes of `x`. `auto_pad` SAME_* puts the odd pixel at the end
 * (UPPER) or the beginning (LOWER): ceil(extent / stride) outputs.
 */
export function windowOf(b: Builder, node: Node, x: string, kernel: readonly number[]): Window {
  const each = (value: number): readonly number[] => kernel.map(() => value)
  const strides = intsOf(node, 'strides', undefined) ?? each(1)
  const dilations = intsOf(node, 'dilations', undefined) ?? each(1)
  const span = kernel.map((k, i) => (k - 1) * (dilations[i] ?? 1) + 1)
  const auto = stringOf(node, 'auto_pad', 'NOTSET')
  const pads = intsOf(node, 'pads', undefined) ?? [...each(0), ...each(0)]
  if (auto === 'NOTSET') {
    return { kernel, strides, dilations, span, begins: pads.slice(0, kernel.length), ends: pads.slice(kernel.length) }
  }
  if (auto === 'VALID') return { kernel, strides, dilations, span, begins: each(0), ends: each(0) }
  const totals = kernel.map((_, i): Extent => {
    const [s, k] = [strides[i] ?? 1, span[i] ?? 1]
    if (s === 1) return k - 1
    const extent = b.extent(x, i + 2)
    const outputs = b.div(b.add(extent, s - 1), s)
    return b.max(b.sub(b.add(b.mul(b.sub(outputs, 1), s), k), extent), 0)
  })
  const small = totals.map((t) => b.div(t, 2))
  const large = totals.map((t, i) => b.sub(t, small[i] ?? 0))
  const upper = auto === 'SAME_UPPER'
  return { kernel, strides, dilations, span, begins: upper ? small : large, ends: upper ? large : small }
}

/** The window of a pooling node and the spatial extents on both sides. */
export interface Pooling extends Window {
  readonly inputs: readonly Extent[]
  readonly outputs: readonly Extent[]
  /** Elements of a kernel. */
  readonly size: number
}

export function poolingOf(b: Builder, node: Node, x: string, y: string): Pooling {
  const kernel = intsOf(node, 'kernel_shape', undefined)
  if (!kernel)
    throw new ExplainError('invalid-model', { what: `${node.op} has no kernel_shape`, where: describe(node) })
  const window = windowOf(b, node, x, kernel)
  // ORT pads such pools as if they were not dilated, against ONNX and against the shapes that it infers itself
  if (stringOf(node, 'auto_pad', 'NOTSET').startsWith('SAME') && window.dilations.some((d) => d > 1))
    throw new ExplainError('unsupported-operator', {
      what: `${node.op} with auto_pad SAME_* and dilations has no backward rule`,
      where: describe(node),
      remedy: 'Export the model with explicit pads.',
    })
  return {
    ...window,
    inputs: kernel.map((_, i) => b.extent(x, i + 2)),
    outputs: kernel.map((_, i) => b.extent(y, i + 2)),
    size: kernel.reduce((n, k) => n * k, 1),
  }
}

/** Number of padded pixels that the windows reach on one axis. */
export function reach(b: Builder, p: Pooling, i: number): Extent {
  return b.add(b.mul(b.sub(p.outputs[i] ?? 0, 1), p.strides[i] ?? 1), p.span[i] ?? 1)
}

/** The numbers, where all extents are numbers. */
export function known(extents: readonly Extent[]): readonly number[] | undefined {
  return extents.every((e) => typeof e === 'number') ? extents : undefined
}

/** `value` with its spatial axes padded (or cropped, where negative) by `begins` and `ends`. */
export function padSpatial(b: Builder, value: string, begins: readonly Extent[], ends: readonly Extent[]): string {
  const axes = begins.map((_, i) => i + 2)
  return padWithZeros(b, value, begins.length + 2, axes, begins, ends)
}
