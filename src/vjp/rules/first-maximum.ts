/**
 * The gradient of a MaxPool without its indices, for runtimes that lack them.
 *
 * The maximum over a box is a maximum along one axis after another, so the way back is, too: from the first spatial axis to the last,
 * each step sends the gradient of a maximum to the first element along its axis that equals it, and adds up what overlapping windows
 * send to one element. The first row that holds the maximum, and in it the first column, is the first element in row-major order,
 * which is what Indices name. A window of k x k takes 2k comparisons, and nothing has more than two spatial axes. A window of -infinity
 * alone, of which ONNX Runtime makes the lowest number where it is padded, then has no first maximum and passes no gradient.
 */
import { float32 } from '../../core/tensor.js'
import type { Builder, Extent } from '../../onnx/builder.js'
import { protoType } from '../../onnx/tensors.js'
import { padWith } from '../scatter.js'
import { inputGradient } from './conv.js'
import { type Pooling, reach, type Window } from './window.js'

/** Rows and columns. */
type Sides = readonly [Extent, Extent]

/** Maxima along one axis of `x`; all are pictures `[-1, 1, rows, columns]`. */
interface Step {
  readonly x: string
  readonly y: string
  readonly sides: Sides
  /** 2: the windows hold several rows, 3: several columns. */
  readonly axis: 2 | 3
  readonly window: Window
}

/** For every pixel of `x` the sum of `gy` over the windows whose first maximum it is. */
export function toFirstMaximum(b: Builder, x: string, y: string, gy: string, p: Pooling): string {
  const axes = p.kernel.flatMap((k, i) => (k === 1 && p.strides[i] === 1 ? [] : [i])).reverse()
  const extents = [...p.inputs]
  const steps: Step[] = []
  let maxima = x
  for (const [n, i] of axes.entries()) {
    const axis = i === p.kernel.length - 1 ? 3 : 2
    const from = asPicture(b, maxima, x, sidesOf(b, extents, i))
    const window = alongAxis(b, p, i, axis)
    extents[i] = p.outputs[i] ?? 1
    const sides = sidesOf(b, extents, i)
    maxima = n === axes.length - 1 ? asPicture(b, y, x, sides) : maximaOf(b, from, axis, window)
    steps.push({ x: from, y: maxima, sides, axis, window })
  }
  const back = steps.reduceRight((g, step) => stepBack(b, step, asPicture(b, g, x, step.sides)), gy)
  return b.reshapeLike(back, x)
}

/** The sides of the pictures that a tensor of these spatial extents is cut into, so that axis `i` is their rows or, if it is the last, columns. */
function sidesOf(b: Builder, extents: readonly Extent[], i: number): Sides {
  const [own = 1, ...inner] = extents.slice(i)
  return inner.length === 0 ? [extents[i - 1] ?? 1, own] : [own, inner.reduce((n, e) => b.mul(n, e))]
}

function asPicture(b: Builder, value: string, like: string, sides: Sides): string {
  const pictures = b.reshape(value, [-1, 1, ...sides])
  b.know(pictures, b.type(like), [null, 1, ...sides.map((e) => (typeof e === 'number' ? e : null))])
  return pictures
}

/** The window on spatial axis `i`, as one of pictures; its padding ends where the last window does. */
function alongAxis(b: Builder, p: Pooling, i: number, axis: 2 | 3): Window {
  const begin = p.begins[i] ?? 0
  const end = b.sub(reach(b, p, i), b.add(p.inputs[i] ?? 1, begin))
  const pair = <T>(own: T, other: T): readonly T[] => (axis === 2 ? [own, other] : [other, own])
  return {
    kernel: pair(p.kernel[i] ?? 1, 1),
    strides: pair(p.strides[i] ?? 1, 1),
    dilations: pair(p.dilations[i] ?? 1, 1),
    span: pair(p.span[i] ?? 1, 1),
    begins: pair<Extent>(begin, 0),
    ends: pair<Extent>(end, 0),
  }
}

function padded(b: Builder, x: string, { begins, ends }: Window, constant: number): string {
  return padWith(b, b.scalar(constant, x), x, 4, [2, 3], begins, ends)
}

/** The largest finite number; where the type is not known, that of float32. */
function largest(b: Builder, like: string): number {
  return b.type(like) === 'float64' ? Number.MAX_VALUE : (2 - 2 ** -23) * 2 ** 127
}

function maximaOf(b: Builder, x: string, axis: 2 | 3, window: Window): string {
  const { kernel, strides, dilations } = window
  const attributes = { kernel_shape: kernel, strides, ...(dilations.some((d) => d > 1) ? { dilations } : {}) }
  const maxima = b.op('MaxPool', [padded(b, x, window, -largest(b, x))], attributes)
  b.know(maxima, b.type(x), b.dims(x)?.with(axis, null))
  return maxima
}

/**
 * Element by element of the window: where it equals the maximum, it takes the gradient that no element before it has taken. What
 * each element of the window takes is laid out as a channel, which a transposed convolution with a kernel of one 1 puts in its place.
 */
function stepBack(b: Builder, { x, y, axis, window }: Step, gy: string): string {
  const at = axis - 2
  const [k, stride, dilation] = [window.kernel[at] ?? 1, window.strides[at] ?? 1, window.dilations[at] ?? 1]
  const zero = b.scalar(0, x)
  // the largest number, so that padding takes nothing however small the pixels are; the smallest would equal pixels as small
  const pixels = padded(b, x, window, largest(b, x))
  let left = gy
  const taken = Array.from({ length: k }, (_, o) => {
    const past = (o - k + 1) * dilation
    const ends = b.int64s([past === 0 ? Number.MAX_SAFE_INTEGER : past])
    const element = b.op('Slice', [pixels, b.int64s([o * dilation]), ends, b.int64s([axis]), b.int64s([stride])])
    const equal = b.op('Equal', [element, y])
    const own = b.op('Where', [equal, left, zero])
    left = b.op('Where', [equal, zero, left])
    return own
  })
  // like all that convolves, this is float32 in networks of float64 too, for which ORT has no transposed convolution
  const isFloat32 = b.type(x) === 'float32'
  const stacked = b.op('Concat', taken, { axis: 1 })
  const channels = isFloat32 ? stacked : b.op('Cast', [stacked], { to: protoType('float32') })
  b.know(channels, 'float32', b.dims(gy)?.with(1, k))
  const back = inputGradient(b, channels, x, places(b, window), 1, window)
  return isFloat32 ? back : b.op('CastLike', [back, x])
}

/** Weights `[k, 1, ...kernel]` of the convolution that lays out a window of k elements as k channels. */
function places(b: Builder, { kernel }: Window): string {
  const k = Math.max(...kernel)
  const identity = Float32Array.from({ length: k * k }, (_, i) => (i % (k + 1) === 0 ? 1 : 0))
  return b.cached(`places ${kernel}`, () => b.constant(float32([k, 1, ...kernel], identity), 'places'))
}
