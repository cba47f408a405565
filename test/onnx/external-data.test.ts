/** Weights in files of their own. */
import { create } from '@bufbuild/protobuf'
import { TensorProto_DataLocation as DataLocation, StringStringEntryProtoSchema, TensorProtoSchema } from 'onnx-buf'
import { describe, expect, test } from 'vitest'
import { ExplainError } from '../../src/core/errors.js'
import { float32 } from '../../src/core/tensor.js'
import { declare } from '../../src/onnx/builder.js'
import { decode, externalLocations } from '../../src/onnx/decode.js'
import { encode, encodeSkeleton } from '../../src/onnx/encode.js'
import type { ExternalData } from '../../src/onnx/tensors.js'
import { protoType } from '../../src/onnx/tensors.js'
import { model } from '../support/model.js'
import { numbers, run } from '../support/run.js'

const WEIGHTS = Float32Array.from({ length: 600 }, (_, i) => Math.sin(i))

/** y = x w + c, with `w` in weights.bin (as `entries` say) and `c` in the file itself. */
function bytesOf(entries: Readonly<Record<string, string>>): Uint8Array {
  const graph = model({
    opset: 18,
    nodes: [
      { op: 'MatMul', inputs: ['x', 'w'], outputs: ['product'] },
      { op: 'Add', inputs: ['product', 'c'], outputs: ['y'] },
    ],
    inputs: [declare('x', 'float32', ['batch', 20])],
    outputs: [declare('y', 'float32', ['batch', 30])],
    initializers: {
      c: float32(
        [30],
        Array.from({ length: 30 }, (_, i) => i),
      ),
    },
  })
  const w = create(TensorProtoSchema, {
    name: 'w',
    dataType: protoType('float32'),
    dims: [20n, 30n],
    dataLocation: DataLocation.EXTERNAL,
    externalData: Object.entries(entries).map(([key, value]) => create(StringStringEntryProtoSchema, { key, value })),
  })
  const { bytes } = encodeSkeleton(graph.with({ initializers: new Map([...graph.initializers, ['w', w]]) }))
  return bytes
}

/** The weights in a file, after `offset` bytes of something else, with `more` bytes behind. */
function file(offset: number, more = 0): Uint8Array {
  const bytes = new Uint8Array(offset + WEIGHTS.byteLength + more).fill(77)
  bytes.set(new Uint8Array(WEIGHTS.buffer), offset)
  return bytes
}

function codeOf(work: () => unknown): unknown {
  try {
    return work()
  } catch (error) {
    return error instanceof ExplainError ? error.code : error
  }
}

const feeds = {
  x: float32(
    [1, 20],
    Array.from({ length: 20 }, (_, i) => i / 20),
  ),
}
const answer = Array.from({ length: 30 }, (_, j) =>
  feeds.x.data.reduce((sum, x, i) => sum + x * (WEIGHTS[i * 30 + j] ?? 0), j),
)

describe('external data', () => {
  const length = String(WEIGHTS.byteLength)
  test.each([
    ['the whole file', { location: 'weights.bin' }, file(0)],
    ['an offset', { location: 'weights.bin', offset: '4096' }, file(4096)],
    ['an offset and a length', { location: 'weights.bin', offset: '8', length }, file(8, 100)],
    ['an offset that is not aligned', { location: 'weights.bin', offset: '3', length }, file(3, 5)],
  ])('%s', async (_name, entries, content) => {
    const externalData: ExternalData = new Map([['weights.bin', content]])
    const graph = decode(bytesOf(entries), { externalData })
    expect(externalLocations(graph)).toEqual(['weights.bin'])
    expect(graph.constant('w')?.data).toEqual(WEIGHTS)
    for (const got of [await run(encode(graph), feeds), await run(encodeSkeleton(graph), feeds)])
      for (const [i, v] of numbers(got.y).entries()) expect(v).toBeCloseTo(answer[i] ?? Number.NaN, 4)
  })

  test('encode makes one file of all', () => {
    const graph = decode(bytesOf({ location: 'weights.bin' }), { externalData: new Map([['weights.bin', file(0)]]) })
    const whole = decode(encode(graph))
    expect(externalLocations(whole)).toEqual([])
    expect(whole.constant('w')?.data).toEqual(WEIGHTS)
  })

  test('a Node Buffer will do', () => {
    const content = Buffer.from(file(1)).subarray(1)
    const graph = decode(bytesOf({ location: 'weights.bin' }), { externalData: new Map([['weights.bin', content]]) })
    expect(graph.constant('w')?.data).toEqual(WEIGHTS)
  })

  test('a missing file is named', () => {
    const graph = decode(bytesOf({ location: 'weights.bin' }))
    expect(codeOf(() => graph.constant('w'))).toBe('external-data-missing')
    expect(codeOf(() => encode(graph))).toBe('external-data-missing')
    expect(() => encode(graph)).toThrow(/"weights\.bin" was not found.*"w"/)
  })

  test.each([
    ['and nothing is said of its length', { location: 'weights.bin' }],
    ['with a length', { location: 'weights.bin', length }],
    ['with an offset beyond the end', { location: 'weights.bin', offset: '5000', length }],
    ['with an offset beyond the end and no length', { location: 'weights.bin', offset: '5000' }],
  ])('a file that is too short, %s', (_name, entries) => {
    const content = file(0).subarray(0, 2000)
    const graph = decode(bytesOf(entries), { externalData: new Map([['weights.bin', content]]) })
    expect(codeOf(() => graph.constant('w'))).toBe('external-data-missing')
    expect(() => encode(graph)).toThrow(/"weights\.bin" is too short/)
  })

  test('a length that does not fit the shape', () => {
    const entries = { location: 'weights.bin', length: '800' }
    const graph = decode(bytesOf(entries), { externalData: new Map([['weights.bin', file(0)]]) })
    expect(codeOf(() => graph.constant('w'))).toBe('invalid-model')
  })
})
