/**
 * Convolutions, 1-D to 3-D. With stride 1 the input's gradient is a convolution with flipped kernels, which is ORT's fast path;
 * otherwise a transposed convolution. Dumoulin and Visin 2016, section 4.
 */
import { ExplainError } from '../../core/errors.js'
import { intOf, intsOf, stringOf } from '../../onnx/attributes.js'
import type { Builder, Extent } from '../../onnx/builder.js'
import { describe, type Node } from '../../onnx/ir.js'
import { defineRules, type Rule, type RuleEntry } from '../rule.js'
import { interleave, storedInts, upTo } from '../scatter.js'
import { known, padSpatial, type Window, windowOf } from './window.js'

/** Kernel sizes, from the attribute or the weight's shape `[M, C/group, ...kernel]`. */
function kernelOf(b: Builder, node: Node, weight: string): readonly number[] {
  const attribute = intsOf(node, 'kernel_shape', undefined)
  if (attribute) return attribute
  const dims = b.dims(weight)?.slice(2)
  const sizes = dims?.filter((d) => typeof d === 'number')
  if (sizes && sizes.length === dims?.length && sizes.length > 0) return sizes
  throw new ExplainError('shape-mismatch', {
    what: `The kernel size of ${describe(node)} is not known`,
    remedy: 'Pass the shapes that probe(graph, runtime) finds.',
  })
}

/** `[M, C/g, ...k]` as `[C, M/g, ...k]`: the weights of the convolution that goes back. */
function exchangeChannels(b: Builder, weight: string, group: number, rank: number): string {
  const spatial = Array.from({ length: rank - 2 }, (_, i) => i)
  if (group === 1) return b.transpose(weight, [1, 0, ...spatial.map((i) => i + 2)])
  const [m, c] = [b.extent(weight, 0), b.extent(weight, 1)]
  const k = spatial.map((i) => b.extent(weight, i + 2))
  const perGroup = b.div(m, group)
  if (c === 1 && perGroup === 1) return weight
  const split = b.reshape(weight, [group, perGroup, c, ...k])
  return b.reshape(b.transpose(split, [0, 2, 1, ...spatial.map((i) => i + 3)]), [b.mul(c, group), perGroup, ...k])
}

/** The kernel turned around on every spatial axis. */
function flip(b: Builder, weight: string, kernel: readonly number[]): string {
  const axes = kernel.flatMap((k, i) => (k > 1 ? [i + 2] : []))
  if (axes.length === 0) return weight
  const each = (value: number): string => b.int64s(axes.map(() => value))
  return b.op('Slice', [weight, each(-1), each(Number.MIN_SAFE_INTEGER), b.int64s(axes), each(-1)])
}

/** Gradient of the input of a convolution. */
export function inputGradient(b: Builder, gy: string, x: string, weight: string, group: number, w: Window): string {
  const { kernel, strides, dilations, span } = w
  const [begins, ends] = [known(w.begins), known(w.ends)]
  const canFlip = begins && ends && [...begins, ...ends].every((p, i) => p < (span[i % span.length] ?? 1))
  if (canFlip && strides.every((s) => s === 1)) {
    const back = flip(b, exchangeChannels(b, weight, group, kernel.length + 2), kernel)
    const pads = [...begins.map((p, i) => (span[i] ?? 1) - 1 - p), ...ends.map((p, i) => (span[i] ?? 1) - 1 - p)]
    return b.op('Conv', [gy, back], { kernel_shape: kernel, pads, dilations, group, strides })
  }
  if (kernel.length === 3 && b.lacks('ConvTranspose 3-D')) return stretchedGradient(b, gy, x, weight, group, w)
  // what the transposed convolution leaves out at the end: pixels that no window reached (positive), or padding
  const missing = kernel.map((_, i): Extent => {
    const reach = b.add(b.mul(b.sub(b.extent(gy, i + 2), 1), strides[i] ?? 1), span[i] ?? 1)
    return b.sub(b.add(b.extent(x, i + 2), w.begins[i] ?? 0), reach)
  })
  const fixed = known(missing)
  const attributes = { kernel_shape: kernel, strides, dilations, group }
  if (fixed && begins?.every((p) => p >= 0)) {
    const pads = [...begins, ...fixed.map((m) => Math.max(-m, 0))]
    return b.op('ConvTranspose', [gy, weight], {
      ...attributes,
      pads,
      output_padding: fixed.map((m) => Math.max(m, 0)),
    })
  }
  const full = b.op('ConvTranspose', [gy, weight], attributes)
  return padSpatial(
    b,
    full,
    w.begins.map((p) => b.sub(0, p)),
    missing,
  )
}

