/** NumPy's .npy files, little-endian, row-major: written as float32 in version 1.0 of the format, read in any type of numbers. */
import { ExplainError } from '../core/errors.js'
import { type DataType, float32, sizeOf, type Tensor, tensor, zeros } from '../core/tensor.js'
import { float16ToFloat32 } from './float16.js'

/** `\x93NUMPY` */
const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59]

export function encodeNpy(t: Tensor<'float32'>): Uint8Array {
  const shape = t.dims.length === 1 ? `(${t.dims[0]},)` : `(${t.dims.join(', ')})`
  const described = `{'descr': '<f4', 'fortran_order': False, 'shape': ${shape}, }`
  const padding = 63 - ((10 + described.length) % 64)
  const header = `${described}${' '.repeat(padding)}\n`
  const out = new Uint8Array(10 + header.length + t.data.byteLength)
  out.set([...MAGIC, 1, 0, header.length & 0xff, header.length >> 8])
  out.set(new TextEncoder().encode(header), 10)
  out.set(new Uint8Array(t.data.buffer, t.data.byteOffset, t.data.byteLength), 10 + header.length)
  return out
}

/** Element types by NumPy's names; halves are read as float32. */
const TYPES = {
  '<f4': 'float32',
  '<f8': 'float64',
  '<f2': 'float16',
  '|b1': 'bool',
  '|i1': 'int8',
  '|u1': 'uint8',
  '<i2': 'int16',
  '<u2': 'uint16',
  '<i4': 'int32',
  '<u4': 'uint32',
  '<i8': 'int64',
  '<u8': 'uint64',
} as const satisfies Readonly<Record<string, DataType>>

type NumpyType = keyof typeof TYPES

function isNumpyType(text: string): text is NumpyType {
  return Object.hasOwn(TYPES, text)
}

/** Reads float32 or float64 arrays, as float32. Throws `invalid-tensor`. */
export function decodeNpy(bytes: Uint8Array, name: string): Tensor<'float32'> {
  const t = readNpy(bytes, name, ['<f4', '<f8'], 'Save it as np.save(file, array.astype(np.float32)).')
  return float32(t.dims, t.data instanceof Float32Array ? t.data : Float32Array.from(t.data as ArrayLike<number>))
}

/** Reads an array of bool, of integers of any width, or of floats (float16 as float32), in its own type. Throws `invalid-tensor`. */
export function decodeNpyArray(bytes: Uint8Array, name: string): Tensor {
  const remedy = 'Save it by np.save(file, array), as an array of bool, integers or floats.'
  const t = readNpy(bytes, name, Object.keys(TYPES).filter(isNumpyType), remedy)
  return t.type === 'float16' && t.data instanceof Uint16Array ? float32(t.dims, float16ToFloat32(t.data)) : t
}

function readNpy(bytes: Uint8Array, name: string, allowed: readonly NumpyType[], remedy: string): Tensor {
  const bad = (what: string): ExplainError => new ExplainError('invalid-tensor', { what, where: name, remedy })
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (bytes.byteLength < 12 || MAGIC.some((byte, i) => bytes[i] !== byte)) throw bad('This is not a .npy file')
  const wide = (bytes[6] ?? 1) > 1
  const start = wide ? 12 : 10
  const end = start + (wide ? view.getUint32(8, true) : view.getUint16(8, true))
  if (end > bytes.byteLength) throw bad('The header is cut short')
  const header = new TextDecoder('latin1').decode(bytes.subarray(start, end))
  const type = /'descr':\s*'([^']*)'/.exec(header)?.[1] ?? ''
  const shape = /'shape':\s*\(([^)]*)\)/.exec(header)?.[1]
  if (shape === undefined) throw bad('The header names no shape')
  if (/'fortran_order':\s*True/.test(header)) throw bad('The array is not row-major')
  const dims = shape.split(',').flatMap((d) => (d.trim() === '' ? [] : [Number(d)]))
  if (!isNumpyType(type) || !allowed.includes(type))
    throw bad(`The array's type is ${type || 'a record'}, not ${allowed.length > 2 ? 'one of numbers' : 'float32'}`)
  const body = new Uint8Array(bytes.subarray(end))
  const data = zeros(TYPES[type], sizeOf(dims))
  const want = data.byteLength
  if (body.byteLength < want) throw bad(`The array is cut short: ${body.byteLength} bytes of ${want}`)
  if (body.byteLength !== want)
    throw bad(`The array is ${want} bytes by its shape, but the file holds ${body.byteLength} bytes`)
  new Uint8Array(data.buffer).set(body)
  return tensor(TYPES[type], dims, data)
}
