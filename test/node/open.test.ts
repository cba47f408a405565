/** The front door: what may be opened, what may be looked at, and what comes back. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { beforeAll, describe, expect, test, vi } from 'vitest'
import type { Runtime } from '../../src/core/runtime.js'
import { float32, type Tensor } from '../../src/core/tensor.js'
import { VERSION } from '../../src/explain/index.js'
import type { Picture } from '../../src/image/index.js'
import { decodePicture } from '../../src/node/codec.js'
import { methods, type NodeModel, open } from '../../src/node/index.js'
import { pathOf, SHIPPED_MODEL } from '../support/files.js'
import { runtime } from '../support/ort.js'
import { quadrantsImage } from './pictures.js'
import { failureOf, fill, TINY_LABELS, TINY_SIDE, temporaryFolder, textModel, tinyModel } from './support.js'

const PHOTO = pathOf('examples/cat-and-coffee.jpg')
const tiny = tinyModel()

/** A runtime that counts the sessions it makes and those still held. */
function counting(): Runtime & { made: number; held: number } {
  const counter = {
    name: runtime.name,
    made: 0,
    held: 0,
    async createSession(...given: Parameters<Runtime['createSession']>) {
      const session = await runtime.createSession(...given)
      counter.made++
      counter.held++
      return {
        ...session,
        release: async () => {
          counter.held--
          await session.release()
        },
      }
    },
  }
  return counter
}

async function openTiny(wrapped: Runtime = runtime): Promise<NodeModel> {
  return open(tiny, { labels: TINY_LABELS, runtime: wrapped })
}

async function tinyPicture(): Promise<Picture> {
  return decodePicture(await quadrantsImage(20, 30).png().toBuffer(), 'picture')
}

describe('the shipped model', () => {
  let model: NodeModel
  beforeAll(async () => {
    model = await open()
  })

  test('answers with index, label, logit and probability, best first', async () => {
    const answers = await model.classify(PHOTO)
    expect(answers).toHaveLength(5)
    expect(answers[0]).toEqual({
      index: 285,
      label: 'Egyptian cat',
      logit: expect.closeTo(8.88, 1),
      probability: expect.closeTo(0.4, 1),
    })
    expect(answers.map((a) => a.label)).toContain('espresso')
    const all = await model.classify(PHOTO, { top: 1000 })
    expect(all).toHaveLength(1000)
    expect(all.reduce((sum, a) => sum + a.probability, 0)).toBeCloseTo(1, 4)
    const logits = all.map((a) => a.logit)
    expect(logits).toEqual([...logits].sort((a, b) => b - a))
  })

  test('explains a label of a file', async () => {
    const { width, height } = await decodePicture(readFileSync(PHOTO), PHOTO)
    const result = await model.explain(PHOTO, { method: 'grad-cam', target: 'espresso' })
    expect(result.answer).toMatchObject({ index: 967, label: 'espresso' })
    expect(result.raw).toMatchObject({ type: 'float32', dims: [7, 7], layer: 'relu6_1.Clip' })
    expect(result.heatmap).toMatchObject({ width, height })
    expect(result.heatmap.data).toHaveLength(width * height)
    expect(result.diagnosis).toEqual([])
    expect(result.provenance).toMatchObject({
      onnxplain: VERSION,
      runtime: runtime.name,
      model: { name: 'efficientnet-lite0 (shipped)', sha256: expect.stringMatching(/^[0-9a-f]{64}$/) },
      method: 'grad-cam',
      layer: 'relu6_1.Clip',
      target: { kind: 'class', index: 967, score: 'logit' },
      answer: { label: 'espresso', logit: result.answer.logit },
      preprocessing: { crop: { height: 224, width: 224 } },
    })
    expect(JSON.parse(JSON.stringify(result.provenance))).toEqual(result.provenance)
  })

  test('path, URL, bytes and pixels are the same picture', async () => {
    const bytes = new Uint8Array(readFileSync(PHOTO))
    const sources = [PHOTO, pathToFileURL(PHOTO), bytes, await decodePicture(bytes, 'picture')]
    const maps = []
    for (const source of sources) maps.push(Array.from((await model.explain(source, { target: 285 })).raw.data))
    for (const map of maps) expect(map).toEqual(maps[0])
  })

  test('a preprocessed tensor, with and without the batch axis', async () => {
    const data = Float32Array.from({ length: 3 * 224 * 224 }, (_, i) => Math.sin(i / 500))
    const one = await model.explain(float32([3, 224, 224], data), { target: 1 })
    const two = await model.explain(float32([1, 3, 224, 224], data), { target: 1 })
    expect(Array.from(two.raw.data)).toEqual(Array.from(one.raw.data))
    expect(one.heatmap).toMatchObject({ width: 224, height: 224 })
    expect(one.provenance.preprocessing).toBeNull()
  })
})

