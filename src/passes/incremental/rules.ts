/** Local operators: those whose output at a place depends on the places around it alone. Each rule says which, and how it is done on windows. */

import type { Tensor } from '../../core/tensor.js'
import { attributes, intOf, intsOf, stringOf } from '../../onnx/attributes.js'
import { type Node, operatorName } from '../../onnx/ir.js'
import { type Frame, type Slide, STILL, slideFrame, unionFrame } from './frames.js'
import { type Reading, readingOf } from './reading.js'
import { slidesOf } from './slides.js'

/** A value of which only windows are computed. */
export interface Windowed {
  readonly frame: Frame
  /** Where the places run along, in the frame's order. Axis 0 is the batch, and never among them. */
  readonly axes: readonly number[]
}

/** What a rule is told of the values of a node. The sizes are those of one picture: axis 0 is the batch, 1. */
export interface Seen {
  dims(value: string): readonly number[] | undefined
  windowed(value: string): Windowed | undefined
  constant(value: string): Tensor | undefined
}

/** How a node is done on windows. */
export interface Step {
  readonly node: Node
  /** By input: what is read of it; undefined where it is taken as it is. */
  readonly readings: readonly (Reading | undefined)[]
  readonly out: Windowed
  /** A factor for each place of the whole output, where there is one. */
  readonly factors?: Float32Array | undefined
  /** For `Reshape`: the axes of the output, numbers or axes of the input by their index. */
  readonly shape?: readonly (number | { readonly axis: number })[] | undefined
}

type Rule = (node: Node, seen: Seen) => Step | undefined

/** The step of a node that reads windows; undefined where it needs the whole map. */
export function stepOf(node: Node, seen: Seen): Step | undefined {
  if (node.outputs.filter((o) => o !== '').length !== 1 && node.op !== 'Split' && node.op !== 'Dropout')
    return undefined
  return RULES.get(operatorName(node))?.(node, seen)
}

/** The same place of every input; sizes of 1 are repeated. */
const pointwise: Rule = (node, seen) => {
  const read = node.inputs.flatMap((i) => seen.windowed(i) ?? [])
  const [first] = read
  const rank = Math.max(...node.inputs.map((i) => seen.dims(i)?.length ?? 0))
  if (!first || !read.every((w) => sameAxes(w, first))) return undefined
  if (node.inputs.some((i) => seen.windowed(i) && seen.dims(i)?.length !== rank)) return undefined
  const frame = unionFrame(read.map((w) => w.frame))
  const readings = node.inputs.map((i) => {
    const own = seen.windowed(i)
    return (
      own &&
      readingOf(
        own.frame,
        frame,
        first.axes.map(() => STILL),
      )
    )
  })
  const others = node.inputs.filter((i) => i !== '' && !seen.windowed(i))
  if (!others.every((i) => isConstantAlong(seen.dims(i), rank, first.axes))) return undefined
  return { node, readings, out: { frame, axes: first.axes } }
}

/** True where a value is the same at all places of one that has `rank` axes. */
function isConstantAlong(dims: readonly number[] | undefined, rank: number, axes: readonly number[]): boolean {
  return dims !== undefined && axes.every((a) => (dims[a - rank + dims.length] ?? 1) === 1)
}

function sameAxes(a: Windowed, b: Windowed): boolean {
  const isSame = (x: readonly number[], y: readonly number[]): boolean => x.join() === y.join()
  return isSame(a.axes, b.axes) && isSame(a.frame.extents, b.frame.extents)
}

/** The first input alone, place by place; the others are no maps. */
const first: Rule = (node, seen) => {
  const own = seen.windowed(node.inputs[0] ?? '')
  return own && alone(node, seen) ? taken(node, own) : undefined
}

/** What axis 1 holds the channels for. */
const byChannel: Rule = (node, seen) =>
  seen.windowed(node.inputs[0] ?? '')?.axes.every((a) => a > 1) ? first(node, seen) : undefined

/** True where no input but the first is windows. */
function alone(node: Node, seen: Seen): boolean {
  return node.inputs.slice(1).every((i) => !seen.windowed(i))
}

