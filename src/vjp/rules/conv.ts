/**
 * Convolutions, 1-D to 3-D. With stride 1 the input's gradient is a convolution with flipped kernels, which is ORT's fast path;
 * otherwise a transposed convolution. Dumoulin and Visin 2016, section 4.
 */
import { ExplainError } from '../../core/errors.js'
import { float32 } from '../../core/tensor.js'
import { intOf, intsOf, stringOf } from '../../onnx/attributes.js'
import type { Builder, Extent } from '../../onnx/builder.js'
import { describe, type Node } from '../../onnx/ir.js'
import { blocked } from '../blocked.js'
import { defineRules, type Rule, type RuleEntry } from '../rule.js'
import { interleave, padWithZeros, storedInts, upTo } from '../scatter.js'
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

/** The most pixels of a kernel that is turned around by a product: its matrix has the square of them. */
const MOST_PIXELS = 32

/**
 * The kernel turned around on every spatial axis: where its shape is known, by a product with an exchange matrix, which ONNX Runtime does ten times as
 * fast as a slice that goes backwards. It does so when a session is created.
 */
function flip(b: Builder, weight: string, kernel: readonly number[]): string {
  const axes = kernel.flatMap((k, i) => (k > 1 ? [i + 2] : []))
  if (axes.length === 0) return weight
  const pixels = kernel.reduce((n, k) => n * k, 1)
  const [m, c] = b.dims(weight) ?? []
  if (typeof m === 'number' && typeof c === 'number' && b.type(weight) === 'float32' && pixels <= MOST_PIXELS) {
    const rows = b.reshape(weight, [-1, pixels])
    const turned = b.reshape(b.op('MatMul', [rows, exchange(b, pixels)]), [m, c, ...kernel])
    b.know(turned, b.type(weight), b.dims(weight))
    return turned
  }
  const each = (value: number): string => b.int64s(axes.map(() => value))
  return b.op('Slice', [weight, each(-1), each(Number.MIN_SAFE_INTEGER), b.int64s(axes), each(-1)])
}

/** The matrix with ones from the upper right to the lower left. */
function exchange(b: Builder, size: number): string {
  return b.cached(`exchange ${size}`, () => {
    const data = new Float32Array(size * size)
    for (let i = 0; i < size; i++) data[i * size + size - 1 - i] = 1
    return b.constant(float32([size, size], data), `exchange_${size}`)
  })
}

/** Gradient of the input of a convolution. */
export function inputGradient(b: Builder, gy: string, x: string, weight: string, group: number, w: Window): string {
  const { kernel, strides, dilations, span } = w
  const [begins, ends] = [known(w.begins), known(w.ends)]
  const canFlip = begins && ends && [...begins, ...ends].every((p, i) => p < (span[i % span.length] ?? 1))
  if (canFlip && strides.every((s) => s === 1)) {
    const back = exchangeChannels(b, flip(b, weight, kernel), group, kernel.length + 2)
    const pads = [...begins.map((p, i) => (span[i] ?? 1) - 1 - p), ...ends.map((p, i) => (span[i] ?? 1) - 1 - p)]
    return b.op('Conv', [gy, back], { kernel_shape: kernel, pads, dilations, group, strides })
  }
  if (kernel.length === 2 && kernel.every((k) => k === 1)) return pixelGradient(b, gy, x, weight, group, w)
  const isDepthwise = kernel.length === 2 && group > 1 && b.dims(weight)?.[1] === 1 && b.dims(weight)?.[0] === group
  if (isDepthwise || (kernel.length === 3 && b.lacks('ConvTranspose 3-D')))
    return stretchedGradient(b, gy, x, weight, group, w)
  // what the transposed convolution leaves out at the end: pixels that no window reached (positive), or padding
  const missing = kernel.map((_, i): Extent => {
    const reach = b.add(b.mul(b.sub(b.extent(gy, i + 2), 1), strides[i] ?? 1), span[i] ?? 1)
    return b.sub(b.add(b.extent(x, i + 2), w.begins[i] ?? 0), reach)
  })
  const fixed = known(missing)
  const attributes = { kernel_shape: kernel, strides, dilations, group }
  if (fixed && begins?.every((p) => p >= 0)) {
    const pads = [...begins, ...fixed.map((m) => Math.max(-m, 0))]
    const output_padding = fixed.map((m) => Math.max(m, 0))
    return blocked(b, b.op('ConvTranspose', [gy, weight], { ...attributes, pads, output_padding }), x)
  }
  const full = b.op('ConvTranspose', [gy, weight], attributes)
  return padSpatial(
    b,
    full,
    w.begins.map((p) => b.sub(0, p)),
    missing,
  )
}

