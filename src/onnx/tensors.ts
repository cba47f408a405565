/** TensorProto to tensor and back. Large weights stay views into the file; a misaligned view is copied when it is read. */
import { create } from '@bufbuild/protobuf'
import {
  TensorProto_DataLocation as DataLocation,
  TensorProto_DataType as ProtoType,
  type StringStringEntryProto,
  type TensorProto,
  TensorProtoSchema,
} from 'onnx-buf'
import { ExplainError } from '../core/errors.js'
import { type DataType, type DataTypes, sizeOf, type Tensor, tensor, zeros } from '../core/tensor.js'
import { replaced } from './messages.js'

/** Contents of external data files by `location`. */
export type ExternalData = ReadonlyMap<string, Uint8Array>

const TYPES: ReadonlyMap<number, DataType> = new Map<number, DataType>([
  [ProtoType.FLOAT, 'float32'],
  [ProtoType.DOUBLE, 'float64'],
  [ProtoType.FLOAT16, 'float16'],
  [ProtoType.BFLOAT16, 'bfloat16'],
  [ProtoType.INT8, 'int8'],
  [ProtoType.UINT8, 'uint8'],
  [ProtoType.INT16, 'int16'],
  [ProtoType.UINT16, 'uint16'],
  [ProtoType.INT32, 'int32'],
  [ProtoType.UINT32, 'uint32'],
  [ProtoType.INT64, 'int64'],
  [ProtoType.UINT64, 'uint64'],
  [ProtoType.BOOL, 'bool'],
])
const NUMBERS: ReadonlyMap<DataType, number> = new Map([...TYPES].map(([number, type]) => [type, number]))

/** Bits of an element of the types that no typed array holds. */
const NARROW_BITS: ReadonlyMap<number, number> = new Map([
  [ProtoType.INT4, 4],
  [ProtoType.UINT4, 4],
  [ProtoType.FLOAT4E2M1, 4],
  [ProtoType.FLOAT8E4M3FN, 8],
  [ProtoType.FLOAT8E4M3FNUZ, 8],
  [ProtoType.FLOAT8E5M2, 8],
  [ProtoType.FLOAT8E5M2FNUZ, 8],
])

/** Our name of a protobuf element type; undefined for strings, sub-byte and 8-bit float types. */
export function dataType(number: number): DataType | undefined {
  return TYPES.get(number)
}

/** Protobuf's number of an element type. */
export function protoType(type: DataType): number {
  const number = NUMBERS.get(type)
  if (number === undefined)
    throw new ExplainError('invalid-tensor', { what: `Element type ${type} has no ONNX number` })
  return number
}

function view<T extends DataType>(type: T, bytes: Uint8Array, length: number, where: string): DataTypes[T] {
  const aligned = zeros(type, 0).constructor as new (b: ArrayBufferLike, offset: number, length: number) => DataTypes[T]
  const size = zeros(type, 0).BYTES_PER_ELEMENT
  if (bytes.byteLength !== length * size)
    throw new ExplainError('invalid-model', {
      what: `${bytes.byteLength} bytes of data do not fill ${length} elements of ${type}`,
      where,
      remedy: 'The file is damaged or cut short.',
    })
  if (bytes.byteOffset % size === 0) return new aligned(bytes.buffer, bytes.byteOffset, length)
  return new aligned(new Uint8Array(bytes).buffer, 0, length) // not slice(): a Buffer would share its memory
}

function entry(entries: readonly StringStringEntryProto[], key: string): string | undefined {
  return entries.find((e) => e.key === key)?.value
}

/** Where an external tensor lies. */
export interface ExternalReference {
  readonly location: string
  readonly offset: number
  /** undefined: as many bytes as the shape needs. */
  readonly length: number | undefined
}

export function externalReference(proto: TensorProto): ExternalReference | undefined {
  if (proto.dataLocation !== DataLocation.EXTERNAL) return undefined
  const length = entry(proto.externalData, 'length')
  return {
    location: entry(proto.externalData, 'location') ?? '',
    offset: Number(entry(proto.externalData, 'offset') ?? 0),
    length: length === undefined ? undefined : Number(length),
  }
}

