/** Methods from attention: on networks with and without a class token (scripts/attention_fixtures.py), fused operators, and what must hold. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { float32, int64, type Tensor } from '../../src/core/tensor.js'
import { Model } from '../../src/explain/index.js'
import { declare } from '../../src/onnx/builder.js'
import { decode } from '../../src/onnx/decode.js'
import type { Graph } from '../../src/onnx/ir.js'
import { planOf, refusal } from '../support/compiled.js'
import { pathOf, readBytes } from '../support/files.js'
import { relativeL2 } from '../support/measures.js'
import { model, type NodeSpec } from '../support/model.js'
import { noise } from '../support/networks.js'
import { readNpyFloat32 } from '../support/npy.js'
import { runtime } from '../support/ort.js'
import { numbers, run } from '../support/run.js'

const METHODS = ['attention-rollout', 'transformer-attribution', 'legrad'] as const
const NETWORKS = ['mean', 'registers', 'distilled', 'sequence-first'] as const

const x = readNpyFloat32(pathOf('test/fixtures/tokens/input.npy'))
const load = (name: string): Promise<Model> => loaded(decode(readBytes(`test/fixtures/tokens/${name}.onnx`)))
const loaded = (graph: Graph): Promise<Model> => Model.load(graph, runtime, { name: 'test' })

async function mapsOf(network: Model, picture: Tensor<'float32'>, method: string, target: readonly number[]) {
  const { explanations } = await network.explainAll(picture, { method, target })
  return explanations.map((e) => e.raw)
}

describe.each(NETWORKS)('%s', (name) => {
  let network: Model
  beforeAll(async () => {
    network = await load(name)
  })
  afterAll(() => network.release())

  test.each(METHODS)("%s is the paper's formula, in a run of two targets", async (method) => {
    const want = readNpyFloat32(pathOf(`test/fixtures/methods/attention-${name}-${method}.npy`))
    const [other, same] = await mapsOf(network, x, method, [4, 1])
    expect(same?.dims).toEqual(want.dims)
    expect(relativeL2(same?.data ?? [], want.data)).toBeLessThan(1e-3)
    // rollout knows no class
    const apart = relativeL2(other?.data ?? [], same?.data ?? [])
    if (method === 'attention-rollout') expect(apart).toBeLessThan(1e-6)
    else expect(apart).toBeGreaterThan(1e-6)
  })
})

test('rollout shares out what is read: the parts of all places sum to 1 where there are no other tokens', async () => {
  const [map] = await mapsOf(await load('mean'), x, 'attention-rollout', [0])
  expect(map?.data.reduce((a, v) => a + v, 0)).toBeCloseTo(1, 5)
})

test.each([
  ['swin', /windows/],
  ['mixer', /no attention/],
])('%s is refused', async (name, why) => {
  const error = await refusal((await load(name)).explain(x, { method: 'attention-rollout' }))
  expect(error.code).toBe('method-not-applicable')
  expect(error.message).toMatch(why)
})

/** Patches of 2 x 2, one block of attention, a mean over places; the attention written out or as one operator. */
function block(kind: 'written out' | 'MultiHeadAttention' | 'Attention', batch: number | string = 'N'): Graph {
  const [size, heads] = [8, 2]
  const project = (name: string): NodeSpec => ({ op: 'MatMul', inputs: ['tokens', `w${name}`], outputs: [name] })
  const split = (name: string, perm: readonly number[]): readonly NodeSpec[] => [
    { op: 'Reshape', inputs: [name, 'apart'], outputs: [`${name}4`] },
    { op: 'Transpose', inputs: [`${name}4`], outputs: [`${name}t`], attributes: { perm: [...perm] } },
  ]
  const attributes = kind === 'Attention' ? { q_num_heads: heads, kv_num_heads: heads } : { num_heads: heads }
  const attend: readonly NodeSpec[] =
    kind === 'written out'
      ? [
          ...split('q', [0, 2, 1, 3]),
          ...split('k', [0, 2, 3, 1]),
          ...split('v', [0, 2, 1, 3]),
          { op: 'MatMul', inputs: ['qt', 'kt'], outputs: ['products'] },
          { op: 'Mul', inputs: ['products', 'scale'], outputs: ['scaled'] },
          { op: 'Softmax', inputs: ['scaled'], outputs: ['weights'], attributes: { axis: -1 } },
          { op: 'MatMul', inputs: ['weights', 'vt'], outputs: ['mixed'] },
          { op: 'Transpose', inputs: ['mixed'], outputs: ['turned'], attributes: { perm: [0, 2, 1, 3] } },
          { op: 'Reshape', inputs: ['turned', 'together'], outputs: ['attended'] },
        ]
      : [
          {
            op: kind,
            ...(kind === 'Attention' ? {} : { domain: 'com.microsoft' }),
            inputs: ['q', 'k', 'v'],
            outputs: ['attended'],
            attributes,
          },
        ]
  const vector = (...values: number[]) => ({
    type: 'int64' as const,
    dims: [values.length],
    data: BigInt64Array.from(values, BigInt),
  })
  return model({
    opset: kind === 'Attention' ? 23 : 18,
    nodes: [
      { op: 'Conv', inputs: ['x', 'patch'], outputs: ['embedded'], attributes: { strides: [2, 2] } },
      { op: 'Reshape', inputs: ['embedded', 'flat'], outputs: ['row'] },
      { op: 'Transpose', inputs: ['row'], outputs: ['tokens'], attributes: { perm: [0, 2, 1] } },
      ...['q', 'k', 'v'].map(project),
      ...attend,
      { op: 'Add', inputs: ['tokens', 'attended'], outputs: ['sum'] },
      { op: 'ReduceMean', inputs: ['sum', 'one'], outputs: ['pooled'], attributes: { keepdims: 0 } },
      { op: 'MatMul', inputs: ['pooled', 'head'], outputs: ['logits'] },
    ],
    inputs: [declare('x', 'float32', [batch, 3, 8, 6])],
    outputs: [declare('logits', 'float32', [batch, 4])],
    initializers: {
      patch: noise(1, size, 3, 2, 2),
      wq: noise(2, size, size),
      wk: noise(3, size, size),
      wv: noise(4, size, size),
      head: noise(5, size, 4),
      scale: float32([], [0.5]),
      one: vector(1),
      flat: vector(0, size, -1),
      apart: vector(0, 0, heads, -1),
      together: vector(0, 0, size),
    },
  })
}

