/** Pooling, 1-D to 3-D. Inputs are `[N, C, ...spatial]`; windows slide over the spatial axes. */
import { intOf } from '../../onnx/attributes.js'
import type { Builder, Extent } from '../../onnx/builder.js'
import type { Node } from '../../onnx/ir.js'
import { again } from '../again.js'
import { blocked } from '../blocked.js'
import { atTies, defineRules, unary } from '../rule.js'
import { countPer, flat, zerosLike } from '../scatter.js'
import { inputGradient } from './conv.js'
import { toFirstMaximum } from './first-maximum.js'
import { known, type Pooling, padSpatial, poolingOf, reach } from './window.js'

/** `[N, C, ...outputs]` with every pixel repeated along each spatial axis: the last by Concat, whole rows by Expand. */
function repeat(b: Builder, value: string, outputs: readonly Extent[], times: readonly number[]): string {
  if (times.every((t) => t === 1)) return value
  const last = times.length - 1
  const columns = times[last] ?? 1
  const column = b.op('Unsqueeze', [value, b.int64s([last + 3])])
  const row = b.op(
    'Concat',
    Array.from({ length: columns }, () => column),
    { axis: last + 3 },
  )
  const width = b.mul(outputs[last] ?? 1, columns)
  const rows = outputs.slice(0, last)
  const blocks = b.reshape(row, [0, 0, ...rows.flatMap((o): Extent[] => [o, 1]), width])
  const repeated = b.op('Expand', [blocks, b.int64s([1, 1, ...times.slice(0, last).flatMap((t) => [1, t]), 1])])
  return b.reshape(repeated, [0, 0, ...rows.map((o, i) => b.mul(o, times[i] ?? 1)), width])
}

/**
 * `scale` times the sum over the windows that hold a pixel, for every pixel of the input: the transpose of summing each window.
 *
 * Windows that tile the input: each value is repeated over its own. Stride 1: a window of the same kernel slides over the
 * padded values (as an AveragePool, which is quick; a sum is `size` times as much). Others: the transpose of a convolution
 * with a constant kernel, each channel for itself.
 */
function spread(b: Builder, x: string, value: string, p: Pooling, scale: number): string {
  const times = (v: string, factor: number): string => (factor === 1 ? v : b.op('Mul', [v, b.scalar(factor, x)]))
  const before = p.begins.map((e) => b.sub(0, e))
  const after = p.inputs.map((e, i) => b.sub(b.add(e, p.begins[i] ?? 0), b.mul(p.outputs[i] ?? 0, p.strides[i] ?? 1)))
  if (p.kernel.every((k, i) => k === p.strides[i] && p.span[i] === k))
    return padSpatial(b, repeat(b, times(value, scale), p.outputs, p.kernel), before, after)
  if (p.strides.every((s) => s === 1) && p.dilations.every((d) => d === 1)) {
    const begins = before.map((e, i) => b.add((p.kernel[i] ?? 1) - 1, e))
    const pads = known([...begins, ...after])
    const sums = times(value, scale * p.size)
    if (pads?.every((e, i) => e >= 0 && e < (p.kernel[i % p.kernel.length] ?? 1)))
      return b.op('AveragePool', [sums], { kernel_shape: p.kernel, pads, count_include_pad: 1 })
    return b.op('AveragePool', [padSpatial(b, sums, begins, after)], { kernel_shape: p.kernel })
  }
  const single = (v: string, extents: readonly Extent[]): string => {
    const one = b.reshape(v, [-1, 1, ...extents])
    b.know(one, b.type(x), [null, 1, ...extents.map((e) => (typeof e === 'number' ? e : null))])
    return one
  }
  const weight = b.op('Expand', [b.scalar(scale, x), b.int64s([1, 1, ...p.kernel])])
  b.know(weight, b.type(x), [1, 1, ...p.kernel])
  const back = inputGradient(b, single(value, p.outputs), single(x, p.inputs), weight, 1, p)
  return b.reshapeLike(back, x)
}

/** Whether every window divides by the size of its kernel: none hangs over an edge that is not counted. */
function isUniform(node: Node, p: Pooling): boolean {
  const counted = intOf(node, 'count_include_pad', 0) === 1
  const exact = intOf(node, 'ceil_mode', 0) === 0
  return p.kernel.every((_, i) => {
    const [begin, end, x, y] = [p.begins[i], p.ends[i], p.inputs[i], p.outputs[i]]
    if (exact && (counted || (begin === 0 && end === 0))) return true
    if (typeof begin !== 'number' || typeof end !== 'number' || typeof x !== 'number' || typeof y !== 'number')
      return false
    const last = (y - 1) * (p.strides[i] ?? 1) + (p.span[i] ?? 1)
    return counted ? last <= begin + x + end : begin === 0 && last <= x
  })
}

/**
 * What each window of an AveragePool multiplies its sum by, as `[1, 1, ...outputs]`: the average of ones (1, or less where padding is
 * counted) over the number of ones in the window. So whatever ORT divides by is what is divided by here.
 */
