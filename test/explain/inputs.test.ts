/** Models of several inputs: which takes the picture, what the others are given, and maps of each. */
import { describe, expect, test } from 'vitest'
import { float32, int64, type Tensor, tensor } from '../../src/core/tensor.js'
import { type GivenInputs, Model } from '../../src/explain/index.js'
import { decode, encode } from '../../src/index.js'
import { declare } from '../../src/onnx/builder.js'
import type { Graph } from '../../src/onnx/ir.js'
import { planOf, refusal } from '../support/compiled.js'
import { relativeL2 } from '../support/measures.js'
import { model } from '../support/model.js'
import { noise, picture, SIDE } from '../support/networks.js'
import { runtime } from '../support/ort.js'
import { numbers, run } from '../support/run.js'

const CLASSES = 4
const TOKENS = 3
const WORDS = 7

interface Shape {
  readonly batch?: number | string
  /** The first axis of the question, where it is not the picture's batch. */
  readonly questions?: number | string
  readonly mask?: readonly (number | string)[]
}

/**
 * A picture, a mask on it, a question of tokens, and a size; the answer is linear in the picture's features, the words' embeddings and the
 * size. The question meets the picture behind the layer.
 */
function answering({ batch = 'N', questions = batch, mask = [batch, 1, SIDE, SIDE] }: Shape = {}): Graph {
  return model({
    opset: 18,
    nodes: [
      { op: 'Mul', inputs: ['image', 'mask'], outputs: ['masked'] },
      { op: 'Conv', inputs: ['masked', 'w1'], outputs: ['conv'], attributes: { strides: [2, 2], pads: [1, 1, 1, 1] } },
      { op: 'Tanh', inputs: ['conv'], outputs: ['features'] },
      { op: 'GlobalAveragePool', inputs: ['features'], outputs: ['pooled'] },
      { op: 'Flatten', inputs: ['pooled'], outputs: ['seen'] },
      { op: 'Gather', inputs: ['words', 'question'], outputs: ['embedded'] },
      { op: 'ReduceMean', inputs: ['embedded', 'one'], outputs: ['asked'], attributes: { keepdims: 0 } },
      { op: 'Mul', inputs: ['seen', 'asked'], outputs: ['met'] },
      { op: 'Gemm', inputs: ['met', 'w'], outputs: ['plain'] },
      { op: 'ReduceSum', inputs: ['size'], outputs: ['total'], attributes: { keepdims: 0 } },
      { op: 'Mul', inputs: ['plain', 'total'], outputs: ['logits'] },
    ],
    inputs: [
      declare('question', 'int64', [questions, TOKENS]),
      declare('mask', 'float32', mask),
      declare('image', 'float32', [batch, 3, SIDE, SIDE]),
      declare('size', 'float32', [2]),
    ],
    outputs: [declare('logits', 'float32', [batch, CLASSES])],
    initializers: {
      w1: noise(1, 5, 3, 3, 3),
      words: noise(2, WORDS, 5),
      w: noise(3, 5, CLASSES),
      one: int64([1], [1]),
    },
  })
}

const MASK = float32(
  [1, 1, SIDE, SIDE],
  Float32Array.from({ length: SIDE * SIDE }, (_, i) => 0.5 + (i % 7) / 10),
)
const GIVEN: GivenInputs = { question: [1, 5, 2], mask: MASK, size: [0.75, 1.5] }
const FED: Readonly<Record<string, Tensor>> = {
  question: int64([1, TOKENS], [1, 5, 2]),
  mask: MASK,
  size: float32([2], [0.75, 1.5]),
}

const load = (graph: Graph, options = {}): Promise<Model> => Model.load(graph, runtime, { name: 'test', ...options })

async function logitsOf(graph: Graph, feeds: Readonly<Record<string, Tensor>>): Promise<readonly number[]> {
  return numbers((await run(graph, { image: picture(1), ...FED, ...feeds })).logits)
}

/** Central differences of one logit by some elements of one input. */
async function differences(
  graph: Graph,
  input: string,
  x: Tensor<'float32'>,
  target: number,
  places: readonly number[],
) {
  const found: number[] = []
  for (const i of places) {
    const at = async (step: number): Promise<number> => {
      const data = Float32Array.from(x.data)
      data[i] = (data[i] ?? 0) + step
      return (await logitsOf(graph, { [input]: float32(x.dims, data) }))[target] ?? 0
    }
    found.push(((await at(0.01)) - (await at(-0.01))) / 0.02)
  }
  return found
}

