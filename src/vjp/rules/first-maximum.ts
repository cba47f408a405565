/**
 * The gradient of a MaxPool without its indices, with which ONNX Runtime's pooling takes thirty times as long as without, and which some runtimes lack.
 *
 * The maximum over a box is a maximum along one axis after another, so the way back is, too: from the first spatial axis to the last,
 * each step sends the gradient of a maximum to the first element along its axis that equals it, and adds up what overlapping windows
 * send to one element. The first row that holds the maximum, and in it the first column, is the first element in row-major order,
 * which is what Indices name. Some tap holds the maximum, so the last takes what the others left: a window of k x k takes 2 (k - 1) comparisons.
 * Channels go last, so that whatever is moved along an axis is moved in blocks.
 */
import type { Builder, Extent } from '../../onnx/builder.js'
import { protoType } from '../../onnx/tensors.js'
import { blocked } from '../blocked.js'
import { padWith, padWithZeros, zerosLike } from '../scatter.js'
import { known, type Pooling, reach } from './window.js'

/** The windows along one axis: output `o` reads the elements `stride o + dilation t - begin`, t from 0 to `taps - 1`. */
interface Windows {
  readonly taps: number
  readonly stride: number
  readonly dilation: number
  readonly begin: Extent
  readonly inputs: Extent
  readonly outputs: Extent
}

/** Maxima along one axis: `x` `[-1, inputs, inner]`, `y` `[-1, outputs, inner]`, channels last. */
interface Step {
  readonly x: string
  readonly y: string
  /** The shape of `x` before its axes were drawn together. */
  readonly extents: readonly Extent[]
  /** The axis among these. */
  readonly axis: number
  readonly windows: Windows
}

/** For every pixel of `x` the sum of `gy` over the windows whose first maximum it is. */
export function toFirstMaximum(b: Builder, x: string, y: string, gy: string, p: Pooling): string {
  const axes = p.kernel.flatMap((k, i) => (k === 1 && p.strides[i] === 1 ? [] : [i])).reverse()
  const steps: Step[] = []
  const extents = [-1, ...p.inputs, b.extent(x, 1)]
  let [maxima, last] = [x, channelsLast(b, x, p)]
  for (const [n, i] of axes.entries()) {
    const before = [...extents]
    extents[i + 1] = p.outputs[i] ?? 1
    maxima = n === axes.length - 1 ? y : maximaAlong(b, maxima, p, i)
    const pooled = channelsLast(b, maxima, p)
    steps.push({ x: last, y: pooled, extents: before, axis: i + 1, windows: windowsOf(p, i) })
    last = pooled
  }
  const back = steps.reduceRight((g, step) => stepBack(b, step, g, x), channelsLast(b, gy, p))
  const rank = p.kernel.length + 2
  const picture = b.transpose(b.reshape(back, [-1, ...p.inputs, b.extent(x, 1)]), [0, rank - 1, ...spatial(p)])
  return blocked(b, picture, x)
}

/** 1, 2, ...: the spatial axes where channels go last. */
function spatial(p: Pooling): number[] {
  return p.kernel.map((_, i) => i + 1)
}

function channelsLast(b: Builder, value: string, p: Pooling): string {
  return b.cached(`channels last ${value}`, () => b.transpose(value, [0, ...spatial(p).map((i) => i + 1), 1]))
}

function windowsOf(p: Pooling, i: number): Windows {
  return {
    taps: p.kernel[i] ?? 1,
    stride: p.strides[i] ?? 1,
    dilation: p.dilations[i] ?? 1,
    begin: p.begins[i] ?? 0,
    inputs: p.inputs[i] ?? 1,
    outputs: p.outputs[i] ?? 1,
  }
}

/** The maxima of `x` along spatial axis `i` alone, as many as the pooling has. */
function maximaAlong(b: Builder, x: string, p: Pooling, i: number): string {
  const only = <T>(own: T, other: T): T[] => p.kernel.map((_, j) => (j === i ? own : other))
  const kernel = p.kernel[i] ?? 1
  const begin = p.begins[i] ?? 0
  const end = b.sub(reach(b, p, i), b.add(p.inputs[i] ?? 1, begin))
  const attributes = {
    kernel_shape: only(kernel, 1),
    strides: only(p.strides[i] ?? 1, 1),
    ...((p.dilations[i] ?? 1) > 1 ? { dilations: only(p.dilations[i] ?? 1, 1) } : {}),
  }
  // rows that no window reaches are left out by the pooling itself
  const pads = known([begin, typeof end === 'number' ? Math.max(end, 0) : end])
  const [before = 0, after = 0] = pads ?? []
  const maxima =
    pads && before >= 0 && Math.max(before, after) < kernel
      ? b.op('MaxPool', [x], { ...attributes, pads: [...only(before, 0), ...only(after, 0)] })
      : b.op(
          'MaxPool',
          [padWith(b, b.scalar(-largest(b, x), x), x, p.kernel.length + 2, [i + 2], [begin], [end])],
          attributes,
        )
  b.know(maxima, b.type(x), b.dims(x)?.with(i + 2, typeof p.outputs[i] === 'number' ? p.outputs[i] : null))
  return maxima
}

