/** The CAM family on small random networks: each map against its definition, written here a second time in plain numbers. */
import { describe, expect, test } from 'vitest'
import { float32 } from '../../src/core/tensor.js'
import { declare } from '../../src/onnx/builder.js'
import type { Graph } from '../../src/onnx/ir.js'
import { differentiate, gradientName } from '../../src/vjp/differentiate.js'
import { mapsOf, planOf, refusal } from '../support/compiled.js'
import { relativeL2 } from '../support/measures.js'
import { FEATURES_SIDE, type Head, network, picture } from '../support/networks.js'
import { numbers, run } from '../support/run.js'

const POSITIONS = FEATURES_SIDE * FEATURES_SIDE
const CLASSES = 4

/** Rows of numbers, one a channel. */
type Channels = readonly (readonly number[])[]

/** Activation and gradient of the layer, by channel and place. */
async function layerOf(
  graph: Graph,
  seed: number,
  target: number,
): Promise<{ readonly a: Channels; readonly g: Channels }> {
  const x = picture(seed)
  const seedOf = float32(
    [1, CLASSES],
    Array.from({ length: CLASSES }, (_, i) => (i === target ? 1 : 0)),
  )
  const gradient = differentiate(graph, { of: 'logits', wrt: ['features'] })
  const g = numbers((await run(gradient, { x, [gradientName('logits')]: seedOf }))[gradientName('features')])
  const a = numbers((await run(graph.with({ outputs: [declare('features')] }), { x })).features)
  const rows = (v: readonly number[]): Channels =>
    Array.from({ length: v.length / POSITIONS }, (_, k) => v.slice(k * POSITIONS, (k + 1) * POSITIONS))
  return { a: rows(a), g: rows(g) }
}

const sum = (v: readonly number[]): number => v.reduce((total, one) => total + one, 0)
const each = (a: Channels, g: Channels, f: (a: number, g: number) => number): Channels =>
  a.map((row, k) => row.map((v, i) => f(v, g[k]?.[i] ?? Number.NaN)))
const overChannels = (rows: Channels): number[] =>
  Array.from({ length: POSITIONS }, (_, i) => sum(rows.map((row) => row[i] ?? Number.NaN)))
const weighted = (a: Channels, weights: readonly number[]): number[] =>
  overChannels(a.map((row, k) => row.map((v) => v * (weights[k] ?? Number.NaN))))

const DEFINITIONS: Readonly<Record<string, (a: Channels, g: Channels) => readonly number[]>> = {
  'grad-cam++': (a, g) =>
    weighted(
      a,
      g.map((row, k) =>
        sum(row.map((v) => (Math.max(v, 0) * v ** 2) / (2 * v ** 2 + sum(a[k] ?? []) * v ** 3 + 1e-6))),
      ),
    ),
  'xgrad-cam': (a, g) =>
    weighted(
      a,
      a.map((row, k) => sum(row.map((v, i) => v * (g[k]?.[i] ?? Number.NaN))) / (sum(row) + 1e-7)),
    ),
  'hires-cam': (a, g) => overChannels(each(a, g, (v, d) => v * d)),
  'layer-cam': (a, g) => overChannels(each(a, g, (v, d) => v * Math.max(d, 0))),
  'elementwise-grad-cam': (a, g) => overChannels(each(a, g, (v, d) => Math.max(v * d, 0))),
  'counterfactual-grad-cam': (a, g) =>
    weighted(
      a,
      g.map((row) => -sum(row) / POSITIONS),
    ),
  fem: (a) =>
    weighted(
      a,
      a.map((row) => {
        const mean = sum(row) / row.length
        const deviation = Math.sqrt(sum(row.map((v) => (v - mean) ** 2)) / row.length)
        return row.filter((v) => v > mean + 2 * deviation).length / row.length
      }),
    ),
  'eigen-cam': (a) => firstComponent(a),
  'eigen-grad-cam': (a, g) => firstComponent(each(a, g, (v, d) => v * d)),
}

