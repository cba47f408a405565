/** What every runtime promises, held to by both: ONNX Runtime's native build and its WebAssembly. */
import { beforeAll, describe, expect, test } from 'vitest'
import { ExplainError } from '../../src/core/errors.js'
import type { Runtime } from '../../src/core/runtime.js'
import { float32, int64, type Tensor, tensor } from '../../src/core/tensor.js'
import { Model } from '../../src/explain/index.js'
import { ortRuntime } from '../../src/node/ort.js'
import { declare } from '../../src/onnx/builder.js'
import { decode } from '../../src/onnx/decode.js'
import { encodeSkeleton } from '../../src/onnx/encode.js'
import { pathOf, readBytes, SHIPPED_MODEL } from '../support/files.js'
import { correlation } from '../support/measures.js'
import { type ModelSpec, modelBytes } from '../support/model.js'
import { readNpyFloat32 } from '../support/npy.js'
import { failureOf, tinyModel } from './support.js'

const BACKENDS = ['native', 'wasm'] as const

const whole = (bytes: Uint8Array) => ({ bytes, externalData: new Map<string, Uint8Array>() })

/** y = x + x, next to values of other types. */
const TYPES: ModelSpec = {
  opset: 17,
  nodes: [
    { op: 'Add', inputs: ['x', 'x'], outputs: ['y'] },
    { op: 'Shape', inputs: ['x'], outputs: ['shape'] },
    { op: 'Greater', inputs: ['x', 'y'], outputs: ['greater'] },
    { op: 'Cast', inputs: ['x'], outputs: ['half'], attributes: { to: 10 } },
    { op: 'Cast', inputs: ['x'], outputs: ['byte'], attributes: { to: 2 } },
    { op: 'Gather', inputs: ['y', 'i'], outputs: ['picked'], attributes: { axis: 1 } },
  ],
  inputs: [declare('x', 'float32', ['batch', 3]), declare('i', 'int64', [2])],
  outputs: [
    declare('y', 'float32', ['batch', 3]),
    declare('shape', 'int64', [2]),
    declare('greater', 'bool', ['batch', 3]),
    declare('half', 'float16', ['batch', 3]),
    declare('byte', 'uint8', ['batch', 3]),
    declare('picked', 'float32', ['batch', 2]),
  ],
}

