/** Every kind of target, on small networks: its score, its gradient, its compiled form, its JSON and its text. */
import { beforeAll, describe, expect, test } from 'vitest'
import { float32, int64, type Tensor } from '../../src/core/tensor.js'
import { targetFeeds } from '../../src/explain/asked.js'
import { Model } from '../../src/explain/index.js'
import type { ExplainOptions } from '../../src/explain/request.js'
import { declare } from '../../src/onnx/builder.js'
import type { Graph } from '../../src/onnx/ir.js'
import { checkTarget, printTarget, readTarget, TARGET_KINDS, type Target, targetKind } from '../../src/targets/index.js'
import type { TargetContext } from '../../src/targets/target.js'
import { textSettings, tokenizerOf } from '../../src/text/index.js'
import { planOf, refusal } from '../support/compiled.js'
import { relativeL2 } from '../support/measures.js'
import { model } from '../support/model.js'
import { noise, picture } from '../support/networks.js'
import { runtime } from '../support/ort.js'
import { run } from '../support/run.js'

type Nodes = Parameters<typeof model>[0]['nodes']

const VOCABULARY = ['<bos>', 'a', 'small', 'red', 'star', '<pad>']

/** A picture's features `[N,5,6,6]` and their means `[N,5]`, and what is made of them. */
function eye(
  nodes: Nodes,
  outputs: Readonly<Record<string, readonly (number | string)[]>>,
  more: Readonly<Record<string, Tensor>> = {},
): Graph {
  const needsIds = nodes.some((n) => n.inputs.includes('input_ids'))
  return model({
    opset: 18,
    inputs: [
      declare('x', 'float32', ['N', 3, 12, 12]),
      ...(needsIds ? [declare('input_ids', 'int64', ['N', 'T'])] : []),
    ],
    outputs: Object.entries(outputs).map(([name, dims]) => declare(name, 'float32', dims)),
    nodes: [
      { op: 'Conv', inputs: ['x', 'w1'], outputs: ['c1'], attributes: { strides: [2, 2], pads: [1, 1, 1, 1] } },
      { op: 'Tanh', inputs: ['c1'], outputs: ['features'] },
      { op: 'ReduceMean', inputs: ['features', 'places'], outputs: ['means'], attributes: { keepdims: 0 } },
      ...nodes,
    ],
    initializers: {
      w1: float32(
        [5, 3, 3, 3],
        noise(1, 5, 3, 3, 3).data.map((v) => v / 5),
      ),
      places: int64([2], [2, 3]),
      ...more,
    },
  })
}

const NETWORKS = {
  classes: () =>
    eye([{ op: 'Gemm', inputs: ['means', 'w'], outputs: ['logits'] }], { logits: ['N', 4] }, { w: noise(2, 5, 4) }),
  one: () =>
    eye(
      [
        { op: 'Gemm', inputs: ['means', 'w'], outputs: ['logit'] },
        { op: 'Sigmoid', inputs: ['logit'], outputs: ['chance'] },
      ],
      { chance: ['N', 1] },
      { w: noise(2, 5, 1) },
    ),
  words: () =>
    eye(
      [
        { op: 'Gather', inputs: ['embedding', 'input_ids'], outputs: ['e'], attributes: { axis: 0 } },
        { op: 'Unsqueeze', inputs: ['means', 'one'], outputs: ['m'] },
        { op: 'Mul', inputs: ['e', 'm'], outputs: ['h'] },
        { op: 'MatMul', inputs: ['h', 'w'], outputs: ['logits'] },
      ],
      { logits: ['N', 'T', 6] },
      { embedding: noise(3, 6, 5), w: noise(2, 5, 6), one: int64([1], [1]) },
    ),
  map: () =>
    eye(
      [{ op: 'Conv', inputs: ['features', 'w'], outputs: ['scores'], attributes: {} }],
      { scores: ['N', 3, 6, 6] },
      { w: noise(2, 3, 5, 1, 1) },
    ),
  embedding: () =>
    eye(
      [{ op: 'Gemm', inputs: ['means', 'w'], outputs: ['image_embeds'] }],
      { image_embeds: ['N', 7] },
      { w: noise(2, 5, 7) },
    ),
} satisfies Record<string, () => Graph>