/** Kernels of one pixel: the convolution goes back where the outputs are, and its pixels are put among zeros afterwards. */
function pixelGradient(b: Builder, gy: string, x: string, weight: string, group: number, w: Window): string {
  const made = b.op('Conv', [gy, exchangeChannels(b, weight, group, 4)], { kernel_shape: w.kernel, group })
  b.know(made, b.type(x), b.dims(gy)?.with(1, b.dims(x)?.[1] ?? null))
  const begins = w.begins.map((p) => b.sub(0, p))
  return blocked(b, amongZeros(b, made, begins, reaches(b, gy, x, w), w.strides), x)
}

/**
 * The same as a convolution of stride 1 over the gradient with zeros put in: for runtimes without the transposed one, and for
 * depthwise kernels, which ONNX Runtime transposes channel by channel.
 */
function stretchedGradient(b: Builder, gy: string, x: string, weight: string, group: number, w: Window): string {
  const { kernel, strides, dilations, span } = w
  const begins = kernel.map((_, i) => b.sub((span[i] ?? 1) - 1, w.begins[i] ?? 0))
  const ends = reaches(b, gy, x, w)
  const back = exchangeChannels(b, flip(b, weight, kernel), group, kernel.length + 2)
  const attributes = { kernel_shape: kernel, dilations, group }
  const pads = known([...begins, ...ends])
  if (pads?.every((p, i) => p >= 0 && p < (span[i % span.length] ?? 1)))
    return b.op('Conv', [amongZeros(b, gy, [], [], strides), back], { ...attributes, pads })
  return b.op('Conv', [amongZeros(b, gy, begins, ends, strides), back], attributes)
}

/** How far the pixels of `x` reach behind those of `gy` with zeros put in; where that is negative, the zeros reach further. */
function reaches(b: Builder, gy: string, x: string, w: Window): Extent[] {
  return w.kernel.map((_, i) => {
    const length = b.mul(b.extent(gy, i + 2), w.strides[i] ?? 1)
    return b.sub(b.add(b.extent(x, i + 2), w.begins[i] ?? 0), length)
  })
}

/**
 * A picture or volume in which `stride - 1` zeros follow each pixel, padded (cropped, where negative) afterwards. Channels of pictures go last on the
 * way, where ONNX Runtime moves them all at once, and takes both turns into its reorders.
 */
function amongZeros(
  b: Builder,
  value: string,
  begins: readonly Extent[],
  ends: readonly Extent[],
  strides: readonly number[],
): string {
  const extents = [0, 1, ...strides.map((_, i) => i + 2)].map((axis) => b.extent(value, axis))
  const [n = 1, c = 1, ...places] = extents
  if (strides.length !== 2) {
    const axes = strides.map((_, i) => i + 2)
    return padSpatial(b, interleave(b, value, extents, axes, strides), begins, ends)
  }
  const last = interleave(b, b.transpose(value, [0, 2, 3, 1]), [n, ...places, c], [1, 2], strides)
  return b.transpose(padWithZeros(b, last, 4, begins.length === 0 ? [] : [1, 2], begins, ends), [0, 3, 1, 2])
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