describe.each(BACKENDS)('%s', (backend) => {
  let runtime: Runtime
  beforeAll(async () => {
    runtime = await ortRuntime({ backend })
  })

  test('says what it is, with its version', () => {
    expect(runtime.name).toMatch(
      backend === 'native' ? /^onnxruntime-node \d+\.\d+\.\d+ \(cpu\)$/ : /^onnxruntime-web \d+\.\d+\.\d+ \(wasm\)$/,
    )
  })

  test('describes inputs and outputs: names, types, fixed and named axes', async () => {
    const session = await runtime.createSession(whole(modelBytes(TYPES)))
    expect(session.inputs).toEqual([
      { name: 'x', type: 'float32', dims: ['batch', 3] },
      { name: 'i', type: 'int64', dims: [2] },
    ])
    expect(session.outputs.map((o) => [o.name, o.type])).toEqual([
      ['y', 'float32'],
      ['shape', 'int64'],
      ['greater', 'bool'],
      ['half', 'float16'],
      ['byte', 'uint8'],
      ['picked', 'float32'],
    ])
    await session.release()
  })

  test('an axis without a name is null, and a type that is not declared is inferred', async () => {
    const session = await runtime.createSession(
      whole(
        modelBytes({
          opset: 17,
          nodes: [{ op: 'Relu', inputs: ['x'], outputs: ['y'] }],
          inputs: [declare('x', 'float32', [null, 'height', 4])],
          outputs: [declare('y')],
        }),
      ),
    )
    expect(session.outputs).toEqual([{ name: 'y', type: 'float32', dims: [null, 'height', 4] }])
    await session.release()
  })

  test('runs: values of every type come back, the inputs stay, earlier results stay', async () => {
    const session = await runtime.createSession(whole(modelBytes(TYPES)))
    const x = float32([2, 3], [1, -1, 0.5, 2, 0, 7])
    const before = Float32Array.from(x.data)
    const i = int64([2], [2, 0])
    const first = await session.run({ x, i })
    const kept = Array.from(first.y?.data as Float32Array)
    await session.run({ x: float32([1, 3], [9, 9, 9]), i })
    expect(x.data).toEqual(before)
    expect(Array.from(first.y?.data as Float32Array)).toEqual(kept)
    expect(first).toEqual({
      y: float32([2, 3], [2, -2, 1, 4, 0, 14]),
      shape: int64([2], [2, 3]),
      greater: tensor('bool', [2, 3], Uint8Array.of(0, 1, 0, 0, 0, 0)),
      half: tensor('float16', [2, 3], Uint16Array.of(0x3c00, 0xbc00, 0x3800, 0x4000, 0, 0x4700)),
      byte: tensor('uint8', [2, 3], (first.byte as Tensor<'uint8'>).data), // -1 as a byte is up to the runtime
      picked: float32([2, 2], [1, 2, 14, 4]),
    })
    await session.release()
  })

  test('numbers at an odd place in a larger array', async () => {
    const session = await runtime.createSession(whole(modelBytes(TYPES)))
    const x = float32([1, 3], Float32Array.of(8, 8, 1, 2, 3, 8).subarray(2, 5))
    expect((await session.run({ x, i: int64([2], [0, 1]) })).y?.data).toEqual(Float32Array.of(2, 4, 6))
    await session.release()
  })

  test('weights that lie outside of the file', async () => {
    const graph = decode(
      modelBytes({
        opset: 17,
        nodes: [{ op: 'MatMul', inputs: ['x', 'w'], outputs: ['y'] }],
        inputs: [declare('x', 'float32', [1, 20])],
        outputs: [declare('y', 'float32', [1, 20])],
        initializers: {
          w: float32(
            [20, 20],
            Float32Array.from({ length: 400 }, (_, k) => (k % 21 === 0 ? 3 : 0)),
          ),
        },
      }),
    )
    const skeleton = encodeSkeleton(graph)
    expect(skeleton.externalData.size).toBe(1)
    const session = await runtime.createSession(skeleton)
    const x = Float32Array.from({ length: 20 }, (_, k) => k)
    expect((await session.run({ x: float32([1, 20], x) })).y?.data).toEqual(x.map((v) => 3 * v))
    await session.release()
  })

  test.each(['disabled', 'basic', 'extended', 'all'] as const)('optimisation %s', async (optimization) => {
    const session = await runtime.createSession(whole(tinyModel()), { optimization })
    const out = await session.run({ image: float32([1, 3, 16, 16]) })
    expect(out.logits?.dims).toEqual([1, 5])
    await session.release()
  })

  describe('failures carry the code runtime-failed and say which', () => {
    const failing = async (work: Promise<unknown>): Promise<ExplainError> => {
      const error = await failureOf(work)
      expect(error).toBeInstanceOf(ExplainError)
      expect(error.code).toBe('runtime-failed')
      expect(error.message).not.toContain('\n')
      return error
    }

    test('bytes that are no model', async () => {
      const error = await failing(runtime.createSession(whole(Buffer.from('no model at all'))))
      expect(error.message).toMatch(/^ONNX Runtime could not load the model: .{10}/)
      expect(error.cause).toBeInstanceOf(Error)
    })

    test('an operator that does not exist is named', async () => {
      const { bytes } = whole(
        modelBytes({
          ...TYPES,
          nodes: [{ op: 'Frobnicate', inputs: ['x'], outputs: ['y'] }],
          outputs: TYPES.outputs.slice(0, 1),
        }),
      )
      expect((await failing(runtime.createSession(whole(bytes)))).message).toContain('Frobnicate')
    })

    test('an input of the wrong shape is named', async () => {
      const session = await runtime.createSession(whole(modelBytes(TYPES)))
      const error = await failing(session.run({ x: float32([1, 4]), i: int64([2], [0, 0]) }))
      expect(error.message).toMatch(/^ONNX Runtime failed: /)
      expect(error.message).toContain('x')
      await session.release()
    })

    test('an input that is missing', async () => {
      const session = await runtime.createSession(whole(modelBytes(TYPES)))
      expect((await failing(session.run({ x: float32([1, 3]) }))).message).toContain("'i'")
      await session.release()
    })
  })
})

test('both give the same maps of the shipped model', async () => {
  const pixels = readNpyFloat32(pathOf('test/fixtures/golden/input.npy'))
  const picture = float32(
    pixels.dims,
    pixels.data.map((v) => (v - 127) / 128),
  )
  const graph = decode(readBytes(SHIPPED_MODEL))
  const made = []
  for (const backend of BACKENDS) {
    const model = await Model.load(graph, await ortRuntime({ backend }), { name: backend })
    made.push(await model.explainAll(picture, { method: ['grad-cam', 'gradient'], target: [285, 967] }))
    await model.release()
  }
  const [native, wasm] = made
  expect(wasm?.answers.slice(0, 5).map((a) => a.index)).toEqual(native?.answers.slice(0, 5).map((a) => a.index))
  expect(native?.explanations).toHaveLength(4)
  for (const [k, want] of native?.explanations.entries() ?? []) {
    const got = wasm?.explanations[k]
    expect(got?.raw.dims).toEqual(want.raw.dims)
    expect(
      correlation(got?.raw.data ?? [], want.raw.data),
      `${want.method.id} of ${want.answer.label}`,
    ).toBeGreaterThanOrEqual(0.999)
    expect(got?.provenance.runtime).toContain('(wasm)')
    expect(want.provenance.runtime).toContain('(cpu)')
  }
})
