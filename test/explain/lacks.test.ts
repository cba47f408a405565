/** Models on a runtime that says which kernels it lacks: plans do without them and give the same maps. */
import { describe, expect, test } from 'vitest'
import type { Lack, Runtime } from '../../src/core/runtime.js'
import { Model } from '../../src/explain/index.js'
import { declare } from '../../src/onnx/builder.js'
import { decode } from '../../src/onnx/decode.js'
import type { Graph } from '../../src/onnx/ir.js'
import { differentiate } from '../../src/vjp/differentiate.js'
import { planOf, refusal } from '../support/compiled.js'
import { relativeL2 } from '../support/measures.js'
import { model, type NodeSpec } from '../support/model.js'
import { noise } from '../support/networks.js'
import { runtime } from '../support/ort.js'
import { numbers, run } from '../support/run.js'

const lacks: readonly Lack[] = ['ConvTranspose 3-D']

/** True where the graph has a transposed convolution; here all are over three axes. */
function transposes(graph: Graph): boolean {
  return graph.nodes.some((n) => n.op === 'ConvTranspose')
}

/** Fails on transposed convolutions, as WebGPU's runtime does. */
const without: Runtime = {
  name: 'without transposed convolutions',
  lacks,
  createSession: async (file, options) => {
    if (transposes(decode(file.bytes))) throw new Error('ConvTranspose: only 1-D and 2-D.')
    return runtime.createSession(file, options)
  },
}

const node = (op: string, inputs: string, output: string, attributes: NodeSpec['attributes'] = {}): NodeSpec => ({
  op,
  inputs: inputs.split(' '),
  outputs: [output],
  attributes,
})

/** A network of volumes, with strides, padding and pixels that no window reaches. */
function strided(batch: number | string = 'N'): Graph {
  return model({
    opset: 18,
    nodes: [
      node('Conv', 'x w1', 'c1', { pads: [1, 1, 1, 1, 1, 1] }),
      node('Relu', 'c1', 'r1'),
      node('Conv', 'r1 w2', 'c2', { strides: [2, 2, 2], pads: [1, 1, 1, 1, 1, 1] }),
      node('Relu', 'c2', 'r2'),
      node('Conv', 'r2 w2', 'c3', { strides: [1, 2, 2] }),
      node('Relu', 'c3', 'r3'),
      node('GlobalAveragePool', 'r3', 'g'),
      node('Flatten', 'g', 'f'),
      node('Gemm', 'f w3', 'logits'),
    ],
    inputs: [declare('x', 'float32', [batch, 1, 8, 8, 8])],
    outputs: [declare('logits', 'float32', [batch, 4])],
    initializers: { w1: noise(1, 4, 1, 3, 3, 3), w2: noise(2, 4, 4, 3, 3, 3), w3: noise(3, 4, 4) },
  })
}

const METHODS = ['gradient', 'guided-backpropagation', 'deconvnet', 'grad-cam']
const picture = noise(4, 1, 1, 8, 8, 8)

describe.each(['N', 1])('a plan for a batch of %s', (batch) => {
  test.each(METHODS)('%s: not used, the same map', async (method) => {
    const options = { method, layer: method === 'grad-cam' ? 'r1' : undefined }
    const plain = await planOf(strided(batch), options)
    const other = await planOf(strided(batch), { ...options, lacks })
    expect([transposes(plain.graph), transposes(other.graph)]).toEqual([true, false])
    const feeds = { x: picture, target: { type: 'int64', dims: [1], data: BigInt64Array.of(2n) } } as const
    const [want, got] = [await run(plain.graph, feeds), await run(other.graph, feeds)]
    expect(numbers(got.heatmap).some((v) => v !== 0)).toBe(true)
    expect(relativeL2(numbers(got.heatmap), numbers(want.heatmap))).toBeLessThanOrEqual(1e-6)
  })
})

describe('a model', () => {
  test('is explained without what its runtime lacks', async () => {
    const [plain, other] = [
      await Model.load(strided(), runtime, { name: 'plain' }),
      await Model.load(strided(), without, { name: 'other' }),
    ]
    for (const method of METHODS) {
      const target = { method, target: 1, ...(method === 'grad-cam' ? { layer: 'r1' } : {}) }
      const [want, got] = [await plain.explain(picture, target), await other.explain(picture, target)]
      expect(relativeL2(got.raw.data, want.raw.data)).toBeLessThanOrEqual(1e-6)
    }
    expect(transposes(plain.compile({ method: 'gradient' }).graph)).toBe(true)
    expect(transposes(other.compile({ method: 'gradient' }).graph)).toBe(false)
    expect(transposes(other.compile({ method: 'gradient', lacks: [] }).graph)).toBe(true)
    await plain.release()
    await other.release()
  })

  test('nothing is tried: a runtime that does not say what it lacks fails', async () => {
    const { lacks: _, ...silent } = without
    const graph = await Model.load(strided(), silent, { name: 'silent' })
    await expect(graph.explain(picture, { method: 'gradient' })).rejects.toThrow('ConvTranspose')
    await graph.release()
  })
})

test('a kernel that nothing can do without is a bad option', async () => {
  const wrong = ['MaxPool'] as unknown as readonly Lack[]
  for (const error of [
    await refusal(planOf(strided(), { method: 'gradient', lacks: wrong })),
    await refusal(() => differentiate(strided(), { of: 'logits', wrt: ['x'], lacks: wrong })),
  ]) {
    expect(error.code).toBe('bad-option')
    expect(error.message).toContain('ConvTranspose 3-D')
  }
})
