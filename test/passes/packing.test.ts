/** Which networks gain by packed weights: those that multiply matrices of many rows. */
import { type InferenceSession, Tensor } from 'onnxruntime-common'
import { describe, expect, test } from 'vitest'
import type { SessionOptions } from '../../src/core/runtime.js'
import { float32 } from '../../src/core/tensor.js'
import { loadModel } from '../../src/explain/index.js'
import { declare } from '../../src/onnx/builder.js'
import type { Graph } from '../../src/onnx/ir.js'
import { runtimeOn } from '../../src/ort/runtime.js'
import { gainsByPacking } from '../../src/passes/packing.js'
import { probe } from '../../src/passes/probe.js'
import { model, type NodeSpec } from '../support/model.js'
import { runtime } from '../support/ort.js'

/** Pictures of 3 channels and 4 x 4 pixels, a head with these operators. */
function network(head: readonly NodeSpec[], batch: string | number = 'N'): Graph {
  return model({
    opset: 17,
    nodes: [{ op: 'Conv', inputs: ['input', 'kernel'], outputs: ['maps'] }, ...head],
    inputs: [declare('input', 'float32', [batch, 3, 4, 4])],
    outputs: [declare('logits', 'float32', [batch, 5])],
    initializers: {
      kernel: float32([2, 3, 1, 1]),
      flatWeight: float32([32, 5]),
      tokenWeight: float32([4, 5]),
      bias: float32([5]),
    },
  })
}
const flat: NodeSpec = { op: 'Flatten', inputs: ['maps'], outputs: ['flat'] }
const gemm: NodeSpec = { op: 'Gemm', inputs: ['flat', 'flatWeight', 'bias'], outputs: ['logits'] }
const tokens: readonly NodeSpec[] = [
  { op: 'MatMul', inputs: ['maps', 'tokenWeight'], outputs: ['each'] },
  { op: 'ReduceMean', inputs: ['each'], outputs: ['logits'], attributes: { axes: [1, 2], keepdims: 0 } },
]

describe('weights are', () => {
  test.each([
    ['left as they are where a Gemm ends a convolutional network', network([flat, gemm]), false],
    [
      'left as they are where a MatMul does',
      network([flat, { ...gemm, op: 'MatMul', inputs: ['flat', 'flatWeight'] }]),
      false,
    ],
    ['left as they are for a batch of one', network([flat, gemm], 1), false],
    ['packed for a fixed batch of several', network([flat, gemm], 8), true],
    ['packed where every place is multiplied', network(tokens), true],
  ] as const)('%s', async (_, graph, expected) => {
    expect(gainsByPacking(graph, await probe(graph, runtime), 'input')).toBe(expected)
  })

  test('left as they are in the sessions of such a network', async () => {
    const asked: SessionOptions[] = []
    const spy = {
      ...runtime,
      createSession: (file: Parameters<typeof runtime.createSession>[0], options: SessionOptions = {}) => {
        asked.push(options)
        return runtime.createSession(file, options)
      },
    }
    const image = float32(
      [1, 3, 4, 4],
      Float32Array.from({ length: 48 }, (_, i) => i / 10),
    )
    const loaded = await loadModel(
      { name: 'small', graph: network([flat, gemm]), labels: undefined, preprocessing: undefined },
      spy,
    )
    const { answers } = await loaded.explainAll(image, { method: 'gradient', target: 0 })
    await loaded.release()
    expect(answers).toHaveLength(5)
    expect(asked.length).toBeGreaterThan(1)
    expect(asked.every((o) => o.packed === false)).toBe(true)
  })

  test.each([
    [{}, undefined],
    [{ packed: true }, undefined],
    [{ packed: false }, '1'],
  ])('asked of ONNX Runtime as %o', async (options, expected) => {
    const given: InferenceSession.SessionOptions[] = []
    const create = async (_: Uint8Array, settings: InferenceSession.SessionOptions = {}) => {
      given.push(settings)
      return { inputMetadata: [], outputMetadata: [] } as unknown as InferenceSession
    }
    const ort = { InferenceSession: { create }, Tensor, env: { versions: {} } }
    const file = { bytes: new Uint8Array(), externalData: new Map() }
    await runtimeOn(ort, { name: 'fake', executionProviders: ['cpu'] }).createSession(file, options)
    const unpacked = expected === undefined ? {} : { disable_prepacking: expected }
    expect(given.map((g) => g.extra)).toEqual([{ session: { force_spinning_stop: '1', ...unpacked } }])
  })
})