function taken(node: Node, out: Windowed): Step {
  return { node, readings: node.inputs.map(() => undefined), out }
}

/** Works along one axis, which `axis` names, or from it on: none of the places'. */
const along =
  (otherwise: number | undefined, reaches: 'one' | 'rest' = 'one'): Rule =>
  (node, seen) => {
    const own = seen.windowed(node.inputs[0] ?? '')
    const rank = seen.dims(node.inputs[0] ?? '')?.length
    const given = intOf(node, 'axis', otherwise)
    if (!own || rank === undefined || given === undefined || !alone(node, seen)) return undefined
    const axis = given < 0 ? given + rank : given
    const free = axis !== 0 && own.axes.every((a) => (reaches === 'one' ? a !== axis : a < axis))
    return free ? taken(node, own) : undefined
  }

/** Picks from one axis by a list, so that the number of axes stays. */
const picks: Rule = (node, seen) => (seen.dims(node.inputs[1] ?? '')?.length === 1 ? along(0)(node, seen) : undefined)

const concat: Rule = (node, seen) => {
  const rank = seen.dims(node.inputs[0] ?? '')?.length ?? 0
  const given = intOf(node, 'axis', 0)
  const axis = given < 0 ? given + rank : given
  if (!node.inputs.every((i) => seen.windowed(i))) return undefined
  const step = pointwise(node, seen)
  return step && axis !== 0 && !step.out.axes.includes(axis) ? step : undefined
}

const slice: Rule = (node, seen) => {
  const own = seen.windowed(node.inputs[0] ?? '')
  const rank = seen.dims(node.inputs[0] ?? '')?.length ?? 0
  const axes = seen.constant(node.inputs[3] ?? '')
  if (!own || !axes || !alone(node, seen)) return undefined
  const cut = Array.from(axes.data, Number).map((a) => (a < 0 ? a + rank : a))
  return cut.some((a) => a === 0 || own.axes.includes(a)) ? undefined : taken(node, own)
}

/** The places keep axes of their own; what lies between them is regrouped. */
const reshape: Rule = (node, seen) => {
  const [x = ''] = node.inputs
  const [own, from, to] = [seen.windowed(x), seen.dims(x), seen.dims(node.outputs[0] ?? '')]
  if (!own || !from || !to) return undefined
  const before = (dims: readonly number[], axis: number): number => dims.slice(0, axis).reduce((a, b) => a * b, 1)
  // an axis of the output that has as many places, and as many numbers in front of it
  const axes = own.axes.map((a) => to.findIndex((d, i) => i > 0 && d === from[a] && before(to, i) === before(from, a)))
  if (axes.some((a, i) => a < 0 || axes.indexOf(a) !== i)) return undefined
  const shape = to.map((d, i) =>
    i === 0 ? { axis: 0 } : axes.includes(i) ? { axis: own.axes[axes.indexOf(i)] ?? 0 } : d,
  )
  return { ...taken({ ...node, inputs: [x] }, { frame: own.frame, axes }), shape }
}

const transpose: Rule = (node, seen) => {
  const own = seen.windowed(node.inputs[0] ?? '')
  const perm = intsOf(node, 'perm', undefined)
  if (!own || perm?.[0] !== 0) return undefined
  return taken(node, { frame: own.frame, axes: own.axes.map((a) => perm.indexOf(a)) })
}

/** Rows of numbers times one matrix. */
const matMul: Rule = (node, seen) => {
  const [a = '', b = ''] = node.inputs
  const [own, rank] = [seen.windowed(a), seen.dims(a)?.length ?? 0]
  if (!own || seen.windowed(b) || seen.dims(b)?.length !== 2 || own.axes.includes(rank - 1)) return undefined
  return taken(node, own)
}

/** Sums and means over axes that are none of the places'. */
const reduce: Rule = (node, seen) => {
  const own = seen.windowed(node.inputs[0] ?? '')
  const rank = seen.dims(node.inputs[0] ?? '')?.length ?? 0
  const given = seen.constant(node.inputs[1] ?? '')
  if (!own || !given || given.data.length === 0 || intOf(node, 'keepdims', 1) !== 1) return undefined
  const axes = Array.from(given.data, Number).map((a) => (a < 0 ? a + rank : a))
  return axes.some((a) => a === 0 || own.axes.includes(a)) ? undefined : taken(node, own)
}

