/** NumPy's .npy files of float32: version 1.0 of the format, little-endian, row-major. */
import { ExplainError } from '../core/errors.js'
import { float32, sizeOf, type Tensor } from '../core/tensor.js'

const MAGIC = '\x93NUMPY'

export function encodeNpy(t: Tensor<'float32'>): Uint8Array {
  const shape = t.dims.length === 1 ? `(${t.dims[0]},)` : `(${t.dims.join(', ')})`
  const text = `{'descr': '<f4', 'fortran_order': False, 'shape': ${shape}, }`
  const padding = 63 - ((10 + text.length) % 64)
  const header = `${text}${' '.repeat(padding)}\n`
  const out = new Uint8Array(10 + header.length + t.data.byteLength)
  out.set(Buffer.from(MAGIC, 'latin1'))
  out.set([1, 0, header.length & 0xff, header.length >> 8], 6)
  out.set(Buffer.from(header, 'latin1'), 10)
  out.set(new Uint8Array(t.data.buffer, t.data.byteOffset, t.data.byteLength), 10 + header.length)
  return out
}

/** Reads float32 or float64 arrays, as float32. Throws `invalid-tensor`. */
export function decodeNpy(bytes: Uint8Array, name: string): Tensor<'float32'> {
  const bad = (what: string): ExplainError =>
    new ExplainError('invalid-tensor', {
      what,
      where: name,
      remedy: 'Save it as np.save(file, array.astype(np.float32)).',
    })
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (bytes.byteLength < 12 || Buffer.from(bytes.subarray(0, 6)).toString('latin1') !== MAGIC)
    throw bad('This is not a .npy file')
  const wide = (bytes[6] ?? 1) > 1
  const start = wide ? 12 : 10
  const end = start + (wide ? view.getUint32(8, true) : view.getUint16(8, true))
  if (end > bytes.byteLength) throw bad('The header is cut short')
  const header = Buffer.from(bytes.subarray(start, end)).toString('latin1')
  const type = /'descr':\s*'([^']*)'/.exec(header)?.[1] ?? ''
  const shape = /'shape':\s*\(([^)]*)\)/.exec(header)?.[1]
  if (shape === undefined) throw bad('The header names no shape')
  if (/'fortran_order':\s*True/.test(header)) throw bad('The array is not row-major')
  const dims = shape.split(',').flatMap((d) => (d.trim() === '' ? [] : [Number(d)]))
  const body = new Uint8Array(bytes.subarray(end))
  const size = { '<f4': 4, '<f8': 8 }[type]
  if (size === undefined) throw bad(`The array's type is ${type || 'a record'}, not float32`)
  const want = sizeOf(dims) * size
  if (body.byteLength < want) throw bad(`The array is cut short: ${body.byteLength} bytes of ${want}`)
  if (body.byteLength !== want)
    throw bad(`The array is ${want} bytes by its shape, but the file holds ${body.byteLength} bytes`)
  return float32(dims, size === 4 ? new Float32Array(body.buffer) : Float32Array.from(new Float64Array(body.buffer)))
}
