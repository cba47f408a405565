/** NumPy's array files: as NumPy writes them, as it reads them, and broken ones. */
import { describe, expect, test } from 'vitest'
import { ExplainError } from '../../src/core/errors.js'
import { float32 } from '../../src/core/tensor.js'
import { decodeNpy, decodeNpyArray, encodeNpy } from '../../src/onnx/npy.js'

/** A .npy file as NumPy lays it out. */
function npy(header: string, body: ArrayBufferView, version: 1 | 2 | 3 = 1): Uint8Array {
  const start = version === 1 ? 10 : 12
  const padded = `${header}${' '.repeat(63 - ((start + header.length) % 64))}\n`
  const head = Buffer.alloc(start)
  head.write('\x93NUMPY', 'latin1')
  head[6] = version
  if (version === 1) head.writeUInt16LE(padded.length, 8)
  else head.writeUInt32LE(padded.length, 8)
  const data = Buffer.from(body.buffer, body.byteOffset, body.byteLength)
  return Buffer.concat([head, Buffer.from(padded, 'latin1'), data])
}

const header = (descr: string, shape: string, fortran = 'False'): string =>
  `{'descr': '${descr}', 'fortran_order': ${fortran}, 'shape': ${shape}, }`

const SIX = Float32Array.of(0, -1.5, 2, 3.25, Number.NaN, -0)

function refusal(bytes: Uint8Array): string {
  try {
    decodeNpy(bytes, 'map.npy')
  } catch (error) {
    if (!(error instanceof ExplainError)) throw error
    expect(error.code).toBe('invalid-tensor')
    expect(error.message).toContain('map.npy')
    return error.message
  }
  throw new Error('nothing was thrown')
}

describe('encode', () => {
  test('writes what NumPy writes, byte for byte', () => {
    const want = npy(header('<f4', '(2, 3)'), SIX)
    expect(Buffer.from(encodeNpy(float32([2, 3], SIX)))).toEqual(Buffer.from(want))
  })

  test.each([[[6]], [[1, 6]], [[1, 1, 2, 3]], [[0, 3]]])('shape %j comes back', (dims) => {
    const data = dims[0] === 0 ? new Float32Array() : SIX
    const file = encodeNpy(float32(dims, data))
    const back = decodeNpy(file, 'map.npy')
    expect(back.dims).toEqual(dims)
    expect(back.data).toEqual(data)
    const length = Buffer.from(file).readUInt16LE(8)
    expect((10 + length) % 64).toBe(0) // numbers start on a boundary of 64 bytes, as the format demands
  })

  test('a scalar has the shape ()', () => {
    const file = encodeNpy(float32([], Float32Array.of(7)))
    expect(Buffer.from(file).toString('latin1')).toContain("'shape': ()")
    expect(decodeNpy(file, 'map.npy')).toMatchObject({ dims: [], data: Float32Array.of(7) })
  })

  test('a view into a larger array gives its own numbers only', () => {
    const back = decodeNpy(encodeNpy(float32([2], SIX.subarray(1, 3))), 'map.npy')
    expect(back.data).toEqual(Float32Array.of(-1.5, 2))
  })
})

describe('decode', () => {
  test.each([1, 2, 3] as const)('version %i of the format', (version) => {
    const { dims, data } = decodeNpy(npy(header('<f4', '(3, 2)'), SIX, version), 'map.npy')
    expect(dims).toEqual([3, 2])
    expect(data).toEqual(SIX)
  })

  test('float64 becomes float32', () => {
    const { type, data } = decodeNpy(npy(header('<f8', '(2,)'), Float64Array.of(0.1, -2)), 'map.npy')
    expect(type).toBe('float32')
    expect(data).toEqual(Float32Array.of(0.1, -2))
  })

  test('bytes at an odd place in their buffer', () => {
    const file = npy(header('<f4', '(6,)'), SIX)
    const shifted = new Uint8Array(file.length + 1)
    shifted.set(file, 1)
    expect(decodeNpy(shifted.subarray(1), 'map.npy').data).toEqual(SIX)
  })
})

describe('arrays of any numbers', () => {
  test.each([
    ['<f4', 'float32', Float32Array.of(1.5, -2)],
    ['<f8', 'float64', Float64Array.of(0.1, -2)],
    ['|b1', 'bool', Uint8Array.of(1, 0)],
    ['|i1', 'int8', Int8Array.of(-128, 127)],
    ['|u1', 'uint8', Uint8Array.of(0, 255)],
    ['<i2', 'int16', Int16Array.of(-32768, 5)],
    ['<u2', 'uint16', Uint16Array.of(65535, 5)],
    ['<i4', 'int32', Int32Array.of(-(2 ** 31), 5)],
    ['<u4', 'uint32', Uint32Array.of(2 ** 32 - 1, 5)],
    ['<i8', 'int64', BigInt64Array.of(-(2n ** 63n), 5n)],
    ['<u8', 'uint64', BigUint64Array.of(2n ** 64n - 1n, 5n)],
  ] as const)('%s is %s', (descr, type, data) => {
    expect(decodeNpyArray(npy(header(descr, '(1, 2)'), data), 'a.npy')).toEqual({ type, dims: [1, 2], data })
  })

  test('float16 is widened', () => {
    const halves = Uint16Array.of(0x3c00, 0xc100)
    const back = decodeNpyArray(npy(header('<f2', '(2,)'), halves), 'a.npy')
    expect(back).toEqual({ type: 'float32', dims: [2], data: Float32Array.of(1, -2.5) })
  })

  test.each(['>i8', '|O', '<c8', '<U3'])('elements of type %s are refused', (type) => {
    expect(() => decodeNpyArray(npy(header(type, '(6,)'), SIX), 'a.npy')).toThrow(`type is ${type}, not one of numbers`)
  })
})

describe('refused', () => {
  const whole = npy(header('<f4', '(2, 3)'), SIX)
  test('an empty file', () => expect(refusal(new Uint8Array())).toContain('not a .npy file'))
  test('a text file', () => expect(refusal(Buffer.from('0.1 0.2 0.3 0.4\n'))).toContain('not a .npy file'))
  test('cut inside the numbers', () => expect(refusal(whole.subarray(0, whole.length - 1))).toContain('cut short'))
  test('cut inside the header', () => expect(refusal(whole.subarray(0, 40))).toContain('cut short'))
  test('more numbers than the shape has', () =>
    expect(refusal(Buffer.concat([whole, Buffer.alloc(4)]))).toContain('28 bytes'))
  test('column-major order', () =>
    expect(refusal(npy(header('<f4', '(2, 3)', 'True'), SIX))).toContain('not row-major'))
  test.each(['<i8', '>f4', '|u1', '<f2', '|O'])('elements of type %s', (type) =>
    expect(refusal(npy(header(type, '(6,)'), SIX))).toContain(`type is ${type}`),
  )
  test('a record array', () => {
    const records = "{'descr': [('x', '<f4')], 'fortran_order': False, 'shape': (6,), }"
    expect(refusal(npy(records, SIX))).toContain('not float32')
  })
  test('every refusal says how to save the array', () =>
    expect(refusal(whole.subarray(0, 40))).toContain('np.save(file, array.astype(np.float32))'))
})
