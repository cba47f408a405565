/** Finer-CAM and ShapleyCAM on a head that averages, by the closed forms of their scores' derivatives; FullGrad's completeness; KPCA's eigenvalues. */
import { describe, expect, test } from 'vitest'
import { float32, type Tensor } from '../../src/core/tensor.js'
import { biasesOf, incomplete } from '../../src/methods/biases.js'
import { largestEigen } from '../../src/methods/eigen.js'
import { Builder, declare } from '../../src/onnx/builder.js'
import { decode } from '../../src/onnx/decode.js'
import { lower } from '../../src/passes/lower.js'
import { probe } from '../../src/passes/probe.js'
import { nodesBetween, pullBack } from '../../src/vjp/walk.js'
import { mapsOf, refusal } from '../support/compiled.js'
import { readBytes } from '../support/files.js'
import { relativeL2 } from '../support/measures.js'
import { FEATURES_SIDE, network, noise, picture } from '../support/networks.js'
import { runtime } from '../support/ort.js'
import { numbers, run } from '../support/run.js'

const PLACES = FEATURES_SIDE ** 2
const CHANNELS = 5
const CLASSES = 6
const SEED = 7
const TARGET = 1

const graph = network({ seed: SEED, classes: CLASSES })
const x = picture(8)
const sum = (v: readonly number[]): number => v.reduce((s, one) => s + one, 0)
const dot = (v: readonly number[], w: readonly number[]): number => sum(v.map((one, i) => one * (w[i] ?? Number.NaN)))
const weights = numbers(noise(SEED + 3, CLASSES, CHANNELS))
const row = (c: number): number[] => weights.slice(c * CHANNELS, (c + 1) * CHANNELS)
const softmax = (y: readonly number[]): number[] => {
  const powers = y.map((v) => Math.exp(v - Math.max(...y)))
  return powers.map((v) => v / sum(powers))
}

/** The layer's channels, and the logits. */
async function forward(): Promise<{ readonly a: readonly (readonly number[])[]; readonly y: readonly number[] }> {
  const outputs = [declare('features'), declare('logits')]
  const out: Readonly<Record<string, Tensor>> = await run(graph.with({ outputs }), { x })
  const flat = numbers(out.features)
  const a = Array.from({ length: CHANNELS }, (_, k) => flat.slice(k * PLACES, (k + 1) * PLACES))
  return { a, y: numbers(out.logits) }
}

/** The map of channels whose weights are `u` times the linear layer, over the number of places. */
function mapOf(a: readonly (readonly number[])[], u: readonly number[]): number[] {
  const w = Array.from({ length: CHANNELS }, (_, k) => sum(u.map((v, c) => v * (row(c)[k] ?? 0))) / PLACES)
  return Array.from({ length: PLACES }, (_, i) => sum(a.map((channel, k) => (w[k] ?? 0) * (channel[i] ?? 0))))
}

const compiled = async (method: string, options: Readonly<Record<string, number>> = {}): Promise<number[]> =>
  numbers((await mapsOf(graph, x, [TARGET], { method, options })).heatmap)

describe('finer-cam', () => {
  test.each([1, 0.6])('alpha %d', async (alpha) => {
    const { a, y } = await forward()
    const own = y[TARGET] ?? 0
    const near = [...y.keys()]
      .filter((c) => c !== TARGET)
      .sort((p, q) => Math.abs((y[p] ?? 0) - own) - Math.abs((y[q] ?? 0) - own))
      .slice(0, 3)
    const q = softmax(near.map((c) => y[c] ?? 0))
    const f = near.map((c) => own - alpha * (y[c] ?? 0))
    // d/dy_d of sum q f: q_d (f_d - sum q f) - alpha q_d
    const u = y.map((_, c) => {
      const i = near.indexOf(c)
      if (c === TARGET) return 1
      return i < 0 ? 0 : (q[i] ?? 0) * ((f[i] ?? 0) - dot(q, f) - alpha)
    })
    expect(relativeL2(await compiled('finer-cam', { alpha }), mapOf(a, u))).toBeLessThan(1e-3)
  })

  test('alpha 0 is Grad-CAM', async () => {
    expect(relativeL2(await compiled('finer-cam', { alpha: 0 }), await compiled('grad-cam'))).toBeLessThan(1e-4)
  })

  test('two classes: from the other one', async () => {
    const two = network({ seed: SEED, classes: 2 })
    const finer = numbers((await mapsOf(two, x, [0], { method: 'finer-cam' })).heatmap)
    const [own, other] = await Promise.all(
      [0, 1].map(async (c) => numbers((await mapsOf(two, x, [c], { method: 'grad-cam' })).heatmap)),
    )
    const want = own?.map((v, i) => v - (other?.[i] ?? 0)) ?? []
    expect(relativeL2(finer, want)).toBeLessThan(1e-4)
  })

  test('several targets at once, each as alone', async () => {
    const both = numbers((await mapsOf(graph, x, [TARGET, 4], { method: 'finer-cam' })).heatmap)
    expect(relativeL2(both.slice(0, PLACES), await compiled('finer-cam'))).toBeLessThan(1e-4)
  })

  test('a bad alpha is refused', async () => {
    const error = await refusal(mapsOf(graph, x, [0], { method: 'finer-cam', options: { alpha: -1 } }))
    expect(error.code).toBe('bad-option')
    expect(error.message).toContain('alpha is -1')
  })
})