/** The same as a convolution of stride 1 over the gradient with zeros put in, for runtimes without the transposed one. */
function stretchedGradient(b: Builder, gy: string, x: string, weight: string, group: number, w: Window): string {
  const { kernel, strides, dilations, span } = w
  const axes = kernel.map((_, i) => i + 2)
  const extents = [b.extent(gy, 0), b.extent(gy, 1), ...axes.map((axis) => b.extent(gy, axis))]
  const stretched = interleave(b, gy, extents, axes, strides)
  const begins = kernel.map((_, i) => b.sub((span[i] ?? 1) - 1, w.begins[i] ?? 0))
  const ends = axes.map((axis, i) => {
    const length = b.mul(extents[axis] ?? 1, strides[i] ?? 1)
    return b.sub(b.add(b.extent(x, axis), w.begins[i] ?? 0), length)
  })
  const back = flip(b, exchangeChannels(b, weight, group, kernel.length + 2), kernel)
  return b.op('Conv', [padSpatial(b, stretched, begins, ends), back], { kernel_shape: kernel, dilations, group })
}

/**
 * Gradient of the weight `[M, C/g, ...k]`: a convolution of the input with the gradient as its kernel, the batch taking the
 * place of the channels, strides and dilations exchanged.
 */
function weightGradient(b: Builder, gy: string, x: string, weight: string, group: number, w: Window): string {
  const spatial = w.kernel.map((_, i) => i)
  const padded = padSpatial(b, x, w.begins, w.ends)
  const sizes = (v: string): Extent[] => spatial.map((i) => b.extent(v, i + 2))
  const n = b.extent(gy, 0)
  const perm = (...lead: number[]): number[] => [...lead, ...spatial.map((i) => i + lead.length)]
  /** `[N, g c, ...]` in groups of `per` channels. */
  const grouped = (v: string, per: Extent, from: string): string => {
    const split = b.op('Reshape', [v, b.vector([n, group, per, ...(v === from ? sizes(v) : paddedSizes(b, x, w))])])
    return split
  }
  const [m, c] = [b.div(b.extent(weight, 0), group), b.extent(weight, 1)]
  const input =
    group === 1
      ? b.transpose(padded, perm(1, 0))
      : b.reshape(b.transpose(grouped(padded, c, x), perm(2, 1, 0)), [c, b.mul(n, group), ...paddedSizes(b, x, w)])
  const kernel =
    group === 1
      ? b.transpose(gy, perm(1, 0))
      : b.reshape(b.transpose(grouped(gy, m, gy), perm(1, 2, 0)), [b.extent(weight, 0), n, ...sizes(gy)])
  const made = b.op('Conv', [input, kernel], { strides: w.dilations, dilations: w.strides, group })
  const axes = spatial.map((i) => i + 2)
  const cut = b.slice(
    made,
    axes,
    axes.map(() => 0),
    w.kernel,
  )
  return b.transpose(cut, perm(1, 0))
}

function paddedSizes(b: Builder, x: string, w: Window): Extent[] {
  return w.kernel.map((_, i) => b.add(b.extent(x, i + 2), b.add(w.begins[i] ?? 0, w.ends[i] ?? 0)))
}

/** Gradient of the bias: the sum over all but the channel axis. */
function biasGradient(b: Builder, gy: string, spatialAxes: number): string {
  return b.reduceSum(gy, [0, ...Array.from({ length: spatialAxes }, (_, i) => i + 2)], false)
}

/** y[n, m] = sum over c, k of x[n, c, stride * o + dilation * k - pad] w[m, c, k] + bias[m] */
const convolution: RuleEntry = {
  rule: ({ b, node, x: [x = '', weight = '', bias], y: [y = ''], gy }) => {
    const group = intOf(node, 'group', 1)
    const kernel = kernelOf(b, node, weight)
    const window = (): Window => {
      b.know(gy, b.type(y), b.dims(y))
      return windowOf(b, node, x, kernel)
    }
    return [
      () => inputGradient(b, gy, x, weight, group, window()),
      () => weightGradient(b, gy, x, weight, group, window()),
      bias ? () => biasGradient(b, gy, kernel.length) : undefined,
    ]
  },
}