/** Attributes of a node on windows that hold all that is read: nothing is padded, and what single places step over was not read. */
function onWindow(node: Node, slides: readonly Slide[]): Node {
  const set = { strides: slides.map((s) => (s.span === 1 ? 1 : s.stride)) }
  const kept = [...node.attributes].filter(([name]) => !['auto_pad', 'pads', 'ceil_mode', 'strides'].includes(name))
  return { ...node, attributes: new Map([...kept, ...attributes(set)]) }
}

/** A window slides over the axes behind the channels. */
function sliding(
  node: Node,
  seen: Seen,
  kernel: readonly number[] | undefined,
  pad: number,
): (Step & { slides: readonly Slide[] }) | undefined {
  const [x = ''] = node.inputs
  const [own, dims, made] = [seen.windowed(x), seen.dims(x), seen.dims(node.outputs[0] ?? '')]
  if (
    !own ||
    !dims ||
    !made ||
    !kernel ||
    own.axes.join() !==
      dims
        .map((_, i) => i)
        .slice(2)
        .join()
  )
    return undefined
  // ONNX Runtime pads dilated pools with SAME_* as if they were not dilated
  const auto = stringOf(node, 'auto_pad', 'NOTSET')
  if (auto.startsWith('SAME') && intsOf(node, 'dilations', undefined)?.some((d) => d > 1)) return undefined
  const slides = slidesOf(node, kernel, dims.slice(2), made.slice(2))
  const frame = slideFrame(own.frame, slides, made.slice(2))
  const reading = readingOf(own.frame, frame, slides, pad)
  const readings = node.inputs.map((_, i) => (i === 0 ? reading : undefined))
  return { node: onWindow(node, slides), readings, out: { frame, axes: own.axes }, slides }
}

const conv: Rule = (node, seen) =>
  alone(node, seen) ? sliding(node, seen, seen.dims(node.inputs[1] ?? '')?.slice(2), 0) : undefined

const maxPool: Rule = (node, seen) =>
  sliding(node, seen, intsOf(node, 'kernel_shape', undefined), Number.NEGATIVE_INFINITY)

/** Zeros are counted on windows; the factor puts right what does not count them. */
const averagePool: Rule = (node, seen) => {
  const kernel = intsOf(node, 'kernel_shape', undefined)
  const counts = intOf(node, 'count_include_pad', 0) === 1
  const dims = seen.dims(node.inputs[0] ?? '')
  // which places behind the last one count is told differently by different versions
  if (counts && intOf(node, 'ceil_mode', 0) === 1) return undefined
  const step = sliding(node, seen, kernel, 0)
  if (!step || !dims || !kernel) return undefined
  const { slides, out } = step
  const onZeros = {
    ...step,
    node: { ...step.node, attributes: new Map([...step.node.attributes, ...attributes({ count_include_pad: 1 })]) },
  }
  if (counts) return onZeros
  const seenPlaces = slides.map((s, i) => {
    const k = kernel[i] ?? 1
    const dilation = k > 1 ? (s.span - 1) / (k - 1) : 1
    return Array.from({ length: out.frame.extents[i] ?? 1 }, (_, o) => {
      const at = Array.from({ length: k }, (_, j) => o * s.stride - s.before + j * dilation)
      return k / at.filter((p) => p >= 0 && p < (dims[i + 2] ?? 1)).length
    })
  })
  const factors = seenPlaces.reduce<number[]>((all, axis) => all.flatMap((f) => axis.map((g) => f * g)), [1])
  return factors.every((f) => f === 1) ? onZeros : { ...onZeros, factors: Float32Array.from(factors) }
}

