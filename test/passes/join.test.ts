/** Encoders and decoders as one graph: the same numbers as one file after the other, whatever the two are like. */
import { describe, expect, test } from 'vitest'
import type { DataType } from '../../src/core/tensor.js'
import { float32, int64, sizeOf, type Tensor, tensor } from '../../src/core/tensor.js'
import { declare } from '../../src/onnx/builder.js'
import { decode } from '../../src/onnx/decode.js'
import { encode, encodeSkeleton } from '../../src/onnx/encode.js'
import type { Graph } from '../../src/onnx/ir.js'
import { valueInfo } from '../../src/onnx/shapes.js'
import { type JoinOptions, join } from '../../src/passes/join.js'
import { probe } from '../../src/passes/probe.js'
import { refusal } from '../support/compiled.js'
import { relativeL2 } from '../support/measures.js'
import { graphProto, type ModelSpec, model, type NodeSpec } from '../support/model.js'
import { runtime } from '../support/ort.js'
import { random } from '../support/random.js'
import { numbers, run } from '../support/run.js'

const PLACES = 6
const WIDTH = 4
const WORDS = 5

const weights = (seed: number, ...dims: number[]): Tensor<'float32'> => {
  const { normal } = random(seed)
  return float32(dims, Float32Array.from({ length: sizeOf(dims) }, normal))
}

/** `x [N,3,2,3]` to `last_hidden_state [N,6,4]`: a convolution whose places become rows. Its inner names are also the decoder's. */
function encoder(over: Partial<ModelSpec> = {}, output = 'last_hidden_state', batch: string | number = 'batch'): Graph {
  return model({
    opset: 17,
    inputs: [declare('x', 'float32', [batch, 3, 2, 3])],
    outputs: [declare(output, 'float32', [batch, 'places', 'width'])],
    initializers: { w: weights(1, WIDTH, 3, 1, 1), shape: int64([3], [0, WIDTH, -1]) },
    nodes: [
      { op: 'Conv', inputs: ['x', 'w'], outputs: ['a'] },
      { op: 'Tanh', inputs: ['a'], outputs: ['b'] },
      { op: 'Reshape', inputs: ['b', 'shape'], outputs: ['rows'] },
      { op: 'Transpose', inputs: ['rows'], outputs: [output], attributes: { perm: [0, 2, 1] } },
    ],
    ...over,
  })
}

const ATTENTION: readonly NodeSpec[] = [
  { op: 'Gather', inputs: ['w', 'input_ids'], outputs: ['a'] },
  { op: 'Transpose', inputs: ['encoder_hidden_states'], outputs: ['keys'], attributes: { perm: [0, 2, 1] } },
  { op: 'MatMul', inputs: ['a', 'keys'], outputs: ['b'] },
  { op: 'Softmax', inputs: ['b'], outputs: ['p'], attributes: { axis: -1 } },
  { op: 'MatMul', inputs: ['p', 'encoder_hidden_states'], outputs: ['seen'] },
  { op: 'Add', inputs: ['seen', 'a'], outputs: ['sum'] },
]
const WRITTEN: NodeSpec = { op: 'MatMul', inputs: ['sum', 'out'], outputs: ['logits'] }
const IDS = declare('input_ids', 'int64', ['batch_size', 'length'])
const HIDDEN = declare('encoder_hidden_states', 'float32', ['batch_size', 'encoder_length', WIDTH])
const LOGITS = declare('logits', 'float32', ['batch_size', 'length', WORDS])
const TABLES = { w: weights(2, WORDS, WIDTH), out: weights(3, WIDTH, WORDS) }

/** Words that look at the places: one attention step. */
function decoder(over: Partial<ModelSpec> = {}): Graph {
  return model({
    opset: 17,
    inputs: [IDS, HIDDEN],
    outputs: [LOGITS],
    initializers: TABLES,
    nodes: [...ATTENTION, WRITTEN],
    ...over,
  })
}

const x = weights(9, 2, 3, 2, 3)
const ids = int64([2, 3], [1, 3, 0, 2, 4, 1])

