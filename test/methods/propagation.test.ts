/** What holds of propagation rules on any network, tried on small random ones, and closed forms. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { float32, type Tensor } from '../../src/core/tensor.js'
import type { GivenOptions } from '../../src/explain/options.js'
import { declare } from '../../src/onnx/builder.js'
import type { Graph } from '../../src/onnx/ir.js'
import { mapsOf, planOf, refusal } from '../support/compiled.js'
import { relativeL2 } from '../support/measures.js'
import { model, type NodeSpec } from '../support/model.js'
import { network, noise, picture } from '../support/networks.js'
import { numbers, run } from '../support/run.js'

const CLASSES = 3
const SIDE = 8
const seeds = fc.integer({ min: 1, max: 1e6 })
const few = { numRuns: 4, seed: 5 }

function node(
  op: string,
  inputs: readonly string[],
  output: string,
  attributes: NodeSpec['attributes'] = {},
): NodeSpec {
  return { op, inputs, outputs: [output], attributes }
}

const PADDED = { pads: [1, 1, 1, 1] }

interface Parts {
  readonly seed: number
  /** From `a`, the first activation [N,4,8,8], to `z` of the same channels. */
  readonly middle: readonly NodeSpec[]
  /** From `x` to `fed`, what the first layer reads. Default: nothing. */
  readonly before?: readonly NodeSpec[]
  readonly initializers?: Readonly<Record<string, Tensor>>
  readonly bias?: boolean
  readonly batch?: number | string
  /** Channels last. */
  readonly last?: true
}

/** `x -> Conv -> Relu -> a -> middle -> z -> GlobalAveragePool -> Gemm -> logits` */
function tiny({ seed, middle, before = [], initializers = {}, bias = false, batch = 'N', last }: Parts): Graph {
  return model({
    opset: 18,
    nodes: [
      ...before,
      node('Conv', [before.length > 0 ? 'fed' : 'x', 'w1', ...(bias ? ['b1'] : [])], 'c1', PADDED),
      node('Relu', ['c1'], 'a'),
      ...middle,
      node('GlobalAveragePool', ['z'], 'pooled'),
      node('Flatten', ['pooled'], 'flat'),
      node('Gemm', ['flat', 'w'], 'logits'),
    ],
    inputs: [declare('x', 'float32', last ? [batch, SIDE, SIDE, 3] : [batch, 3, SIDE, SIDE])],
    outputs: [declare('logits', 'float32', [batch, CLASSES])],
    initializers: {
      w1: noise(seed, 4, 3, 3, 3),
      b1: noise(seed + 1, 4),
      w2: noise(seed + 2, 4, 4, 3, 3),
      w3: noise(seed + 3, 4, 4, 3, 3),
      w: noise(seed + 4, 4, CLASSES),
      ...initializers,
    },
  })
}

/** A residual block. */
const residual: readonly NodeSpec[] = [
  node('Conv', ['a', 'w2'], 'c2', PADDED),
  node('Relu', ['c2'], 'r2'),
  node('Conv', ['r2', 'w3'], 'c3', PADDED),
  node('Add', ['c3', 'a'], 'sum'),
  node('Relu', ['sum'], 'z'),
]
const pooled: readonly NodeSpec[] = [
  node('Conv', ['a', 'w2'], 'c2', PADDED),
  node('Relu', ['c2'], 'r2'),
  node('MaxPool', ['r2'], 'm', { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] }),
  node('AveragePool', ['m'], 'z', { kernel_shape: [2, 2], strides: [2, 2] }),
]
/** A gate as of squeeze and excitation. */
const gated: readonly NodeSpec[] = [
  node('GlobalAveragePool', ['a'], 's'),
  node('Conv', ['s', 'wg'], 'g'),
  node('Sigmoid', ['g'], 'gate'),
  node('Mul', ['a', 'gate'], 'z'),
]
/** Tokens that attend to each other. */
const attention: readonly NodeSpec[] = [
  node('Reshape', ['a', 'places'], 'tokens'),
  node('Transpose', ['tokens'], 'rows', { perm: [0, 2, 1] }),
  node('MatMul', ['rows', 'tokens'], 'products'),
  node('Softmax', ['products'], 'weights', { axis: -1 }),
  node('MatMul', ['weights', 'rows'], 'seen'),
  node('Transpose', ['seen'], 'back', { perm: [0, 2, 1] }),
  node('Reshape', ['back', 'grid'], 'z'),
]
const EXTRA = (seed: number): Record<string, Tensor> => ({
  wg: noise(seed + 7, 4, 4, 1, 1),
  places: { type: 'int64', dims: [3], data: BigInt64Array.of(0n, 4n, -1n) },
  grid: { type: 'int64', dims: [4], data: BigInt64Array.of(0n, 4n, 8n, 8n) },
  cubed: float32([], [0.0447]),
  one: float32([], [1]),
  scale: noise(seed + 8, 4),
  shift: noise(seed + 9, 4),
})

