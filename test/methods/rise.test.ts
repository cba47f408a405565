/** RISE: what its masks are, and what the map says. */
import { expect, test } from 'vitest'
import { float32, type Tensor } from '../../src/core/tensor.js'
import { type ExplainOptions, Model } from '../../src/explain/index.js'
import { declare } from '../../src/onnx/builder.js'
import type { Graph } from '../../src/onnx/ir.js'
import { relativeL2 } from '../support/measures.js'
import { model } from '../support/model.js'
import { network, noise, picture } from '../support/networks.js'
import { runtime } from '../support/ort.js'

const SIDE = 28

/** The logit of each class is the sum of the picture under that class' weights, a plane each. */
function weighted(...planes: readonly Float32Array[]): Graph {
  const data = planes.flatMap((plane) => [...plane])
  return model({
    opset: 18,
    nodes: [
      { op: 'Flatten', inputs: ['x'], outputs: ['flat'] },
      { op: 'Gemm', inputs: ['flat', 'w'], outputs: ['logits'], attributes: { transB: 1 } },
    ],
    inputs: [declare('x', 'float32', ['N', 1, SIDE, SIDE])],
    outputs: [declare('logits', 'float32', ['N', planes.length])],
    initializers: { w: float32([planes.length, SIDE * SIDE], data) },
  })
}

async function rise(graph: Graph, x: Tensor<'float32'>, options: ExplainOptions): Promise<readonly Float32Array[]> {
  const loaded = await Model.load(graph, runtime, { name: 'test' })
  try {
    const set = await loaded.explainAll(x, { method: 'rise', ...options })
    return set.explanations.map((e) => e.raw.data)
  } finally {
    await loaded.release()
  }
}

const only = (...places: readonly (readonly [number, number])[]): Float32Array => {
  const plane = new Float32Array(SIDE * SIDE)
  for (const [y, x] of places) plane[y * SIDE + x] = 1
  return plane
}
const ones = float32([1, 1, SIDE, SIDE], new Float32Array(SIDE * SIDE).fill(1))

test('the map of one pixel is how masks go together with it: most there, nothing two cells away', async () => {
  const [at, other] = [
    [14, 14],
    [5, 20],
  ] as const
  const options = { masks: 4000, cells: 7 }
  const [map, next] = await rise(weighted(only(at), only(other)), ones, { target: [0, 1], options, batch: 500 })
  for (const [data, [y, x]] of [
    [map ?? new Float32Array(), at],
    [next ?? new Float32Array(), other],
  ] as const) {
    const value = (v: number, u: number): number => data[v * SIDE + u] ?? Number.NaN
    // cells of 4 pixels, half of them open: the variance of one between cells is 1/9, at a cell's middle 1/4, over p
    expect(value(y, x)).toBeGreaterThan(0.15)
    expect(value(y, x)).toBeLessThan(0.5)
    const largest = data.indexOf(Math.max(...data))
    expect(Math.hypot(Math.floor(largest / SIDE) - y, (largest % SIDE) - x)).toBeLessThan(2.5)
    const far = Array.from(data).filter((_, i) => Math.hypot(Math.floor(i / SIDE) - y, (i % SIDE) - x) > 9)
    expect(Math.max(...far.map(Math.abs))).toBeLessThan(0.2 * value(y, x))
  }
})

test('what does not tell in the score has no map; a rarer opening makes a higher one', async () => {
  const [nothing] = await rise(weighted(new Float32Array(SIDE * SIDE)), ones, { options: { masks: 100 } })
  expect(nothing?.every((v) => v === 0)).toBe(true)
  const peak = async (open: number): Promise<number> => {
    const [map] = await rise(weighted(only([14, 14])), ones, { options: { masks: 3000, open }, batch: 500 })
    return map?.[14 * SIDE + 14] ?? Number.NaN
  }
  // the variance of a cell over its probability: 1 - p
  const [often, rarely] = [await peak(0.8), await peak(0.2)]
  expect(rarely / often).toBeGreaterThan(3)
  expect(rarely / often).toBeLessThan(5.3)
})

test('the same seed gives the same map, however runs are shared out and whatever other targets there are', async () => {
  const x = picture(3)
  const options = { masks: 40, cells: 3, seed: 5 }
  const [alone] = await rise(network(), x, { target: 2, options, batch: 1 })
  const [, among] = await rise(network(), x, { target: [0, 2], options, batch: 16 })
  expect(relativeL2(among ?? [], alone ?? [])).toBeLessThan(1e-4)
  const [another] = await rise(network(), x, { target: 2, options: { ...options, seed: 6 } })
  expect(relativeL2(another ?? [], alone ?? [])).toBeGreaterThan(0.1)
})

test.each([
  ['a volume', ['N', 1, 3, 8, 8], [1, 3, 8, 8], [3, 8, 8]],
  ['a signal', ['N', 2, 40], [2, 40], [40]],
] as const)('%s has a map of its places, and gradients of its shape', async (_, declared, dims, places) => {
  const axes = declared.map((_size, i) => BigInt(i)).slice(1)
  const graph = model({
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
  const loaded = await Model.load(graph, runtime, { name: 'test' })
  const x = noise(9, 1, ...dims)
  const of = async (method: string, options: Readonly<Record<string, number>>) =>
    (await loaded.explain(x, { method, target: 0, options })).raw
  expect((await of('rise', { masks: 20 })).dims).toEqual(places)
  const parts = await of('integrated-gradients', { steps: 2 })
  expect(parts.dims).toEqual(dims)
  expect(
    relativeL2(
      parts.data,
      x.data.map((v) => v * v),
    ),
  ).toBeLessThan(1e-5)
  expect((await of('smooth-grad', { samples: 2 })).dims).toEqual(dims)
  await loaded.release()
})

test.each([{ masks: 1 }, { open: 0 }, { open: 1 }, { open: 'often' }, { cells: 2.5 }, { seed: -1 }])(
  '%j is refused',
  async (options) => {
    await expect(
      rise(network(), picture(1), { options: options as Readonly<Record<string, number>> }),
    ).rejects.toMatchObject({
      code: 'bad-option',
    })
  },
)