describe('the picture', () => {
  test('is the input with three channels, and that is said', async () => {
    const loaded = await load(answering())
    expect(loaded.input).toMatchObject({ name: 'image', layout: 'NCHW', channels: 3, height: SIDE })
    expect(loaded.others.map((o) => [o.name, o.batch])).toEqual([
      ['question', 'row'],
      ['mask', 'row'],
      ['size', 'same'],
    ])
    expect(loaded.notes.join()).toContain('"image"')
  })

  test('another can be named', async () => {
    const loaded = await load(answering(), { pictureInput: 'mask' })
    expect([loaded.input.name, loaded.input.channels]).toEqual(['mask', 1])
    expect(loaded.others.map((o) => o.name)).toEqual(['question', 'image', 'size'])
  })

  test('named wrongly: what is there is said', async () => {
    const wrong = await refusal(load(answering(), { pictureInput: 'imagee' }))
    expect(wrong).toMatchObject({ code: 'no-image-input' })
    expect(wrong.message).toContain('Did you mean "image"')
    const none = await refusal(load(answering(), { pictureInput: 'question' }))
    expect(none.message).toContain('question int64[N, 3] is no picture')
  })

  test('two of them: the candidates are named, and how to choose', async () => {
    const twins = model({
      opset: 18,
      nodes: [
        { op: 'Sub', inputs: ['left', 'right'], outputs: ['apart'] },
        { op: 'Conv', inputs: ['apart', 'w1'], outputs: ['features'] },
        { op: 'GlobalAveragePool', inputs: ['features'], outputs: ['pooled'] },
        { op: 'Flatten', inputs: ['pooled'], outputs: ['logits'] },
      ],
      inputs: ['left', 'right'].map((name) => declare(name, 'float32', ['N', 3, SIDE, SIDE])),
      outputs: [declare('logits', 'float32', ['N', 5])],
      initializers: { w1: noise(1, 5, 3, 3, 3) },
    })
    const error = await refusal(load(twins))
    expect(error.code).toBe('no-image-input')
    expect(error.message).toMatch(/left float32\[N, 3, 12, 12\], right .*--picture-input NAME/)
    const loaded = await load(twins, { pictureInput: 'right' })
    const options = { method: 'gradient', target: 1, wrt: 'all', inputs: { left: picture(2) } }
    const { explanations } = await loaded.explainAll(picture(1), options)
    const [right, left] = explanations
    expect([right?.input, left?.input, left?.drawable]).toEqual(['right', 'left', true])
    // the difference alone counts
    expect(relativeL2(right?.raw.data.map((v) => -v) ?? [], left?.raw.data ?? [])).toBeLessThan(1e-6)
    expect(left?.fed.data).toEqual(picture(2).data)
  })
})

