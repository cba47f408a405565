/** A model of pictures and words taken apart, against the whole model on each text. */
import { describe, expect, test } from 'vitest'
import { float32, int64, sizeOf, type Tensor } from '../../src/core/tensor.js'
import { halvesOf } from '../../src/explain/halves.js'
import { findPictureInput } from '../../src/explain/input.js'
import { Writer } from '../../src/explain/writer.js'
import { declare } from '../../src/onnx/builder.js'
import type { Graph } from '../../src/onnx/ir.js'
import { lower } from '../../src/passes/lower.js'
import { probe } from '../../src/passes/probe.js'
import { relativeL2 } from '../support/measures.js'
import { type ModelSpec, model, type NodeSpec } from '../support/model.js'
import { runtime } from '../support/ort.js'
import { random } from '../support/random.js'
import { numbers, run } from '../support/run.js'

const weights = (seed: number, ...dims: number[]): Tensor<'float32'> => {
  const { normal } = random(seed)
  return float32(dims, Float32Array.from({ length: sizeOf(dims) }, normal))
}
const WORDS = 5
const TABLES = {
  w: weights(1, 4, 3, 2, 2),
  rows: int64([3], [0, 4, -1]),
  table: weights(2, WORDS, 4),
  out: weights(3, 4, WORDS),
  key: weights(4, 4, 4),
  first: int64([1], [0]),
  one: int64([1], [1]),
}

/** Places of the picture, keys of which are made once; how many pictures there are is read off them and the words. */
const SEE: readonly NodeSpec[] = [
  { op: 'Conv', inputs: ['x', 'w'], outputs: ['map'], attributes: { strides: [2, 2] } },
  { op: 'Reshape', inputs: ['map', 'rows'], outputs: ['hidden'] },
  { op: 'Transpose', inputs: ['hidden'], outputs: ['places'], attributes: { perm: [0, 2, 1] } },
  { op: 'MatMul', inputs: ['places', 'key'], outputs: ['keys'] },
  { op: 'Transpose', inputs: ['keys'], outputs: ['turned'], attributes: { perm: [0, 2, 1] } },
  { op: 'Shape', inputs: ['places'], outputs: ['shape'] },
  { op: 'Gather', inputs: ['shape', 'first'], outputs: ['count'] },
]
const WRITE: readonly NodeSpec[] = [
  { op: 'Gather', inputs: ['table', 'input_ids'], outputs: ['words'] },
  { op: 'CumSum', inputs: ['words', 'axis'], outputs: ['sofar'] },
  { op: 'MatMul', inputs: ['sofar', 'turned'], outputs: ['match'] },
  { op: 'Softmax', inputs: ['match'], outputs: ['p'], attributes: { axis: -1 } },
  { op: 'MatMul', inputs: ['p', 'places'], outputs: ['seen'] },
  { op: 'Add', inputs: ['seen', 'sofar'], outputs: ['sum'] },
  { op: 'Concat', inputs: ['count', 'minus', 'four'], outputs: ['wanted'], attributes: { axis: 0 } },
  { op: 'Reshape', inputs: ['sum', 'wanted'], outputs: ['shaped'] },
  { op: 'MatMul', inputs: ['shaped', 'out'], outputs: ['logits'] },
]
const MORE = { axis: int64([], [1]), minus: int64([1], [-1]), four: int64([1], [4]) }

function writing(batch: string | number, length: string | number, over: Partial<ModelSpec> = {}): Graph {
  return model({
    opset: 18,
    inputs: [declare('x', 'float32', [batch, 3, 4, 6]), declare('input_ids', 'int64', [batch, length])],
    outputs: [declare('logits', 'float32', [batch, length, WORDS])],
    initializers: { ...TABLES, ...MORE },
    nodes: [...SEE, ...WRITE],
    ...over,
  })
}

async function writerOf(graph: Graph): Promise<Writer> {
  const shapes = await probe(graph, runtime)
  const source = lower(graph)
  return new Writer({ graph: source, shapes, input: findPictureInput(source, shapes), scores: 'logits' }, runtime)
}

const x = weights(7, 1, 3, 4, 6)
const texts = [
  [1, 3, 0],
  [1, 2, 4],
  [1, 1, 1],
]

/** The scores behind each text, of the whole model run on it alone. */
async function whole(graph: Graph): Promise<number[]> {
  const rows: number[] = []
  for (const text of texts) {
    const { logits } = await run(graph, { x, input_ids: int64([1, text.length], text) })
    rows.push(...numbers(logits).slice(-WORDS))
  }
  return rows
}

const wanted = await whole(writing('n', 't'))

describe('scores of the next words', () => {
  const expectSame = async (graph: Graph): Promise<Writer> => {
    const writer = await writerOf(graph)
    const next = await writer.see({ pictures: x, others: {} })
    const rows = (await next(texts)).flatMap((row) => [...row])
    expect(relativeL2(rows, wanted)).toBeLessThan(1e-6)
    await writer.release()
    return writer
  }

  test('of several texts at once', async () => {
    const writer = await expectSame(writing('n', 't'))
    expect([writer.longest, writer.names]).toEqual([undefined, ['input_ids']])
  })

  test('of a model of one picture, or of two, at a time', async () => {
    await expectSame(writing(1, 't'))
    await expectSame(writing(2, 't'))
  })

  test('of a model of texts of one length, which are filled up', async () => {
    expect((await expectSame(writing('n', 6))).longest).toBe(7)
  })

  test('with the inputs that go with words', async () => {
    const word = (name: string, type: 'int64' | 'int32' = 'int64') => declare(name, type, ['n', 't'])
    const inputs = [
      declare('x', 'float32', ['n', 3, 4, 6]),
      word('decoder_input_ids'),
      word('decoder_attention_mask', 'int32'),
      word('decoder_position_ids'),
    ]
    // the mask and the places come to nothing: 1 times, and less what they are
    const nodes: NodeSpec[] = [
      { op: 'Cast', inputs: ['decoder_attention_mask'], outputs: ['kept'], attributes: { to: 7 } },
      { op: 'Mul', inputs: ['decoder_input_ids', 'kept'], outputs: ['masked'] },
      { op: 'CumSum', inputs: ['kept', 'axis'], outputs: ['counted'] },
      { op: 'Sub', inputs: ['counted', 'decoder_position_ids'], outputs: ['ones'] },
      { op: 'Mul', inputs: ['masked', 'ones'], outputs: ['input_ids'] },
    ]
    const writer = await expectSame(writing('n', 't', { inputs, nodes: [...SEE, ...nodes, ...WRITE] }))
    expect(writer.names).toEqual(['decoder_input_ids', 'decoder_attention_mask', 'decoder_position_ids'])
  })
})

test('what is made of the picture alone is made once, but for what counts pictures', async () => {
  const graph = writing('n', 't')
  const { picture, words, carried } = halvesOf(
    lower(graph),
    await probe(graph, runtime),
    { picture: 'x', words: ['input_ids'] },
    'logits',
  )
  expect([...carried].sort()).toEqual(['places', 'turned'])
  expect(picture.inputs.map((i) => i.name)).toEqual(['x'])
  expect(words.inputs.map((i) => i.name).sort()).toEqual(['input_ids', 'places', 'turned'])
  expect(words.nodes.map((n) => n.op)).toContain('Shape')
  expect(words.nodes.map((n) => n.op)).not.toContain('Conv')
})