/** The two files run one after the other. */
async function apart(front: Graph, back: Graph, feeds: Record<string, Tensor> = {}): Promise<number[]> {
  const [hidden] = Object.values(await run(front, { x }))
  if (!hidden) throw new Error('nothing came out')
  return numbers((await run(back, { input_ids: ids, encoder_hidden_states: hidden, ...feeds })).logits)
}

async function together(joined: Graph): Promise<number[]> {
  const whole = numbers((await run(joined, { x, input_ids: ids })).logits)
  expect(numbers((await run(encodeSkeleton(joined), { x, input_ids: ids })).logits)).toEqual(whole)
  return whole
}

/** What joined graphs must answer. */
const wanted = await apart(encoder(), decoder())

async function expectSame(front: Graph, back: Graph, options?: JoinOptions): Promise<Graph> {
  const joined = join(front, back, options)
  expect(relativeL2(await together(joined), wanted)).toBeLessThan(1e-6)
  return joined
}

const names = (list: readonly Parameters<typeof valueInfo>[0][]) => list.map((v) => [v.name, valueInfo(v).dims])

describe('one graph of two', () => {
  test('inputs, outputs and axes of both; names of the encoder stay', async () => {
    const joined = await expectSame(encoder(), decoder())
    expect(names(joined.inputs)).toEqual([
      ['x', ['batch', 3, 2, 3]],
      ['input_ids', ['batch', 'length']],
    ])
    expect(names(joined.outputs)).toEqual([
      ['logits', ['batch', 'length', WORDS]],
      ['last_hidden_state', ['batch', 'places', WIDTH]],
    ])
    expect([joined.producer('b')?.op, joined.producer('decoder/b')?.op]).toEqual(['Tanh', 'MatMul'])
    const used = joined.nodes.map((n) => n.name)
    expect(new Set(used).size).toBe(used.length)
    expect((await probe(joined, runtime)).get('logits')?.dims).toEqual(['batch', 'length', WORDS])
  })

  test('weights of both files stay where they are', async () => {
    const front = encoder({
      initializers: { w: weights(1, WIDTH, 3, 1, 1), shape: int64([3], [0, WIDTH, -1]), more: weights(5, 400) },
    })
    const table = weights(2, 100, WIDTH)
    const back = decoder({ initializers: { ...TABLES, w: table } })
    const joined = join(front, back)
    const { bytes, externalData } = encodeSkeleton(joined)
    expect(bytes.byteLength).toBeLessThan(encode(joined).byteLength - 2500)
    expect([...externalData.values()]).toEqual(joined.sources)
    expect(joined.sources).toHaveLength(2)
    // two files in one buffer, as a reader of small files may have them
    const parts = [encode(front), encode(back)] as const
    const shared = new Uint8Array(parts[0].byteLength + parts[1].byteLength)
    shared.set(parts[0])
    shared.set(parts[1], parts[0].byteLength)
    const [a, b] = [shared.subarray(0, parts[0].byteLength), shared.subarray(parts[0].byteLength)]
    expect(relativeL2(await together(join(decode(a), decode(b))), await apart(front, back))).toBeLessThan(1e-6)
  })

  test('external files of one name stay two', async () => {
    const outside = (graph: Graph, name: string): Graph => {
      const { bytes, externalData } = encodeSkeleton(graph)
      const [data] = [...externalData.values()]
      const again = decode(bytes, { externalData: new Map(data ? [['onnxplain-source-0', data]] : []) })
      expect([...again.externalData.keys()], name).toEqual(['onnxplain-source-0'])
      return again
    }
    const wide = weights(7, WORDS, 256)
    const head = weights(8, 256, WORDS)
    const nodes: NodeSpec[] = [
      ...ATTENTION,
      { op: 'MatMul', inputs: ['sum', 'out'], outputs: ['first'] },
      { op: 'MatMul', inputs: ['first', 'wide'], outputs: ['spread'] },
      { op: 'MatMul', inputs: ['spread', 'head'], outputs: ['logits'] },
    ]
    const big = decoder({ initializers: { ...TABLES, wide, head }, nodes })
    const front = encoder({
      initializers: { w: weights(1, WIDTH, 3, 1, 1), shape: int64([3], [0, WIDTH, -1]), wide: weights(6, 3, 300) },
    })
    const joined = join(outside(front, 'encoder'), outside(big, 'decoder'))
    expect([...joined.externalData.keys()]).toEqual(['onnxplain-source-0', 'decoder/onnxplain-source-0'])
    const want = await apart(front, big)
    expect(relativeL2(numbers((await run(joined, { x, input_ids: ids })).logits), want)).toBeLessThan(1e-6)
  })

  test('opsets and IR versions are made one, forms that changed since included', async () => {
    const old = encoder({
      opset: 9,
      initializers: { w: weights(1, WIDTH, 3, 1, 1), shape: int64([3], [0, WIDTH, -1]) },
    })
    for (const [a, b] of [
      [9, 17],
      [17, 21],
      [20, 7],
      [18, 23],
    ] as const) {
      const joined = await expectSame(encoder({ opset: a }), decoder({ opset: b }))
      expect(joined.opset, `${a} and ${b}`).toBe(Math.max(18, a, b))
    }
    expect(join(old, decoder()).irVersion).toBeGreaterThanOrEqual(8)
    // of opset 18 scale and bias are one a group, of opset 21 one a channel
    const grouped = (opset: number, per: number): Graph =>
      encoder({
        opset,
        initializers: {
          w: weights(1, WIDTH, 3, 1, 1),
          shape: int64([3], [0, WIDTH, -1]),
          scale: float32([per], per === 2 ? [0.5, 2] : [0.5, 0.5, 2, 2]),
          bias: float32([per], per === 2 ? [1, -1] : [1, 1, -1, -1]),
        },
        nodes: [
          { op: 'Conv', inputs: ['x', 'w'], outputs: ['a'] },
          { op: 'GroupNormalization', inputs: ['a', 'scale', 'bias'], outputs: ['b'], attributes: { num_groups: 2 } },
          { op: 'Reshape', inputs: ['b', 'shape'], outputs: ['rows'] },
          { op: 'Transpose', inputs: ['rows'], outputs: ['last_hidden_state'], attributes: { perm: [0, 2, 1] } },
        ],
      })
    const want = await apart(grouped(21, 4), decoder({ opset: 21 }))
    expect(relativeL2(await together(join(grouped(18, 2), decoder({ opset: 21 }))), want)).toBeLessThan(1e-6)
  })

  test('a graph inside the decoder reads what the encoder makes', async () => {
    const branch = (op: string) =>
      graphProto('branch', {
        nodes: [{ op, inputs: ['sum'], outputs: ['rows'] }],
        inputs: [],
        outputs: [declare('rows', 'float32')],
      })
    const first: NodeSpec[] = [
      { op: 'ReduceSum', inputs: ['encoder_hidden_states'], outputs: ['total'], attributes: { keepdims: 0 } },
      { op: 'Less', inputs: ['total', 'limit'], outputs: ['low'] },
      {
        op: 'If',
        inputs: ['low'],
        outputs: ['chosen'],
        attributes: { then_branch: branch('Neg'), else_branch: branch('Tanh') },
      },
      { op: 'MatMul', inputs: ['chosen', 'out'], outputs: ['logits'] },
    ]
    for (const limit of [-1000, 1000]) {
      const back = decoder({
        initializers: { ...TABLES, limit: float32([], [limit]) },
        nodes: [...ATTENTION, ...first],
      })
      expect(relativeL2(await together(join(encoder(), back)), await apart(encoder(), back))).toBeLessThan(1e-6)
    }
  })

  test('a decoder of another type of floats, and one that masks places', async () => {
    const half: NodeSpec[] = [
      { op: 'Cast', inputs: ['hidden'], outputs: ['encoder_hidden_states'], attributes: { to: 1 } },
      ...ATTENTION,
      WRITTEN,
    ]
    const narrow = decoder({ inputs: [IDS, declare('hidden', 'float16', ['n', 'places', WIDTH])], nodes: half })
    const joined = join(encoder(), narrow, { link: { output: 'last_hidden_state', input: 'hidden' } })
    expect(relativeL2(await together(joined), wanted)).toBeLessThan(1e-3)
    const masked = decoder({
      inputs: [IDS, declare('encoder_attention_mask', 'int64', ['batch_size', 'encoder_length']), HIDDEN],
      nodes: [
        ...ATTENTION,
        { op: 'Cast', inputs: ['encoder_attention_mask'], outputs: ['kept'], attributes: { to: 1 } },
        { op: 'ReduceSum', inputs: ['kept', 'last'], outputs: ['count'], attributes: { keepdims: 1 } },
        { op: 'Unsqueeze', inputs: ['count', 'last'], outputs: ['counts'] },
        { op: 'MatMul', inputs: ['sum', 'out'], outputs: ['plain'] },
        { op: 'Mul', inputs: ['plain', 'counts'], outputs: ['logits'] },
      ],
      initializers: { ...TABLES, last: int64([1], [1]) },
    })
    const seen = join(encoder(), masked)
    expect(seen.inputs.map((i) => i.name)).toEqual(['x', 'input_ids'])
    const scaled = wanted.map((v) => v * PLACES)
    expect(relativeL2(await together(seen), scaled)).toBeLessThan(1e-6)
  })

  test('a fixed batch of one of them is that of both', () => {
    const fixed = join(encoder({}, 'last_hidden_state', 1), decoder())
    expect(names(fixed.inputs)).toEqual([
      ['x', [1, 3, 2, 3]],
      ['input_ids', [1, 'length']],
    ])
    const one = decoder({ inputs: [IDS, declare('encoder_hidden_states', 'float32', [1, PLACES, WIDTH])] })
    expect(names(join(encoder(), one).inputs)[0]).toEqual(['x', [1, 3, 2, 3]])
  })
})

