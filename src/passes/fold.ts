/**
 * Small numbers that follow from a model alone: conditions, trip counts, positions, as exporters compute them from shapes. An element
 * that does not follow (a free axis) is undefined, and what is made of it alone too.
 */
import type { Dim } from '../core/runtime.js'
import { type DataType, sizeOf, type Tensor } from '../core/tensor.js'
import { intOf, tensorOf } from '../onnx/attributes.js'
import type { Node } from '../onnx/ir.js'
import { dataType, readTensor } from '../onnx/tensors.js'

/** A scalar (`dims` empty) or a vector. Booleans are 0 and 1. */
export interface Known {
  readonly type: DataType
  readonly dims: readonly number[]
  readonly data: readonly (number | undefined)[]
}

/** What is asked for while folding: values that were folded, and shapes. */
export interface Knowledge {
  readonly value: (name: string) => Known | undefined
  readonly dims: (name: string) => readonly Dim[] | undefined
}

/** Tensors with more elements than this are data, not numbers to reckon with. */
const LARGEST = 256

export function knownTensor(t: Tensor): Known | undefined {
  if (t.dims.length > 1 || t.data.length > LARGEST || t.type === 'float16' || t.type === 'bfloat16') return undefined
  return { type: t.type, dims: t.dims, data: Array.from(t.data as Iterable<number | bigint>, Number) }
}

type Fold = (node: Node, x: readonly (Known | undefined)[], at: Knowledge) => Known | undefined

function vector(type: DataType, data: readonly (number | undefined)[]): Known {
  return { type, dims: [data.length], data }
}

function scalar(type: DataType, value: number | undefined): Known {
  return { type, dims: [], data: [value] }
}

function isWhole(type: DataType): boolean {
  return type.startsWith('int') || type.startsWith('uint')
}

/** Elementwise, a scalar or a single element being repeated. `type`: of the result; default: that of the operands. */
function each(f: (...v: readonly number[]) => number, type?: DataType): Fold {
  return (_node, x) => {
    const given = x.flatMap((k) => (k ? [k] : []))
    const [first] = given
    if (!first || given.length < x.length) return undefined
    const length = given.every((k) => k.data.length > 0) ? Math.max(...given.map((k) => k.data.length)) : 0
    if (given.some((k) => k.data.length !== length && k.data.length !== 1)) return undefined
    const data = Array.from({ length }, (_, i) => {
      const v = given.map((k) => k.data[k.data.length === 1 ? 0 : i])
      const numbers = v.filter((e) => e !== undefined)
      return numbers.length === v.length ? f(...numbers) : undefined
    })
    const dims = given.some((k) => k.dims.length === 1) ? [length] : []
    return { type: type ?? given[given.length - 1]?.type ?? first.type, dims, data }
  }
}

/** Over the whole vector. */
function reduce(f: (a: number, v: number) => number, start: number): Fold {
  return (node, [x]) => {
    if (!x || x.data.some((v) => v === undefined)) return undefined
    const total = x.data.reduce<number>((a, v) => f(a, v ?? 0), start)
    return intOf(node, 'keepdims', 1) === 1 && x.dims.length === 1 ? vector(x.type, [total]) : scalar(x.type, total)
  }
}

/** The same elements as a scalar or a vector. */
function reshaped(rank: (x: Known, node: Node, axes: Known | undefined) => number | undefined): Fold {
  return (node, [x, axes]) => {
    const wanted = x && rank(x, node, axes)
    if (!x || wanted === undefined || wanted > 1 || (wanted === 0 && x.data.length !== 1)) return undefined
    return wanted === 0 ? scalar(x.type, x.data[0]) : vector(x.type, x.data)
  }
}

const compare = (f: (a: number, b: number) => boolean): Fold => each((a = 0, b = 0) => Number(f(a, b)), 'bool')

const cast: Fold = (node, [x]) => {
  const type = dataType(intOf(node, 'to', 1))
  if (!x || type === undefined || type === 'float16' || type === 'bfloat16') return undefined
  const convert = (v: number): number => (type === 'bool' ? Number(v !== 0) : isWhole(type) ? Math.trunc(v) : v)
  return { ...x, type, data: x.data.map((v) => (v === undefined ? undefined : convert(v))) }
}

const shape: Fold = (node, _x, at) => {
  const dims = at.dims(node.inputs[0] ?? '')
  if (!dims) return undefined
  const part = dims.slice(intOf(node, 'start', 0), intOf(node, 'end', dims.length))
  return vector(
    'int64',
    part.map((d) => (typeof d === 'number' ? d : undefined)),
  )
}

