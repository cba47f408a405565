/** Metrics of maps whose answer is known: a network whose score is a weighted sum of pixels, so that each pixel's share is exact. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { float32, type Tensor } from '../../src/core/tensor.js'
import { type Explanation, Model } from '../../src/explain/index.js'
import { METRICS, measure, measureAll } from '../../src/metrics/index.js'
import { declare } from '../../src/onnx/builder.js'
import { model as graphOf } from '../support/model.js'
import { noise } from '../support/networks.js'
import { runtime } from '../support/ort.js'
import { mapOf, withMap } from './support.js'

const SIDE = 16
/** The object: what the first class looks at. */
const OBJECT = { x0: 4, y0: 6, x1: 10, y1: 12 }
const isObject = (y: number, x: number): boolean => x >= OBJECT.x0 && x < OBJECT.x1 && y >= OBJECT.y0 && y < OBJECT.y1

const rough = noise(2, SIDE * SIDE).data
const weights = mapOf(SIDE, SIDE, (y, x) => (isObject(y, x) ? 0.02 + 0.005 * Math.abs(rough[y * SIDE + x] ?? 0) : 0))
const spots = noise(3, SIDE * SIDE).data
const pixels = mapOf(SIDE, SIDE, (y, x) => (isObject(y, x) ? 2 : 0.2) + 0.3 * Math.abs(spots[y * SIDE + x] ?? 0))
const shares = weights.map((v, i) => v * (pixels[i] ?? 0))
const picture = float32([1, 1, SIDE, SIDE], pixels)

/** `logits = [w . x, -w . x + 1]` */
async function linear(layout: 'NCHW' | 'NHWC' = 'NCHW'): Promise<Model> {
  const graph = graphOf({
    opset: 18,
    nodes: [
      { op: 'Flatten', inputs: ['x'], outputs: ['flat'] },
      { op: 'Gemm', inputs: ['flat', 'w', 'c'], outputs: ['logits'], attributes: { transB: 1 } },
    ],
    inputs: [declare('x', 'float32', layout === 'NCHW' ? ['N', 1, SIDE, SIDE] : ['N', SIDE, SIDE, 1])],
    outputs: [declare('logits', 'float32', ['N', 2])],
    initializers: {
      w: float32([2, SIDE * SIDE], [...weights, ...weights.map((v) => -v)]),
      c: float32([2], [0, 1]),
    },
  })
  return Model.load(graph, runtime, { name: 'linear' })
}

let network: Model
let made: Explanation
beforeAll(async () => {
  network = await linear()
  made = await network.explain(picture, { method: 'input-x-gradient', target: 0 })
})
afterAll(() => network.release())

const options = { runs: 30, subset: 40, samples: 40, cells: 4, patch: 4, stride: 2, noise: 0, layers: 1 }
/** The options that a metric has. */
const optionsOf = (id: string): Record<string, number> => {
  const known = METRICS.find((m) => m.id === id)?.options ?? {}
  return Object.fromEntries(Object.entries(options).filter(([name]) => name in known))
}
const truth = { boxes: [OBJECT] }
const valued = async (id: string, map: ArrayLike<number>, extra: Record<string, number | string> = {}) => {
  const all = { truth, options: { ...optionsOf(id), ...extra } }
  return (await measure(network, picture, withMap(made, [SIDE, SIDE], map), id, all)).value
}
const perfect = shares
const random = noise(9, SIDE * SIDE).data
const constant = new Float32Array(SIDE * SIDE).fill(0.7)
/** Sobel's edges of the picture: what a map looks like that has nothing to do with the network. */
const edges = mapOf(SIDE, SIDE, (y, x) => {
  const at = (dy: number, dx: number): number =>
    pixels[Math.min(SIDE - 1, Math.max(0, y + dy)) * SIDE + Math.min(SIDE - 1, Math.max(0, x + dx))] ?? 0
  const slope = (f: (a: number, b: number) => number): number =>
    f(-1, 1) + 2 * f(0, 1) + f(1, 1) - f(-1, -1) - 2 * f(0, -1) - f(1, -1)
  return Math.hypot(
    slope((a, b) => at(a, b)),
    slope((a, b) => at(b, a)),
  )
})

