/** Dense tensors, row-major, as they pass between the rooms and the runtime. */
import { ExplainError } from './errors.js'

/** Element types by ONNX's names, with the typed array that holds their elements (float16 and bfloat16: their bits). */
export interface DataTypes {
  float32: Float32Array
  float64: Float64Array
  float16: Uint16Array
  bfloat16: Uint16Array
  int8: Int8Array
  uint8: Uint8Array
  int16: Int16Array
  uint16: Uint16Array
  int32: Int32Array
  uint32: Uint32Array
  int64: BigInt64Array
  uint64: BigUint64Array
  bool: Uint8Array
}

export type DataType = keyof DataTypes

export interface Tensor<T extends DataType = DataType> {
  readonly type: T
  readonly dims: readonly number[]
  readonly data: DataTypes[T]
}

const ARRAYS: { readonly [T in DataType]: new (length: number) => DataTypes[T] } = {
  float32: Float32Array,
  float64: Float64Array,
  float16: Uint16Array,
  bfloat16: Uint16Array,
  int8: Int8Array,
  uint8: Uint8Array,
  int16: Int16Array,
  uint16: Uint16Array,
  int32: Int32Array,
  uint32: Uint32Array,
  int64: BigInt64Array,
  uint64: BigUint64Array,
  bool: Uint8Array,
}

/** Number of elements of a shape; 1 for a scalar. */
export function sizeOf(dims: readonly number[]): number {
  return dims.reduce((a, b) => a * b, 1)
}

/** A tensor over `data`, whose length must match `dims` (throws `shape-mismatch`). */
export function tensor<T extends DataType>(type: T, dims: readonly number[], data: DataTypes[T]): Tensor<T> {
  if (data.length !== sizeOf(dims))
    throw new ExplainError('shape-mismatch', {
      what: `${data.length} elements do not fill a tensor of shape [${dims.join(', ')}]`,
    })
  return { type, dims, data }
}

export function float32(dims: readonly number[], data?: Float32Array | readonly number[]): Tensor<'float32'> {
  if (data instanceof Float32Array) return tensor('float32', dims, data)
  return tensor('float32', dims, data === undefined ? new Float32Array(sizeOf(dims)) : Float32Array.from(data))
}

/** As int64 has it. Throws `invalid-tensor` for a number that is not whole. */
export function whole(v: number | bigint): bigint {
  if (typeof v === 'number' && !Number.isInteger(v))
    throw new ExplainError('invalid-tensor', {
      what: `${v} is no whole number, which a shape, an axis or an index must be`,
    })
  return BigInt(v)
}

export function int64(dims: readonly number[], data: readonly (number | bigint)[]): Tensor<'int64'> {
  return tensor(
    'int64',
    dims,
    BigInt64Array.from(data, (v) => whole(v)),
  )
}

/** A new array of the element type, filled with zeros. */
export function zeros<T extends DataType>(type: T, length: number): DataTypes[T] {
  return new ARRAYS[type](length)
}

/** The `index`-th slice along the first axis, as a view: `[N, ...rest]` to `[...rest]`. */
export function sliceFirst(t: Tensor<'float32'>, index: number): Tensor<'float32'> {
  const dims = t.dims.slice(1)
  const size = sizeOf(dims)
  return { type: 'float32', dims, data: t.data.subarray(index * size, (index + 1) * size) }
}

/** True where the tensor holds float32 elements. */
export function isFloat32(t: Tensor): t is Tensor<'float32'> {
  return t.type === 'float32'
}
