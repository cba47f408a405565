/** Pictures and texts in one space: embeddings and maps of their cosine, against PyTorch's (scripts/target_embeddings.py). */
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { float32, sizeOf, sliceFirst, type Tensor } from '../../src/core/tensor.js'
import { textTokens } from '../../src/explain/embed.js'
import { assembleModel, loadModel, type Model, type ModelText, type Plan } from '../../src/explain/index.js'
import { resolveModel } from '../../src/node/resolve.js'
import { declare } from '../../src/onnx/builder.js'
import { encodeSkeleton } from '../../src/onnx/encode.js'
import { refusal } from '../support/compiled.js'
import { pathOf } from '../support/files.js'
import { correlation, relativeL2 } from '../support/measures.js'
import { readNpyFloat32 } from '../support/npy.js'
import { runtime } from '../support/ort.js'
import { numbers } from '../support/run.js'

const FOLDER = 'test/fixtures/targets'
/** The texts of the rows of input_ids.npy. */
const TEXTS = ['one four house', 'one star', 'of bird up near']

interface Meta {
  readonly layer: { readonly name: string }
  readonly targets: readonly {
    readonly target: { readonly row: number }
    readonly score: number
    readonly scale: Readonly<Record<'input' | 'layer', number>>
  }[]
}

const stored = (name: string, file: string): Tensor<'float32'> => readNpyFloat32(pathOf(`${FOLDER}/${name}/${file}`))
const metaOf = (name: string): Meta => JSON.parse(readFileSync(pathOf(`${FOLDER}/${name}/meta.json`), 'utf8'))
const opened = async (path: string): Promise<Model> =>
  loadModel(await resolveModel(pathOf(`${FOLDER}/${path}`)), runtime)
const rowOf = (t: Tensor<'float32'>, i: number): Float32Array => sliceFirst(t, i).data
const cosine = (a: ArrayLike<number>, b: ArrayLike<number>): number => {
  const dot = (x: ArrayLike<number>, y: ArrayLike<number>) => Array.from(x).reduce((s, v, i) => s + v * (y[i] ?? 0), 0)
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b))
}

const models: Readonly<Record<string, Model>> = {
  clip: await opened('clip'),
  'clip-two-files': await opened('clip-two-files'),
  'clip-resnet': await opened('clip-resnet'),
}
const modelOf = (name: string): Model => models[name] as Model

/** Grad-CAM of a layer of tokens or of a map, from PyTorch's gradient: the mean gradient of the places weighs the channels. */
async function gradCam(name: string, gradient: Tensor<'float32'>): Promise<Float32Array> {
  const { layer } = metaOf(name)
  const { graph } = modelOf(name)
  const given = graph.with({ outputs: [declare(layer.name)] })
  const session = await runtime.createSession(encodeSkeleton(given))
  const feeds: Record<string, Tensor> = { pixel_values: stored(name, 'pixel_values.npy') }
  for (const i of session.inputs.filter((v) => v.name !== 'pixel_values'))
    feeds[i.name] = { type: 'int64', dims: [1, 1], data: BigInt64Array.of(1n) }
  const value = numbers((await session.run(feeds))[layer.name])
  await session.release()
  const tokens = gradient.dims.length === 3
  const [count, width] = tokens
    ? [(gradient.dims[1] ?? 0) - 1, gradient.dims[2] ?? 0]
    : [sizeOf(gradient.dims.slice(2)), gradient.dims[1] ?? 0]
  const at = (place: number, k: number): number => (tokens ? (place + 1) * width + k : k * count + place)
  const map = new Float32Array(count)
  for (let k = 0; k < width; k++) {
    let mean = 0
    for (let p = 0; p < count; p++) mean += (gradient.data[at(p, k)] ?? 0) / count
    for (let p = 0; p < count; p++) map[p] = (map[p] ?? 0) + mean * (value[at(p, k)] ?? 0)
  }
  return map
}

