/** What holds of the methods on any network, tried on small random ones. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { float32, type Tensor } from '../../src/core/tensor.js'
import { upsample } from '../../src/methods/maps.js'
import { Builder, declare } from '../../src/onnx/builder.js'
import type { Graph } from '../../src/onnx/ir.js'
import { mapsOf, planOf } from '../support/compiled.js'
import { relativeL2 } from '../support/measures.js'
import { ON_CONVOLUTIONS } from '../support/methods.js'
import { model } from '../support/model.js'
import { FEATURES_SIDE, type Head, type NetworkOptions, network, noise, picture, SIDE } from '../support/networks.js'
import { numbers, run } from '../support/run.js'

const POSITIONS = FEATURES_SIDE * FEATURES_SIDE
const seeds = fc.integer({ min: 1, max: 1e6 })
const few = { numRuns: 8, seed: 11 }

async function map(graph: Graph, x: Tensor, target: number, method: string): Promise<number[]> {
  return numbers((await mapsOf(graph, x, [target], { method })).heatmap)
}

describe('CAM', () => {
  const averaging: readonly Head[] = [
    'gemm',
    'gemm-transposed',
    'matmul-add',
    'conv-1x1',
    'reduce-mean',
    'pooled-channels',
  ]

  test.each(averaging)('Grad-CAM times the number of positions is CAM: %s', async (head) => {
    await fc.assert(
      fc.asyncProperty(seeds, fc.nat(3), async (seed, target) => {
        const graph = network({ seed, head })
        const x = picture(seed + 9)
        const cam = await map(graph, x, target, 'cam')
        const gradCam = await map(graph, x, target, 'grad-cam')
        expect(
          relativeL2(
            gradCam.map((v) => v * POSITIONS),
            cam,
          ),
        ).toBeLessThan(1e-4)
      }),
      few,
    )
  })

  test.each([...averaging, 'max-pool-gemm'] as const)("is the class' weights on the features: %s", async (head) => {
    const graph = network({ seed: 3, head })
    const x = picture(4)
    const features = numbers((await run(graph.with({ outputs: [declare('features')] }), { x })).features)
    const weights = head === 'pooled-channels' ? [0, 0, 1, 0] : Array.from(noise(6, 4, 5).data.slice(10, 15))
    const want = Array.from({ length: POSITIONS }, (_, i) =>
      weights.reduce((sum, w, k) => sum + w * (features[k * POSITIONS + i] ?? 0), 0),
    )
    expect(relativeL2(await map(graph, x, 2, 'cam'), want)).toBeLessThan(1e-5)
  })

  test('sums to the logit less its bias, times the positions', async () => {
    const graph = network({ seed: 5, bias: false })
    const x = picture(6)
    const logits = numbers((await run(graph, { x })).logits)
    const sum = (await map(graph, x, 1, 'cam')).reduce((a, v) => a + v, 0)
    expect(sum / POSITIONS / (logits[1] ?? 0)).toBeCloseTo(1, 4)
  })

  test('the bias does not matter', async () => {
    const x = picture(7)
    expect(await map(network({ bias: true }), x, 1, 'cam')).toEqual(await map(network({ bias: false }), x, 1, 'cam'))
  })
})

describe('guided Grad-CAM', () => {
  test('is guided backpropagation times the positive part of Grad-CAM, upsampled', async () => {
    await fc.assert(
      fc.asyncProperty(seeds, fc.nat(3), async (seed, target) => {
        const graph = network({ seed, head: 'flatten-gemm' })
        const x = picture(seed + 9)
        const guided = await map(graph, x, target, 'guided-backpropagation')
        const coarse = (await map(graph, x, target, 'grad-cam')).map((v) => Math.max(v, 0))
        const fine = await resized(coarse)
        const want = guided.map((v, i) => v * (fine[i % (SIDE * SIDE)] ?? 0))
        expect(relativeL2(await map(graph, x, target, 'guided-grad-cam'), want)).toBeLessThan(1e-5)
      }),
      few,
    )
  })

  async function resized(coarse: readonly number[]): Promise<number[]> {
    const empty = model({
      opset: 18,
      nodes: [],
      inputs: [declare('map', 'float32', [1, FEATURES_SIDE, FEATURES_SIDE])],
      outputs: [declare('map')],
    })
    const b = new Builder(empty)
    const fine = upsample(b, 'map', [SIDE, SIDE])
    const feeds = { map: float32([1, FEATURES_SIDE, FEATURES_SIDE], coarse) }
    return numbers((await run(b.finish({ outputs: [declare(fine)] }), feeds))[fine])
  }
})

describe('every compiled method', () => {
  const ids = ON_CONVOLUTIONS.flatMap((m) => (m.kind === 'compiled' ? [m.id] : []))

  test.each(ids)('a permutation of the classes permutes the maps: %s', async (method) => {
    const order = [2, 0, 3, 1]
    const x = picture(21)
    for (const head of ['gemm-transposed', 'pooled-channels'] as const)
      for (const [place, target] of order.entries()) {
        const permuted = await map(network({ seed: 2, head, order }), x, place, method)
        expect(relativeL2(permuted, await map(network({ seed: 2, head }), x, target, method))).toBeLessThan(1e-5)
      }
  })

  test.each(ids)('two runs are the same: %s', async (method) => {
    const x = picture(22)
    expect(await map(network(), x, 1, method)).toEqual(await map(network(), x, 1, method))
  })

  /** What twice the weights of the last layer make of a map; twice the map where nothing is said. */
  const FACTORS: Readonly<Record<string, number>> = {
    'guided-grad-cam': 4,
    'eigen-cam': 1,
    'kpca-cam': 1,
    fem: 1,
    'full-grad': 1,
    'excitation-backprop': 1,
    'contrastive-excitation-backprop': 1,
  }
  const CURVED = ['grad-cam++', 'finer-cam', 'shapley-cam']
  const homogeneous = ids.filter((id) => !CURVED.includes(id))

  test.each(homogeneous)('twice the weights of the last layer are twice the map: %s', async (method) => {
    const x = picture(23)
    const plain = network({ bias: false })
    const twice = { ...noise(4, 4, 5), data: noise(4, 4, 5).data.map((v) => 2 * v) }
    const doubled = plain.with({ initializers: new Map([...plain.initializers, ...constant('w', twice)]) })
    const factor = FACTORS[method] ?? 2
    const want = (await map(plain, x, 1, method)).map((v) => factor * v)
    expect(relativeL2(await map(doubled, x, 1, method), want)).toBeLessThan(1e-5)
  })

  function constant(name: string, t: Tensor<'float32'>) {
    const other = model({ opset: 18, nodes: [], inputs: [], outputs: [declare(name)], initializers: { [name]: t } })
    return other.initializers
  }
})

