/** Segments against scikit-image's (scripts/segment_fixtures.py), and the pieces that methods on segments are made of. */
import { describe, expect, test } from 'vitest'
import { float32 } from '../../src/core/tensor.js'
import { coalitions } from '../../src/methods/coalitions.js'
import { uniform } from '../../src/methods/random.js'
import { Regression } from '../../src/methods/regression.js'
import { latinHypercube } from '../../src/methods/segments/cells.js'
import { felzenszwalb } from '../../src/methods/segments/felzenszwalb.js'
import { rasterOf } from '../../src/methods/segments/raster.js'
import { rankedRegions } from '../../src/methods/segments/regions.js'
import { slic } from '../../src/methods/segments/slic.js'
import { pathOf } from '../support/files.js'
import { readNpyFloat32 } from '../support/npy.js'

const pixels = readNpyFloat32(pathOf('test/fixtures/golden/input.npy'))
const golden = float32(
  [1, 3, 224, 224],
  pixels.data.map((v) => (v - 127) / 128),
)
const red = (y: number, x: number): number => golden.data[y * 224 + x] ?? Number.NaN
const stored = (name: string): number[] =>
  Array.from(readNpyFloat32(pathOf(`test/fixtures/methods/segments-${name}.npy`)).data)
const everyFourth = (labels: Int32Array): number[] =>
  Array.from({ length: 56 * 56 }, (_, i) => labels[(4 * Math.floor(i / 56) + 2) * 224 + 4 * (i % 56) + 2] ?? -1)

describe("segments are scikit-image's, pixel for pixel", () => {
  test.each([20, 50])('SLIC of a picture, %i', (wanted) => {
    expect(everyFourth(slic(rasterOf(golden, 'NCHW', 0, 1), wanted).labels)).toEqual(stored(`slic-${wanted}`))
  })

  test('SLIC of a volume', () => {
    const values = Array.from({ length: 4 * 24 * 32 }, (_, i) =>
      red(40 + 2 * Math.floor(i / 768) + (Math.floor(i / 32) % 24), 40 + (i % 32)),
    )
    const { labels } = slic(rasterOf(float32([1, 1, 4, 24, 32], values), 'NCDHW', 0, 1), 20)
    expect(Array.from(labels)).toEqual(stored('slic-volume'))
  })

  test('SLIC of a signal: intervals', () => {
    const values = Array.from({ length: 224 }, (_, x) => red(100, x))
    const { labels, count } = slic(rasterOf(float32([1, 1, 224], values), 'NCW', 0, 1), 12)
    expect(Array.from(labels)).toEqual(stored('slic-signal'))
    expect(Array.from(labels).filter((v, i) => i > 0 && v !== labels[i - 1])).toHaveLength(count - 1)
  })

  test('Felzenszwalb and Huttenlocher, small to large', () => {
    const scales = [50, 250, 1200]
    const made = felzenszwalb(rasterOf(golden, 'NCHW', -1, 1), { scales, sigma: 0.8, smallest: 150 })
    for (const [i, { labels }] of made.entries())
      expect(everyFourth(labels), `scale ${scales[i]}`).toEqual(stored(`felzenszwalb-${scales[i]}`))
  })

  test('a picture of one value, and one of few pixels', () => {
    const plain = slic(rasterOf(float32([1, 3, 8, 8]), 'NCHW', 0, 1), 4)
    expect(plain.count).toBe(4)
    const tiny = slic(rasterOf(float32([1, 1, 2, 2], [0, 1, 2, 3]), 'NCHW', 0, 1), 50)
    expect(tiny.count).toBe(4)
    expect([...tiny.labels]).toEqual([0, 1, 2, 3])
  })

  test('channels last are the same picture', () => {
    const first = Float32Array.from({ length: 3 * 4 * 5 }, (_, i) => (7 * i) % 11)
    const last = first.map((_, i) => first[(i % 3) * 20 + Math.floor(i / 3)] ?? 0)
    const [a, b] = [float32([1, 3, 4, 5], first), float32([1, 4, 5, 3], last)]
    expect(rasterOf(b, 'NHWC', 0, 1)).toEqual(rasterOf(a, 'NCHW', 0, 1))
  })
})

