/** Models on a runtime that says which kernels it lacks: plans do without them and give the same maps. */
import { describe, expect, test } from 'vitest'
import type { Lack, Runtime } from '../../src/core/runtime.js'
import { float32 } from '../../src/core/tensor.js'
import { Model } from '../../src/explain/index.js'
import { declare } from '../../src/onnx/builder.js'
import { decode } from '../../src/onnx/decode.js'
import type { Graph } from '../../src/onnx/ir.js'
import { probe } from '../../src/passes/probe.js'
import { differentiate } from '../../src/vjp/differentiate.js'
import { planOf, refusal } from '../support/compiled.js'
import { pathOf, readBytes } from '../support/files.js'
import { relativeL2 } from '../support/measures.js'
import { model, type NodeSpec } from '../support/model.js'
import { noise } from '../support/networks.js'
import { readNpyFloat32 } from '../support/npy.js'
import { runtime } from '../support/ort.js'
import { numbers, run } from '../support/run.js'

const lacks: readonly Lack[] = ['MaxPool Indices']

/** True where some MaxPool of the graph gives its indices. */
function usesIndices(graph: Graph): boolean {
  return graph.nodes.some((n) => n.op === 'MaxPool' && n.outputs.length > 1)
}

/** Fails on indices, as WebGPU's runtime does. */
const without: Runtime = {
  name: 'without indices',
  lacks,
  createSession: async (file, options) => {
    if (usesIndices(decode(file.bytes))) throw new Error('The Indices output is not supported yet.')
    return runtime.createSession(file, options)
  },
}

const node = (op: string, inputs: string, output: string, attributes: NodeSpec['attributes'] = {}): NodeSpec => ({
  op,
  inputs: inputs.split(' '),
  outputs: [output],
  attributes,
})

/** Overlapping, padded max-pooling, and one that tiles, behind rectifiers: many windows are all zeros. */
function pooled(batch: number | string = 'N'): Graph {
  return model({
    opset: 18,
    nodes: [
      node('Conv', 'x w1', 'c1', { pads: [1, 1, 1, 1] }),
      node('Relu', 'c1', 'r1'),
      node('MaxPool', 'r1', 'm1', { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] }),
      node('Conv', 'm1 w2', 'c2', { pads: [1, 1, 1, 1] }),
      node('Relu', 'c2', 'r2'),
      node('MaxPool', 'r2', 'm2', { kernel_shape: [2, 2], strides: [2, 2] }),
      node('GlobalAveragePool', 'm2', 'g'),
      node('Flatten', 'g', 'f'),
      node('Gemm', 'f w3', 'logits'),
    ],
    inputs: [declare('x', 'float32', [batch, 3, 16, 16])],
    outputs: [declare('logits', 'float32', [batch, 4])],
    initializers: { w1: noise(1, 6, 3, 3, 3), w2: noise(2, 8, 6, 3, 3), w3: noise(3, 8, 4) },
  })
}

const METHODS = ['gradient', 'guided-backpropagation', 'deconvnet', 'grad-cam']
const picture = noise(4, 1, 3, 16, 16)

describe.each(['N', 1])('a plan for a batch of %s', (batch) => {
  test.each(METHODS)('%s: no indices, the same map', async (method) => {
    const options = { method, layer: method === 'grad-cam' ? 'r1' : undefined }
    const plain = await planOf(pooled(batch), options)
    const other = await planOf(pooled(batch), { ...options, lacks })
    expect([usesIndices(plain.graph), usesIndices(other.graph)]).toEqual([true, false])
    const feeds = { x: picture, target: { type: 'int64', dims: [1], data: BigInt64Array.of(2n) } } as const
    const [want, got] = [await run(plain.graph, feeds), await run(other.graph, feeds)]
    expect(numbers(got.heatmap).some((v) => v !== 0)).toBe(true)
    expect(relativeL2(numbers(got.heatmap), numbers(want.heatmap))).toBeLessThanOrEqual(1e-6)
  })
})

describe('a model', () => {
  test('is explained without what its runtime lacks', async () => {
    const [plain, other] = [
      await Model.load(pooled(), runtime, { name: 'plain' }),
      await Model.load(pooled(), without, { name: 'other' }),
    ]
    for (const method of METHODS) {
      const target = { method, target: 1, ...(method === 'grad-cam' ? { layer: 'r1' } : {}) }
      const [want, got] = [await plain.explain(picture, target), await other.explain(picture, target)]
      expect(relativeL2(got.raw.data, want.raw.data)).toBeLessThanOrEqual(1e-6)
    }
    expect(usesIndices(plain.compile({ method: 'gradient' }).graph)).toBe(true)
    expect(usesIndices(other.compile({ method: 'gradient' }).graph)).toBe(false)
    expect(usesIndices(other.compile({ method: 'gradient', lacks: [] }).graph)).toBe(true)
    await plain.release()
    await other.release()
  })

  test('nothing is tried: a runtime that does not say what it lacks fails', async () => {
    const { lacks: _, ...silent } = without
    const graph = await Model.load(pooled(), silent, { name: 'silent' })
    await expect(graph.explain(picture, { method: 'gradient' })).rejects.toThrow('Indices')
    await graph.release()
  })
})

test.each(['resnet', 'shufflenet'])('%s: the same gradient of the picture', async (name) => {
  const graph = decode(readBytes(`test/fixtures/networks/${name}.onnx`))
  const pixels = readNpyFloat32(pathOf('test/fixtures/networks/input.npy'))
  const input = float32(
    [1, ...pixels.dims],
    pixels.data.map((v) => (v - 127) / 128),
  )
  const shapes = await probe(graph, runtime)
  const made = [[], lacks].map((without) =>
    differentiate(graph, { of: 'logits', wrt: ['input'], shapes, lacks: without }),
  )
  expect(made.map(usesIndices)).toEqual([true, false])
  const { logits } = await run(graph, { input })
  const seed = float32(logits?.dims ?? [])
  seed.data[1] = 1
  const [want, got] = await Promise.all(made.map((g) => run(g, { input, 'gradient/logits': seed })))
  expect(relativeL2(numbers(got?.['gradient/input']), numbers(want?.['gradient/input']))).toBeLessThanOrEqual(1e-5)
})

test('a kernel that nothing can do without is a bad option', async () => {
  const wrong = ['MaxPool'] as unknown as readonly Lack[]
  for (const error of [
    await refusal(planOf(pooled(), { method: 'gradient', lacks: wrong })),
    await refusal(() => differentiate(pooled(), { of: 'logits', wrt: ['x'], lacks: wrong })),
  ]) {
    expect(error.code).toBe('bad-option')
    expect(error.message).toContain('MaxPool Indices')
  }
})