describe('input x gradient', () => {
  test('is the product', async () => {
    await fc.assert(
      fc.asyncProperty(seeds, async (seed) => {
        const graph = network({ seed })
        const x = picture(seed + 1)
        const want = (await map(graph, x, 0, 'gradient')).map((g, i) => g * (x.data[i] ?? 0))
        expect(relativeL2(await map(graph, x, 0, 'input-x-gradient'), want)).toBeLessThan(1e-6)
      }),
      few,
    )
  })

  test('sums to the score less its bias on a network that is linear', async () => {
    await fc.assert(
      fc.asyncProperty(seeds, fc.nat(3), async (seed, target) => {
        const graph = network({ seed, activation: { op: 'Identity' } })
        const [x, black] = [picture(seed + 1), float32([1, 3, SIDE, SIDE])]
        const score = async (p: Tensor): Promise<number> => numbers((await run(graph, { x: p })).logits)[target] ?? 0
        const sum = (await map(graph, x, target, 'input-x-gradient')).reduce((a, v) => a + v, 0)
        const want = (await score(x)) - (await score(black))
        expect(Math.abs(sum - want)).toBeLessThan(1e-3 * Math.max(1, Math.abs(want)))
      }),
      few,
    )
  })
})

describe('rectifier rules', () => {
  /** x -> activation -> y, a channel a class: the map is the rule itself. */
  const single = (
    op: string,
    inputs: readonly string[],
    attributes = {},
    initializers: Record<string, Tensor> = {},
  ): Graph =>
    model({
      opset: 18,
      nodes: [
        { op: 'Mul', inputs: ['x', 'minus'], outputs: ['turned'] },
        { op, inputs: ['turned', ...inputs], outputs: ['act'], attributes },
        { op: 'Mul', inputs: ['act', 'sign'], outputs: ['signed'] },
        { op: 'GlobalAveragePool', inputs: ['signed'], outputs: ['pooled'] },
        { op: 'Flatten', inputs: ['pooled'], outputs: ['logits'] },
      ],
      inputs: [declare('x', 'float32', ['N', 3, 2, 4])],
      outputs: [declare('logits', 'float32', ['N', 3])],
      // the gradient that arrives is positive at the first four places, negative at the others
      initializers: {
        minus: float32([], [-1]),
        sign: float32([1, 1, 2, 4], [8, 8, 8, 8, -8, -8, -8, -8]),
        ...initializers,
      },
    })
  /** The activation's input, at the places of positive and of negative gradient. */
  const inputs = [-2, -0.5, 0.5, 9]
  const x = float32(
    [1, 3, 2, 4],
    Array.from({ length: 24 }, (_, i) => -(inputs[i % 4] ?? 0)),
  )
  const plain = (slopes: readonly number[]): number[] => [...slopes, ...slopes.map((s) => -s)]
  const constants = {
    zero: float32([], [0]),
    low: float32([], [-1]),
    six: float32([], [6]),
    slope: float32([3, 1, 1], [0.25, 0.25, 0.25]),
  }

  /** Arriving gradients are 1 and -1 at the output of the activation; the map is that of its input, turned. */
  async function rule(graph: Graph, method: string): Promise<number[]> {
    return (await map(graph, x, 0, method)).slice(0, 8).map((v) => -v + 0)
  }

  const relu = [0, 0, 1, 1]
  const relu6 = [0, 0, 1, 0]
  const leaky = [0.25, 0.25, 1, 1]
  const nothing = [0, 0, 0, 0]
  test.each([
    ['Relu', single('Relu', []), relu, relu],
    ['Clip from 0', single('Clip', ['zero', 'six'], {}, constants), relu6, relu6],
    ['LeakyRelu', single('LeakyRelu', [], { alpha: { float: 0.25 } }), leaky, leaky],
    ['PRelu', single('PRelu', ['slope'], {}, constants), leaky, leaky],
  ] as const)('%s', async (_name, graph, slopes, guided) => {
    expect(await rule(graph, 'gradient')).toEqual(plain(slopes).map((v) => v + 0))
    expect(await rule(graph, 'guided-backpropagation')).toEqual([...guided, ...nothing])
    expect(await rule(graph, 'deconvnet')).toEqual([1, 1, 1, 1, ...nothing])
  })

  test('Clip from below 0 is no rectifier: plain gradients, and a note', async () => {
    const graph = single('Clip', ['low', 'six'], {}, constants)
    for (const method of ['guided-backpropagation', 'deconvnet']) {
      expect(await rule(graph, method)).toEqual(await rule(graph, 'gradient'))
      expect((await planOf(graph, { method })).maps[0]?.notes).toEqual([expect.stringContaining('Clip (1)')])
    }
  })

  test.each(['Sigmoid', 'Tanh', 'Elu', 'HardSwish', 'Softplus'])(
    '%s keeps its gradient, and a note says so',
    async (op) => {
      const graph = single(op, [])
      for (const method of ['guided-backpropagation', 'deconvnet']) {
        expect(relativeL2(await rule(graph, method), await rule(graph, 'gradient'))).toBeLessThan(1e-6)
        expect((await planOf(graph, { method })).maps[0]?.notes).toEqual([expect.stringContaining(`${op} (1)`)])
      }
      const product = await planOf(graph, { method: 'guided-grad-cam' })
      expect(product.maps[0]?.notes).toEqual([expect.stringContaining(`${op} (1)`)])
    },
  )

  test('a network of rectifiers has no note', async () => {
    for (const method of ['guided-backpropagation', 'deconvnet', 'guided-grad-cam'])
      expect((await planOf(network(), { method })).maps[0]?.notes).toEqual([])
  })

  test('every rectifier is reached: no gradient of a positive head survives as negative', async () => {
    const options: NetworkOptions = { seed: 8 }
    const guided = await map(network(options), picture(8), 1, 'guided-backpropagation')
    const gradient = await map(network(options), picture(8), 1, 'gradient')
    expect(relativeL2(guided, gradient)).toBeGreaterThan(0.1)
  })
})