const shown = (seed: number, batch = 1): Tensor<'float32'> => noise(seed + 50, batch, 3, SIDE, SIDE)

async function map(
  graph: Graph,
  x: Tensor,
  target: number,
  method: string,
  options: GivenOptions = {},
): Promise<number[]> {
  return numbers((await mapsOf(graph, x, [target], { method, options })).heatmap)
}

async function logit(graph: Graph, x: Tensor, target: number): Promise<number> {
  return numbers((await run(graph, { x })).logits)[target] ?? Number.NaN
}

function sum(values: readonly number[]): number {
  return values.reduce((a, v) => a + v, 0)
}

describe('relevance', () => {
  const exact = { epsilon: 1e-12 }
  test.each([
    ['lrp', residual],
    ['lrp', pooled],
    ['lrp-epsilon', residual],
    ['lrp-epsilon', gated],
    ['lrp-epsilon', attention],
    ['lrp-gamma', pooled],
    ['lrp-z-plus', residual],
    ['lrp-z-plus', attention],
  ] as const)('sums to the score where there is no bias: %s', async (method, middle) => {
    await fc.assert(
      fc.asyncProperty(seeds, fc.nat(CLASSES - 1), async (seed, target) => {
        const graph = tiny({ seed, middle, initializers: EXTRA(seed) })
        const x = shown(seed)
        const found = sum(await map(graph, x, target, method, method === 'lrp-z-plus' ? {} : exact))
        const want = await logit(graph, x, target)
        expect(Math.abs(found / want - 1)).toBeLessThan(2e-3)
      }),
      few,
    )
  })

  test('of the epsilon rule is input x gradient in a network of rectifiers', async () => {
    const graph = tiny({ seed: 3, middle: residual, bias: true })
    const want = await map(graph, shown(3), 1, 'input-x-gradient')
    expect(relativeL2(await map(graph, shown(3), 1, 'lrp-epsilon', exact), want)).toBeLessThan(1e-3)
  })

  const norm = (from: string, to: string): NodeSpec[] => [
    node('BatchNormalization', [from, 'scale', 'shift', 'mean', 'variance'], to),
  ]
  const affine = (from: string, to: string): NodeSpec[] => [
    node('Mul', [from, 'factor'], `${to}/scaled`),
    node('Add', [`${to}/scaled`, 'offset'], to),
  ]
  test.each([
    ['BatchNormalization', norm],
    ['Mul and Add', affine],
  ] as const)('%s behind a convolution is part of it', async (_name, behind) => {
    const [scale, shift, mean] = [noise(1, 4), noise(2, 4), noise(3, 4)]
    const variance = float32([4], [0.5, 1, 2, 3])
    const k = scale.data.map((s, i) => s / Math.sqrt((variance.data[i] ?? 0) + 1e-5))
    const c = shift.data.map((s, i) => s - (mean.data[i] ?? 0) * (k[i] ?? 0))
    const factor = float32([4, 1, 1], k)
    const offset = float32([1, 4, 1, 1], c)
    const end = [node('Relu', ['n'], 'z')]
    const plain = noise(20, 4, 4, 3, 3)
    const apart = tiny({
      seed: 18,
      middle: [node('Conv', ['a', 'w2'], 'c2', PADDED), ...behind('c2', 'n'), ...end],
      initializers: { scale, shift, mean, variance, factor, offset },
    })
    const merged = tiny({
      seed: 18,
      middle: [node('Conv', ['a', 'w2', 'b2'], 'n', PADDED), ...end],
      initializers: {
        w2: float32(
          plain.dims,
          plain.data.map((v, i) => v * (k[Math.floor(i / 36)] ?? 0)),
        ),
        b2: float32([4], c),
      },
    })
    for (const method of ['lrp', 'lrp-gamma', 'lrp-alpha-beta', 'lrp-z-plus', 'lrp-epsilon'])
      expect(relativeL2(await map(apart, shown(1), 1, method), await map(merged, shown(1), 1, method))).toBeLessThan(
        1e-3,
      )
  })

  test('what normalises the picture in front of the first layer takes none', async () => {
    const graph = tiny({ seed: 4, middle: residual })
    const before = [node('Sub', ['x', 'grey'], 'centred'), node('Mul', ['centred', 'third'], 'fed')]
    const initializers = { grey: float32([], [0.5]), third: float32([], [1 / 3]) }
    const inside = tiny({ seed: 4, middle: residual, before, initializers })
    const x = shown(4)
    const outside = float32(
      x.dims,
      x.data.map((v) => (v - 0.5) / 3),
    )
    for (const method of ['lrp', 'lrp-epsilon'])
      expect(relativeL2(await map(inside, x, 0, method), await map(graph, outside, 0, method))).toBeLessThan(1e-4)
  })

  test('of a network with channels last is the same', async () => {
    const before = [node('Transpose', ['x'], 'fed', { perm: [0, 3, 1, 2] })]
    const last = tiny({ seed: 7, middle: residual, before, bias: true, last: true })
    const x = shown(7)
    const turned = (v: ArrayLike<number>): number[] =>
      Array.from({ length: v.length }, (_, i) => v[(i % 3) * SIDE * SIDE + Math.floor(i / 3)] ?? 0)
    const first = tiny({ seed: 7, middle: residual, bias: true })
    for (const method of ['lrp', 'lrp-gamma', 'deep-lift']) {
      const found = await map(last, float32([1, SIDE, SIDE, 3], turned(x.data)), 1, method)
      expect(relativeL2(found, turned(await map(first, x, 1, method)))).toBeLessThan(1e-4)
    }
  })

  test('a gate takes nothing, and the provenance says so', async () => {
    const graph = tiny({ seed: 6, middle: gated, initializers: EXTRA(6) })
    const { maps } = await planOf(graph, { method: 'lrp' })
    expect(maps[0]?.notes).toEqual(['Mul of two values: gates and attention weights are taken as given.'])
  })

  test('stops at an operator whose sharing is not said', async () => {
    const middle = [node('ReduceProd', ['a', 'axis'], 'z', { keepdims: 1 })]
    const axis: Tensor = { type: 'int64', dims: [1], data: BigInt64Array.of(2n) }
    for (const method of ['lrp', 'deep-lift', 'excitation-backprop']) {
      const layer = method === 'excitation-backprop' ? 'a' : undefined
      const error = await refusal(() => planOf(tiny({ seed: 1, middle, initializers: { axis } }), { method, layer }))
      expect(error.code).toBe('unsupported-operator')
      expect(error.message).toContain('ReduceProd')
    }
  })

  test('explains logits: a Softmax at the end stops it', async () => {
    const error = await refusal(() => planOf(network({ end: 'Softmax' }), { method: 'lrp', score: 'probability' }))
    expect(error).toMatchObject({ code: 'unsupported-operator' })
    expect(error.message).toContain('Softmax')
  })

  test.each([
    ['lrp', { epsilon: -1 }],
    ['lrp-gamma', { gamma: 'much' }],
    ['lrp-alpha-beta', { beta: 11 }],
    ['lrp-gamma', { low: 'no colour' }],
    ['deep-lift', { baseline: 'no colour' }],
  ] as const)('%s refuses %j', async (method, options) => {
    const error = await refusal(() => planOf(network(), { method, options: options as GivenOptions }))
    expect(error.code).toBe('bad-option')
  })
})

