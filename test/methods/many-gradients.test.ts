/** Integrated and smoothed gradients, on networks whose answers are known in closed form, and by their axioms. */
import { describe, expect, test } from 'vitest'
import { float32, type Tensor } from '../../src/core/tensor.js'
import { type ExplainOptions, type Explanation, Model } from '../../src/explain/index.js'
import { declare } from '../../src/onnx/builder.js'
import type { Graph } from '../../src/onnx/ir.js'
import { relativeL2 } from '../support/measures.js'
import { model } from '../support/model.js'
import { network, picture, SIDE } from '../support/networks.js'
import { runtime } from '../support/ort.js'

const METHODS = ['integrated-gradients', 'gradient-shap', 'smooth-grad', 'smooth-grad-squared', 'var-grad'] as const

/** The logit of class k is the sum of the squares of channel k: its gradient is twice the channel. */
function squares(layout: 'NCHW' | 'NHWC' = 'NCHW'): Graph {
  const dims = layout === 'NCHW' ? ['N', 3, SIDE, SIDE] : ['N', SIDE, SIDE, 3]
  const axes = layout === 'NCHW' ? [2n, 3n] : [1n, 2n]
  return model({
    opset: 18,
    nodes: [
      { op: 'Mul', inputs: ['x', 'x'], outputs: ['squares'] },
      { op: 'ReduceSum', inputs: ['squares', 'axes'], outputs: ['logits'], attributes: { keepdims: 0 } },
    ],
    inputs: [declare('x', 'float32', dims)],
    outputs: [declare('logits', 'float32', ['N', 3])],
    initializers: { axes: { type: 'int64', dims: [2], data: BigInt64Array.from(axes) } },
  })
}

async function explain(graph: Graph, x: Tensor<'float32'>, options: ExplainOptions): Promise<Explanation> {
  const loaded = await Model.load(graph, runtime, { name: 'test' })
  try {
    return await loaded.explain(x, { target: 1, ...options })
  } finally {
    await loaded.release()
  }
}

const AREA = SIDE * SIDE
/** Channel 1 of a map or picture, and what is in the others. */
const parts = ({ data }: { readonly data: Float32Array }) => ({
  own: Array.from(data.subarray(AREA, 2 * AREA)),
  others: [...data.subarray(0, AREA), ...data.subarray(2 * AREA)],
})
const mean = (v: readonly number[]): number => v.reduce((a, b) => a + b, 0) / v.length
const range = (v: Float32Array): number => Math.max(...v) - Math.min(...v)

describe('where gradients are known', () => {
  const x = picture(4)
  const { own } = parts(x)
  const variance = (0.15 * range(x.data)) ** 2
  const cases: Readonly<
    Record<string, readonly [want: readonly number[], off: number, options?: Readonly<Record<string, number>>]>
  > = {
    // x times the integral of 2 a x over a
    'integrated-gradients': [own.map((v) => v * v), 1e-6, { steps: 3 }],
    'smooth-grad': [own.map((v) => 2 * v), 0.05],
    'smooth-grad-squared': [own.map((v) => 4 * (v * v + variance)), 0.1],
    'var-grad': [own.map(() => 4 * variance), 0.1],
    'gradient-shap': [own.map((v) => v * v + variance), 0.15],
  }
  test.each(Object.entries(cases))('%s is what it is defined to be', async (method, [want, off, given]) => {
    const { raw } = await explain(squares(), x, { method, options: given ?? { samples: 1000 }, batch: 50 })
    expect(raw.dims).toEqual([3, SIDE, SIDE])
    const got = parts(raw)
    expect(relativeL2(got.own, want)).toBeLessThan(off)
    // samples err to both sides
    expect(Math.abs(mean(got.own) / mean(want) - 1)).toBeLessThan(off / 3)
    expect(got.others.every((v) => v === 0)).toBe(true)
  })

  test('a way that starts from a colour, whatever the layout', async () => {
    const preprocessing = { mean: [0.5, 0.5, 0.5], std: [0.25, 0.5, 1] }
    for (const layout of ['NCHW', 'NHWC'] as const) {
      const dims = layout === 'NCHW' ? [1, 3, SIDE, SIDE] : [1, SIDE, SIDE, 3]
      const given = float32(dims, picture(5).data)
      const loaded = await Model.load(squares(layout), runtime, { name: 'test' })
      const adjusted = loaded.preprocessing
      if (!adjusted) throw new Error('The model takes photos')
      const options = { method: 'integrated-gradients', target: 1, options: { baseline: 'white' } }
      const { raw } = await loaded.withPreprocessing({ ...adjusted, ...preprocessing }).explain(given, options)
      const white = (1 - 0.5) / 0.5
      const want = given.data.map((v, i) => {
        const channel = layout === 'NCHW' ? Math.floor(i / AREA) : i % 3
        return channel === 1 ? v * v - white * white : 0
      })
      expect(relativeL2(raw.data, want)).toBeLessThan(1e-5)
      await loaded.release()
    }
  })
})