const small = noise(9, 1, 3, 8, 6)

describe.each(METHODS)('%s', (method) => {
  test.each(['MultiHeadAttention', 'Attention'] as const)('looks into %s', async (kind) => {
    const [plain] = await mapsOf(await loaded(block('written out')), small, method, [2])
    const [fused] = await mapsOf(await loaded(block(kind)), small, method, [2])
    expect(fused?.dims).toEqual([4, 3])
    expect(relativeL2(fused?.data ?? [], plain?.data ?? [])).toBeLessThan(1e-4)
  })

  test('lies on the picture: without positions, a mirrored picture has the mirrored map', async () => {
    const network = await loaded(block('written out', 1))
    // whole patches change places
    const mirrored = float32(
      small.dims,
      small.data.map((_, i) => small.data[i + 4 - 4 * Math.floor((i % 6) / 2)] ?? Number.NaN),
    )
    const [map] = await mapsOf(network, small, method, [2])
    const [other] = await mapsOf(network, mirrored, method, [2])
    const want = map?.data.map((_, i) => map.data[i + 2 - 2 * (i % 3)] ?? Number.NaN)
    expect(relativeL2(other?.data ?? [], want ?? [])).toBeLessThan(1e-4)
  })
})

test('compiled beside Grad-CAM, which alone has its layer repeated for several targets, maps are those of one target', async () => {
  const { graph } = await planOf(block('written out'), { method: ['grad-cam', 'legrad'] })
  const maps = await run(graph, { x: small, target: int64([2], [0, 2]) })
  const [alone] = await mapsOf(await loaded(block('written out')), small, 'legrad', [2])
  expect(relativeL2(numbers(maps['heatmap/legrad']).slice(12), alone?.data ?? [])).toBeLessThan(1e-4)
})