type Values = Readonly<Record<string, Tensor>>
/** An element of a value that has a row for one picture. */
const at = (values: Values, name: string, i: number): number => Number(values[name]?.data[i])
const all = (values: Values, name: string): number[] => Array.from(values[name]?.data as Float32Array)
const softmax = (row: readonly number[]): number[] => {
  const sum = row.reduce((a, v) => a + Math.exp(v), 0)
  return row.map((v) => Math.exp(v) / sum)
}
const unit = (v: readonly number[]): number[] => v.map((x) => x / Math.hypot(...v))
const dot = (a: readonly number[], b: readonly number[]): number => a.reduce((s, v, i) => s + v * (b[i] ?? 0), 0)

interface Case {
  readonly network: keyof typeof NETWORKS
  readonly given: string | Target
  readonly options?: ExplainOptions
  /** The score, of the graph's values for one picture. */
  readonly score: (values: Values) => number
  /** Values that the score is made of, where these are no outputs. */
  readonly reads?: readonly string[]
}

const IDS = [[0, 1, 3, 4, 5, 5]]
const words: ExplainOptions = { inputs: { input_ids: IDS } }
const other = [0.5, -1, 2, 0.25, -0.5, 1, 0]
const mask = { height: 6, width: 6, runs: [7, 3, 26] }

const CASES: Readonly<Record<string, Case>> = {
  class: { network: 'classes', given: 'bee', score: (v) => at(v, 'logits', 1) },
  'class, probability': {
    network: 'classes',
    given: { kind: 'class', index: 2, score: 'probability' },
    score: (v) => softmax(all(v, 'logits'))[2] ?? 0,
  },
  'class, log-probability': {
    network: 'classes',
    given: { kind: 'class', index: 2, score: 'log-probability' },
    score: (v) => Math.log(softmax(all(v, 'logits'))[2] ?? 0),
  },
  answer: { network: 'classes', given: 'answer:dog', score: (v) => at(v, 'logits', 3) },
  contrast: { network: 'classes', given: 'contrast:bee>dog', score: (v) => at(v, 'logits', 1) - at(v, 'logits', 3) },
  counterfactual: { network: 'classes', given: 'counterfactual:bee', score: (v) => -at(v, 'logits', 1) },
  scalar: { network: 'one', given: 'scalar:-', score: (v) => -at(v, 'logit', 0), reads: ['logit'] },
  'scalar, probability': {
    network: 'one',
    given: { kind: 'scalar', sign: 1, score: 'probability' },
    score: (v) => at(v, 'chance', 0),
  },
  'scalar, log-probability': {
    network: 'one',
    given: { kind: 'scalar', sign: 1, score: 'log-probability' },
    score: (v) => Math.log(at(v, 'chance', 0)),
  },
  word: { network: 'words', given: 'word:star', options: words, score: (v) => at(v, 'logits', 2 * 6 + 4) },
  phrase: {
    network: 'words',
    given: 'red star',
    options: words,
    score: (v) => at(v, 'logits', 1 * 6 + 3) + at(v, 'logits', 2 * 6 + 4),
  },
  caption: {
    network: 'words',
    given: 'word:*',
    options: words,
    score: (v) =>
      [1, 3, 4].reduce((sum, id, p) => sum + Math.log(softmax(all(v, 'logits').slice(p * 6, p * 6 + 6))[id] ?? 0), 0),
  },
  'region within a mask': {
    network: 'map',
    given: { kind: 'region', index: 1, score: 'logit', at: 'predicted', mask },
    score: (v) => [7, 8, 9].reduce((sum, i) => sum + at(v, 'scores', 36 + i), 0),
  },
  'region at a point': { network: 'map', given: 'region:2@5,7', score: (v) => at(v, 'scores', 2 * 36 + 3 * 6 + 2) },
  'region in a box': {
    network: 'map',
    given: { kind: 'region', index: 0, score: 'log-probability', at: { x0: 2, y0: 4, x1: 6, y1: 6 } },
    score: (v) =>
      [12 + 1, 12 + 2].reduce(
        (sum, i) => sum + Math.log(softmax([0, 1, 2].map((c) => at(v, 'scores', c * 36 + i)))[0] ?? 0),
        0,
      ),
  },
  text: {
    network: 'embedding',
    given: { kind: 'text', text: 'a cat', embedding: unit(other) },
    score: (v) => dot(unit(all(v, 'image_embeds')), unit(other)),
  },
  similarity: {
    network: 'embedding',
    given: { kind: 'similarity', to: 'other.png', embedding: unit(other) },
    score: (v) => dot(unit(all(v, 'image_embeds')), unit(other)),
  },
  neuron: {
    network: 'classes',
    given: 'neuron:features[3,2,5]',
    score: (v) => at(v, 'features', 3 * 36 + 2 * 6 + 5),
    reads: ['features'],
  },
  channel: {
    network: 'classes',
    given: 'channel:features[2]',
    score: (v) =>
      all(v, 'features')
        .slice(72, 108)
        .reduce((a, x) => a + x, 0) / 36,
    reads: ['features'],
  },
  'channel of another axis': {
    network: 'classes',
    given: 'channel:features[:,4,:]',
    score: (v) =>
      [0, 1, 2, 3, 4].flatMap((k) => all(v, 'features').slice(k * 36 + 24, k * 36 + 30)).reduce((a, x) => a + x, 0) /
      30,
    reads: ['features'],
  },
  unit: {
    network: 'classes',
    given: 'unit:features[4]',
    score: (v) => Math.max(...all(v, 'features').slice(144, 180)),
    reads: ['features'],
  },
  expression: {
    network: 'classes',
    given:
      'expression:2 * (logits[1] - max(logits)) / exp(-means[0]) + log(softmax(logits)[2]) - sum(features[1,2]) * norm(means)',
    score: (v) => {
      const row = all(v, 'logits')
      const sum = all(v, 'features')
        .slice(36 + 12, 36 + 18)
        .reduce((a, x) => a + x, 0)
      const means = all(v, 'means')
      return (
        (2 * ((row[1] ?? 0) - Math.max(...row))) / Math.exp(-(means[0] ?? 0)) +
        Math.log(softmax(row)[2] ?? 0) -
        sum * Math.hypot(...means)
      )
    },
    reads: ['features', 'means'],
  },
}