function windowWeights(b: Builder, node: Node, x: string, p: Pooling): string {
  const ones = b.op('Expand', [b.scalar(1, x), b.vector([1, 1, ...p.inputs])])
  b.know(ones, b.type(x), undefined)
  const ends = p.inputs.map((extent, i) => b.sub(reach(b, p, i), b.add(extent, p.begins[i] ?? 0)))
  const filled = b.op('AveragePool', [padSpatial(b, ones, p.begins, ends)], {
    kernel_shape: p.kernel,
    strides: p.strides,
    ...(p.dilations.some((d) => d > 1) ? { dilations: p.dilations } : {}),
  })
  // a window that lies in the padding alone holds no ones; what it spreads reaches no pixel
  const inside = b.op('Max', [b.op('Mul', [filled, b.scalar(p.size, x)]), b.scalar(1, x)])
  if (intOf(node, 'count_include_pad', 0) === 0) return b.op('Reciprocal', [inside])
  return b.op('Div', [again(b, node, [ones]), inside])
}

/** `sign(x) |x|^(p-1) T(gy y^(1-p))` with `T` the sum over the windows that hold a pixel; 0 where y is 0. */
function normGradient(
  b: Builder,
  power: number,
  x: string,
  y: string,
  gy: string,
  transpose: (v: string) => string,
): string {
  if (power === 1) return b.op('Mul', [b.op('Sign', [x]), transpose(gy)])
  const zero = b.scalar(0, y)
  const safe = b.op('Where', [b.op('Equal', [y, zero]), b.scalar(1, y), y])
  if (power === 2) return b.op('Mul', [x, transpose(b.op('Div', [gy, safe]))])
  const spreadOut = transpose(b.op('Div', [gy, b.op('Pow', [safe, b.scalar(power - 1, y)])]))
  const size = b.op('Pow', [b.op('Abs', [x]), b.scalar(power - 1, x)])
  return b.op('Mul', [b.op('Mul', [b.op('Sign', [x]), size]), spreadOut])
}

export const pool = defineRules({
  /**
   * y = max over the window. The gradient goes to the first of equals in row-major order, which is what the Indices output names, as in
   * PyTorch; gradients of overlapping windows add up.
   */
  MaxPool: atTies('the first of equals takes the gradient, as in PyTorch', {
    outputs: 1,
    rule: ({ b, node, gy, x: [x = ''], y: [y = ''] }) => [() => toFirstMaximum(b, x, y, gy, poolingOf(b, node, x, y))],
  }),
  /** y = sum over the window / its size; padding is in the size where `count_include_pad` is 1, what `ceil_mode` adds never. */
  AveragePool: unary(({ b, node, gy, in0, out }) => {
    const p = poolingOf(b, node, in0, out)
    if (isUniform(node, p)) return spread(b, in0, gy, p, 1 / p.size)
    return spread(b, in0, b.op('Mul', [gy, windowWeights(b, node, in0, p)]), p, 1)
  }),
  // y = (sum over the window of |x|^p)^(1/p)
  LpPool: atTies(
    '0 where the norm is 0',
    unary(({ b, node, gy, in0, out }) =>
      normGradient(b, intOf(node, 'p', 2), in0, out, gy, (v) => spread(b, in0, v, poolingOf(b, node, in0, out), 1)),
    ),
  ),
  // y = mean over the spatial axes
  GlobalAveragePool: unary(({ b, gy, in0, out }) =>
    blocked(b, b.op('Expand', [b.op('Div', [gy, countPer(b, in0, out)]), b.shapeOf(in0)]), in0),
  ),
  /** y = max over the spatial axes; the first of equals takes the gradient, as in torch.nn.AdaptiveMaxPool2d and in MaxPool. */
  GlobalMaxPool: atTies(
    'the first of equals takes the gradient, as in PyTorch',
    unary(({ b, gy, in0 }) => {
      const rows = b.int64s([0, 0, -1])
      const x = b.op('Reshape', [in0, rows])
      b.know(x, b.type(in0), undefined)
      const first = b.op('ArgMax', [x], { axis: 2, keepdims: 1, select_last_index: 0 })
      const inputs = [zerosLike(b, x), first, b.op('Reshape', [gy, rows])]
      return b.reshapeLike(b.op('ScatterElements', inputs, { axis: 2 }), in0)
    }),
  ),
  // y = (sum over the spatial axes of |x|^p)^(1/p)
  GlobalLpPool: atTies(
    '0 where the norm is 0',
    unary(({ b, node, gy, in0, out }) => normGradient(b, intOf(node, 'p', 2), in0, out, gy, (v) => v)),
  ),
  // y = x put at indices, which count through the whole of y, among zeros
  MaxUnpool: {
    inputs: 1,
    rule: ({ b, gy, x: [x = '', indices = ''] }) => [
      () => b.reshapeLike(b.op('Gather', [flat(b, gy), flat(b, indices)], { axis: 0 }), x),
    ],
  },
})
