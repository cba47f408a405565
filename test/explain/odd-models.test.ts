/** Models that are not quite as usual: narrow numbers, fixed batches, several outputs, names that are taken; and calls that overlap. */
import { describe, expect, test } from 'vitest'
import { int64, type Tensor, tensor } from '../../src/core/tensor.js'
import { differentiate, type ExplanationSet, Model } from '../../src/index.js'
import type { Method } from '../../src/methods/method.js'
import { declare } from '../../src/onnx/builder.js'
import { float16Bits } from '../../src/onnx/float16.js'
import type { Graph } from '../../src/onnx/ir.js'
import { planOf, refusal } from '../support/compiled.js'
import { relativeL2 } from '../support/measures.js'
import { ON_CONVOLUTIONS, quick } from '../support/methods.js'
import { model, type NodeSpec } from '../support/model.js'
import { noise, picture, SIDE } from '../support/networks.js'
import { runtime } from '../support/ort.js'
import { run } from '../support/run.js'

const FLOAT = 1
const FLOAT16 = 10
const WEIGHTS = { w1: noise(1, 5, 3, 3, 3), w: noise(2, 4, 5), bias: noise(3, 4) }

/** conv -> relu -> pool -> gemm, its weights given under the names that the nodes read. */
function body(input: string, logits: string, weights: { w1: string; w: string; bias: string }): readonly NodeSpec[] {
  return [
    { op: 'Conv', inputs: [input, weights.w1], outputs: ['conv'], attributes: { strides: [2, 2], pads: [1, 1, 1, 1] } },
    { op: 'Relu', inputs: ['conv'], outputs: ['features'] },
    { op: 'GlobalAveragePool', inputs: ['features'], outputs: ['pooled'] },
    { op: 'Flatten', inputs: ['pooled'], outputs: ['flat'] },
    { op: 'Gemm', inputs: ['flat', weights.w, weights.bias], outputs: [logits], attributes: { transB: 1 } },
  ]
}

const PLAIN = { w1: 'w1', w: 'w', bias: 'bias' }

interface Shape {
  readonly before?: readonly NodeSpec[]
  readonly after?: readonly NodeSpec[]
  readonly nodes?: readonly NodeSpec[]
  readonly input?: string
  readonly batch?: number | string
  readonly outputs?: Readonly<Record<string, number>>
  readonly initializers?: Readonly<Record<string, Tensor>>
}

function network(shape: Shape = {}): Graph {
  const input = shape.input ?? 'x'
  const batch = shape.batch ?? 'N'
  return model({
    opset: 18,
    nodes: [...(shape.before ?? []), ...(shape.nodes ?? body(input, 'logits', PLAIN)), ...(shape.after ?? [])],
    inputs: [declare(input, 'float32', [batch, 3, SIDE, SIDE])],
    outputs: Object.entries(shape.outputs ?? { logits: 4 }).map(([name, n]) => declare(name, 'float32', [batch, n])),
    initializers: shape.initializers ?? WEIGHTS,
  })
}

const ALL = ON_CONVOLUTIONS.map((m) => m.id)

async function explainAll(
  graph: Graph,
  target: readonly number[],
  method: readonly string[] = ALL,
): Promise<ExplanationSet> {
  const loaded = await Model.load(graph, runtime, { name: 'test' })
  try {
    return await loaded.explainAll(picture(7), { method, target, options: { patch: 4, stride: 4, iterations: 4 } })
  } finally {
    await loaded.release()
  }
}

/** Holds every map of one set to that of another. */
function expectSame(got: ExplanationSet, want: ExplanationSet, tolerance: number): void {
  expect(got.explanations.map((e) => [e.method.id, e.answer.index])).toEqual(
    want.explanations.map((e) => [e.method.id, e.answer.index]),
  )
  for (const [i, e] of got.explanations.entries())
    expect(relativeL2(e.raw.data, want.explanations[i]?.raw.data ?? [])).toBeLessThan(tolerance)
}

function toFloat16(t: Tensor<'float32'>): Tensor<'float16'> {
  return tensor('float16', t.dims, Uint16Array.from(t.data, float16Bits))
}

describe('calls that overlap', () => {
  test('on one model all come to their end, with the maps of calls one by one', async () => {
    const graph = network()
    const loaded = await Model.load(graph, runtime, { name: 'test' })
    const one = (method: Method) => loaded.explain(picture(7), { method: method.id, target: 1, options: quick(method) })
    const together = await Promise.all([...ON_CONVOLUTIONS, ...ON_CONVOLUTIONS].map(one))
    await loaded.release()
    const alone = await explainAll(graph, [1])
    for (const e of together) {
      const want = alone.explanations.find((a) => a.method.id === e.method.id)
      if (e.method.id !== 'occlusion') expect(relativeL2(e.raw.data, want?.raw.data ?? [])).toBeLessThan(1e-6)
    }
    expect(together).toHaveLength(2 * ALL.length)
  })
})

