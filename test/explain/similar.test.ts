/** Pictures ranked by how like they are to one, and the maps of it, against plain computation. */
import { expect, test } from 'vitest'
import { float32, type Tensor } from '../../src/core/tensor.js'
import { loadModel, similar } from '../../src/explain/index.js'
import { similarFigure } from '../../src/figures/index.js'
import { declare } from '../../src/onnx/builder.js'
import { refusal } from '../support/compiled.js'
import { correlation, relativeL2 } from '../support/measures.js'
import { model as graphOf } from '../support/model.js'
import { noise } from '../support/networks.js'
import { runtime } from '../support/ort.js'

/** A classifier of 4 classes on 5 pooled channels, at any size. */
const graph = graphOf({
  opset: 17,
  inputs: [declare('x', 'float32', ['N', 3, 12, 12])],
  outputs: [declare('logits', 'float32', ['N', 4])],
  nodes: [
    { op: 'Conv', inputs: ['x', 'k'], outputs: ['conv'], attributes: { pads: [1, 1, 1, 1], strides: [2, 2] } },
    { op: 'Tanh', inputs: ['conv'], outputs: ['features'] },
    { op: 'GlobalAveragePool', inputs: ['features'], outputs: ['pooled'] },
    { op: 'Flatten', inputs: ['pooled'], outputs: ['means'] },
    { op: 'Gemm', inputs: ['means', 'w', 'b'], outputs: ['logits'] },
  ],
  initializers: { k: noise(1, 5, 3, 3, 3), w: noise(2, 5, 4), b: noise(3, 4) },
})
const model = await loadModel({ name: 'net', graph, labels: undefined, preprocessing: undefined }, runtime)
const [query, ...others] = [4, 5, 6, 7].map((seed) => noise(seed, 3, 12, 12)) as [
  Tensor<'float32'>,
  ...Tensor<'float32'>[],
]
const named = others.map((image, i) => ({ name: `other ${i}`, image }))
const dot = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  Array.from(a).reduce((sum, v, i) => sum + v * (b[i] ?? 0), 0)
const cosine = (a: ArrayLike<number>, b: ArrayLike<number>): number => dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b))

test("a classifier's embedding is what its last linear layer reads; another value can be named", async () => {
  expect(model.embeddingValue()).toEqual({ value: 'means', size: 5 })
  expect(model.embeddingValue('pooled')).toEqual({ value: 'pooled', size: 5 })
  const means = await model.embedPicture(query)
  expect(relativeL2(await model.embedPicture(query, { of: 'pooled' }), means)).toBeLessThan(1e-6)
  expect((await model.embedPicture(query, { of: 'logits' })).length).toBe(4)
  expect((await refusal(model.embedPicture(query, { of: 'features' }))).message).toMatch(
    /"features" is .*an embedding is \[N, numbers\]/,
  )
  expect((await refusal(model.embedPicture(query, { of: 'mean' }))).code).toBe('unknown-value')
})

test('ranked by the cosine of the embeddings, with the gradient of it in both directions', async () => {
  const ranked = await similar(model, { name: 'query', image: query }, named, { method: 'gradient', top: 2 })
  const own = await model.embedPicture(query)
  const want = await Promise.all(
    named.map(async ({ name, image }) => ({ name, cosine: cosine(own, await model.embedPicture(image)) })),
  )
  want.sort((a, b) => b.cosine - a.cosine)
  expect(ranked.map((r) => r.name)).toEqual(want.map((r) => r.name))
  for (const [i, r] of ranked.entries()) expect(r.cosine).toBeCloseTo(want[i]?.cosine ?? 0, 5)
  expect(ranked.map((r) => r.maps !== undefined)).toEqual([true, true, false])
  // differences of the cosine, computed from embeddings alone
  for (const { name, maps } of ranked.slice(0, 2)) {
    const image = named.find((n) => n.name === name)?.image as Tensor<'float32'>
    for (const [x, to, map] of [
      [query, image, maps?.ofQuery],
      [image, query, maps?.ofPicture],
    ] as const) {
      const other = await model.embedPicture(to)
      const step = 1e-2
      const places = [0, 57, 200, 310, 431]
      const found: number[] = []
      for (const at of places) {
        const moved = async (by: number): Promise<number> => {
          const data = x.data.slice()
          data[at] = (data[at] ?? 0) + by
          return cosine(await model.embedPicture(float32(x.dims, data)), other)
        }
        found.push(((await moved(step)) - (await moved(-step))) / (2 * step))
      }
      const raw = places.map((at) => map?.raw.data[at] ?? 0)
      expect(correlation(raw, found)).toBeGreaterThan(0.999)
      expect(relativeL2(raw, found)).toBeLessThan(0.02)
    }
  }
  expect(ranked[0]?.maps?.ofQuery.target).toMatchObject({ kind: 'similarity', of: 'means' })
  expect(ranked[0]?.maps?.ofQuery.answer.label).toBe(`like ${ranked[0]?.name} in means`)
})

test('the figure has a column for each picture that is explained, and says where there is no gradient', async () => {
  const pixels = { width: 12, height: 12, channels: 3 as const, data: new Uint8Array(432).fill(90) }
  const itself = [...named, { name: 'itself', image: query }]
  const ranked = await similar(model, { name: 'query', image: query }, itself, { top: 2 })
  const figure = similarFigure({ name: 'query', picture: pixels }, ranked, () => pixels)
  expect(figure.columns.map((c) => c.title)).toEqual(['Query', 'itself', ranked[1]?.name])
  expect(figure.columns[1]?.subtitle).toBe('cosine 1.000')
  expect(figure.rows.map((r) => r.cells.length)).toEqual([3, 3])
  expect(figure.rows[0]?.cells[1]).toMatchObject({ message: expect.stringMatching(/no gradient/) })
  expect((await refusal(similar(model, { name: 'query', image: query }, []))).message).toMatch(/no picture to compare/)
})