describe('decoders that keep what earlier words made', () => {
  const past = (type: DataType = 'float32') =>
    declare('past_key_values.0.key', type, ['batch_size', WIDTH, 'past_length'])
  const kept: NodeSpec[] = [
    { op: 'Gather', inputs: ['w', 'input_ids'], outputs: ['a'] },
    { op: 'Transpose', inputs: ['a'], outputs: ['now'], attributes: { perm: [0, 2, 1] } },
    { op: 'Concat', inputs: ['past_key_values.0.key', 'now'], outputs: ['present.0.key'], attributes: { axis: 2 } },
    { op: 'Transpose', inputs: ['present.0.key'], outputs: ['all'], attributes: { perm: [0, 2, 1] } },
    ...ATTENTION.slice(1).map((n) => ({ ...n, inputs: n.inputs.map((i) => (i === 'a' ? 'all' : i)) })),
    WRITTEN,
  ]
  const outputs = [LOGITS, declare('present.0.key', 'float32')]

  test('with a past: it is empty', async () => {
    const joined = await expectSame(encoder(), decoder({ inputs: [IDS, HIDDEN, past()], outputs, nodes: kept }))
    expect(joined.inputs.map((i) => i.name)).toEqual(['x', 'input_ids'])
    expect(joined.outputs.map((o) => o.name)).toEqual(['logits', 'last_hidden_state'])
  })

  test('merged: the branch without a past', async () => {
    const branch = (nodes: readonly NodeSpec[]) =>
      graphProto('branch', {
        nodes: nodes.map((n) => ({ ...n, outputs: n.outputs.map((o) => `${o}/inner`), inputs: n.inputs.map(inner) })),
        inputs: [],
        outputs: [declare('logits/inner', 'float32')],
      })
    const made = new Set([...kept, WRITTEN].flatMap((n) => n.outputs))
    const inner = (name: string): string => (made.has(name) ? `${name}/inner` : name)
    // what tells the branches apart: an empty past alone would not
    const other = kept.map((n) => (n.op === 'Softmax' ? { ...n, op: 'Hardmax' } : n))
    const node: NodeSpec = {
      op: 'If',
      inputs: ['use_cache_branch'],
      outputs: ['logits'],
      attributes: { then_branch: branch(other), else_branch: branch([...ATTENTION, WRITTEN]) },
    }
    const merged = decoder({ inputs: [IDS, HIDDEN, past(), declare('use_cache_branch', 'bool', [1])], nodes: [node] })
    const joined = await expectSame(encoder(), merged)
    expect(joined.inputs.map((i) => i.name)).toEqual(['x', 'input_ids'])
    expect(joined.nodes.map((n) => n.op)).not.toContain('If')
    const feeds = {
      'past_key_values.0.key': float32([2, WIDTH, 0]),
      use_cache_branch: tensor('bool', [1], Uint8Array.of(0)),
    }
    expect(await apart(encoder(), merged, feeds)).toHaveLength(wanted.length)
  })

  test('what cannot start without a past is refused, and what is needed is named', async () => {
    const ofPicture = declare('past_key_values.0.encoder.key', 'float32', ['batch_size', 'n', WIDTH])
    const reads: NodeSpec = { op: 'MatMul', inputs: ['sum', 'past_key_values.0.encoder.key'], outputs: ['logits'] }
    const cases: readonly [Partial<ModelSpec>, RegExp][] = [
      [{ inputs: [IDS, HIDDEN, ofPicture], nodes: [...ATTENTION, reads] }, /which the first step makes of the picture/],
      [
        { inputs: [declare('input_ids', 'int64', ['batch_size', 1]), HIDDEN, past()], outputs, nodes: kept },
        /it takes one word at a time/,
      ],
      [
        { inputs: [IDS, HIDDEN, declare('past_key_values.0.key', 'float32', ['b', 'h', 'n'])], outputs, nodes: kept },
        /which axis of "past_key_values.0.key" \[b, h, n\] counts words is not told/,
      ],
    ]
    for (const [spec, says] of cases) {
      const error = await refusal(() => join(encoder(), decoder(spec)))
      expect(error.code).toBe('missing-input')
      expect(error.message).toMatch(says)
      expect(error.message).toContain('decoder_model.onnx')
    }
  })
})

