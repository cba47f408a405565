/** LIME, KernelSHAP, XRAI, Sobol and HSIC: closed forms on small models, layouts, errors. */
import { describe, expect, test } from 'vitest'
import { float32, type Tensor } from '../../src/core/tensor.js'
import { type ExplainOptions, type Explanation, Model } from '../../src/explain/index.js'
import { superpixels } from '../../src/methods/segments/superpixels.js'
import { declare } from '../../src/onnx/builder.js'
import type { Graph } from '../../src/onnx/ir.js'
import { relativeL2 } from '../support/measures.js'
import { model, type NodeSpec } from '../support/model.js'
import { network, noise, SIDE } from '../support/networks.js'
import { runtime } from '../support/ort.js'

async function explain(
  graph: Graph,
  x: Tensor<'float32'>,
  options: ExplainOptions,
): Promise<{ readonly explanations: readonly Explanation[]; readonly loaded: Model }> {
  const loaded = await Model.load(graph, runtime, { name: 'test' })
  try {
    return { explanations: (await loaded.explainAll(x, options)).explanations, loaded }
  } finally {
    await loaded.release()
  }
}

const mapOf = async (graph: Graph, x: Tensor<'float32'>, options: ExplainOptions): Promise<Tensor<'float32'>> => {
  const raw = (await explain(graph, x, options)).explanations[0]?.raw
  if (!raw) throw new Error('no map')
  return raw
}

/** A picture of 3 x 2 patches of different colours with a little noise, which superpixels find. */
function scene(seed: number): Tensor<'float32'> {
  const [colours, grain] = [noise(seed, 3, 6), noise(seed + 1, 3, SIDE, SIDE)]
  return float32(
    [1, 3, SIDE, SIDE],
    grain.data.map((v, i) => {
      const [c, y, x] = [Math.floor(i / SIDE ** 2), Math.floor(i / SIDE) % SIDE, i % SIDE]
      return (colours.data[c * 6 + Math.floor((3 * y) / SIDE) * 2 + Math.floor((2 * x) / SIDE)] ?? 0) + 0.05 * v
    }),
  )
}

async function logitOf(loaded: Model, x: Tensor<'float32'>, index: number): Promise<number> {
  const answers = await loaded.classify(x, { top: 4 })
  return answers.find((a) => a.index === index)?.logit ?? Number.NaN
}

/** Logits of a picture of ones, `side` x `side`: what `nodes` make of its sum under the weights, `s` `[N,1]`. */
function ofSum(weights: readonly number[], nodes: readonly NodeSpec[] = []): Graph {
  const side = Math.sqrt(weights.length)
  const last = nodes.length > 0 ? 'made' : 's'
  return model({
    opset: 18,
    nodes: [
      { op: 'Flatten', inputs: ['x'], outputs: ['flat'] },
      { op: 'MatMul', inputs: ['flat', 'w'], outputs: ['s'] },
      ...nodes,
      { op: 'Concat', inputs: [last, 's'], outputs: ['logits'], attributes: { axis: 1 } },
    ],
    inputs: [declare('x', 'float32', ['N', 1, side, side])],
    outputs: [declare('logits', 'float32', ['N', 2])],
    initializers: { w: float32([weights.length, 1], [...weights]) },
  })
}
const ones = (side: number): Tensor<'float32'> => float32([1, 1, side, side], new Float32Array(side * side).fill(1))

/** Sum over the map of each segment, once. */
function perSegment(map: Tensor<'float32'>, labels: Int32Array, count: number): number[] {
  return Array.from({ length: count }, (_, k) => map.data[labels.indexOf(k)] ?? Number.NaN)
}