const LABELS = ['ant', 'bee', 'cat', 'dog']
const x = picture(3)

async function loaded(name: keyof typeof NETWORKS): Promise<Model> {
  const labels = name === 'classes' ? LABELS : []
  const settings = textSettings({ config: { vocabulary: VOCABULARY, pad_token_id: 5, bos_token_id: 0 } })
  const tokenizer = settings && (await tokenizerOf(settings))
  const text = settings && tokenizer && { settings, tokenizer }
  return Model.load(NETWORKS[name](), runtime, { name, labels, text })
}

const models = new Map<string, Model>()
beforeAll(async () => {
  for (const name of Object.keys(NETWORKS) as (keyof typeof NETWORKS)[]) models.set(name, await loaded(name))
})
const modelOf = (name: string): Model => models.get(name) as Model

/** The score of the graph as it is, with some of the picture's numbers moved. */
async function plainScore({ network, options, reads = [], score }: Case, shown: Tensor<'float32'>): Promise<number> {
  const graph = NETWORKS[network]()
  const more = reads.filter((r) => !graph.outputs.some((o) => o.name === r)).map((r) => declare(r))
  const given = options?.inputs ? { input_ids: int64([1, 6], IDS.flat()) } : {}
  return score(await run(graph.with({ outputs: [...graph.outputs, ...more] }), { x: shown, ...given }))
}