/** The largest finite number; where the type is not known, that of float32. */
function largest(b: Builder, like: string): number {
  return b.type(like) === 'float64' ? Number.MAX_VALUE : (2 - 2 ** -23) * 2 ** 127
}

/**
 * Tap by tap of the windows: where its element equals the maximum, it takes the gradient that no tap before it has taken; the last takes what is
 * left. Elements a stride apart are drawn out together, and put between the others again afterwards.
 */
function stepBack(b: Builder, step: Step, gy: string, like: string): string {
  const { windows, extents, axis } = step
  const inner = extents.slice(axis + 1).reduce<Extent>((n, e) => b.mul(n, e), 1)
  const drawn = (value: string, length: Extent): string => {
    const rows = extents.length === 3 ? value : b.reshape(value, [-1, length, inner])
    b.know(rows, b.type(like), [null, ...[length, inner].map((e) => (typeof e === 'number' ? e : null))])
    return rows
  }
  const { inputs, outputs, begin } = windows
  const [x, y, g] = [drawn(step.x, inputs), drawn(step.y, outputs), drawn(gy, outputs)]
  if (typeof begin === 'number') return rowsBack(b, { x, y, g, inner, like, windows: { ...windows, begin } })
  const padded = padWith(b, beyond(b, like), x, 3, [1], [begin], [0])
  const moved = { ...windows, begin: 0, inputs: b.add(inputs, begin) }
  const back = rowsBack(b, { x: padded, y, g, inner, like, windows: moved })
  return padWithZeros(b, back, 3, [1], [b.sub(0, begin)], [0])
}

/** Behind every end. */
const MOST = Number.MAX_SAFE_INTEGER

/** Fills up what windows read behind the ends: no maximum equals the largest number, however small the pixels are. */
function beyond(b: Builder, like: string): string {
  return b.scalar(largest(b, like), like)
}

interface Rows {
  readonly x: string
  readonly y: string
  readonly g: string
  readonly inner: Extent
  readonly like: string
  readonly windows: Windows & { readonly begin: number }
}

function rowsBack(b: Builder, { x, y, g, inner, like, windows }: Rows): string {
  const { taps, stride, dilation, begin, inputs, outputs } = windows
  /** How many elements there are a stride apart, the first at `from`. */
  const count = (from: number): Extent => b.div(b.add(inputs, stride - 1 - from), stride)
  const every = count(0)
  /** By the place of the first element: the gradients of those a stride apart, `every` of them. */
  const phases = new Map<number, string>()
  let left = g
  for (let t = 0; t < taps; t++) {
    // output o reads element o + shift of those that begin at `from`
    const place = t * dilation - begin
    const shift = Math.floor(place / stride)
    const from = place - shift * stride
    let taken = left
    if (t < taps - 1) {
      const element = elements(b, { x, like, windows }, place, { from, shift, count: count(from) })
      taken = b.op('Mul', [typed(b, b.op('Equal', [element, y]), like), left])
      left = b.op('Sub', [left, taken])
    }
    const placed = padWithZeros(b, taken, 3, [1], [shift], [b.sub(every, b.add(outputs, shift))])
    const before = phases.get(from)
    phases.set(from, before === undefined ? placed : b.op('Add', [before, placed]))
  }
  const [some = g] = phases.values()
  if (stride === 1) return some
  // where windows leave gaps, none reads the elements of a phase
  const parts = Array.from({ length: stride }, (_, r) => phases.get(r) ?? zerosLike(b, some))
  const total = b.mul(every, stride)
  const rows = b.reshape(b.op('Concat', parts, { axis: 2 }), [-1, total, inner])
  return padWithZeros(b, rows, 3, [1], [0], [b.sub(inputs, total)])
}

/** What one tap reads: elements a stride apart, as many as there are outputs. */
function elements(
  b: Builder,
  { x, like, windows: { stride, inputs, outputs } }: Pick<Rows, 'x' | 'like' | 'windows'>,
  place: number,
  apart: { readonly from: number; readonly shift: number; readonly count: Extent },
): string {
  const steps = (from: number, to: number): string =>
    stride === 1 && from === 0 && to >= MOST
      ? x
      : b.op('Slice', [x, b.int64s([from]), b.int64s([to]), b.int64s([1]), b.int64s([stride])])
  const known = typeof outputs === 'number' && typeof inputs === 'number'
  const end = known ? place + stride * (outputs - 1) + 1 : MOST
  if (known && place >= 0 && end <= inputs) return steps(place, end)
  const { from, shift, count } = apart
  const all = b.cached(`apart ${x} ${from} ${stride}`, () => steps(from, MOST))
  return padWith(b, beyond(b, like), all, 3, [1], [-shift], [b.sub(b.add(outputs, shift), count)])
}

/** A condition as 1 and 0 in the type of `like`. */
function typed(b: Builder, condition: string, like: string): string {
  const type = b.type(like)
  return type === undefined ? b.op('CastLike', [condition, like]) : b.op('Cast', [condition], { to: protoType(type) })
}