describe('kernel-shap', () => {
  test('is the Shapley values by their definition, where all coalitions are run', async () => {
    const x = scene(4)
    const { labels, count } = superpixels(x, 'NCHW', 6)
    expect(count).toBeGreaterThan(3)
    expect(count).toBeLessThanOrEqual(8)
    const graph = network()
    const loaded = await Model.load(graph, runtime, { name: 'test' })
    // scores of all coalitions, then the mean over orders by the weights |S|! (n - |S| - 1)! / n!
    const scores: number[] = []
    for (let bits = 0; bits < 2 ** count; bits++) {
      const shown = x.data.map((v, at) => ((bits >> (labels[at % (SIDE * SIDE)] ?? 0)) & 1 ? v : 0))
      scores.push(await logitOf(loaded, float32(x.dims, shown), 2))
    }
    const factorial = (v: number): number => (v < 2 ? 1 : v * factorial(v - 1))
    const exact = Array.from({ length: count }, (_, i) =>
      scores.reduce((sum, score, bits) => {
        if ((bits >> i) & 1) return sum
        const size = Array.from({ length: count }, (_, k) => (bits >> k) & 1).reduce((a, v) => a + v, 0)
        const weight = (factorial(size) * factorial(count - size - 1)) / factorial(count)
        return sum + weight * ((scores[bits + 2 ** i] ?? 0) - score)
      }, 0),
    )
    const options = { segments: 6, samples: 300 }
    const made = await loaded.explain(x, { method: 'kernel-shap', target: 2, options })
    await loaded.release()
    expect(relativeL2(perSegment(made.raw, labels, count), exact)).toBeLessThan(1e-4)
    expect(made.provenance.notes.join()).toContain('are exact')
  })

  test('sums to what the score has more than that of the covered picture, however few coalitions', async () => {
    const x = scene(5)
    const { labels, count } = superpixels(x, 'NCHW', 9)
    const options = { segments: 9, samples: 2 * count + 2 }
    const loaded = await Model.load(network(), runtime, { name: 'test' })
    const { raw, provenance } = await loaded.explain(x, { method: 'kernel-shap', target: 1, options })
    const rise = (await logitOf(loaded, x, 1)) - (await logitOf(loaded, float32(x.dims), 1))
    await loaded.release()
    expect(perSegment(raw, labels, count).reduce((a, v) => a + v, 0)).toBeCloseTo(rise, 4)
    expect(provenance.notes.join()).toContain(`estimated from ${2 * count + 2}`)
  })

  test('fewer coalitions than it takes are refused with a number that does', async () => {
    await expect(
      explain(network(), scene(1), { method: 'kernel-shap', options: { samples: 5 } }),
    ).rejects.toMatchObject({
      code: 'bad-option',
      where: 'samples',
      remedy: expect.stringMatching(/Give at least \d+/),
    })
  })
})

test('lime finds the coefficients of a linear model, a little shrunk', async () => {
  const side = 8
  const x = float32(
    [1, 1, side, side],
    Float32Array.from({ length: 64 }, (_, i) => 1 + (i % 8 > 3 ? 1 : 0) + (i > 31 ? 2 : 0)),
  )
  const { labels, count } = superpixels(x, 'NCHW', 4)
  const weights = Array.from(labels, (label) => [0.1, -0.2, 0.05, 0][label] ?? 0)
  const options = { segments: 4, samples: 2000 }
  const { explanations } = await explain(ofSum(weights), x, { method: 'lime', target: 0, options, batch: 200 })
  const want = Array.from({ length: count }, (_, k) =>
    x.data.reduce((sum, v, i) => sum + (labels[i] === k ? v * (weights[i] ?? 0) : 0), 0),
  )
  expect(relativeL2(perSegment(explanations[0]?.raw ?? x, labels, count), want)).toBeLessThan(0.03)
  expect(explanations[0]?.provenance.notes.join()).toMatch(/explains (99|100)\.\d %/)
})

test('sobol is the share of the variance of each cell, of a sum and of a product', async () => {
  const weights = [1, 2, 0, 3]
  const options = { cells: 2, designs: 1500 }
  const sum = await mapOf(ofSum(weights), ones(2), { method: 'sobol', target: 0, options, batch: 500 })
  const total = weights.reduce((a, w) => a + w * w, 0)
  for (const [i, w] of weights.entries()) expect(sum.data[i]).toBeCloseTo((w * w) / total, 1)
  expect(sum.data[2]).toBe(0)
  // the square of a sum of two: each has a part alone and one together
  const square = await mapOf(ofSum([1, 1, 0, 0], [{ op: 'Mul', inputs: ['s', 's'], outputs: ['made'] }]), ones(2), {
    method: 'sobol',
    target: 0,
    options,
    batch: 500,
  })
  // Var (a+b)^2 = 31/30 + ... by hand: own share V_a = 49/180 of the total 49/90 + 1/36
  const share = 49 / 180 + 1 / 36
  for (const i of [0, 1]) expect(square.data[i]).toBeCloseTo(share / (49 / 90 + 1 / 36), 1)
})

test('hsic tells what the score depends on, whichever way', async () => {
  const options = { cells: 2, samples: 200 }
  const { data } = await mapOf(ofSum([1, -1, 0, 3]), ones(2), { method: 'hsic', target: 0, options, batch: 100 })
  expect(data[3]).toBeGreaterThan(2 * (data[0] ?? 0))
  expect(Math.abs((data[0] ?? 0) - (data[1] ?? 0))).toBeLessThan(0.3 * (data[0] ?? 0))
  expect(data[2]).toBeLessThan(0.1 * (data[0] ?? 0))
  expect(Math.min(...data)).toBeGreaterThanOrEqual(0)
})

