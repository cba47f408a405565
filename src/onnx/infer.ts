/**
 * Types and shapes of nodes that were added, from those of their inputs: what a backward pass has to be known of to be differentiated
 * again. Operators that rules write are covered; of others nothing is said. An axis whose size does not follow is `null`.
 */
import type { Dim, ValueInfo } from '../core/runtime.js'
import type { DataType, Tensor } from '../core/tensor.js'
import { intOf, intsOf } from './attributes.js'
import type { Node } from './ir.js'
import { dataType } from './tensors.js'

type Dims = readonly Dim[]
type Known = Omit<ValueInfo, 'name'>

/** What is known of the values that a node reads. */
export interface Inference {
  type(value: string): DataType | undefined
  dims(value: string): Dims | undefined
  stored(value: string): Tensor | undefined
}

/** What is known of a node's first output. */
export function inferred(node: Node, of: Inference): Known {
  if (node.domain !== '') return { type: undefined, dims: undefined }
  return { type: typeOf(node, of), dims: dimsOf(node, of) }
}

const BOOLEAN = new Set([
  'And',
  'Equal',
  'Greater',
  'GreaterOrEqual',
  'IsInf',
  'IsNaN',
  'Less',
  'LessOrEqual',
  'Not',
  'Or',
])
const INTEGER = new Set(['ArgMax', 'ArgMin', 'NonZero', 'Shape', 'Size'])

function typeOf(node: Node, of: Inference): DataType | undefined {
  if (BOOLEAN.has(node.op)) return 'bool'
  if (INTEGER.has(node.op)) return 'int64'
  if (node.op === 'Cast') return dataType(intOf(node, 'to', 0))
  if (node.op === 'ConstantOfShape') return undefined
  const at = { CastLike: 1, OneHot: 2, Where: 1 }[node.op] ?? 0
  return of.type(node.inputs[at] ?? '')
}

/** Operators whose output is of the shape of their first input. */
const ALIKE = new Set(
  `Abs Cast CastLike Ceil Clip Cos CumSum EyeLike Elu Erf Exp Floor Gelu HardSigmoid HardSwish Identity InstanceNormalization
  BatchNormalization LayerNormalization LeakyRelu Log LogSoftmax Mish Neg Not PRelu Reciprocal Relu Round ScatterElements ScatterND Selu
  Sigmoid Sign Sin Softmax Softplus Sqrt Tanh Trilu`.split(/\s+/),
)
/** Operators of a shape that all inputs broadcast to. */
const BROADCASTING = new Set(
  'Add And Div Equal Greater GreaterOrEqual Less LessOrEqual Max Mean Min Mod Mul Or Pow Sub Sum Where'.split(' '),
)

function dimsOf(node: Node, of: Inference): Dims | undefined {
  const x = of.dims(node.inputs[0] ?? '')
  if (ALIKE.has(node.op)) return x
  if (BROADCASTING.has(node.op)) return broadcast(node.inputs.map((i) => of.dims(i)))
  if (node.op.startsWith('Reduce')) return x && reduced(node, x, of)
  const rule = Object.hasOwn(RULES, node.op) ? RULES[node.op] : undefined
  return rule?.(node, x, of)
}

type Rule = (node: Node, x: Dims | undefined, of: Inference) => Dims | undefined