describe('what may be opened', () => {
  test('a file, a URL of a file, a folder, bytes: the same answers', async () => {
    const folder = fill(temporaryFolder(), { 'model.onnx': tiny, 'config.json': { id2label: { ...TINY_LABELS } } })
    const file = join(folder, 'model.onnx')
    const picture = await tinyPicture()
    const answers = []
    for (const source of [file, pathToFileURL(file), folder, tiny]) {
      await using model = await open(source, { runtime, labels: TINY_LABELS })
      answers.push(await model.classify(picture))
    }
    for (const a of answers) expect(a).toEqual(answers[0])
    expect(answers[0]).toHaveLength(5)
  })

  test('the preprocessing that had to be assumed is said, and kept in the provenance', async () => {
    const warn = vi.fn<(line: string) => void>()
    await using model = await open(tiny, { runtime, warn })
    expect(warn.mock.calls).toEqual([[expect.stringContaining('the usual ImageNet preprocessing (assumed)')]])
    const { provenance, answer } = await model.explain(await tinyPicture())
    expect(provenance.notes.join()).toContain('assumed')
    expect(answer.label).toMatch(/^class \d$/)
  })

  test('preprocessing given by hand changes the answers', async () => {
    const picture = await tinyPicture()
    await using usual = await openTiny()
    await using other = await open(tiny, { runtime, labels: TINY_LABELS, mean: [0, 0, 0], std: [1, 1, 1] })
    const [a] = await usual.classify(picture)
    const [b] = await other.classify(picture)
    expect(b?.logit).not.toBeCloseTo(a?.logit ?? Number.NaN, 3)
  })

  test.each([
    ['no-image-input', textModel()],
    ['invalid-model', Buffer.from('not a model')],
    ['invalid-model', tiny.subarray(0, 200)],
  ])('%s', async (code, bytes) => {
    expect((await failureOf(open(bytes, { runtime }))).code).toBe(code)
  })

  test('a file that is missing', async () => {
    expect((await failureOf(open(pathOf('models/none.onnx')))).code).toBe('cannot-read')
  })
})

describe('sessions', () => {
  test('another class, another picture and a repeat cost no session', async () => {
    const counter = counting()
    const model = await openTiny(counter)
    const picture = await tinyPicture()
    await model.classify(picture)
    await model.explain(picture, { target: 'cat' })
    const made = counter.made
    const first = await model.explain(picture, { target: 'dog' })
    const again = await model.explain(picture, { target: 'dog' })
    await model.explain(float32([3, TINY_SIDE, TINY_SIDE]), { target: 0 })
    await model.classify(picture)
    expect(counter.made).toBe(made)
    expect(Array.from(again.raw.data)).toEqual(Array.from(first.raw.data))
    await model.explain(picture, { method: 'gradient' })
    expect(counter.made).toBe(made + 1)
    await model.dispose()
  })

  test('many methods keep few sessions, and dispose releases all', async () => {
    const counter = counting()
    const picture = await tinyPicture()
    {
      await using model = await openTiny(counter)
      for (const { id, kind, family } of methods)
        if (kind === 'compiled' && family !== 'attention') await model.explain(picture, { method: id })
      expect(counter.made).toBeGreaterThan(5)
      expect(counter.held).toBeLessThanOrEqual(4)
      expect(counter.held).toBeGreaterThan(0)
    }
    expect(counter.held).toBe(0)
  })
})