/** Places that are read from where they come from, and not computed on. */
function reread(node: Node, own: Windowed, axes: readonly Slide[], made: readonly number[]): Step {
  const frame = slideFrame(
    own.frame,
    axes,
    own.axes.map((a) => made[a] ?? 1),
  )
  const identity: Node = { ...node, op: 'Identity', inputs: node.inputs.slice(0, 1), attributes: new Map() }
  return { node: identity, readings: [readingOf(own.frame, frame, axes)], out: { frame, axes: own.axes } }
}

/** Nearest neighbours at a whole multiple of the size: each place is repeated. */
const resize: Rule = (node, seen) => {
  const [x = '', y = ''] = [node.inputs[0], node.outputs[0]]
  const [own, dims, made] = [seen.windowed(x), seen.dims(x), seen.dims(y)]
  if (!own || !dims || !made || stringOf(node, 'mode', 'nearest') !== 'nearest') return undefined
  const [where, rounding] = [
    stringOf(node, 'coordinate_transformation_mode', 'half_pixel'),
    stringOf(node, 'nearest_mode', 'round_prefer_floor'),
  ]
  const isFloor =
    where === 'asymmetric' ? rounding === 'floor' : where.endsWith('half_pixel') && rounding.startsWith('round')
  const factors = made.map((d, i) => d / (dims[i] ?? 1))
  const spatial = own.axes.map((a) => factors[a] ?? 1)
  if (!isFloor || !spatial.every(Number.isInteger) || factors.some((f, i) => f !== 1 && !own.axes.includes(i)))
    return undefined
  const axes = spatial.map((repeat): Slide => ({ ...STILL, repeat }))
  return reread(node, own, axes, made)
}

/** Zeros around the map. */
const pad: Rule = (node, seen) => {
  const [x = '', pads = '', value = '', axesGiven = ''] = node.inputs
  const [own, dims, made] = [seen.windowed(x), seen.dims(x), seen.dims(node.outputs[0] ?? '')]
  const amounts = Array.from(seen.constant(pads)?.data ?? [], Number)
  const fill = value === '' ? 0 : Number(seen.constant(value)?.data[0] ?? Number.NaN)
  if (!own || !dims || !made || stringOf(node, 'mode', 'constant') !== 'constant' || fill !== 0) return undefined
  if (axesGiven !== '' || amounts.length !== 2 * dims.length) return undefined
  if (dims.some((_, i) => !own.axes.includes(i) && (amounts[i] !== 0 || amounts[i + dims.length] !== 0)))
    return undefined
  const axes = own.axes.map((a): Slide => ({ ...STILL, before: amounts[a] ?? 0 }))
  return reread(node, own, axes, made)
}

const each = (names: string, rule: Rule): [string, Rule][] => names.split(' ').map((name) => [name, rule])

const RULES: ReadonlyMap<string, Rule> = new Map([
  ...each(
    'Abs Acos Asin Atan Cast Ceil Celu Clip Cos Elu Erf Exp Floor Gelu HardSigmoid HardSwish Identity IsInf IsNaN LeakyRelu Log Mish Neg Not Reciprocal Relu Round Selu Shrink Sigmoid Sign Sin Softplus Softsign Sqrt Swish Tanh ThresholdedRelu Dropout',
    first,
  ),
  ...each('BatchNormalization LRN', byChannel),
  ...each(
    'Add And Div Equal Greater GreaterOrEqual Less LessOrEqual Max Mean Min Mod Mul Or PRelu Pow Sub Sum Where Xor',
    pointwise,
  ),
  ...each('Softmax LogSoftmax', along(-1)),
  ...each('Split', along(0)),
  ...each('LayerNormalization', along(-1, 'rest')),
  ...each('Gather', picks),
  ...each('ReduceL1 ReduceL2 ReduceMax ReduceMean ReduceMin ReduceSum ReduceSumSquare', reduce),
  ...each('Concat', concat),
  ...each('Slice', slice),
  ...each('Reshape', reshape),
  ...each('Transpose', transpose),
  ...each('MatMul', matMul),
  ...each('Conv', conv),
  ...each('MaxPool', maxPool),
  ...each('AveragePool', averagePool),
  ...each('Resize', resize),
  ...each('Pad', pad),
])
