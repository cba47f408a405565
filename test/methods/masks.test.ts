/** Blurs along a way and under masks: closed forms on linear networks, all layouts, aborts. What libraries make is in agreement/masks.ts. */
import { expect, test } from 'vitest'
import { float32, sizeOf, type Tensor } from '../../src/core/tensor.js'
import { type ExplainOptions, Model } from '../../src/explain/index.js'
import { blurred, gaussian, scipyBlur } from '../../src/methods/blur.js'
import { declare } from '../../src/onnx/builder.js'
import type { Graph } from '../../src/onnx/ir.js'
import { refusal } from '../support/compiled.js'
import { relativeL2 } from '../support/measures.js'
import { model } from '../support/model.js'
import { noise } from '../support/networks.js'
import { runtime } from '../support/ort.js'

/** The logit is the sum of the picture under its weights; another class has their negative. */
function linear(weights: Tensor<'float32'>): Graph {
  const [, ...dims] = weights.dims
  return model({
    opset: 18,
    nodes: [
      { op: 'Flatten', inputs: ['x'], outputs: ['flat'] },
      { op: 'Gemm', inputs: ['flat', 'w'], outputs: ['logits'], attributes: { transB: 1 } },
    ],
    inputs: [declare('x', 'float32', ['N', ...dims])],
    outputs: [declare('logits', 'float32', ['N', 2])],
    initializers: { w: float32([2, sizeOf(dims)], [...weights.data, ...weights.data.map((v) => -v)]) },
  })
}

async function mapOf(weights: Tensor<'float32'>, x: Tensor<'float32'>, options: ExplainOptions) {
  const loaded = await Model.load(linear(weights), runtime, { name: 'test' })
  try {
    return (await loaded.explain(x, { target: 0, ...options })).raw
  } finally {
    await loaded.release()
  }
}

const dot = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  Array.from(a).reduce((sum, v, i) => sum + v * (b[i] ?? 0), 0)

test('a blur is the sum over its kernel, with zeros beyond the border', () => {
  const [height, width] = [7, 11]
  const picture = noise(1, height, width).data
  const kernel = gaussian(2.3, scipyBlur(2.3).radius)
  const want = picture.map((_, i) => {
    const [y, x] = [Math.floor(i / width), i % width]
    return picture.reduce((sum, p, j) => {
      const [dy, dx] = [Math.abs(Math.floor(j / width) - y), Math.abs((j % width) - x)]
      return sum + p * (kernel[dy] ?? 0) * (kernel[dx] ?? 0)
    }, 0)
  })
  expect(relativeL2(blurred(picture, 'HW', [height, width], scipyBlur(2.3)), want)).toBeLessThan(1e-6)
  expect(scipyBlur(2.3).radius).toBe(9)
})

test('blur IG of a linear score is, summed up, what the score has more than that of the blurred picture', async () => {
  const [x, w] = [noise(2, 1, 2, 12, 12), noise(3, 1, 2, 12, 12)]
  // steps of 0.01 px, by which the derivative is taken too: nothing is left out
  const map = await mapOf(w, x, { method: 'blur-ig', options: { steps: 200, sigma: 2 } })
  const blur = blurred(x.data, 'CHW', [2, 12, 12], scipyBlur(2))
  const want = dot(x.data, w.data) - dot(blur, w.data)
  expect(map.dims).toEqual([2, 12, 12])
  const total = map.data.reduce((sum, v) => sum + v, 0)
  expect(Math.abs(total / want - 1)).toBeLessThan(0.00001)
})

const METHODS = ['extremal-perturbation', 'meaningful-perturbation'] as const
const optionsOf = (method: string) =>
  method === 'extremal-perturbation'
    ? { iterations: 30, spacing: 3, softness: 4, areas: '0.1, 0.2', mirror: 0 }
    : { iterations: 100, cells: 24 }

/** Fine stripes, which a blur takes away, that count at one side only. */
const stripes = float32(
  [1, 1, 24, 24],
  Array.from({ length: 576 }, (_, i) => (i % 2 === 0 ? 1 : -1)),
)
const left = float32(
  stripes.dims,
  stripes.data.map((v, i) => (i % 24 < 8 ? v : 0)),
)

test.each(METHODS)('%s finds the side that counts, the same for each layout', async (method) => {
  const map = await mapOf(left, stripes, { method, options: optionsOf(method) })
  const sum = (inside: (x: number) => boolean): number =>
    map.data.reduce((total, v, i) => total + (inside(i % 24) ? v : 0), 0)
  expect(map.dims).toEqual([24, 24])
  expect(sum((x) => x < 8) / 8).toBeGreaterThan((1.3 * sum((x) => x >= 16)) / 8)

  const last = (t: Tensor<'float32'>) => float32([1, 24, 24, 1], t.data)
  const nhwc = await mapOf(last(left), last(stripes), { method, options: optionsOf(method) })
  expect(relativeL2(nhwc.data, map.data)).toBeLessThan(1e-6)
})

test.each(METHODS)('%s goes through all slices of a volume, and along a signal', async (method) => {
  const quick = { ...optionsOf(method), iterations: 3 }
  const volume = await mapOf(noise(4, 1, 1, 3, 16, 16), noise(5, 1, 1, 3, 16, 16), { method, options: quick })
  expect(volume.dims).toEqual([3, 16, 16])
  expect(volume.data.slice(0, 256)).toEqual(volume.data.slice(256, 512))
  const signal = await mapOf(noise(6, 1, 2, 32), noise(7, 1, 2, 32), { method, options: quick })
  expect(signal.dims).toEqual([32])
  expect(new Set(signal.data).size).toBeGreaterThan(1)
})

test.each(METHODS)('%s tells its progress with maps and hears an abort', async (method) => {
  const stop = new AbortController()
  const seen: number[] = []
  const loaded = await Model.load(linear(left), runtime, { name: 'test' })
  const work = loaded.explain(stripes, {
    method,
    target: 0,
    options: optionsOf(method),
    signal: stop.signal,
    onProgress: ({ done, partial }) => {
      seen.push(done)
      expect(partial?.()[0]?.raw.dims).toEqual([24, 24])
      if (done === 2) stop.abort()
    },
  })
  expect((await refusal(work)).code).toBe('aborted')
  expect(seen).toEqual([1, 2])
})

test('areas are numbers of a range', async () => {
  const bad = (areas: string) =>
    refusal(mapOf(left, stripes, { method: 'extremal-perturbation', options: { areas, iterations: 1 } }))
  for (const areas of ['2', '0.1;0.2', '', '0.1,,0.2']) {
    const error = await bad(areas)
    expect(error.code).toBe('bad-option')
    expect(error.message).toMatch(/areas.*from 0\.001 to 0\.999.*such as 0\.1/)
  }
})