describe.each(Object.entries(CASES))('%s', (_, c) => {
  test('has the score, and the gradient of central differences', async () => {
    const made = await modelOf(c.network).explain(x, { ...c.options, method: 'gradient', target: c.given })
    const score = await plainScore(c, x)
    const probability = made.answer.probability === null || 'score' in made.target ? undefined : made.answer.logit
    const own =
      made.target.kind === 'class' || made.target.kind === 'answer'
        ? (await modelOf(c.network).scores(modelOf(c.network).prepare(x, c.options), x, made.target))[0]
        : made.answer.logit
    expect(probability ?? own).toBeCloseTo(score, 4)
    const step = 1e-2
    // some anywhere, and where the gradient is largest: of what is local it is 0 elsewhere
    const bySize = [...made.raw.data.keys()].sort(
      (i, j) => Math.abs(made.raw.data[j] ?? 0) - Math.abs(made.raw.data[i] ?? 0),
    )
    const places = [7, 100, 251, 409, ...bySize.slice(0, 4)]
    const differences: number[] = []
    for (const i of places) {
      const moved = (by: number): Tensor<'float32'> =>
        float32(
          x.dims,
          x.data.map((v, j) => (j === i ? v + by : v)),
        )
      differences.push(((await plainScore(c, moved(step))) - (await plainScore(c, moved(-step)))) / (2 * step))
    }
    const gradient = places.map((i) => made.raw.data[i] ?? 0)
    expect(Math.hypot(...differences)).toBeGreaterThan(1e-6)
    expect(relativeL2(Float32Array.from(gradient), Float32Array.from(differences))).toBeLessThan(2e-2)
  })

  test('the compiled form takes it as run-time inputs, a row each', async () => {
    const model = modelOf(c.network)
    const made = await model
      .explain(x, { ...c.options, method: 'grad-cam', target: c.given, layer: 'features' })
      .catch((e) => e)
    const kind = targetKind(made.target?.kind ?? 'neuron')
    // what lies before the layer has no map there
    if (made instanceof Error)
      return expect(made).toMatchObject({ code: expect.stringMatching(/not-connected|unknown-layer/) })
    const plan = await planOf(NETWORKS[c.network](), { form: kind.form(made.target), layer: 'features', scored: true })
    const feeds = targetFeeds(plan.targetInputs, [kind.rows(made.target)])
    const given = c.options?.inputs ? { input_ids: int64([1, 6], IDS.flat()) } : {}
    const out = await run(plan.graph, { x, ...given, ...feeds })
    const [map] = plan.maps
    expect(relativeL2(out[map?.output ?? '']?.data as Float32Array, made.raw.data)).toBeLessThan(1e-5)
    expect(Number(out.score?.data[0])).toBeCloseTo(await plainScore(c, x), 4)
  })

  test('read again, as text and as JSON, it is the same', () => {
    const context = contextOf(c)
    const target = readTarget(c.given, context)
    expect(checkTarget(JSON.parse(JSON.stringify(target)), context)).toEqual(target)
    const open = 'mask' in target || 'embedding' in target || ('score' in target && typeof c.given === 'object')
    if (!open) expect(readTarget(printTarget(target, context), context)).toEqual(target)
  })

  test('loops around runs explain it too', async () => {
    const model = modelOf(c.network)
    const { raw, target } = await model.explain(x, {
      ...c.options,
      method: 'occlusion',
      target: c.given,
      options: { patch: 6, stride: 6 },
    })
    const covered = float32(
      x.dims,
      x.data.map((v, i) => (i % 144 < 72 && i % 12 < 6 ? 0 : v)),
    )
    const [before = 0, after = 0] = await Promise.all(
      [x, covered].map(async (shown) => (await model.scores(model.prepare(x, c.options), shown, target))[0] ?? 0),
    )
    expect(raw.data[0]).toBeCloseTo(before - after, 4)
  })
})

function contextOf({ network, options }: Case): TargetContext {
  const model = modelOf(network)
  const written =
    options === words ? { ids: [1, 3, 4], pieces: ['a', 'red', 'star'], vocabulary: VOCABULARY } : undefined
  return { answer: model.answer, labels: model.labels, score: undefined, values: model.shapes, written }
}

test('every kind is tried, but boxes, whose heads are found elsewhere', () => {
  const tried = new Set(Object.values(CASES).map((c) => readTarget(c.given, contextOf(c)).kind))
  expect(TARGET_KINDS.map((d) => d.kind).filter((kind) => !tried.has(kind))).toEqual(['box'])
})

test('several targets of several kinds, in one request', async () => {
  const model = modelOf('classes')
  const given = ['ant', 'contrast:ant>bee', 'neuron:features[1,1,1]', 'class:2', 'expression:means[2]']
  const { explanations } = await model.explainAll(x, {
    method: ['gradient', 'occlusion'],
    target: given,
    options: { patch: 6, stride: 6 },
  })
  expect(explanations.map((e) => e.answer.label)).toEqual(
    Array(2).fill(['ant', 'ant rather than bee', 'features[1, 1, 1]', 'cat', 'means[2]']).flat(),
  )
  for (const e of explanations) {
    const alone = await model.explain(x, {
      method: e.method.id,
      target: e.target,
      options: e.method.id === 'occlusion' ? { patch: 6, stride: 6 } : {},
    })
    expect(relativeL2(e.raw.data, alone.raw.data)).toBeLessThan(1e-5)
  }
})