describe('DeepLIFT', () => {
  const tails: Readonly<Record<string, readonly NodeSpec[]>> = {
    'a residual block': residual,
    'overlapping maxima': pooled,
    'a gate': gated,
    attention,
    'GELU, written out': [
      node('Conv', ['a', 'w2'], 'u', PADDED),
      node('Mul', ['u', 'u'], 'uu'),
      node('Mul', ['uu', 'u'], 'uuu'),
      node('Mul', ['uuu', 'cubed'], 'c'),
      node('Add', ['u', 'c'], 'v'),
      node('Tanh', ['v'], 't'),
      node('Add', ['t', 'one'], 't1'),
      node('Mul', ['u', 't1'], 'z'),
    ],
    LayerNormalization: [
      node('Transpose', ['a'], 'last', { perm: [0, 2, 3, 1] }),
      node('LayerNormalization', ['last', 'scale', 'shift'], 'normal'),
      node('Transpose', ['normal'], 'z', { perm: [0, 3, 1, 2] }),
    ],
    'InstanceNormalization and a quotient': [
      node('InstanceNormalization', ['a', 'scale', 'shift'], 'i'),
      node('Exp', ['i'], 'e'),
      node('Div', ['i', 'e'], 'z'),
    ],
  }
  test.each(Object.entries(tails))("contributions sum to the score's change: %s", async (_name, middle) => {
    await fc.assert(
      fc.asyncProperty(seeds, fc.nat(CLASSES - 1), async (seed, target) => {
        const graph = tiny({ seed, middle, initializers: EXTRA(seed), bias: true })
        const x = shown(seed)
        const change = (await logit(graph, x, target)) - (await logit(graph, float32(x.dims), target))
        const size = Math.abs(change) + 1
        expect(Math.abs(sum(await map(graph, x, target, 'deep-lift')) - change)).toBeLessThan(5e-4 * size)
      }),
      few,
    )
  })

  test('contributions sum where the reference has no variance to divide by', async () => {
    const layerNorm = tails.LayerNormalization ?? []
    // without a bias the reference is 0 all the way
    const graph = tiny({ seed: 5, middle: layerNorm, initializers: EXTRA(5) })
    const change = (await logit(graph, shown(5), 1)) - (await logit(graph, float32([1, 3, SIDE, SIDE]), 1))
    expect(sum(await map(graph, shown(5), 1, 'deep-lift')) / change).toBeCloseTo(1, 4)
  })

  test('of a linear network is input x gradient', async () => {
    const graph = network({ activation: { op: 'Identity' } })
    const want = await map(graph, picture(3), 1, 'input-x-gradient')
    expect(relativeL2(await map(graph, picture(3), 1, 'deep-lift'), want)).toBeLessThan(1e-5)
  })

  test('a picture that is the baseline has no contributions', async () => {
    const graph = tiny({ seed: 2, middle: residual, bias: true })
    expect(await map(graph, float32([1, 3, SIDE, SIDE]), 1, 'deep-lift')).toEqual(
      Array(3 * SIDE * SIDE).fill(expect.closeTo(0, 9)),
    )
  })
})

