/** What ORT does not run of the recurrent operators, held to what it does run. */
import { describe, expect, test } from 'vitest'
import { float32, type Tensor, tensor } from '../../src/core/tensor.js'
import { declare } from '../../src/onnx/builder.js'
import type { Graph } from '../../src/onnx/ir.js'
import { lower } from '../../src/passes/lower.js'
import { model, type NodeSpec } from '../support/model.js'
import { noise } from '../support/networks.js'
import { numbers, run } from '../support/run.js'

const [T, N, I, H, D] = [4, 3, 2, 2, 2]

const OPERATORS = [
  ['LSTM', 4, 3],
  ['GRU', 3, 2],
  ['RNN', 1, 2],
] as const

function modelOf(nodes: readonly NodeSpec[], gates: number, outputs: number, lengths?: readonly number[]): Graph {
  return model({
    opset: 14,
    nodes,
    inputs: [
      declare('x', 'float32', [N, T, I]),
      declare('h', 'float32', [N, D, H]),
      declare('c', 'float32', [N, D, H]),
    ],
    outputs: Array.from({ length: outputs }, (_, i) => declare(`y${i}`)),
    initializers: {
      W: noise(1, D, gates * H, I),
      R: noise(2, D, gates * H, H),
      B: noise(3, D, 2 * gates * H),
      ...(lengths ? { lengths: tensor('int32', [N], Int32Array.from(lengths)) } : {}),
    },
  })
}

const feeds: Record<string, Tensor> = { x: noise(4, N, T, I), h: noise(5, N, D, H), c: noise(6, N, D, H) }
const attributes = { hidden_size: H, direction: 'bidirectional' }

function expectSame(got: Record<string, Tensor>, want: Record<string, Tensor>): void {
  expect(Object.keys(got)).toEqual(Object.keys(want))
  for (const [name, t] of Object.entries(want)) {
    expect(got[name]?.dims).toEqual(t.dims)
    expect(numbers(got[name])).toEqual(numbers(t).map((v) => expect.closeTo(v, 5)))
  }
}

const turn = (from: string, to: string, perm: readonly number[]): NodeSpec => ({
  op: 'Transpose',
  inputs: [from],
  outputs: [to],
  attributes: { perm },
})

/** The operator behind and before transpositions, which ORT runs. */
function byTime(op: string, states: readonly string[], lengths = ''): readonly NodeSpec[] {
  const inputs = ['x_t', 'W', 'R', 'B', lengths, ...states.map((s) => `${s}_t`)]
  return [
    turn('x', 'x_t', [1, 0, 2]),
    ...states.map((s) => turn(s, `${s}_t`, [1, 0, 2])),
    { op, inputs, outputs: ['Y', ...states.map((s) => `Y_${s}`)], attributes },
    turn('Y', 'y0', [2, 0, 1, 3]),
    ...states.map((s, i) => turn(`Y_${s}`, `y${i + 1}`, [1, 0, 2])),
  ]
}

describe.each(OPERATORS)('%s', (op, gates, outputs) => {
  const states = outputs === 3 ? ['h', 'c'] : ['h']

  test('layout 1 is layout 0 with batch and time exchanged', async () => {
    const ys = Array.from({ length: outputs }, (_, i) => `y${i}`)
    const inputs = ['x', 'W', 'R', 'B', '', ...states]
    const batchFirst = modelOf([{ op, inputs, outputs: ys, attributes: { ...attributes, layout: 1 } }], gates, outputs)
    const timeFirst = modelOf(byTime(op, states), gates, outputs)
    expectSame(await run(lower(batchFirst), feeds), await run(timeFirst, feeds))
  })

  test('sequences of different lengths answer as ORT has them', async () => {
    const graph = modelOf(byTime(op, states, 'lengths'), gates, outputs, [4, 1, 3])
    expectSame(await run(lower(graph), feeds), await run(graph, feeds))
  })

  test('weights that are fed, in a batch of any size', async () => {
    const nodes: NodeSpec[] = [{ op, inputs: ['x', 'w', 'r'], outputs: ['y0'], attributes: { hidden_size: H } }]
    const graph = model({
      opset: 18,
      nodes,
      inputs: [declare('x', 'float32', ['T', 'N', I]), declare('w', 'float32'), declare('r', 'float32')],
      outputs: [declare('y0', 'float32')],
    })
    const given = { x: noise(7, 1, 5, I), w: noise(8, 1, gates * H, I), r: float32([1, gates * H, H]) }
    expectSame(await run(lower(graph), given), await run(graph, given))
  })
})