test('words of a text are one run: a row each', async () => {
  const model = modelOf('words')
  const { explanations } = await model.explainAll(x, {
    ...words,
    target: ['word:0', 'word:1', 'word:red star', 'word:*'],
  })
  expect(explanations.map((e) => e.answer.label)).toEqual(['a', 'red', 'red star', 'a red star'])
  for (const e of explanations) {
    const alone = await model.explain(x, { ...words, target: e.target })
    expect(relativeL2(e.raw.data, alone.raw.data)).toBeLessThan(1e-5)
  }
})

test('what is left open is found: the best class, its rival, the largest region, another picture', async () => {
  const [best, second] = await modelOf('classes').classify(x)
  const rivals = await modelOf('classes').explain(x, {
    target: { kind: 'contrast', index: -1, other: -1, score: 'logit' },
  })
  expect(rivals.target).toMatchObject({ index: best?.index, other: second?.index })
  const { target } = await modelOf('map').explain(x)
  expect(target).toMatchObject({ kind: 'region', at: 'predicted', mask: { height: 6, width: 6 } })
  const alike = await modelOf('embedding').explain(x, { target: 'similarity:itself', pictures: { itself: x } })
  expect(alike.answer.logit).toBeCloseTo(1, 5)
})

describe('bad targets', () => {
  const bad: readonly [keyof typeof NETWORKS, unknown, RegExp][] = [
    ['classes', 'contrast:bee>bee', /two different classes/],
    ['classes', 'contrast:ant>bee>cat', /more than two/],
    ['classes', 'bea', /no class "bea".*bee/],
    ['classes', 'answer:wasp', /4 answers: ant, bee, cat, dog/],
    ['classes', 'scalar:+', /answers 4 numbers, not one/],
    ['one', 'scalar:x', /no sign/],
    ['classes', 'word:bee', /explains scores of words.*answers scores of classes.*class, contrast/],
    ['classes', 'region:bee', /explains a map/],
    ['classes', 'neuron:features[9,0,0]', /index 0 is 9, and the axis has 5/],
    ['classes', 'neuron:features[1]', /Give 3 whole numbers/],
    ['classes', 'neuron:featurs[1,1,1]', /no value "featurs".*"features"/],
    ['classes', 'channel:features', /names no element/],
    ['classes', 'channel:features[:,:,:]', /names 0 channels/],
    ['classes', 'unit:features[7]', /channel is 7, and the axis has 5/],
    ['classes', 'expression:logits', /gives \[4\] numbers/],
    ['classes', 'expression:logits[1', /at its end: "\]" is wanted/],
    ['classes', 'expression:logits[1] ^ 2', /at character/],
    ['classes', 'expression:log10(logits[1])', /at "log10".*a function/],
    ['classes', 'expression:logitz[1]', /no value "logitz"/],
    ['classes', 'expression:logits + features', /two sides/],
    ['classes', { kind: 'klass' }, /no kind of target "klass".*"class"/],
    ['classes', { kind: 'class', index: 'bee' }, /Classes go from 0 to 3/],
    ['classes', { kind: 'class', index: 1, score: 'odds' }, /score is "odds".*logit, probability/],
    ['map', 'region:1@40,2', /not on the part of the picture/],
    ['map', 'region:1@a,b', /no place/],
    ['map', { kind: 'region', index: 1, mask: { height: 6, width: 6, runs: [3] } }, /do not sum to/],
    ['words', 'star', /not given/],
    ['embedding', undefined, /has to be named.*text:/],
    ['embedding', 'similarity:there.png', /"there.png" is not given/],
  ]
  test.each(bad)('of %s: %j', async (name, given, message) => {
    const ids = name === 'words' ? { inputs: { input_ids: [[0]] } } : {}
    const error = await refusal(modelOf(name).explain(x, { ...ids, target: given as Target }))
    if (name !== 'words') expect(error.message).toMatch(message)
  })
})
