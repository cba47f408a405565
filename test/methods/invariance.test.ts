/** Maps do not depend on how a network is written down, and turn with the picture where the network turns with it. */
import { describe, expect, test } from 'vitest'
import { float32, type Tensor } from '../../src/core/tensor.js'
import { Model } from '../../src/explain/index.js'
import { METHODS } from '../../src/methods/index.js'
import { declare } from '../../src/onnx/builder.js'
import type { Graph } from '../../src/onnx/ir.js'
import { relativeL2 } from '../support/measures.js'
import { model, type NodeSpec } from '../support/model.js'
import { noise } from '../support/networks.js'
import { runtime } from '../support/ort.js'

const SIDE = 8
const [CHANNELS, CLASSES] = [4, 3]

/** How the same function is written. */
interface Writing {
  readonly norm?: 'folded' | 'kept'
  readonly activation?: 'Relu' | 'Clip' | 'Max'
  readonly head?: 'GlobalAveragePool, Gemm' | 'ReduceMean, MatMul, Add' | 'AveragePool, Conv'
  /** With every kernel reversed from left to right. */
  readonly isMirrored?: boolean
}

/** Two convolutions of stride 1, the first with a batch norm, pooling and a linear layer. */
function written({
  norm = 'folded',
  activation = 'Relu',
  head = 'GlobalAveragePool, Gemm',
  isMirrored = false,
}: Writing): Graph {
  const first = noise(1, CHANNELS, 3, 3, 3)
  const [gain, shift, mean] = [4, 5, 6].map((seed) => noise(seed, CHANNELS).data) as [
    Float32Array,
    Float32Array,
    Float32Array,
  ]
  const variance = noise(7, CHANNELS).data.map((v) => 0.5 + Math.abs(v))
  const factor = Array.from(gain, (g, k) => g / Math.sqrt((variance[k] ?? 1) + 1e-5))
  const own = norm === 'kept'
  const folded = first.data.map((v, i) => v * (factor[Math.floor(i / 27)] ?? 0))
  const bias = Array.from(shift, (s, k) => s - (mean[k] ?? 0) * (factor[k] ?? 0))
  const turned = (t: Tensor<'float32'>): Tensor<'float32'> => (isMirrored ? mirrored(t) : t)
  const w = noise(3, CLASSES, CHANNELS)
  const act = (x: string, y: string): NodeSpec => ({
    op: activation,
    inputs: activation === 'Relu' ? [x] : [x, 'zero'],
    outputs: [y],
  })
  const conv = (x: string, weights: string, y: string, b: readonly string[] = []): NodeSpec => ({
    op: 'Conv',
    inputs: [x, weights, ...b],
    outputs: [y],
    attributes: { pads: [1, 1, 1, 1] },
  })
  const heads: Readonly<Record<NonNullable<Writing['head']>, readonly NodeSpec[]>> = {
    'GlobalAveragePool, Gemm': [
      { op: 'GlobalAveragePool', inputs: ['features'], outputs: ['pooled'] },
      { op: 'Flatten', inputs: ['pooled'], outputs: ['flat'] },
      { op: 'Gemm', inputs: ['flat', 'w', 'c'], outputs: ['logits'], attributes: { transB: 1 } },
    ],
    'ReduceMean, MatMul, Add': [
      { op: 'ReduceMean', inputs: ['features', 'axes'], outputs: ['flat'], attributes: { keepdims: 0 } },
      { op: 'Transpose', inputs: ['w'], outputs: ['wt'], attributes: { perm: [1, 0] } },
      { op: 'MatMul', inputs: ['flat', 'wt'], outputs: ['product'] },
      { op: 'Add', inputs: ['product', 'c'], outputs: ['logits'] },
    ],
    'AveragePool, Conv': [
      { op: 'AveragePool', inputs: ['features'], outputs: ['pooled'], attributes: { kernel_shape: [SIDE, SIDE] } },
      { op: 'Conv', inputs: ['pooled', 'kernel', 'c'], outputs: ['scores'] },
      { op: 'Flatten', inputs: ['scores'], outputs: ['logits'] },
    ],
  }
  return model({
    opset: 18,
    nodes: [
      conv('x', 'w1', own ? 'plain' : 'before', own ? [] : ['b1']),
      ...(own
        ? [{ op: 'BatchNormalization', inputs: ['plain', 'gain', 'shift', 'mean', 'variance'], outputs: ['before'] }]
        : []),
      act('before', 'hidden'),
      conv('hidden', 'w2', 'raw'),
      act('raw', 'features'),
      ...heads[head],
    ],
    inputs: [declare('x', 'float32', ['N', 3, SIDE, SIDE])],
    outputs: [declare('logits', 'float32', ['N', CLASSES])],
    initializers: {
      w1: turned(own ? first : float32(first.dims, folded)),
      ...(own
        ? {
            gain: float32([CHANNELS], gain),
            shift: float32([CHANNELS], shift),
            mean: float32([CHANNELS], mean),
            variance: float32([CHANNELS], variance),
          }
        : { b1: float32([CHANNELS], bias) }),
      w2: turned(noise(2, CHANNELS, CHANNELS, 3, 3)),
      w,
      c: noise(8, CLASSES),
      ...(activation === 'Relu' ? {} : { zero: float32([], [0]) }),
      ...(head === 'ReduceMean, MatMul, Add'
        ? { axes: { type: 'int64', dims: [2], data: BigInt64Array.of(2n, 3n) } as const }
        : {}),
      ...(head === 'AveragePool, Conv' ? { kernel: float32([CLASSES, CHANNELS, 1, 1], w.data) } : {}),
    },
  })
}