test('shapley-cam', async () => {
  const { a, y } = await forward()
  const p = softmax(y)
  // v = W mean(A): what the logits change by when the layer is scaled
  const means = a.map((channel) => sum(channel) / PLACES)
  const v = y.map((_, c) => dot(row(c), means))
  // ReST = 2 y_c - log sum exp y: gradient 2 e_c - p, Hessian p p' - diag(p)
  const u = y.map((_, c) => (c === TARGET ? 2 : 0) - (p[c] ?? 0) - 0.5 * (p[c] ?? 0) * (dot(p, v) - (v[c] ?? 0)))
  expect(relativeL2(await compiled('shapley-cam'), mapOf(a, u))).toBeLessThan(1e-3)
})

test('full-grad: the parts of the picture and of the biases sum to the score', async () => {
  const source = lower(decode(readBytes('test/fixtures/networks/resnet.onnx')))
  const shapes = await probe(source, runtime)
  const b = new Builder(source, shapes)
  const path = nodesBetween(b, 'logits', ['input'])
  expect(incomplete(path, 'input', 'full-grad')).toBeUndefined()
  const biases = biasesOf(b, path, 'input')
  const seed = b.op('Expand', [b.scalar(1, 'logits'), b.shapeOf('logits')])
  const gradients = pullBack(b, { of: 'logits', seed, wrt: ['input', ...biases.map((p) => p.value)] })
  const parts = ['input', ...biases.map((p) => p.bias)].map((factor, i) =>
    b.op('ReduceSum', [b.op('Mul', [gradients[i] ?? '', factor])], { keepdims: 0 }),
  )
  const total = b.alias(b.op('Sum', parts), 'total')
  const size = [3, 96, 96]
  const out = await run(b.finish({ outputs: [declare('logits'), declare(total)] }), {
    input: float32([1, ...size], noise(3, ...size).data),
  })
  const score = sum(numbers(out.logits))
  expect(Math.abs(score)).toBeGreaterThan(0.1)
  expect(Math.abs((numbers(out.total)[0] ?? 0) / score - 1)).toBeLessThan(1e-4)
})

test('the largest eigenvalue, where a negative one is farther from 0', async () => {
  const matrices = declare('m', 'float32', [2, 3, 3])
  const empty = lower(network())
  const own = empty.with({ nodes: [], inputs: [matrices], outputs: [], initializers: new Map(), valueInfo: [] })
  const b = new Builder(own, new Map([['m', { name: 'm', type: 'float32', dims: [2, 3, 3] }]]))
  const { vector, value } = largestEigen(b, 'm')
  const names = [vector, value]
  const out = await run(b.finish({ outputs: names.map((n) => declare(n)) }), {
    m: float32([2, 3, 3], [-5, 0, 0, 0, 3, 0, 0, 0, 1, 2, 1, 0, 1, 2, 0, 0, 0, -1]),
  })
  expect(numbers(out[value])[0]).toBeCloseTo(3, 4)
  expect(numbers(out[value])[1]).toBeCloseTo(3, 4)
  expect(numbers(out[vector]).map((v) => Math.abs(v).toFixed(3))).toEqual(
    [0, 1, 0, Math.SQRT1_2, Math.SQRT1_2, 0].map((v) => v.toFixed(3)),
  )
})