test.each([
  ['smooth-grad', (g: number) => g],
  ['smooth-grad-squared', (g: number) => g * g],
  ['var-grad', () => 0],
] as const)('%s without noise is made of the plain gradient', async (method, of) => {
  const x = picture(6)
  const options = { noise: 0, samples: 3 }
  const { raw } = await explain(network({ seed: 2 }), x, { method, options })
  const plain = await explain(network({ seed: 2 }), x, { method: 'gradient' })
  const want = plain.raw.data.map(of)
  expect(Math.hypot(...raw.data.map((v, i) => v - (want[i] ?? 0)))).toBeLessThan(1e-5 * Math.hypot(...plain.raw.data))
})

test.each([1, 2, 5])('completeness: integrated gradients sum to what the score rises (seed %i)', async (seed) => {
  const graph = network({ seed, head: 'flatten-gemm' })
  const x = picture(seed + 10)
  const { raw, answer, provenance } = await explain(graph, x, {
    method: 'integrated-gradients',
    options: { steps: 400 },
    batch: 100,
  })
  const zero = await explain(graph, float32(x.dims), { method: 'gradient' })
  const rise = answer.logit - zero.answer.logit
  const total = raw.data.reduce((a, v) => a + v, 0)
  expect(Math.abs(rise)).toBeGreaterThan(0.5)
  expect(Math.abs(total - rise)).toBeLessThan(0.01 * Math.abs(rise))
  const [, share] = /sums to (-?[\d.]+) % of the score's change/.exec(provenance.notes.join(' ')) ?? []
  expect(Number(share)).toBeCloseTo((100 * total) / rise, 0)
})

describe.each(METHODS)('%s', (method) => {
  const few = method === 'integrated-gradients' ? { steps: 7 } : { samples: 7 }
  const x = picture(8)

  test('is the same however its pictures are shared out to runs', async () => {
    const [one, three, all] = await Promise.all(
      [1, 3, 16].map((batch) => explain(network(), x, { method, options: few, batch })),
    )
    expect(relativeL2(three?.raw.data ?? [], one?.raw.data ?? [])).toBeLessThan(1e-4)
    expect(relativeL2(all?.raw.data ?? [], one?.raw.data ?? [])).toBeLessThan(1e-4)
  })

  test('is the same for a target alone and among others, with a model of fixed batch too', async () => {
    const alone = await explain(network(), x, { method, options: few, target: 2 })
    for (const batch of ['N', 2] as const) {
      const loaded = await Model.load(network({ batch }), runtime, { name: 'test' })
      const set = await loaded.explainAll(x, { method, options: few, target: [0, 2] })
      expect(relativeL2(set.explanations[1]?.raw.data ?? [], alone.raw.data)).toBeLessThan(1e-4)
      await loaded.release()
    }
  })

  test('tells how far it is, with the map as it stands, and is given up', async () => {
    const seen: [number, number, Float32Array | undefined][] = []
    const { raw } = await explain(network(), x, {
      method,
      options: few,
      batch: 3,
      onProgress: ({ done, total, partial }) => seen.push([done, total, partial()[0]?.raw.data]),
    })
    expect(seen.map(([done, total]) => [done, total])).toEqual([
      [3, 7],
      [6, 7],
      [7, 7],
    ])
    expect(seen[2]?.[2]).toEqual(raw.data)
    expect(seen[0]?.[2]).not.toEqual(raw.data)
    const abort = new AbortController()
    const onProgress = (): void => abort.abort()
    const given = explain(network(), x, { method, options: few, batch: 1, signal: abort.signal, onProgress })
    await expect(given).rejects.toMatchObject({ code: 'aborted' })
  })

  if (method === 'integrated-gradients') return
  test('is the same for the same seed, and another for another', async () => {
    const of = async (seed: number): Promise<Float32Array> =>
      (await explain(network(), x, { method, options: { ...few, seed } })).raw.data
    expect(await of(3)).toEqual(await of(3))
    expect(relativeL2(await of(4), await of(3))).toBeGreaterThan(0.01)
  })
})