describe('what the others are given', () => {
  test('answers are those of ONNX Runtime', async () => {
    const loaded = await load(answering())
    const answers = await loaded.classify(picture(1), { inputs: GIVEN, top: CLASSES })
    const want = await logitsOf(answering(), {})
    for (const a of answers) expect(a.logit).toBeCloseTo(want[a.index] ?? Number.NaN, 4)
  })

  test('all that are missing are named in one error, each with its type, shape and how to give it', async () => {
    const loaded = await load(answering())
    const error = await refusal(loaded.explain(picture(1), { inputs: { mask: MASK } }))
    expect(error.code).toBe('missing-input')
    expect(error.message).toContain('2 more inputs beside "image": question int64[N, 3], size float32[2]')
    expect(error.message).toContain('--input question=VALUE --input size=VALUE')
  })

  test('tensors of other types, nested lists and single numbers are converted', async () => {
    const loaded = await load(answering())
    const answer = async (inputs: GivenInputs): Promise<number> =>
      (await loaded.classify(picture(1), { inputs, top: 1 }))[0]?.logit ?? Number.NaN
    const want = await answer(GIVEN)
    const wide = tensor('float64', [2], Float64Array.of(0.75, 1.5))
    const narrow = tensor('int32', [TOKENS], Int32Array.of(1, 5, 2))
    expect(await answer({ ...GIVEN, question: narrow, size: wide })).toBe(want)
    expect(await answer({ ...GIVEN, question: [[1n, 5n, 2n]] })).toBe(want)
    const rows = Array.from({ length: SIDE }, (_, y) => Array.from(MASK.data.subarray(y * SIDE, (y + 1) * SIDE)))
    expect(await answer({ ...GIVEN, mask: rows })).toBe(want)
  })

  test.each([
    ['a fraction for an integer', { question: [1, 2.5, 0] }, 'invalid-tensor', '2.5 is no whole number'],
    ['more than int64 holds', { question: [1, 2, 2n ** 63n] }, 'invalid-tensor', 'is not from -9223372036854775808'],
    ['an inexact integer', { question: [1, 2, 2 ** 60] }, 'invalid-tensor', 'too large to be told exactly'],
    ['infinity', { size: [1, Number.POSITIVE_INFINITY] }, 'invalid-tensor', 'not a finite number'],
    ['too many tokens', { question: [1, 2, 3, 4] }, 'shape-mismatch', 'takes int64[1, 3], but is given [4]'],
    [
      'two rows',
      {
        question: [
          [1, 2, 3],
          [1, 2, 3],
        ],
      },
      'shape-mismatch',
      'but is given [2, 3]',
    ],
    ['ragged lists', { mask: [[1, 2], [3]] }, 'invalid-tensor', 'lists of different lengths'],
    ['a name that is not there', { sise: 1 }, 'unknown-value', 'Did you mean "size"'],
    ['the picture again', { image: 1 }, 'unknown-value', 'takes the picture'],
  ])('%s is refused', async (_, inputs, code, words) => {
    const error = await refusal((await load(answering())).classify(picture(1), { inputs: { ...GIVEN, ...inputs } }))
    expect(error.code).toBe(code)
    expect(error.message).toContain(words)
  })

  test('provenance keeps them: few values as they are, many by their hash', async () => {
    const loaded = await load(answering())
    const { provenance } = await loaded.explain(picture(1), { inputs: GIVEN, target: 1 })
    expect(provenance.inputs).toMatchObject({
      question: { type: 'int64', dims: [1, 3], values: ['1', '5', '2'], sha256: null },
      size: { dims: [2], values: [0.75, 1.5] },
      mask: { values: null, sha256: expect.stringMatching(/^[0-9a-f]{64}$/) },
    })
    expect(provenance.input).toBe('image')
    expect(JSON.parse(JSON.stringify(provenance))).toEqual(provenance)
  })

  test('an input that the answer does not need may be left out', async () => {
    const graph = answering()
    const extra = graph.with({ inputs: [...graph.inputs, declare('unused', 'float32', [3])] })
    const loaded = await load(decode(encode(extra)))
    expect(loaded.others.map((o) => o.name)).not.toContain('unused')
    await expect(loaded.classify(picture(1), { inputs: GIVEN })).resolves.toHaveLength(CLASSES)
  })
})

const SHAPES: Readonly<Record<string, Shape>> = {
  'a free batch': {},
  'a fixed batch of 1': { batch: 1 },
  'a fixed batch of 3': { batch: 3 },
  'a question whose batch has another name': { questions: 'M' },
  'one mask for all pictures': { mask: [1, 1, SIDE, SIDE] },
}

describe.each(Object.entries(SHAPES))('%s', (_, shape) => {
  test('gradients of the picture and the mask are those of differences', async () => {
    const loaded = await load(answering(shape))
    const options = { method: 'gradient', target: [2, 0], inputs: GIVEN, wrt: ['image', 'mask'] }
    const { explanations } = await loaded.explainAll(picture(1), options)
    expect(explanations.map((e) => [e.input, e.answer.index, e.raw.dims.slice(-3)])).toEqual([
      ['image', 2, [3, SIDE, SIDE]],
      ['image', 0, [3, SIDE, SIDE]],
      ['mask', 2, [1, SIDE, SIDE]],
      ['mask', 0, [1, SIDE, SIDE]],
    ])
    for (const e of explanations) {
      const x = e.input === 'image' ? picture(1) : MASK
      const places = [0, 17, 60, 100]
      const want = await differences(answering(), e.input, x, e.answer.index, places)
      const got = places.map((i) => e.raw.data[i] ?? Number.NaN)
      expect(relativeL2(got, want)).toBeLessThan(5e-3)
    }
  })

  test.each(['grad-cam', 'gradient', 'occlusion'])(
    '%s of several targets is that of one after the other',
    async (method) => {
      const plain = await load(answering({ batch: 1 }))
      const loaded = await load(answering(shape))
      const options = method === 'occlusion' ? { patch: 4, stride: 3 } : {}
      const common = { method, target: [2, 0, 1, 3], inputs: GIVEN, options }
      const got = await loaded.explainAll(picture(1), common)
      const want = await plain.explainAll(picture(1), common)
      expect(got.explanations).toHaveLength(4)
      for (const [i, e] of got.explanations.entries())
        expect(relativeL2(e.raw.data, want.explanations[i]?.raw.data ?? [])).toBeLessThan(1e-5)
    },
  )
})