describe('float16 inside, float32 outside', () => {
  const narrow = { w1: toFloat16(WEIGHTS.w1), w: toFloat16(WEIGHTS.w), bias: toFloat16(WEIGHTS.bias) }
  const before = [{ op: 'Cast', inputs: ['x'], outputs: ['narrow'], attributes: { to: FLOAT16 } }]
  test.each([
    ['logits', [{ op: 'Cast', inputs: ['small'], outputs: ['logits'], attributes: { to: FLOAT } }]],
    [
      'softmax',
      [
        { op: 'Softmax', inputs: ['small'], outputs: ['p'], attributes: { axis: -1 } },
        { op: 'Cast', inputs: ['p'], outputs: ['logits'], attributes: { to: FLOAT } },
      ],
    ],
  ])('%s: maps are those of float32, as exactly as float16 tells', async (_, after) => {
    const graph = network({ before, nodes: body('narrow', 'small', PLAIN), after, initializers: narrow })
    expectSame(await explainAll(graph, [0, 2]), await explainAll(network(), [0, 2]), 2e-2)
  })
})

test('a fixed batch of 4 explains any number of targets, as a free one does', async () => {
  const want = await explainAll(network(), [0, 1, 2, 3, 0])
  expectSame(await explainAll(network({ batch: 4 }), [0, 1, 2, 3, 0]), want, 1e-6)
})

test('weights behind DequantizeLinear are constants', async () => {
  const quantised = Int8Array.from(WEIGHTS.w1.data, (v) => Math.max(-127, Math.min(127, Math.round(v * 40))))
  const graph = network({
    before: [{ op: 'DequantizeLinear', inputs: ['q', 'scale'], outputs: ['w1'] }],
    initializers: {
      w: WEIGHTS.w,
      bias: WEIGHTS.bias,
      q: tensor('int8', WEIGHTS.w1.dims, quantised),
      scale: tensor('float32', [], Float32Array.of(1 / 40)),
    },
  })
  const same = tensor(
    'float32',
    WEIGHTS.w1.dims,
    Float32Array.from(quantised, (v) => v / 40),
  )
  expectSame(
    await explainAll(graph, [1]),
    await explainAll(network({ initializers: { ...WEIGHTS, w1: same } }), [1]),
    1e-5,
  )
})

describe('several outputs', () => {
  test('the one that no other is made from is explained, and that is said', async () => {
    const graph = network({ outputs: { flat: 5, logits: 4 } })
    const loaded = await Model.load(graph, runtime, { name: 'test' })
    expect([loaded.answer.output, loaded.answer.classes]).toEqual(['logits', 4])
    expect(loaded.notes.join()).toContain('flat')
  })

  test('probabilities beside their logits: the logits are explained', async () => {
    const after = [{ op: 'Softmax', inputs: ['logits'], outputs: ['p'], attributes: { axis: -1 } }]
    const graph = network({ after, outputs: { logits: 4, p: 4 } })
    const { answer } = await Model.load(graph, runtime, { name: 'test' })
    expect([answer.output, answer.logits, answer.activation]).toEqual(['p', 'logits', 'softmax'])
  })

  test('another can be asked for; one that is no list of scores is no list of answers', async () => {
    const graph = network({ outputs: { flat: 5, logits: 4 } })
    const { answer } = await Model.load(graph, runtime, { name: 'test', answer: 'flat' })
    expect(answer.classes).toBe(5)
    const error = await refusal(Model.load(graph, runtime, { name: 'test', answer: 'conv' }))
    expect(error).toMatchObject({ code: 'method-not-applicable' })
    expect(error.message).toMatch(/There is no output "conv".*Explained can be: flat, logits\./)
    const maps = network({ outputs: { logits: 4 } })
    const more = maps.with({ outputs: [...maps.outputs, declare('features', 'float32', ['N', 5, 6, 6])] })
    const map = await Model.load(more, runtime, { name: 'test', answer: 'features' })
    expect([map.answer.kind, map.answer.classes]).toEqual(['map', 5])
    const none = await refusal(map.classify(picture(1)))
    expect(none.message).toMatch(/needs the scores of all classes/)
  })
})

describe('the target', () => {
  test('takes another name where the picture has it', async () => {
    const graph = network({ input: 'target', nodes: body('target', 'logits', PLAIN) })
    expect((await planOf(graph)).targetInputs[0]?.name).toBe('target_1')
    expectSame(await explainAll(graph, [1]), await explainAll(network(), [1]), 1e-6)
  })

  test('beyond the classes fails, rather than give a blank map', async () => {
    const { graph } = await planOf(network())
    await expect(run(graph, { x: picture(1), target: int64([1], [4]) })).rejects.toThrow(/indices/i)
  })
})

test('the picture is no layer', async () => {
  const error = await refusal(planOf(network(), { layer: 'x' }))
  expect(error).toMatchObject({ code: 'unknown-layer' })
})

test('guided rules speak of activations on the way to the score only', async () => {
  const after = [{ op: 'Sigmoid', inputs: ['logits'], outputs: ['p'] }]
  const graph = network({ after, outputs: { p: 4 } })
  const plan = await planOf(graph, { method: 'guided-backpropagation' })
  expect(plan.maps.flatMap((m) => m.notes)).toEqual([])
})

test('a linear layer behind values of unknown rank needs no shapes', () => {
  const graph = model({
    opset: 18,
    nodes: [
      { op: 'MatMul', inputs: ['x', 'w'], outputs: ['h'] },
      { op: 'MatMul', inputs: ['h', 'v'], outputs: ['y'] },
    ],
    inputs: [declare('x', 'float32')],
    outputs: [declare('y')],
    initializers: { w: noise(1, 3, 4), v: noise(2, 4, 2) },
  })
  expect(() => differentiate(graph, { of: 'y', wrt: ['x'] })).not.toThrow()
})
