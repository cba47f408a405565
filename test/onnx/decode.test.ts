/** Bytes to graph and back. */
import { create, fromBinary, toBinary } from '@bufbuild/protobuf'
import fc from 'fast-check'
import {
  ModelProtoSchema,
  OperatorSetIdProtoSchema,
  TensorProto_DataType as ProtoType,
  TensorProtoSchema,
} from 'onnx-buf'
import { describe, expect, test } from 'vitest'
import { ExplainError } from '../../src/core/errors.js'
import { float32, sizeOf } from '../../src/core/tensor.js'
import { declare } from '../../src/onnx/builder.js'
import { decode } from '../../src/onnx/decode.js'
import { encode, encodeSkeleton } from '../../src/onnx/encode.js'
import { readBytes, SHIPPED_MODEL } from '../support/files.js'
import { model, modelBytes } from '../support/model.js'
import { random } from '../support/random.js'
import { numbers, run } from '../support/run.js'

const shipped = readBytes(SHIPPED_MODEL)

function linear(): Uint8Array {
  const r = random(1)
  return modelBytes({
    opset: 18,
    nodes: [
      { op: 'MatMul', inputs: ['x', 'w'], outputs: ['product'] },
      { op: 'LeakyRelu', inputs: ['product'], outputs: ['y'], attributes: { alpha: { float: 0.25 } } },
    ],
    inputs: [declare('x', 'float32', ['batch', 40])],
    outputs: [declare('y', 'float32', ['batch', 30])],
    initializers: {
      w: float32(
        [40, 30],
        Float32Array.from({ length: 1200 }, () => r.normal()),
      ),
    },
  })
}

function noise(dims: readonly number[], seed: number) {
  const r = random(seed)
  return float32(
    dims,
    Array.from({ length: sizeOf(dims) }, () => r.normal()),
  )
}

function codeOf(work: () => unknown): string {
  try {
    work()
  } catch (error) {
    return error instanceof ExplainError ? error.code : `not an ExplainError: ${error}`
  }
  return 'nothing was thrown'
}