/** The window that a ConvTranspose spreads its input with: that of the convolution whose input gradient it is. */
function transposedWindow(b: Builder, node: Node, x: string, y: string, kernel: readonly number[]): Window {
  const auto = stringOf(node, 'auto_pad', 'NOTSET')
  const wanted = intsOf(node, 'output_shape', undefined)
  const plain = windowOf(
    b,
    { ...node, attributes: new Map([...node.attributes].filter(([n]) => n !== 'auto_pad')) },
    x,
    kernel,
  )
  const same = auto === 'SAME_UPPER' || auto === 'SAME_LOWER'
  if (!same && !wanted) return plain
  const extra = intsOf(node, 'output_padding', undefined) ?? kernel.map(() => 0)
  const totals = kernel.map((_, i): Extent => {
    const reach = b.add(
      b.mul(b.sub(b.extent(x, i + 2), 1), plain.strides[i] ?? 1),
      (plain.span[i] ?? 1) + (extra[i] ?? 0),
    )
    return b.max(b.sub(reach, b.extent(y, i + 2)), 0)
  })
  const small = totals.map((t) => b.div(t, 2))
  const large = totals.map((t, i) => b.sub(t, small[i] ?? 0))
  const upper = auto === 'SAME_UPPER'
  return { ...plain, begins: upper ? small : large, ends: upper ? large : small }
}

/** y = the input gradient of a convolution with the weight `[C, M/g, ...k]`, applied to x. */
const transposedConvolution: RuleEntry = {
  rule: ({ b, node, x: [x = '', weight = '', bias], y: [y = ''], gy }) => {
    const group = intOf(node, 'group', 1)
    const kernel = kernelOf(b, node, weight)
    const window = (): Window => {
      b.know(gy, b.type(y), b.dims(y))
      return transposedWindow(b, node, x, y, kernel)
    }
    return [
      () => {
        const w = window()
        const attributes = { kernel_shape: kernel, strides: w.strides, dilations: w.dilations, group }
        const padded = padSpatial(b, gy, w.begins, w.ends)
        const made = b.op('Conv', [padded, weight], attributes)
        const axes = kernel.map((_, i) => i + 2)
        // output_padding of a whole stride gives windows that no input made
        return b.slice(
          made,
          axes,
          axes.map(() => 0),
          axes.map((axis) => b.extent(x, axis)),
        )
      },
      () => {
        const w = window()
        b.know(x, b.type(x), b.dims(x))
        return weightGradient(b, x, gy, weight, group, w)
      },
      bias ? () => biasGradient(b, gy, kernel.length) : undefined,
    ]
  },
}

/**
 * y = blocks `[N, C k, L]` added up where they lie in the picture: the gradient is the picture's, cut into blocks. Along each axis the
 * pixels of all blocks are gathered, as `[k, L]`.
 */
const col2im: Rule = ({ b, node, x: [x = '', , blocks = ''], y: [y = ''], gy }) => [
  () => {
    const [count] = b.dims(blocks) ?? []
    const length = typeof count === 'number' ? count : b.requireRank(y, node.op) - 2
    const axes = Array.from({ length }, (_, i) => i)
    const [strides, dilations] = ['strides', 'dilations'].map(
      (name) => intsOf(node, name, undefined) ?? axes.map(() => 1),
    )
    const pads = intsOf(node, 'pads', undefined) ?? [...axes, ...axes].map(() => 0)
    const [begins, ends] = [pads.slice(0, axes.length), pads.slice(axes.length)]
    const cut = axes.reduceRight(
      (value, i) => {
        const [stride, dilation] = [strides?.[i] ?? 1, dilations?.[i] ?? 1]
        const kernel = storedInts(b, blocks)?.[i] ?? b.op('Gather', [blocks, b.int64s([i])], { axis: 0 })
        const extent = b.add(b.extent(y, i + 2), (begins[i] ?? 0) + (ends[i] ?? 0))
        const reach = b.add(b.mul(b.sub(kernel, 1), dilation), 1)
        const steps = b.add(b.div(b.sub(extent, reach), stride), 1)
        const within = b.op('Mul', [b.op('Unsqueeze', [upTo(b, kernel), b.int64s([1])]), b.int64s([dilation])])
        const pixels = b.op('Add', [within, b.op('Mul', [upTo(b, steps), b.int64s([stride])])])
        return b.op('Gather', [value, pixels], { axis: i + 2 })
      },
      padSpatial(b, gy, begins, ends),
    )
    const order = [0, 1, ...axes.map((i) => 2 * i + 2), ...axes.map((i) => 2 * i + 3)]
    return b.reshapeLike(b.transpose(cut, order), x)
  },
]

export const conv = defineRules({
  Col2Im: { rule: col2im, inputs: 1 },
  Conv: convolution,
  ConvTranspose: transposedConvolution,
})