describe('explaining', () => {
  test('explainAll gives every method of every target, method by method', async () => {
    await using model = await openTiny()
    const set = await model.explainAll(await tinyPicture(), {
      method: ['grad-cam', 'occlusion'],
      target: ['ant', 4],
      options: { patch: 8, stride: 8 },
    })
    expect(set.explanations.map((e) => [e.method.id, e.answer.label])).toEqual([
      ['grad-cam', 'ant'],
      ['grad-cam', 'elk'],
      ['occlusion', 'ant'],
      ['occlusion', 'elk'],
    ])
    expect(set.explanations[2]?.provenance.options).toMatchObject({ patch: 8, stride: 8, fill: 'mean' })
    expect(set.answers).toHaveLength(5)
  })

  test.each([
    ['unknown-label', { target: 'cta' }, '"cat"'],
    ['unknown-label', { target: 5 }, 'from 0 to 4'],
    ['unknown-layer', { layer: 'featurs' }, '"features"'],
    ['unknown-method', { method: 'gradcamm' }, '"grad-cam"'],
    ['bad-option', { method: 'occlusion', options: { pach: 3 } }, '"patch"'],
    ['bad-option', { method: 'occlusion', options: { patch: 0 } }, 'at least 1'],
  ])('%s: %j', async (code, options, words) => {
    await using model = await openTiny()
    const error = await failureOf(model.explain(await tinyPicture(), options))
    expect(error.code).toBe(code)
    expect(error.message).toContain(words)
  })

  test.each<readonly [string, Tensor<'float32'>, string]>([
    ['a tensor of another size', float32([3, 8, 8]), 'shape-mismatch'],
    ['a tensor of a batch', float32([2, 3, 16, 16]), 'invalid-tensor'],
    ['a tensor with NaN', float32([3, 16, 16], new Float32Array(768).fill(Number.NaN)), 'invalid-tensor'],
  ])('%s', async (_, image, code) => {
    await using model = await openTiny()
    expect((await failureOf(model.explain(image))).code).toBe(code)
  })

  test('a NaN among the weights is named', async () => {
    await using model = await open(tinyModel({ weight: Number.NaN }), { runtime })
    const error = await failureOf(model.classify(await tinyPicture()))
    expect(error.code).toBe('not-finite-weight')
    expect(error.message).toContain('kernel')
  })

  test('work that is aborted ends with the code aborted', async () => {
    await using model = await openTiny()
    const picture = await tinyPicture()
    const abort = new AbortController()
    const work = model.explain(picture, {
      method: 'occlusion',
      options: { patch: 4, stride: 1 },
      signal: abort.signal,
      onProgress: () => abort.abort(),
    })
    expect((await failureOf(work)).code).toBe('aborted')
  })

  test('compile gives the plan whose graph holds the map', async () => {
    await using model = await openTiny()
    const plan = model.compile({ method: 'grad-cam' })
    expect(plan.graph.outputs.map((o) => o.name)).toEqual(['logits', 'heatmap'])
  })

  test('the file of the shipped model and the shipped model hash to the same', async () => {
    await using shipped = await open(undefined, { runtime })
    await using file = await open(pathOf(SHIPPED_MODEL), { runtime })
    const tensor = float32([3, 224, 224])
    const [a, b] = [await shipped.explain(tensor), await file.explain(tensor)]
    expect(b.provenance.model.sha256).toBe(a.provenance.model.sha256)
  })
})