describe('layouts', () => {
  const graphOf = (declared: readonly (string | number)[]): Graph => {
    const axes = declared.map((_size, i) => BigInt(i)).slice(1)
    return model({
      opset: 18,
      nodes: [
        { op: 'Mul', inputs: ['x', 'x'], outputs: ['square'] },
        { op: 'ReduceSum', inputs: ['square', 'axes'], outputs: ['sum'], attributes: { keepdims: 0 } },
        { op: 'Unsqueeze', inputs: ['sum', 'last'], outputs: ['column'] },
        { op: 'Concat', inputs: ['column', 'column'], outputs: ['logits'], attributes: { axis: 1 } },
      ],
      inputs: [declare('x', 'float32', declared)],
      outputs: [declare('logits', 'float32', ['N', 2])],
      initializers: {
        axes: { type: 'int64', dims: [axes.length], data: BigInt64Array.from(axes) },
        last: { type: 'int64', dims: [1], data: BigInt64Array.of(1n) },
      },
    })
  }

  test.each([
    ['a volume', ['N', 1, 3, 8, 8], [3, 8, 8]],
    ['a signal', ['N', 2, 40], [40]],
  ] as const)('%s has maps of its places, and no ranked regions', async (_, declared, places) => {
    const graph = graphOf(declared)
    const x = noise(9, 1, ...declared.slice(1).map(Number))
    const method = ['lime', 'kernel-shap', 'sobol', 'hsic']
    const options = { segments: 4, samples: 20, designs: 3, cells: 2 }
    const { explanations } = await explain(graph, x, { method, target: 0, options })
    for (const { raw, provenance } of explanations) expect(raw.dims, provenance.method).toEqual(places)
    await expect(explain(graph, x, { method: 'xrai', target: 0 })).rejects.toMatchObject({
      code: 'method-not-applicable',
    })
  })

  test('channels last give the map of channels first', async () => {
    const x = scene(2)
    const last = Float32Array.from(x.data, (_, i) => x.data[(i % 3) * SIDE * SIDE + Math.floor(i / 3)] ?? 0)
    const of = (layout: readonly (string | number)[], turn: readonly number[]): Graph =>
      model({
        opset: 18,
        nodes: [
          { op: 'Transpose', inputs: ['x'], outputs: ['y'], attributes: { perm: [...turn] } },
          { op: 'Conv', inputs: ['y', 'w'], outputs: ['c'] },
          { op: 'Relu', inputs: ['c'], outputs: ['r'] },
          { op: 'ReduceMean', inputs: ['r', 'axes'], outputs: ['logits'], attributes: { keepdims: 0 } },
        ],
        inputs: [declare('x', 'float32', layout)],
        outputs: [declare('logits', 'float32', ['N', 4])],
        initializers: { w: noise(6, 4, 3, 3, 3), axes: { type: 'int64', dims: [2], data: BigInt64Array.of(2n, 3n) } },
      })
    const first = of(['N', 3, SIDE, SIDE], [0, 1, 2, 3])
    const turned = of(['N', SIDE, SIDE, 3], [0, 3, 1, 2])
    const method = ['lime', 'kernel-shap', 'xrai', 'sobol', 'hsic']
    const options = { segments: 6, samples: 40, steps: 3, designs: 4, cells: 3 }
    const a = await explain(first, x, { method, target: 2, options })
    const b = await explain(turned, float32([1, SIDE, SIDE, 3], last), { method, target: 2, options })
    for (const [i, { raw, provenance }] of a.explanations.entries())
      expect(relativeL2(b.explanations[i]?.raw.data ?? [], raw.data), provenance.method).toBeLessThan(1e-3)
  })
})

test('the same seed gives the same map, however runs are shared out and whatever other targets there are', async () => {
  const x = scene(3)
  const method = ['lime', 'kernel-shap', 'sobol', 'hsic']
  const options = { segments: 9, samples: 30, designs: 3, cells: 3, seed: 5 }
  const alone = await explain(network(), x, { method, target: 2, options, batch: 1 })
  const among = await explain(network(), x, { method, target: [0, 2], options, batch: 16 })
  const other = await explain(network({ batch: 4 }), x, { method, target: 2, options: { ...options, seed: 6 } })
  for (const [i, { raw, provenance }] of alone.explanations.entries()) {
    const same = among.explanations.filter((e) => e.answer.index === 2)[i]
    expect(relativeL2(same?.raw.data ?? [], raw.data), provenance.method).toBeLessThan(1e-3)
    expect(relativeL2(other.explanations[i]?.raw.data ?? [], raw.data), provenance.method).toBeGreaterThan(1e-3)
  }
})

test.each([
  ['lime', { samples: 1 }],
  ['lime', { kernel: 0 }],
  ['kernel-shap', { segments: 0 }],
  ['sobol', { designs: 1 }],
  ['hsic', { cells: 0.5 }],
  ['xrai', { steps: 0 }],
  ['hsic', { baseline: 'none' }],
] as const)('%s refuses %j', async (method, options) => {
  await expect(
    explain(network(), scene(1), { method, options: options as Readonly<Record<string, number | string>> }),
  ).rejects.toMatchObject({ code: 'bad-option' })
})