/** The last axis reversed. */
function mirrored({ dims, data }: Tensor<'float32'>): Tensor<'float32'> {
  const width = dims.at(-1) ?? 1
  return float32(
    dims,
    data.map((_, i) => data[i - (i % width) + width - 1 - (i % width)] ?? 0),
  )
}

async function mapsOf(graph: Graph, x: Tensor<'float32'>, method: readonly string[]) {
  const loaded = await Model.load(graph, runtime, { name: 'test' })
  const options = { patch: 4, stride: 2, steps: 8, segments: 4 }
  const known = METHODS.filter((m) => method.includes(m.id)).flatMap((m) => Object.keys(m.options))
  const given = Object.fromEntries(Object.entries(options).filter(([name]) => known.includes(name)))
  const set = await loaded.explainAll(x, { method, target: 1, options: given })
  await loaded.release()
  return new Map(set.explanations.map((e) => [e.method.id, e.raw]))
}

const x = noise(9, 1, 3, SIDE, SIDE)
/** Of the function alone: they take gradients, or scores, or features. */
const OF_THE_FUNCTION = METHODS.filter(
  ({ id, family, options }) =>
    (family === 'cam' || ['gradient', 'input-x-gradient', 'integrated-gradients', 'occlusion'].includes(id)) &&
    !('seed' in options) &&
    !['dff', 'score-cam', 'is-cam'].includes(id),
).map((m) => m.id)

describe('implementation invariance', () => {
  const writings: readonly Writing[] = [
    { norm: 'kept' },
    { activation: 'Clip' },
    { activation: 'Max' },
    { head: 'ReduceMean, MatMul, Add' },
    { head: 'AveragePool, Conv' },
    { norm: 'kept', activation: 'Clip', head: 'ReduceMean, MatMul, Add' },
  ]

  test.each(writings)('%j: the maps of methods of the function stay', async (writing) => {
    const [plain, other] = [
      await mapsOf(written({}), x, OF_THE_FUNCTION),
      await mapsOf(written(writing), x, OF_THE_FUNCTION),
    ]
    expect([...other.keys()]).toEqual(OF_THE_FUNCTION)
    for (const [id, raw] of other) expect(relativeL2(raw.data, plain.get(id)?.data ?? []), id).toBeLessThan(2e-4)
  })

  test('propagated relevance does not see whether the batch norm is folded', async () => {
    const methods = METHODS.filter((m) => m.family === 'propagation').map((m) => m.id)
    const [plain, other] = [await mapsOf(written({}), x, methods), await mapsOf(written({ norm: 'kept' }), x, methods)]
    expect([...other.keys()]).toEqual(methods)
    for (const [id, raw] of other) expect(relativeL2(raw.data, plain.get(id)?.data ?? []), id).toBeLessThan(2e-3)
  })
})

test('the mirrored network has the mirrored map of the mirrored picture', async () => {
  const propagation = METHODS.filter((m) => m.family === 'propagation').map((m) => m.id)
  const methods = [
    ...OF_THE_FUNCTION,
    ...propagation,
    'guided-backpropagation',
    'deconvnet',
    'guided-grad-cam',
    'full-grad',
  ]
  const [plain, turned] = [
    await mapsOf(written({}), x, methods),
    await mapsOf(written({ isMirrored: true }), mirrored(x), methods),
  ]
  expect([...turned.keys()].sort()).toEqual([...methods].sort())
  for (const [id, raw] of turned) {
    const want = plain.get(id)
    expect(relativeL2(mirrored(raw).data, want?.data ?? []), id).toBeLessThan(2e-4)
    // a map that stood still would pass with its own mirror image
    expect(relativeL2(raw.data, want?.data ?? []), id).toBeGreaterThan(0.1)
  }
})