describe('a map of exact shares', () => {
  test.each([
    ['faithfulness-correlation', 1],
    ['mu-fidelity', 1],
    ['completeness', 0],
    ['energy-pointing-game', 1],
    ['relevance-mass', 1],
    ['relevance-rank', 1],
    ['grid-pointing-game', 1],
    ['pointing-game', 1],
    ['box-iou', 1],
    ['box-error', 0],
    ['max-box-acc', 1],
    ['pxap', 1],
  ])('%s is %f', async (id, value) => expect(await valued(id, perfect)).toBeCloseTo(value, 4))

  test('has no infidelity, scaled or not', async () => {
    expect(await valued('infidelity', perfect)).toBeLessThan(1e-9)
    expect(await valued('infidelity', perfect, { scale: 'none' })).toBeLessThan(1e-9)
    const slopes = await valued('infidelity', weights, { map: 'slopes', scale: 'none' })
    expect(slopes).toBeLessThan(1e-9)
  })

  test('deletion has the closed form, insertion of the blurred picture rises with it', async () => {
    const sorted = [...shares].sort((a, b) => b - a)
    const whole = sorted.reduce((a, v) => a + v, 0)
    const step = 32
    const left = Array.from({ length: (SIDE * SIDE) / step + 1 }, (_, i) =>
      sorted.slice(i * step).reduce((a, v) => a + v, 0),
    )
    const area = (left.reduce((a, v) => a + v, 0) - whole / 2) / (left.length - 1)
    expect(await valued('deletion', perfect, { step, score: 'logit' })).toBeCloseTo(area, 4)
  })
})

test.each([
  'deletion',
  'insertion',
  'road',
  'faithfulness-correlation',
  'mu-fidelity',
  'infidelity',
  'occlusion-correlation',
  'energy-pointing-game',
  'relevance-rank',
  'pxap',
])('%s: a perfect map is better than edges, a random map and a constant one', async (id) => {
  const isHigher = METRICS.find((m) => m.id === id)?.better === 'higher'
  const best = await valued(id, perfect)
  for (const map of [edges, random, constant]) {
    const other = await valued(id, map)
    expect(isHigher ? best - other : other - best).toBeGreaterThan(1e-6)
  }
})

describe('a map that is the same everywhere', () => {
  const share = 36 / 256
  test.each([
    ['increase-in-confidence', 0],
    ['arcc', 0],
    ['road', 0],
    ['faithfulness-correlation', 0],
    ['sic', 0.5],
    ['occlusion-correlation', 0],
    ['pointing-game', 0],
    ['energy-pointing-game', share],
    ['relevance-mass', share],
    ['relevance-rank', share],
    ['grid-pointing-game', share],
    ['pxap', share],
    ['box-iou', 0],
    ['box-error', 1],
    ['max-box-acc', 0],
    ['max-box-acc-v2', 0],
    ['complexity', Math.log(SIDE * SIDE)],
    ['sparseness', 0],
    ['model-randomisation', 0],
    ['class-sensitivity', 0],
  ])('%s is %f', async (id, value) => expect(await valued(id, constant)).toBeCloseTo(value, 5))

  test.each([0.7, 0])('of %f is never NaN, and stays in the range', async (value) => {
    const map = withMap(made, [SIDE, SIDE], new Float32Array(SIDE * SIDE).fill(value))
    for (const { id, range } of METRICS) {
      const { results, refused } = await measureAll(network, picture, map, [id], { truth, options: optionsOf(id) })
      expect(
        refused.map((r) => r.error.message),
        id,
      ).toEqual([])
      expect(results[0]?.value, id).toBeGreaterThanOrEqual(range[0])
      expect(results[0]?.value, id).toBeLessThanOrEqual(range[1] + 1e-9)
    }
  })
})

