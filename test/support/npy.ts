/** Reads NumPy's .npy files, as the fixtures are stored. */
import { readFileSync } from 'node:fs'
import { type DataTypes, sizeOf, type Tensor, tensor } from '../../src/core/tensor.js'
import { float16ToFloat32 } from '../../src/onnx/float16.js'

const TYPES = { '<f4': 'float32', '<f8': 'float64', '<f2': 'float16', '|u1': 'uint8', '<i8': 'int64' } as const
const ARRAYS = {
  float32: Float32Array,
  float64: Float64Array,
  float16: Uint16Array,
  uint8: Uint8Array,
  int64: BigInt64Array,
}

function isDescription(text: string | undefined): text is keyof typeof TYPES {
  return text !== undefined && Object.hasOwn(TYPES, text)
}

/** The array as it is stored (float16: its bits). */
export function readNpy(path: string): Tensor {
  const file = readFileSync(path)
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength)
  const wide = view.getUint8(6) > 1
  const start = wide ? 12 : 10
  const end = start + (wide ? view.getUint32(8, true) : view.getUint16(8, true))
  const header = file.subarray(start, end).toString('latin1')
  const description = /'descr': '([^']+)'/.exec(header)?.[1]
  const shape = /'shape': \(([^)]*)\)/.exec(header)?.[1]
  if (!isDescription(description) || shape === undefined || /'fortran_order': True/.test(header))
    throw new Error(`${path}: cannot be read: ${header}`)
  const type = TYPES[description]
  const dims = shape
    .split(',')
    .filter((d) => d.trim() !== '')
    .map(Number)
  const bytes = Uint8Array.from(file.subarray(end))
  const data: DataTypes[keyof DataTypes] = new ARRAYS[type](bytes.buffer, 0, sizeOf(dims))
  return tensor(type, dims, data)
}

/** The array as float32, whatever it is stored in. */
export function readNpyFloat32(path: string): Tensor<'float32'> {
  const { type, dims, data } = readNpy(path)
  if (type === 'float16' && data instanceof Uint16Array) return tensor('float32', dims, float16ToFloat32(data))
  return tensor(
    'float32',
    dims,
    Float32Array.from(data as Iterable<number | bigint>, (v) => Number(v)),
  )
}