test('ridge regression is the normal equations with a free intercept', () => {
  // y = 3 + 2 a - b, exactly; the penalty shrinks by known shares where features are not correlated
  const fit = new Regression(2, 1)
  for (const [a, b] of [
    [0, 0],
    [0, 1],
    [1, 0],
    [1, 1],
  ] as const)
    fit.add([a, b], [3 + 2 * a - b], 5)
  const [free] = fit.ridge(0)
  expect(free?.coefficients[0]).toBeCloseTo(2, 10)
  expect(free?.coefficients[1]).toBeCloseTo(-1, 10)
  expect(free?.explained).toBeCloseTo(1, 10)
  // the weighted variance of a feature is 20 / 4 = 5
  expect(fit.ridge(1)[0]?.coefficients[0]).toBeCloseTo((2 * 5) / 6, 10)
})

test('coefficients with a given sum are least squares among those', () => {
  const fit = new Regression(2, 2)
  fit.add([1, 0], [4, 1], 1)
  fit.add([0, 1], [1, 1], 3)
  const [first, second] = fit.summingTo([1, 2])
  // 4 - m and 1 - m / 3 sum to 1: m = 3
  expect(first?.[0]).toBeCloseTo(1, 6)
  expect(first?.[1]).toBeCloseTo(0, 6)
  expect(Array.from(second ?? [], (v) => Math.round(v * 1e6) / 1e6)).toEqual([1, 1])
})

describe('coalitions', () => {
  test.each([2, 3, 6, 7])('all of %i features, each once, by the Shapley kernel', (n) => {
    const made = coalitions(n, 2 ** n - 2, uniform(0))
    expect(new Set(made.map((c) => c.members.join(''))).size).toBe(2 ** n - 2)
    const kernel = (s: number): number => {
      const choose = Array.from({ length: s }, (_, i) => (n - i) / (i + 1)).reduce((a, v) => a * v, 1)
      return (n - 1) / (choose * s * (n - s))
    }
    const sizes = made.map((c) => c.members.reduce((a, v) => a + v, 0))
    const total = sizes.reduce((a, s) => a + kernel(s), 0)
    for (const [i, { weight }] of made.entries()) expect(weight).toBeCloseTo(kernel(sizes[i] ?? 0) / total, 10)
  })

  test('part of them: the smallest and the largest whole, the rest in pairs, weights by size as the kernel has them', () => {
    const made = coalitions(12, 300, uniform(1))
    expect(made.length).toBe(300)
    expect(new Set(made.map((c) => c.members.join(''))).size).toBe(300)
    const sizes = made.map((c) => c.members.reduce((a, v) => a + v, 0))
    for (const size of [1, 11]) expect(sizes.filter((s) => s === size)).toHaveLength(12)
    expect(made.reduce((a, c) => a + c.weight, 0)).toBeCloseTo(1, 10)
    const share = (s: number): number => made.reduce((a, c, i) => a + (sizes[i] === s ? c.weight : 0), 0)
    expect(share(1)).toBeCloseTo(share(11), 10)
    expect(share(4) / share(1)).toBeGreaterThan((0.6 * 11) / 32)
    expect(share(4) / share(1)).toBeLessThan((1.4 * 11) / 32)
  })
})

test('a Latin hypercube has one point in each stratum of each dimension', () => {
  const points = latinHypercube(9, 5, uniform(3))
  for (let d = 0; d < 5; d++)
    expect(points.map((p) => Math.floor(9 * (p[d] ?? 0))).sort()).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8])
})

test('regions are taken by the mean of what they add, small additions left out', () => {
  const width = 300
  const attribution = Float64Array.from({ length: width }, (_, i) => (i < 100 ? 3 : i < 200 ? 1 : i < 260 ? -1 : 5))
  const span = (from: number, to: number) => Uint8Array.from(attribution, (_, i) => (i >= from && i < to ? 1 : 0))
  const map = rankedRegions(attribution, [span(0, 150), span(50, 200), span(0, 260), span(100, 145)])
  // means 2.33, 1.67, 1.31; the last has fewer than 50; then 50 pixels of 1, then 60 of -1, and 40 are in no region
  expect(map[0]).toBeCloseTo((300 + 50) / 150, 5)
  expect(map[149]).toBe(map[0])
  expect(map[170]).toBe(1)
  expect(map[230]).toBe(-1)
  expect(map[280]).toBe(5)
})
