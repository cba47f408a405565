/** What several decompositions write, and what they can tell of a value before the model is probed. */
import { int64 } from '../../core/tensor.js'
import { intOf, intsOf } from '../../onnx/attributes.js'
import type { Builder, Extent } from '../../onnx/builder.js'

/** 0, 1, ..., n - 1 as int64. */
export function range(b: Builder, n: Extent): string {
  if (typeof n === 'number') return b.int64s(Array.from({ length: n }, (_, i) => i))
  return b.op('Range', [b.constant(int64([], [0])), b.op('Squeeze', [n]), b.constant(int64([], [1]))])
}

/** A scalar of integers as an extent: a number where it is stored in the model. */
export function scalarExtent(b: Builder, value: string): Extent {
  const stored = b.graph.constant(value)
  return stored ? Number(stored.data[0]) : b.op('Reshape', [value, b.int64s([1])])
}

/** Operators that keep their first input's type. */
const KEEP_TYPE: ReadonlySet<string> = new Set(
  'Concat Expand Flatten Gather GatherElements GatherND Identity Pad Reshape Slice Split Squeeze Tile Transpose Unsqueeze'.split(
    ' ',
  ),
)
const BOOLEAN: ReadonlySet<string> = new Set(
  'And Equal Greater GreaterOrEqual IsInf IsNaN Less LessOrEqual Not Or Xor'.split(' '),
)
const TYPE_BOOL = 9

/** True for booleans, by what the model declares or by the operators that made the value. */
export function isBoolean(b: Builder, value: string): boolean {
  const type = b.type(value)
  if (type !== undefined) return type === 'bool'
  const producer = b.graph.producer(value)
  if (!producer) return false
  if (producer.op === 'Cast') return intOf(producer, 'to', 1) === TYPE_BOOL
  if (producer.op === 'Where') return isBoolean(b, producer.inputs[1] ?? '')
  if (KEEP_TYPE.has(producer.op)) return isBoolean(b, producer.inputs[0] ?? '')
  return BOOLEAN.has(producer.op)
}

/** The rank, by what the model declares or by the operator that made the value; undefined where neither tells. */
export function rankOf(b: Builder, value: string): number | undefined {
  const rank = b.rank(value)
  const producer = b.graph.producer(value)
  if (rank !== undefined || !producer) return rank
  const [x = '', shape = ''] = producer.inputs
  if (producer.op === 'Transpose') return intsOf(producer, 'perm', undefined)?.length ?? rankOf(b, x)
  if (producer.op === 'Reshape') return b.graph.constant(shape)?.data.length
  if (producer.op === 'Identity' || producer.op === 'RotaryEmbedding') return rankOf(b, x)
  return undefined
}