/** An external tensor that points to its file by another name; others stay. */
export function atLocation(proto: TensorProto, rename: (location: string) => string): TensorProto {
  if (proto.dataLocation !== DataLocation.EXTERNAL) return proto
  const moved = proto.externalData.map((e) => (e.key === 'location' ? replaced(e, { value: rename(e.value) }) : e))
  return replaced(proto, { externalData: moved })
}

/** The bytes of an external tensor; `size` of them where the model does not say how many. */
function externalBytes(
  proto: TensorProto,
  reference: ExternalReference,
  size: number,
  files: ExternalData,
): Uint8Array {
  const file = files.get(reference.location)
  const end = reference.offset + (reference.length ?? size)
  if (!file || end > file.byteLength)
    throw new ExplainError('external-data-missing', {
      what: file
        ? `The external data file "${reference.location}" is too short: ${end} bytes wanted, ${file.byteLength} there`
        : `The external data file "${reference.location}" was not found`,
      where: `initializer "${proto.name}"`,
      remedy: 'Keep the file beside the .onnx, under the name that the model gives it.',
      details: { location: reference.location },
    })
  return file.subarray(reference.offset, end)
}

/** The bytes of a tensor as they are stored, in the model or outside it. Throws `external-data-missing`. */
export function storedBytes(proto: TensorProto, files: ExternalData): Uint8Array {
  const reference = externalReference(proto)
  const type = dataType(proto.dataType)
  const bits = type ? zeros(type, 0).BYTES_PER_ELEMENT * 8 : (NARROW_BITS.get(proto.dataType) ?? 0)
  const size = Math.ceil((sizeOf(proto.dims.map(Number)) * bits) / 8)
  return reference ? externalBytes(proto, reference, size, files) : proto.rawData
}

/** Throws `external-data-missing` where an external tensor's bytes are not in the files. */
export function checkExternalData(proto: TensorProto, files: ExternalData): void {
  if (externalReference(proto)) storedBytes(proto, files)
}

/** The elements of a TensorProto. Throws `invalid-model`, `external-data-missing`. */
export function readTensor(proto: TensorProto, files: ExternalData): Tensor {
  const type = dataType(proto.dataType)
  const where = `tensor "${proto.name}"`
  if (!type)
    throw new ExplainError('invalid-model', {
      what: `Element type ${ProtoType[proto.dataType] ?? proto.dataType} cannot be read`,
      where,
    })
  const dims = proto.dims.map(Number)
  const length = sizeOf(dims)
  const raw = storedBytes(proto, files)
  if (raw.byteLength > 0 || length === 0) return tensor(type, dims, view(type, raw, length, where))
  return tensor(type, dims, typedData(type, proto, length, where))
}

/** The typed fields of TensorProto, in which the narrow types share `int32_data`. */
function typedData(type: DataType, proto: TensorProto, length: number, where: string): DataTypes[DataType] {
  const stored =
    type === 'float32'
      ? Float32Array.from(proto.floatData)
      : type === 'float64'
        ? Float64Array.from(proto.doubleData)
        : type === 'int64'
          ? BigInt64Array.from(proto.int64Data)
          : type === 'uint64'
            ? BigUint64Array.from(proto.uint64Data)
            : type === 'uint32'
              ? Uint32Array.from(proto.uint64Data, Number)
              : narrow(type, proto.int32Data)
  if (stored.length !== length)
    throw new ExplainError('invalid-model', { what: `${stored.length} elements stored, ${length} expected`, where })
  return stored
}

function narrow(type: DataType, values: readonly number[]): DataTypes[DataType] {
  const out = zeros(type, values.length)
  if (!(out instanceof BigInt64Array) && !(out instanceof BigUint64Array)) out.set(values)
  return out
}

/** A TensorProto over the bytes of a tensor (no copy). */
export function writeTensor(name: string, t: Tensor): TensorProto {
  const rawData = new Uint8Array(t.data.buffer as ArrayBuffer, t.data.byteOffset, t.data.byteLength)
  return create(TensorProtoSchema, { name, dataType: protoType(t.type), dims: t.dims.map(BigInt), rawData })
}
