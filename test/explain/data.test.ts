/** Explanations as plain data: what goes to another thread, and what comes of it there. */
import { describe, expect, test } from 'vitest'
import { type Explanation, explanationOf, Model } from '../../src/explain/index.js'
import type { Picture } from '../../src/image/index.js'
import { METHODS } from '../../src/methods/index.js'
import { methodInfo } from '../../src/methods/method.js'
import { ON_CONVOLUTIONS } from '../support/methods.js'
import { network, picture, SIDE } from '../support/networks.js'
import { runtime } from '../support/ort.js'

const ALL = ON_CONVOLUTIONS.map((m) => m.id)

/** A picture that is cropped and resized before the network sees it. */
const photo: Picture = {
  width: 20,
  height: 15,
  data: Uint8Array.from({ length: 20 * 15 * 4 }, (_, i) => (i % 4 === 3 ? 255 : (i * 37) % 256)),
}

const load = (): Promise<Model> => Model.load(network(), runtime, { name: 'test' })

/** Everything that can be read from an explanation, functions called. */
function read(e: Explanation): unknown {
  const { heatmap, channels, at, data: _, ...told } = e
  const size = { width: 7, height: 5 }
  return [told, { ...heatmap }, channels?.(), { ...at(size).heatmap }, at(size, 'sum').heatmap.data]
}

describe('an explanation', () => {
  test.each([
    ['a photo', photo],
    ['a tensor', picture(3)],
  ])('of %s is made again of its data, cloned', async (_, image) => {
    const { explanations } = await (await load()).explainAll(image, {
      method: ALL,
      target: [1, 2],
      options: { patch: 6, stride: 3, iterations: 4 },
    })
    expect(explanations).toHaveLength(2 * ALL.length)
    for (const e of explanations) {
      const again = explanationOf(structuredClone(e.data))
      expect(again.heatmap.data).toEqual(e.heatmap.data)
      expect(read(again)).toEqual(read(e))
    }
  })

  test('says which method made it, without its functions', async () => {
    const { method } = await (await load()).explain(picture(1), { method: 'gradient' })
    expect(method).toMatchObject({ id: 'gradient', title: 'Gradient', space: 'input', channels: 'max-abs' })
    expect(structuredClone(method)).toEqual(method)
  })
})

test.each(METHODS)('$id: its info is all of it but the functions', (method) => {
  const plain = Object.entries(method).filter(([, value]) => typeof value !== 'function')
  expect(structuredClone(methodInfo(method))).toEqual(Object.fromEntries(plain))
})

test('a refused method is plain data too', async () => {
  const loaded = await Model.load(network({ head: 'flatten-gemm' }), runtime, { name: 'test' })
  const { refused } = await loaded.explainAll(picture(1), { method: ['cam', 'grad-cam'] })
  expect(refused.map((r) => structuredClone(r.method).id)).toEqual(['cam'])
})

test('work that goes on has explanations like those of work that is done', async () => {
  const seen: (readonly Explanation[])[] = []
  const { explanations } = await (await load()).explainAll(picture(4), {
    method: 'occlusion',
    target: [0, 3],
    options: { patch: 4, stride: 4 },
    batch: 4,
    onProgress: ({ partial }) => seen.push(partial()),
  })
  expect(seen.map((list) => list.map((e) => e.answer.index))).toEqual([
    [0, 3],
    [0, 3],
    [0, 3],
  ])
  const [first] = seen[0] ?? []
  expect([first?.method.id, first?.heatmap.width, first?.raw.layer]).toEqual(['occlusion', SIDE, undefined])
  expect(first?.provenance.options).toMatchObject({ patch: 4, stride: 4 })
  expect(seen.at(-1)?.map(read)).toEqual(explanations.map(read))
})