describe.each(['clip', 'clip-two-files'])('%s', (name) => {
  const model = modelOf(name)
  const x = stored(name, 'pixel_values.npy')

  test("a picture's and texts' embeddings are PyTorch's, whatever the tokenizer fills up", async () => {
    expect(model.others).toEqual([])
    expect(model.answer.output).toBe('image_embeds')
    const picture = stored(name, 'output-image_embeds.npy')
    expect(relativeL2(await model.embedPicture(x), rowOf(picture, 0))).toBeLessThan(1e-5)
    const texts = stored(name, 'output-text_embeds.npy')
    for (const [i, text] of TEXTS.entries())
      expect(relativeL2(await model.embedText(text), rowOf(texts, i))).toBeLessThan(1e-5)
    expect(relativeL2(await model.embedText('one house'), rowOf(texts, 1))).toBeGreaterThan(0.05)
  })

  test("maps of a text's cosine are PyTorch's gradients, at the default layer too", async () => {
    const { layer, targets } = metaOf(name)
    const [pixels, at] = [stored(name, 'grad_input.npy'), stored(name, 'grad_layer.npy')]
    for (const [i, { target, score }] of targets.entries()) {
      const asked = { target: `text:${TEXTS[target.row]}` }
      const gradient = await model.explain(x, { ...asked, method: 'gradient' })
      expect(correlation(gradient.raw.data, rowOf(pixels, i))).toBeGreaterThan(0.9999)
      const scale = name === 'clip' ? Math.exp(2.6592) : 1
      expect(gradient.answer.logit).toBeCloseTo(score / scale, 5)
      const cam = await model.explain(x, asked)
      expect(cam.raw.layer).toBe(layer.name)
      expect(cam.raw.dims).toEqual([3, 3])
      const want = await gradCam(name, sliceFirst(at, i))
      expect(correlation(cam.raw.data, want)).toBeGreaterThan(0.9999)
    }
  })

  test('one text rather than another is the difference of their maps', async () => {
    const [one, two, both] = ['one four house', 'one star', 'one four house>one star'].map((t) => `text:${t}`)
    const set = await model.explainAll(x, { target: [one, two, both].map(String) })
    const [a, b, c] = set.explanations.map((e) => e.raw.data)
    expect(
      relativeL2(
        c ?? [],
        Array.from(a ?? [], (v, i) => v - (b?.[i] ?? 0)),
      ),
    ).toBeLessThan(1e-4)
    expect(set.explanations[2]?.answer.label).toBe('“one four house” rather than “one star”')
  })

  test('labels are prompts: softmax of the scaled cosines, and the best is explained', async () => {
    const prompted = model.withLabels(TEXTS)
    const picture = await model.embedPicture(x)
    const scale = name === 'clip' ? Math.exp(2.6592) : 100
    const logits = await Promise.all(TEXTS.map(async (t) => scale * cosine(picture, await model.embedText(t))))
    const answers = await prompted.classify(x)
    for (const { index, logit } of answers) expect(logit).toBeCloseTo(logits[index] ?? 0, 3)
    expect(answers.reduce((s, a) => s + a.probability, 0)).toBeCloseTo(1, 6)
    if (name === 'clip')
      for (const [i, want] of rowOf(stored(name, 'output-logits_per_image.npy'), 0).entries())
        expect(logits[i]).toBeCloseTo(want, 3)
    const set = await prompted.explainAll(x)
    expect(set.answers).toEqual(answers)
    expect(set.explanations[0]?.target).toMatchObject({ kind: 'text', text: answers[0]?.label })
  })

  test('the compiled model takes the embedding as an input and gives the same map', async () => {
    const plan: Plan = model.compile({ target: 'text', scored: true })
    expect(plan.targetInputs.map((i) => [i.name, i.dims])).toEqual([['embedding', [16]]])
    const session = await runtime.createSession(encodeSkeleton(plan.graph))
    const { target, raw, answer } = await model.explain(x, { target: 'text:one star' })
    const given = 'embedding' in target ? (target.embedding ?? []) : []
    const feeds = { pixel_values: x, embedding: float32([1, 16], Float32Array.from(given)) }
    const words = Object.fromEntries(
      session.inputs
        .filter((i) => !(i.name in feeds))
        .map((i): [string, Tensor] => [i.name, { type: 'int64', dims: [1, 1], data: BigInt64Array.of(1n) }]),
    )
    const out = await session.run({ ...feeds, ...words })
    expect(relativeL2(numbers(out.heatmap), raw.data)).toBeLessThan(1e-5)
    expect(numbers(out.score)[0]).toBeCloseTo(answer.logit, 5)
    await session.release()
  })
})