/** The first principal component by Jacobi's method on the channels' covariance: another way than the one under test. */
function firstComponent(rows: Channels): number[] {
  const centred = rows.map((row) => row.map((v) => v - sum(row) / POSITIONS))
  const m = centred.map((p) => centred.map((q) => sum(p.map((v, i) => v * (q[i] ?? 0)))))
  const n = m.length
  const at = (r: number, c: number): number => m[r]?.[c] ?? Number.NaN
  const vectors = m.map((_, r) => m.map((_, c) => (r === c ? 1 : 0)))
  const rotate = (matrix: number[][], p: number, q: number, c: number, s: number): void => {
    for (const row of matrix) {
      const [x = 0, y = 0] = [row[p], row[q]]
      row[p] = c * x - s * y
      row[q] = s * x + c * y
    }
  }
  const flip = (matrix: number[][]): number[][] => matrix.map((_, r) => matrix.map((row) => row[r] ?? 0))
  for (let sweep = 0; sweep < 60; sweep++)
    for (let p = 0; p < n; p++)
      for (let q = p + 1; q < n; q++) {
        const angle = 0.5 * Math.atan2(2 * at(p, q), at(q, q) - at(p, p))
        const [c, s] = [Math.cos(angle), Math.sin(angle)]
        rotate(m, p, q, c, s)
        const turned = flip(m)
        rotate(turned, p, q, c, s)
        for (const [r, row] of flip(turned).entries()) m[r] = row
        rotate(vectors, p, q, c, s)
      }
  const best = m.reduce((top, _, k) => (at(k, k) > at(top, top) ? k : top), 0)
  const map = weighted(
    centred,
    vectors.map((row) => row[best] ?? Number.NaN),
  )
  return Math.max(...map) < -Math.min(...map) ? map.map((v) => -v) : map
}

describe.each(Object.entries(DEFINITIONS))('%s is its definition', (method, definition) => {
  test.each(['gemm-transposed', 'flatten-gemm', 'max-pool-gemm'] as const)(
    'on a network of head %s',
    async (head: Head) => {
      for (const [seed, target] of [
        [3, 0],
        [8, 3],
      ] as const) {
        const graph = network({ seed, head })
        const { a, g } = await layerOf(graph, seed + 5, target)
        const want = definition(a, g)
        const got = numbers((await mapsOf(graph, picture(seed + 5), [target], { method })).heatmap)
        expect(Math.hypot(...want)).toBeGreaterThan(1e-3)
        expect(relativeL2(got, want)).toBeLessThan(2e-4)
      }
    },
  )
})

const SMOOTH: Readonly<Record<string, (a: Channels, g: Channels) => Channels>> = {
  'grad-cam': (a, g) => a.map((row, k) => row.map((v) => (v * sum(g[k] ?? [])) / POSITIONS)),
  'layer-cam': (a, g) => each(a, g, (v, d) => v * Math.max(d, 0)),
}

test.each(Object.entries(SMOOTH))(
  '%s with eigen-smooth: the first principal component of what is summed',
  async (method, products) => {
    const graph = network({ seed: 3, head: 'flatten-gemm' })
    const { a, g } = await layerOf(graph, 8, 1)
    const options = { 'eigen-smooth': 1 }
    const got = numbers((await mapsOf(graph, picture(8), [1], { method, options })).heatmap)
    expect(relativeL2(got, firstComponent(products(a, g)))).toBeLessThan(2e-4)
  },
)

test('fem of binary masks: where channels fire, by their means', async () => {
  const graph = network({ seed: 3 })
  const { a } = await layerOf(graph, 8, 1)
  const masks = a.map((row) => {
    const mean = sum(row) / row.length
    const deviation = Math.sqrt(sum(row.map((v) => (v - mean) ** 2)) / row.length)
    return row.map((v) => (v >= mean + 2 * deviation ? mean : 0))
  })
  const got = numbers((await mapsOf(graph, picture(8), [1], { method: 'fem', options: { binary: 1 } })).heatmap)
  expect(relativeL2(got, overChannels(masks))).toBeLessThan(2e-4)
})

test('a switch is 0 or 1', async () => {
  const asked = mapsOf(network(), picture(8), [1], { method: 'grad-cam', options: { 'eigen-smooth': 2 } })
  const error = await refusal(asked)
  expect([error.code, error.message]).toEqual(['bad-option', expect.stringContaining('eigen-smooth is 2')])
})

test('kpca-cam refuses layers of very many places', async () => {
  const large = network().with({ inputs: [declare('x', 'float32', ['N', 3, 224, 224])] })
  const error = await refusal(planOf(large, { method: 'kpca-cam' }))
  expect([error.code, error.message]).toEqual(['method-not-applicable', expect.stringContaining('12544')])
})

test.each(['hires-cam', 'xgrad-cam'])('%s is Grad-CAM where the head averages', async (method) => {
  const graph = network({ seed: 4 })
  const x = picture(5)
  const own = numbers((await mapsOf(graph, x, [2], { method })).heatmap)
  const gradCam = numbers((await mapsOf(graph, x, [2], { method: 'grad-cam' })).heatmap)
  expect(relativeL2(own, gradCam)).toBeLessThan(1e-4)
})