describe('maps of other inputs', () => {
  test('all: every input of floats; one that is no picture gives its own shape, and rows of its last axis', async () => {
    const loaded = await load(answering())
    const { explanations } = await loaded.explainAll(picture(1), {
      method: ['gradient', 'input-x-gradient'],
      target: [2, 1],
      inputs: GIVEN,
      wrt: 'all',
    })
    expect(explanations.map((e) => `${e.method.id} ${e.input} ${e.answer.index}`)).toEqual(
      ['gradient', 'input-x-gradient'].flatMap((m) =>
        ['image', 'mask', 'size'].flatMap((i) => [2, 1].map((t) => `${m} ${i} ${t}`)),
      ),
    )
    for (const e of explanations.filter((e) => e.input === 'size')) {
      expect(e.raw.dims).toEqual([2])
      const want = await differences(answering(), 'size', float32([2], [0.75, 1.5]), e.answer.index, [0, 1])
      const times = e.method.id === 'gradient' ? [1, 1] : [0.75, 1.5]
      expect(
        relativeL2(
          e.raw.data,
          want.map((v, i) => v * (times[i] ?? 0)),
        ),
      ).toBeLessThan(5e-3)
      expect([e.drawable, e.heatmap.width, e.heatmap.height]).toEqual([false, 2, 1])
    }
  })

  test('one that has no gradient, one that is not there, and a method that has none', async () => {
    const loaded = await load(answering())
    const ask = (method: string, wrt: string) => refusal(loaded.explain(picture(1), { method, inputs: GIVEN, wrt }))
    expect((await ask('gradient', 'question')).message).toContain('gradient has no map of the tokens of "question"')
    expect((await ask('gradient', 'sise')).message).toContain('Did you mean "size"')
    for (const method of ['grad-cam', 'guided-grad-cam', 'occlusion'])
      expect(await ask(method, 'mask')).toMatchObject({ code: 'method-not-applicable' })
    const { explanations, refused } = await loaded.explainAll(picture(1), {
      method: ['grad-cam', 'gradient'],
      inputs: GIVEN,
      wrt: 'all',
    })
    expect(explanations.map((e) => `${e.method.id} ${e.input}`)).toEqual([
      'grad-cam image',
      'gradient image',
      'gradient mask',
      'gradient size',
    ])
    expect(refused).toEqual([])
  })

  test('one value for a fixed batch of pictures would mix them', async () => {
    const loaded = await load(answering({ batch: 3 }))
    const error = await refusal(loaded.explain(picture(1), { method: 'gradient', inputs: GIVEN, wrt: 'size' }))
    expect(error).toMatchObject({ code: 'method-not-applicable' })
    expect(error.message).toContain('3 pictures at once')
  })
})

describe('compiled models', () => {
  test('keep all inputs, and give a map for each picture of a batch', async () => {
    const { graph, others } = await planOf(answering(), { method: 'grad-cam' })
    expect(graph.inputs.map((i) => i.name)).toEqual(['question', 'mask', 'image', 'size', 'target'])
    expect(others.map((o) => o.name)).toEqual(['question', 'mask', 'size'])
    const two = (t: Tensor<'float32'>, u: Tensor<'float32'>): Tensor<'float32'> =>
      float32([2, ...t.dims.slice(1)], Float32Array.of(...t.data, ...u.data))
    const out = await run(graph, {
      ...FED,
      image: two(picture(1), picture(2)),
      mask: two(MASK, MASK),
      question: int64([2, TOKENS], [1, 5, 2, 1, 5, 2]),
      target: int64([2], [3, 1]),
    })
    const loaded = await load(answering())
    const maps = [
      await loaded.explain(picture(1), { target: 3, inputs: GIVEN }),
      await loaded.explain(picture(2), { target: 1, inputs: GIVEN }),
    ]
    expect(
      relativeL2(
        numbers(out.heatmap),
        maps.flatMap((m) => Array.from(m.raw.data)),
      ),
    ).toBeLessThan(1e-5)
  })

  test('name the maps of other inputs after them', async () => {
    const { graph, maps } = await planOf(answering(), { method: 'gradient', wrt: 'all', normalize: true })
    expect(maps.map((m) => m.output)).toEqual(['heatmap', 'heatmap/mask', 'heatmap/size'])
    const out = await run(graph, { ...FED, image: picture(1), target: int64([1], [2]) })
    for (const name of maps.map((m) => m.output))
      expect(Math.max(...numbers(out[name]).map(Math.abs))).toBeCloseTo(1, 5)
    expect(out['heatmap/size']?.dims).toEqual([2])
  })
})