test('a tower that pools its last map by attention', async () => {
  const [name, model] = ['clip-resnet', modelOf('clip-resnet')]
  const x = stored(name, 'pixel_values.npy')
  const texts = stored(name, 'output-text_embeds.npy')
  const { layer, targets } = metaOf(name)
  for (const [i, { target, score }] of targets.entries()) {
    const text = { kind: 'text', text: 'given', embedding: unit(rowOf(texts, target.row)) } as const
    const gradient = await model.explain(x, { target: text, method: 'gradient' })
    expect(correlation(gradient.raw.data, rowOf(stored(name, 'grad_input.npy'), i))).toBeGreaterThan(0.999)
    expect(gradient.answer.logit).toBeCloseTo(score, 4)
    const cam = await model.explain(x, { target: text, layer: layer.name })
    const want = await gradCam(name, sliceFirst(stored(name, 'grad_layer.npy'), i))
    expect(correlation(cam.raw.data, want)).toBeGreaterThan(0.999)
  }
  expect(
    (await model.explain(x, { target: { kind: 'text', text: 'given', embedding: unit(rowOf(texts, 0)) } })).raw.dims,
  ).toEqual([4, 4])
  expect((await refusal(model.embedText('one star'))).message).toMatch(/reads no texts.*text_model.onnx/)
})

function unit(v: Float32Array): number[] {
  return Array.from(v, (x) => x / Math.hypot(...v))
}

describe('what is missing is named', () => {
  const files = (names: Readonly<Record<string, string>>) => ({
    read: async (path: string) => {
      const from = names[path]
      return from === undefined ? undefined : Uint8Array.from(readFileSync(pathOf(`${FOLDER}/${from}`)))
    },
    name: (path: string) => path,
  })
  const put = async (names: Readonly<Record<string, string>>, entry = 'vision_model.onnx'): Promise<Model> => {
    const all = files(names)
    const bytes = (await all.read(entry)) ?? new Uint8Array()
    return loadModel({ name: 'towers', ...(await assembleModel(entry, bytes, all)) }, runtime)
  }
  const own = 'clip-two-files'
  const vision = { 'vision_model.onnx': `${own}/vision_model.onnx` }
  const words = { 'tokenizer.json': `${own}/tokenizer.json`, 'tokenizer_config.json': `${own}/tokenizer_config.json` }
  const text = { 'text_model.onnx': `${own}/text_model.onnx` }

  test('the other tower, the words, texts that are too long', async () => {
    expect((await refusal((await put({ ...vision, ...words })).embedText('one star'))).message).toMatch(
      /one of two towers.*no text_model.onnx/,
    )
    expect((await refusal((await put({ ...vision, ...text })).embedText('one star'))).code).toBe('no-vocabulary')
    expect((await refusal(put(text, 'text_model.onnx'))).message).toMatch(/no vision_model.onnx/)
    const long = Array.from({ length: 15 }, () => 'cat').join(' ')
    expect((await refusal(modelOf('clip').embedText(long))).message).toMatch(/has 17 tokens, and this model reads 16/)
    // cut to 8 as its tokenizer.json says, the last token kept
    const tokens = textTokens(long, modelOf(own).text as ModelText)
    expect(tokens).toEqual([1, 35, 35, 35, 35, 35, 35, 2])
    const cut = await modelOf(own).embedText(long)
    expect(relativeL2(cut, await modelOf(own).embedText('cat cat cat cat cat cat'))).toBeLessThan(1e-6)
  })

  test('either tower is the entry', async () => {
    const model = await put({ ...vision, ...text, ...words }, 'text_model.onnx')
    expect(relativeL2(await model.embedText('one star'), await modelOf(own).embedText('one star'))).toBe(0)
  })

  test('a projection', async () => {
    const { graph, shapes } = modelOf(own)
    const tokens = shapes.get(metaOf(own).layer.name)
    const bare = graph.with({ outputs: [declare(tokens?.name ?? '', 'float32', tokens?.dims)] })
    const tower = await loadModel({ name: 'bare', graph: bare, labels: undefined, preprocessing: undefined }, runtime)
    const x = stored(own, 'pixel_values.npy')
    expect((await refusal(tower.embedPicture(x))).message).toMatch(
      /no embedding.*projection.*CLIPVisionModelWithProjection/,
    )
    expect((await refusal(tower.explain(x, { target: 'text:a cat' }))).message).toMatch(/projection/)
  })
})