const RULES: Readonly<Record<string, Rule>> = {
  Transpose: (node, x) =>
    x &&
    intsOf(
      node,
      'perm',
      x.map((_, i) => x.length - 1 - i),
    ).map((p) => x[p] ?? null),
  MatMul: (node, x, of) => product(x, of.dims(node.inputs[1] ?? '')),
  Gemm: (node, x, of) => {
    const w = of.dims(node.inputs[1] ?? '')
    return x && w && [x[intOf(node, 'transA', 0)] ?? null, w[1 - intOf(node, 'transB', 0)] ?? null]
  },
  Shape: (_, x) => x && [x.length],
  ConstantOfShape: (node, _, of) => ofVector(node.inputs[0], of),
  Expand: (node, x, of) => {
    const to = ofVector(node.inputs[1], of)
    return to && broadcast([x, to])
  },
  Reshape: (node, x, of) =>
    ofVector(node.inputs[1], of)?.map((d, i) => (d === 0 ? (x?.[i] ?? null) : d === -1 ? null : d)),
  Flatten: (node, x) => {
    const axis = intOf(node, 'axis', 1)
    return axis === 1 ? [x?.[0] ?? null, null] : [null, null]
  },
  Unsqueeze: (node, x, of) => {
    const axes = numbers(node.inputs[1], of)
    if (!x || !axes) return undefined
    const rank = x.length + axes.length
    const added = new Set(axes.map((a) => (a < 0 ? a + rank : a)))
    const rest = [...x]
    return Array.from({ length: rank }, (_, i) => (added.has(i) ? 1 : (rest.shift() ?? null)))
  },
  Squeeze: (node, x, of) => {
    const axes = numbers(node.inputs[1], of)
    return x && axes && x.filter((_, i) => !axes.some((a) => (a < 0 ? a + x.length : a) === i))
  },
  Concat: (node, x, of) => {
    const parts = node.inputs.map((i) => of.dims(i))
    const axis = intOf(node, 'axis', 0)
    return x?.map((d, i) => (i === (axis < 0 ? axis + x.length : axis) ? total(parts.map((p) => p?.[i])) : d))
  },
  Slice: (node, x, of) => {
    const axes = node.inputs[3] ? numbers(node.inputs[3], of) : x?.map((_, i) => i)
    return x?.map((d, i) => (!axes || axes.some((a) => (a < 0 ? a + x.length : a) === i) ? null : d))
  },
  Pad: (_, x) => x?.map(() => null),
  Gather: (node, x, of) => {
    const index = of.dims(node.inputs[1] ?? '')
    const axis = intOf(node, 'axis', 0)
    const at = axis < 0 ? axis + (x?.length ?? 0) : axis
    return x && index && [...x.slice(0, at), ...index, ...x.slice(at + 1)]
  },
  GatherElements: (node, _, of) => of.dims(node.inputs[1] ?? ''),
  TopK: (node, x, of) => {
    const [k] = numbers(node.inputs[1], of) ?? []
    const axis = intOf(node, 'axis', -1)
    return x?.map((d, i) => (i === (axis < 0 ? axis + x.length : axis) ? (k ?? null) : d))
  },
  GlobalAveragePool: (_, x) => x?.map((d, i) => (i < 2 ? d : 1)),
  GlobalMaxPool: (_, x) => x?.map((d, i) => (i < 2 ? d : 1)),
  Conv: (node, x, of) => x && [x[0] ?? null, of.dims(node.inputs[1] ?? '')?.[0] ?? null, ...x.slice(2).map(() => null)],
  ConvTranspose: (node, x, of) => {
    const [, width] = of.dims(node.inputs[1] ?? '') ?? []
    const channels = typeof width === 'number' ? width * intOf(node, 'group', 1) : null
    return x && [x[0] ?? null, channels, ...x.slice(2).map(() => null)]
  },
}

function reduced(node: Node, x: Dims, of: Inference): Dims | undefined {
  const given = node.inputs[1] ? numbers(node.inputs[1], of) : []
  const keeps = intOf(node, 'keepdims', 1) === 1
  if (!given) return keeps ? x.map(() => null) : undefined
  if (given.length === 0 && intOf(node, 'noop_with_empty_axes', 0) === 1) return x
  const gone = new Set(given.length === 0 ? x.keys() : given.map((a) => (a < 0 ? a + x.length : a)))
  return keeps ? x.map((d, i) => (gone.has(i) ? 1 : d)) : x.filter((_, i) => !gone.has(i))
}

function product(x: Dims | undefined, w: Dims | undefined): Dims | undefined {
  if (!x || !w || x.length < 2 || w.length < 2) return undefined
  const outer = broadcast([x.slice(0, -2), w.slice(0, -2)])
  return outer && [...outer, x.at(-2) ?? null, w.at(-1) ?? null]
}

/** The shape that all broadcast to; an axis of two unequal or unknown sizes is the known one that is not 1, else unknown. */
function broadcast(shapes: readonly (Dims | undefined)[]): Dims | undefined {
  if (!shapes.every((s) => s !== undefined)) return undefined
  const rank = Math.max(0, ...shapes.map((s) => s.length))
  return Array.from({ length: rank }, (_, i) => {
    const sizes = new Set(shapes.map((s) => s[i - rank + s.length]).filter((d) => d !== undefined && d !== 1))
    const sure = [...sizes].find((d) => typeof d === 'number')
    if (sizes.size === 0) return 1
    return sure ?? (sizes.size === 1 ? ([...sizes][0] ?? null) : null)
  })
}

function total(sizes: readonly (Dim | undefined)[]): Dim {
  return sizes.every((d) => typeof d === 'number') ? sizes.reduce((a, d) => a + d, 0) : null
}

/** A shape that an int64 vector holds: its rank is the vector's length, whatever it holds. */
function ofVector(value: string | undefined, of: Inference): Dims | undefined {
  const [length] = of.dims(value ?? '') ?? []
  return numbers(value, of) ?? (typeof length === 'number' ? Array.from({ length }, () => null) : undefined)
}

function numbers(value: string | undefined, of: Inference): readonly number[] | undefined {
  const stored = value ? of.stored(value) : undefined
  return stored && Array.from(stored.data as ArrayLike<number | bigint>, Number)
}