describe('which output goes where', () => {
  const renamed = (name: string): Graph =>
    decoder({
      inputs: [IDS, declare(name, 'float32', ['b', 'n', WIDTH])],
      nodes: [{ op: 'Identity', inputs: [name], outputs: ['encoder_hidden_states'] }, ...ATTENTION, WRITTEN],
    })

  test('by name, by shape, or as it is said', async () => {
    await expectSame(encoder({}, 'features'), renamed('memory'))
    await expectSame(encoder({}, 'features'), renamed('memory'), { link: { output: 'features', input: 'memory' } })
    // the encoder's output has the name of the decoder's input
    await expectSame(encoder({}, 'encoder_hidden_states'), decoder())
    await expectSame(encoder(), decoder(), { logits: 'logits' })
  })

  test('what does not fit is refused, with both sides', async () => {
    const flat = encoder({ outputs: [declare('b', 'float32', ['batch', WIDTH, 2, 3])] })
    const none = await refusal(() => join(flat, decoder()))
    expect(none.code).toBe('not-connected')
    expect(none.message).toContain('b float32[batch, 4, 2, 3]')
    expect(none.message).toContain('encoder_hidden_states float32[batch_size, encoder_length, 4]')
    const other = decoder({ inputs: [IDS, declare('encoder_hidden_states', 'float32', ['b', 'n', 7])] })
    const narrow = encoder({ outputs: [declare('last_hidden_state', 'float32', ['batch', PLACES, WIDTH])] })
    const wrong = await refusal(() => join(narrow, other))
    expect(wrong.code).toBe('shape-mismatch')
    expect(wrong.message).toContain(
      'gives last_hidden_state [batch, 6, 4], and the decoder takes encoder_hidden_states [b, n, 7]',
    )
    const unknown = await refusal(() =>
      join(encoder(), decoder(), { link: { output: 'last_hiden_state', input: 'x' } }),
    )
    expect([unknown.code, unknown.remedy]).toEqual(['unknown-value', 'Did you mean "last_hidden_state"?'])
    const scores = await refusal(() => join(encoder(), decoder(), { logits: 'scores' }))
    expect([scores.code, scores.remedy]).toEqual(['unknown-value', 'It has: logits.'])
  })
})