describe('decode -> encode', () => {
  test.each([
    ['the shipped model', shipped, { pixel_values: noise([2, 3, 224, 224], 2) }, 'logits'],
    ['a small model', linear(), { x: noise([3, 40], 3) }, 'y'],
  ] as const)('%s answers the same, to the bit', async (_name, bytes, feeds, output) => {
    const want = (await run(bytes, feeds, 'disabled'))[output]
    const graph = decode(bytes)
    expect(numbers((await run(encode(graph), feeds, 'disabled'))[output])).toEqual(numbers(want))
    expect(numbers((await run(encodeSkeleton(graph), feeds, 'disabled'))[output])).toEqual(numbers(want))
  })

  test('a skeleton is small and points into the bytes', () => {
    const { bytes, externalData } = encodeSkeleton(decode(shipped))
    expect(bytes.byteLength).toBeLessThan(shipped.byteLength / 50)
    expect(externalData.size).toBe(1)
    expect([...externalData.values()][0]).toBe(shipped)
  })

  test('weights are views into the bytes, nothing is copied', () => {
    const graph = decode(shipped)
    const large = [...graph.initializers.values()].filter((t) => t.rawData.byteLength > 0)
    expect(large.length).toBeGreaterThan(50)
    for (const t of large) expect(t.rawData.buffer).toBe(shipped.buffer)
  })

  test('the input is left as it was', () => {
    const bytes = linear()
    const before = Uint8Array.from(bytes)
    const graph = decode(bytes)
    encode(graph)
    encodeSkeleton(graph)
    expect(bytes).toEqual(before)
  })

  test.each([0, 1, 2, 3])('bytes that start %d bytes into a Node Buffer are read right', async (offset) => {
    const plain = linear()
    const buffer = Buffer.alloc(plain.byteLength + offset)
    buffer.set(plain, offset)
    const graph = decode(buffer.subarray(offset))
    expect(graph.constant('w')).toEqual(decode(plain).constant('w'))
    const feeds = { x: noise([1, 40], 4) }
    const want = numbers((await run(plain, feeds)).y)
    expect(numbers((await run(encode(graph), feeds)).y)).toEqual(want)
    expect(numbers((await run(encodeSkeleton(graph), feeds)).y)).toEqual(want)
  })

  test('fields that are not known survive in model, graph and node', () => {
    const proto = fromBinary(ModelProtoSchema, linear())
    const unknown = (no: number) => ({ no, wireType: 2, data: Uint8Array.of(3, 97, 98, 99) })
    const [node] = proto.graph?.node ?? []
    if (!proto.graph || !node) throw new Error('no node')
    proto.$unknown = [unknown(1001)]
    proto.graph.$unknown = [unknown(1002)]
    node.$unknown = [unknown(1003)]
    const back = fromBinary(ModelProtoSchema, encode(decode(toBinary(ModelProtoSchema, proto))))
    expect(back.$unknown?.map((u) => u.no)).toEqual([1001])
    expect(back.graph?.$unknown?.map((u) => u.no)).toEqual([1002])
    expect(back.graph?.node[0]?.$unknown?.map((u) => u.no)).toEqual([1003])
    expect(back.graph?.node[0]?.$unknown?.[0]?.data).toEqual(Uint8Array.of(3, 97, 98, 99))
  })

  test('metadata is kept, and what is added replaces what has its key', () => {
    const proto = fromBinary(ModelProtoSchema, linear())
    const entry = (key: string, value: string) => ({ $typeName: 'onnx.StringStringEntryProto' as const, key, value })
    proto.metadataProps = [entry('author', 'somebody'), entry('onnxplain.method', 'old')]
    const graph = decode(toBinary(ModelProtoSchema, proto))
    const back = fromBinary(
      ModelProtoSchema,
      encode(graph.with({ metadata: new Map([['onnxplain.method', 'grad-cam']]) })),
    )
    expect(back.metadataProps.map((e) => [e.key, e.value])).toEqual([
      ['author', 'somebody'],
      ['onnxplain.method', 'grad-cam'],
    ])
  })

  test('initialisers that are listed as inputs too are constants', () => {
    const bytes = modelBytes({
      opset: 8,
      nodes: [{ op: 'Add', inputs: ['x', 'w'], outputs: ['y'] }],
      inputs: [declare('x', 'float32', [2]), declare('w', 'float32', [2])],
      outputs: [declare('y', 'float32', [2])],
      initializers: { w: float32([2], [1, 2]) },
    })
    expect(decode(bytes).inputs.map((i) => i.name)).toEqual(['x'])
  })

  test('ai.onnx is the empty domain', () => {
    const proto = fromBinary(ModelProtoSchema, linear())
    proto.opsetImport = [create(OperatorSetIdProtoSchema, { domain: 'ai.onnx', version: 18n })]
    for (const n of proto.graph?.node ?? []) n.domain = 'ai.onnx'
    const graph = decode(toBinary(ModelProtoSchema, proto))
    expect(graph.opset).toBe(18)
    expect(graph.nodes.map((n) => n.domain)).toEqual(['', ''])
  })
})

describe('what is not a whole model', () => {
  const text = (t: string): Uint8Array => new TextEncoder().encode(t)
  test.each([
    ['nothing', new Uint8Array()],
    ['a web page', text('<!DOCTYPE html><html><body>404 Not Found</body></html>')],
    ['a Git LFS pointer', text('version https://git-lfs.github.com/spec/v1\noid sha256:0123\nsize 9317478\n')],
    ['JSON', text('{"error": "Repository not found"}')],
    ['zeros', new Uint8Array(64)],
    ['a PNG head', Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a)],
    ['a lone message of another kind', toBinary(TensorProtoSchema, create(TensorProtoSchema, { name: 'w' }))],
  ])('%s is refused', (_name, bytes) => {
    expect(codeOf(() => decode(bytes))).toBe('invalid-model')
  })

  test('the shipped model cut short anywhere is refused', () => {
    const lengths = [1, 2, 3, 4, 38, 40, 1000, 30_000, 1_000_000, 9_317_470, 9_317_472, 9_317_474, 9_317_477]
    expect(lengths.map((n) => codeOf(() => decode(shipped.subarray(0, n))))).toEqual(lengths.map(() => 'invalid-model'))
  })

  test('a small model cut short anywhere is refused', () => {
    const bytes = linear()
    for (let n = 0; n < bytes.byteLength; n += 1)
      expect([n, codeOf(() => decode(bytes.subarray(0, n)))]).toEqual([n, 'invalid-model'])
  })

  test('damaged bytes give a graph or an ExplainError, never another error', () => {
    const bytes = linear()
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(bytes.byteLength - 1), fc.nat(255)), { minLength: 1, maxLength: 8 }),
        (hits) => {
          const damaged = Uint8Array.from(bytes)
          for (const [at, value] of hits) damaged[at] = value
          expect(['invalid-model', 'nothing was thrown']).toContain(codeOf(() => decode(damaged)))
        },
      ),
      { numRuns: 500, seed: 7 },
    )
  })

  test('the file is named in the message', () => {
    expect(() => decode(new Uint8Array(), { name: 'cat.onnx' })).toThrow(/cat\.onnx/)
  })
})