const gather: Fold = (_node, [x, indices]) => {
  if (x?.dims.length !== 1 || !indices) return undefined
  const pick = (i: number | undefined): number | undefined =>
    i === undefined ? undefined : x.data[i < 0 ? i + x.data.length : i]
  return { type: x.type, dims: indices.dims, data: indices.data.map(pick) }
}

const slice: Fold = (_node, [x, starts, ends, , steps]) => {
  const [start, end, step] = [starts?.data[0], ends?.data[0], steps ? steps.data[0] : 1]
  if (x?.dims.length !== 1 || start === undefined || end === undefined || step !== 1) return undefined
  return vector(x.type, x.data.slice(start, end))
}

const constantOfShape: Fold = (node, [x]) => {
  const [size] = x?.data ?? []
  if (!x || x.data.length > 1 || (x.data.length === 1 && (size === undefined || size > LARGEST))) return undefined
  const stored = tensorOf(node, 'value')
  const type = (stored && dataType(stored.dataType)) ?? 'float32'
  if (type === 'float16' || type === 'bfloat16') return undefined
  const filled = stored ? readTensor(stored, new Map()).data[0] : 0
  const data = Array.from({ length: x.data.length === 0 ? 1 : (size ?? 0) }, () => Number(filled))
  return { type, dims: x.data.length === 0 ? [] : [data.length], data }
}

const range: Fold = (_node, [first, limit, step]) => {
  const [a, e, d] = [first?.data[0], limit?.data[0], step?.data[0]]
  if (!first || a === undefined || e === undefined || !d) return undefined
  const length = Math.max(0, Math.ceil((e - a) / d))
  if (length > LARGEST) return undefined
  return vector(
    first.type,
    Array.from({ length }, (_, i) => a + i * d),
  )
}

const FOLDS: ReadonlyMap<string, Fold> = new Map<string, Fold>(
  Object.entries({
    Abs: each((a = 0) => Math.abs(a)),
    Add: each((a = 0, b = 0) => a + b),
    And: each((a = 0, b = 0) => a & b, 'bool'),
    Cast: cast,
    Ceil: each((a = 0) => Math.ceil(a)),
    Concat: (_node, x) => {
      const [first] = x
      if (!first || x.some((k) => k?.dims.length !== 1)) return undefined
      return vector(
        first.type,
        x.flatMap((k) => k?.data ?? []),
      )
    },
    ConstantOfShape: constantOfShape,
    Div: (node, x, at) =>
      each((a = 0, b = 0) => (isWhole(x[0]?.type ?? 'int64') ? Math.trunc(a / b) : a / b))(node, x, at),
    Equal: compare((a, b) => a === b),
    Floor: each((a = 0) => Math.floor(a)),
    Gather: gather,
    Greater: compare((a, b) => a > b),
    GreaterOrEqual: compare((a, b) => a >= b),
    Identity: (_node, [x]) => x,
    Less: compare((a, b) => a < b),
    LessOrEqual: compare((a, b) => a <= b),
    Max: each((...v) => Math.max(...v)),
    Min: each((...v) => Math.min(...v)),
    Mul: each((a = 0, b = 0) => a * b),
    Neg: each((a = 0) => -a),
    Not: each((a = 0) => Number(a === 0), 'bool'),
    Or: each((a = 0, b = 0) => a | b, 'bool'),
    Range: range,
    ReduceMax: reduce(Math.max, Number.NEGATIVE_INFINITY),
    ReduceMin: reduce(Math.min, Number.POSITIVE_INFINITY),
    ReduceProd: reduce((a, v) => a * v, 1),
    ReduceSum: reduce((a, v) => a + v, 0),
    Reshape: reshaped((_x, _node, wanted) => wanted?.data.length),
    Shape: shape,
    Size: (node, _x, at) => {
      const dims = at.dims(node.inputs[0] ?? '')
      const numbers = dims?.filter((d) => typeof d === 'number')
      return dims && numbers?.length === dims.length ? scalar('int64', sizeOf(numbers)) : undefined
    },
    Slice: slice,
    Squeeze: reshaped((x) => (x.data.length === 1 ? 0 : undefined)),
    Sub: each((a = 0, b = 0) => a - b),
    Unsqueeze: reshaped((x, _node, axes) => x.dims.length + (axes?.data.length ?? 2)),
    Where: each((c = 0, a = 0, b = 0) => (c ? a : b)),
    Xor: each((a = 0, b = 0) => a ^ b, 'bool'),
  }),
)

/** What a node gives, where it follows from what is known. */
export function fold(node: Node, at: Knowledge): Known | undefined {
  if (node.domain !== '' || node.outputs.length !== 1) return undefined
  const found = FOLDS.get(node.op)
  if (!found) return undefined
  const x = node.inputs.map((name) => (name === '' ? undefined : at.value(name)))
  const made = found(node, x, at)
  return made && made.data.length <= LARGEST ? made : undefined
}