describe('excitation backprop', () => {
  test.each([
    ['a residual block', residual],
    ['pooling', pooled],
    ['a gate', gated],
  ] as const)('chances sum to one, and none is negative: %s', async (_name, middle) => {
    await fc.assert(
      fc.asyncProperty(seeds, fc.nat(CLASSES - 1), async (seed, target) => {
        const graph = tiny({ seed, middle, initializers: EXTRA(seed) })
        const { heatmap } = await mapsOf(graph, shown(seed), [target], { method: 'excitation-backprop', layer: 'a' })
        const found = numbers(heatmap)
        // no neuron of this class is excited where all its weights are negative
        if (sum(found) === 0) return
        expect(sum(found)).toBeCloseTo(1, 4)
        expect(Math.min(...found)).toBeGreaterThanOrEqual(0)
      }),
      few,
    )
  })

  test('is the features times positive weights, over their sum', async () => {
    const graph = network({ seed: 5, bias: true })
    const x = picture(6)
    const features = numbers((await run(graph.with({ outputs: [declare('features')] }), { x })).features)
    const w = noise(8, 4, 5)
      .data.slice(10, 15)
      .map((v) => Math.max(v, 0))
    const places = features.length / 5
    const raw = Array.from({ length: places }, (_, i) =>
      sum(Array.from(w, (v, k) => v * (features[k * places + i] ?? 0))),
    )
    const want = raw.map((v) => v / sum(raw))
    expect(relativeL2(await map(graph, x, 2, 'excitation-backprop'), want)).toBeLessThan(1e-5)
    const against = noise(8, 4, 5)
      .data.slice(10, 15)
      .map((v) => Math.max(-v, 0))
    const other = Array.from({ length: places }, (_, i) =>
      sum(Array.from(against, (v, k) => v * (features[k * places + i] ?? 0))),
    )
    const contrast = want.map((v, i) => Math.max(v - (other[i] ?? 0) / sum(other), 0))
    expect(relativeL2(await map(graph, x, 2, 'contrastive-excitation-backprop'), contrast)).toBeLessThan(1e-5)
  })
})

describe('pictures and targets', () => {
  test.each(['lrp', 'lrp-gamma', 'deep-lift', 'excitation-backprop'])(
    'a batch is its pictures one by one: %s',
    async (method) => {
      const graph = tiny({ seed: 9, middle: residual, bias: true })
      const both = shown(9, 2)
      const size = both.data.length / 2
      const maps = numbers((await mapsOf(graph, both, [0, 2], { method })).heatmap)
      for (const [i, target] of [0, 2].entries()) {
        const one = float32([1, 3, SIDE, SIDE], both.data.slice(i * size, (i + 1) * size))
        const half = maps.slice((i * maps.length) / 2, ((i + 1) * maps.length) / 2)
        expect(relativeL2(half, await map(graph, one, target, method))).toBeLessThan(1e-4)
      }
    },
  )

  test.each(['lrp', 'deep-lift', 'excitation-backprop'])(
    'a fixed batch, and one picture for several targets: %s',
    async (method) => {
      const x = shown(9)
      const free = tiny({ seed: 9, middle: residual })
      const several = numbers((await mapsOf(free, x, [0, 1, 2], { method })).heatmap)
      const want = await map(tiny({ seed: 9, middle: residual, batch: 1 }), x, 1, method)
      expect(relativeL2(several.slice(want.length, 2 * want.length), want)).toBeLessThan(1e-4)
    },
  )
})