describe('the typed fields of a constant', () => {
  const read = (init: Parameters<typeof create<typeof TensorProtoSchema>>[1]) => {
    const graph = model({
      opset: 18,
      nodes: [{ op: 'Identity', inputs: ['c'], outputs: ['y'] }],
      inputs: [],
      outputs: [declare('y')],
    })
    const initializers = new Map([['c', create(TensorProtoSchema, { name: 'c', ...init })]])
    return graph.with({ initializers }).constant('c')
  }

  test.each([
    ['float_data', { dataType: ProtoType.FLOAT, floatData: [1.5, -2] }, Float32Array.of(1.5, -2)],
    ['double_data', { dataType: ProtoType.DOUBLE, doubleData: [1.5, -2] }, Float64Array.of(1.5, -2)],
    ['int32_data', { dataType: ProtoType.INT32, int32Data: [7, -2] }, Int32Array.of(7, -2)],
    ['int8 in int32_data', { dataType: ProtoType.INT8, int32Data: [7, -2] }, Int8Array.of(7, -2)],
    ['uint8 in int32_data', { dataType: ProtoType.UINT8, int32Data: [7, 255] }, Uint8Array.of(7, 255)],
    ['int16 in int32_data', { dataType: ProtoType.INT16, int32Data: [7, -300] }, Int16Array.of(7, -300)],
    ['bool in int32_data', { dataType: ProtoType.BOOL, int32Data: [1, 0] }, Uint8Array.of(1, 0)],
    [
      'float16 bits in int32_data',
      { dataType: ProtoType.FLOAT16, int32Data: [0x3c00, 0xc000] },
      Uint16Array.of(0x3c00, 0xc000),
    ],
    ['int64_data', { dataType: ProtoType.INT64, int64Data: [7n, -2n] }, BigInt64Array.of(7n, -2n)],
    ['uint64_data', { dataType: ProtoType.UINT64, uint64Data: [7n, 2n] }, BigUint64Array.of(7n, 2n)],
    [
      'uint32 in uint64_data',
      { dataType: ProtoType.UINT32, uint64Data: [7n, 4294967295n] },
      Uint32Array.of(7, 4294967295),
    ],
  ])('%s', (_name, init, want) => {
    expect(read({ ...init, dims: [2n] })?.data).toEqual(want)
  })

  test('too few elements are refused', () => {
    expect(codeOf(() => read({ dataType: ProtoType.FLOAT, dims: [3n], floatData: [1, 2] }))).toBe('invalid-model')
  })

  test('raw bytes of the wrong length are refused', () => {
    expect(codeOf(() => read({ dataType: ProtoType.FLOAT, dims: [2n], rawData: new Uint8Array(7) }))).toBe(
      'invalid-model',
    )
  })

  test('strings and 4-bit integers are not read: no typed array holds them', () => {
    expect(read({ dataType: ProtoType.STRING, dims: [1n] })).toBeUndefined()
    expect(read({ dataType: ProtoType.INT4, dims: [2n], rawData: Uint8Array.of(0x21) })).toBeUndefined()
  })

  test('an empty tensor is empty', () => {
    expect(read({ dataType: ProtoType.INT64, dims: [0n] })?.data).toEqual(new BigInt64Array())
  })

  test('a scalar has one element', () => {
    expect(read({ dataType: ProtoType.FLOAT, floatData: [4] })).toEqual({
      type: 'float32',
      dims: [],
      data: Float32Array.of(4),
    })
  })
})
