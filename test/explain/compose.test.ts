/** Several layers as one, smoothing, and other libraries' maps (fixtures of scripts/preset_fixtures.py). */
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { float32 } from '../../src/core/tensor.js'
import { type ExplainOptions, LIBRARIES, Model } from '../../src/explain/index.js'
import { type Subject, subject } from '../methods/agreement/measure.js'
import { refusal } from '../support/compiled.js'
import { pathOf } from '../support/files.js'
import { correlation, relativeL2 } from '../support/measures.js'
import { network, picture as noise, SIDE } from '../support/networks.js'
import { runtime } from '../support/ort.js'

const WANTED: Readonly<Record<string, readonly number[]>> = JSON.parse(
  readFileSync(pathOf('test/fixtures/methods/presets.json'), 'utf8'),
)
const LAYERS = ['blocks.15.project_conv.Conv', 'relu6_1.Clip']

let on: Subject
beforeAll(async () => {
  on = await subject('shipped')
})
afterAll(() => on.model.release())

/** The raw map as it is stored: every eighth row and column from the fifth on, where it is as fine as the input. */
async function map(options: ExplainOptions): Promise<Float32Array> {
  const { raw } = await on.model.explain(on.picture, { target: 285, ...options })
  if (raw.dims[0] !== 224) return raw.data
  return Float32Array.from(
    { length: 28 * 28 },
    (_, i) => raw.data[(4 + 8 * Math.floor(i / 28)) * 224 + 4 + 8 * (i % 28)] ?? 0,
  )
}

// torchray's is the positive part of Captum's, and has no scale of its own
test.each(LIBRARIES.map((l) => l.id))('as %s has it, to the letter', async (like) => {
  const want = like === 'torchray' ? WANTED.captum?.map((v) => Math.max(0, v)) : WANTED[like]
  expect(relativeL2(await map({ like }), want ?? [])).toBeLessThan(2e-5)
})

test('several layers, as pytorch-grad-cam has them', async () => {
  const mean = await map({ like: 'pytorch-grad-cam', layer: LAYERS })
  expect(relativeL2(mean, WANTED.mean ?? [])).toBeLessThan(2e-5)
  expect(correlation(await map({ layer: LAYERS, fuse: 'mean' }), mean)).toBeGreaterThan(0.9999)
  // RefineCAM scales the product
  expect(correlation(await map({ layer: LAYERS, fuse: 'product' }), WANTED.product ?? [])).toBeGreaterThan(0.9999)
})

test('augment is the mean over the copies of aug_smooth', async () => {
  expect(relativeL2(await map({ smooth: 'augment' }), WANTED.augment ?? [])).toBeLessThan(1e-4)
  expect(correlation(await map({}), WANTED.augment ?? [])).toBeLessThan(0.9999)
})

describe('on a small network', () => {
  const load = () => Model.load(network({ head: 'flatten-gemm' }), runtime, { name: 'test' })
  const x = noise(5)

  test.each(['gradient', 'grad-cam', 'occlusion'])('%s of one copy without noise is the plain map', async (method) => {
    const model = await load()
    const options = { method, target: [0, 2], options: method === 'occlusion' ? { patch: 4, stride: 4 } : {} }
    const plain = await model.explainAll(x, options)
    const copy = await model.explainAll(x, { ...options, smooth: { kind: 'noise', samples: 1, noise: 0 } })
    expect(copy.explanations.map((e) => [...e.raw.data])).toEqual(plain.explanations.map((e) => [...e.raw.data]))
    expect(copy.explanations[0]?.provenance.smoothing).toEqual({ kind: 'noise', copies: 1, noise: 0, seed: 0 })
  })

  test('flip is the mean with the mirror image laid back, and so the same for the mirrored picture', async () => {
    const model = await load()
    const mirrored = float32(
      x.dims,
      x.data.map((_, i) => x.data[i - (i % SIDE) + SIDE - 1 - (i % SIDE)] ?? 0),
    )
    const back = (data: Float32Array, width: number): number[] =>
      Array.from(data, (_, i) => data[i - (i % width) + width - 1 - (i % width)] ?? 0)
    for (const method of ['gradient', 'hires-cam']) {
      const [plain, other] = [
        await model.explain(x, { method, target: 1 }),
        await model.explain(mirrored, { method, target: 1 }),
      ]
      const width = plain.raw.dims.at(-1) ?? 1
      const turned = back(other.raw.data, width)
      const { raw } = await model.explain(x, { method, target: 1, smooth: 'flip' })
      expect(
        relativeL2(
          raw.data,
          plain.raw.data.map((v, i) => (v + (turned[i] ?? 0)) / 2),
        ),
      ).toBeLessThan(1e-6)
      const again = await model.explain(mirrored, { method, target: 1, smooth: 'flip' })
      expect(relativeL2(back(again.raw.data, width), raw.data)).toBeLessThan(1e-6)
    }
  })

  test('progress tells of the copies, with the mean so far, and an abort is heard between them', async () => {
    const model = await load()
    const seen: string[] = []
    const abort = new AbortController()
    const work = model.explainAll(x, {
      smooth: 'augment',
      signal: abort.signal,
      onProgress: ({ done, total, partial }) => {
        seen.push(`${done}/${total} ${partial().length}`)
        if (done === 3) abort.abort()
      },
    })
    await expect(work).rejects.toMatchObject({ code: 'aborted' })
    expect(seen).toEqual(['1/6 1', '2/6 1', '3/6 1'])
  })

  test('what one layer denies is gone in the product, and max keeps what either has', async () => {
    const model = await load()
    const layer = ['hidden', 'features']
    const all = await Promise.all(
      ['product', 'mean', 'max'].map((fuse) =>
        model.explainAll(x, { layer, fuse, target: [0, 1], method: ['layer-cam', 'gradient'] }),
      ),
    )
    const [product, mean, max] = all.map((set) => set.explanations[0]?.raw.data ?? new Float32Array())
    expect(all.map((set) => set.explanations.map((e) => e.method.id))).toEqual(
      all.map(() => ['layer-cam', 'layer-cam', 'gradient', 'gradient']),
    )
    for (const [i, m] of (mean ?? []).entries()) {
      expect(product?.[i]).toBeLessThanOrEqual(m + 1e-6)
      expect(max?.[i]).toBeGreaterThanOrEqual(m - 1e-6)
    }
    expect(all[0]?.explanations[0]?.provenance).toMatchObject({ layer: 'hidden + features', fusion: 'product' })
  })

  test.each([
    [{ fuse: 'median', layer: ['hidden', 'features'] }, 'fuse'],
    [{ fuse: 'mean' }, 'fuse'],
    [{ smooth: 'flp' }, 'smooth'],
    [{ smooth: { kind: 'noise', samples: 0 } }, 'smooth.samples'],
    [{ smooth: { kind: 'noise', noise: -1 } }, 'smooth.noise'],
    [{ like: 'captm' }, 'like'],
  ] as const)('%j is refused by name', async (options, where) => {
    const error = await refusal((await load()).explainAll(x, options))
    expect(error).toMatchObject({ code: 'bad-option' })
    expect(error.message).toContain(where)
  })

  test('a preset for methods at a layer refuses others', async () => {
    const error = await refusal((await load()).explainAll(x, { method: 'gradient', like: 'captum' }))
    expect(error.code).toBe('method-not-applicable')
  })
})