test('what a network does with other weights, other classes and noise', async () => {
  const by = async (id: string, method: string, extra = {}): Promise<number> => {
    const explanation = await network.explain(picture, { method, target: 0 })
    return (await measure(network, picture, explanation, id, { options: { ...optionsOf(id), ...extra } })).value
  }
  expect(await by('completeness', 'input-x-gradient')).toBeLessThan(1e-5)
  expect(await by('max-sensitivity', 'gradient')).toBeLessThan(1e-6)
  expect(await by('max-sensitivity', 'input-x-gradient')).toBeGreaterThan(0.001)
  expect(await by('class-sensitivity', 'input-x-gradient')).toBeCloseTo(-1, 5)
  expect(await by('random-logit', 'gradient')).toBeCloseTo(1, 5)
  expect(Math.abs(await by('model-randomisation', 'gradient'))).toBeLessThan(0.3)
})

test('channels last is the same', async () => {
  const last = await linear('NHWC')
  const turned = float32([1, SIDE, SIDE, 1], pixels)
  const explanation = withMap(await last.explain(turned, { method: 'gradient', target: 0 }), [SIDE, SIDE], edges)
  for (const id of ['deletion', 'road', 'faithfulness-correlation', 'infidelity', 'sic', 'insertion']) {
    const result = await measure(last, turned, explanation, id, { options: optionsOf(id) })
    expect(result.value, id).toBeCloseTo(await valued(id, edges), 6)
  }
  await last.release()
})

test('a random map has no correlation, over ten of them', async () => {
  const values: number[] = []
  for (let seed = 20; seed < 30; seed++)
    values.push(await valued('faithfulness-correlation', noise(seed, SIDE * SIDE).data))
  expect(Math.abs(values.reduce((a, v) => a + v, 0) / values.length)).toBeLessThan(0.2)
})

function volume(seed: number): Tensor<'float32'> {
  return noise(seed, 1, 1, 4, 8, 8)
}

test('volumes: masks go through all slices, boxes are refused', async () => {
  const graph = graphOf({
    opset: 18,
    nodes: [
      { op: 'Flatten', inputs: ['x'], outputs: ['flat'] },
      { op: 'Gemm', inputs: ['flat', 'w'], outputs: ['logits'], attributes: { transB: 1 } },
    ],
    inputs: [declare('x', 'float32', ['N', 1, 4, 8, 8])],
    outputs: [declare('logits', 'float32', ['N', 3])],
    initializers: { w: noise(5, 3, 256) },
  })
  const deep = await Model.load(graph, runtime, { name: 'volume' })
  const scan = volume(1)
  const explanation = await deep.explain(scan, { method: 'input-x-gradient', target: 1 })
  const truthHere = { boxes: [{ x0: 2, y0: 2, x1: 6, y1: 6 }] }
  const set = await measureAll(
    deep,
    scan,
    explanation,
    METRICS.map((m) => m.id),
    { truth: truthHere, options: { runs: 10, subset: 20, samples: 5, cells: 2, patch: 4, stride: 4, layers: 1 } },
  )
  expect(set.refused.map((r) => [r.metric.id, r.error.code]).filter(([id]) => id !== 'sic' && id !== 'aic')).toEqual([
    ['box-iou', 'method-not-applicable'],
    ['box-error', 'method-not-applicable'],
    ['max-box-acc', 'method-not-applicable'],
    ['max-box-acc-v2', 'method-not-applicable'],
  ])
  for (const r of set.results) expect(Number.isFinite(r.value), r.metric.id).toBe(true)
  expect(set.results.find((r) => r.metric.id === 'completeness')?.value).toBeLessThan(1e-4)
  await deep.release()
})
