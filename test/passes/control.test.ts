/** Control flow that follows from the model: ORT must answer the same before and after, and the gradient must be that of differences. */
import { describe, expect, test } from 'vitest'
import { ExplainError } from '../../src/core/errors.js'
import { float32, int64, sizeOf, type Tensor, tensor } from '../../src/core/tensor.js'
import { declare } from '../../src/onnx/builder.js'
import type { Graph } from '../../src/onnx/ir.js'
import { subgraphs } from '../../src/onnx/subgraphs.js'
import { lower } from '../../src/passes/lower.js'
import { probe } from '../../src/passes/probe.js'
import { differentiate } from '../../src/vjp/differentiate.js'
import { graphProto, model, type NodeSpec } from '../support/model.js'
import { runtime } from '../support/ort.js'
import { random } from '../support/random.js'
import { numbers, run } from '../support/run.js'

const node = (op: string, inputs: string, outputs: string, attributes: NodeSpec['attributes'] = {}): NodeSpec => ({
  op,
  inputs: (inputs === '' ? [] : inputs.split(' ')).map((i) => (i === '_' ? '' : i)),
  outputs: outputs.split(' ').map((o) => (o === '_' ? '' : o)),
  attributes,
})

const scalars: Readonly<Record<string, Tensor>> = {
  zero: int64([1], [0]),
  one: int64([1], [1]),
  first: int64([], [0]),
  second: int64([], [1]),
  last: int64([], [-1]),
  three: int64([], [3]),
  two: int64([1], [2]),
  parts: int64([2], [1, 2]),
  none: int64([], [0]),
  yes: tensor('bool', [], Uint8Array.of(1)),
  no: tensor('bool', [], Uint8Array.of(0)),
  w: float32([4], [0.5, -0.7, 0.9, 0.3]),
}

type Typed = 'bool' | 'int64' | 'float32'

/** Values are names; `name:bool` and `name:int64` are scalars of that type. */
function body(inputs: string, outputs: string, ...nodes: readonly NodeSpec[]): ReturnType<typeof graphProto> {
  const value = (text: string) => {
    const [name = '', type] = text.split(':')
    return type === undefined ? declare(name) : declare(name, type as Typed, type === 'float32' ? undefined : [])
  }
  const values = (names: string) => (names === '' ? [] : names.split(' ').map(value))
  return graphProto('body', { nodes, inputs: values(inputs), outputs: values(outputs) })
}

/** From `x [2,3,4]`, the trip count `n` and the condition `c` to `y`. */
function modelOf(nodes: readonly NodeSpec[], batch: number | string = 2): Graph {
  return model({
    opset: 18,
    nodes,
    inputs: [declare('x', 'float32', [batch, 3, 4]), declare('n', 'int64', []), declare('c', 'bool', [])],
    outputs: [declare('y', 'float32')],
    initializers: scalars,
  })
}

const r = random(11)
const normal = (...dims: number[]) =>
  float32(
    dims,
    Array.from({ length: sizeOf(dims) }, () => r.normal()),
  )
const x = normal(2, 3, 4)

interface Fed {
  readonly n?: number
  readonly c?: boolean
}

const feedsOf = ({ n = 2, c = true }: Fed) => ({
  x,
  n: int64([], [n]),
  c: tensor('bool', [], Uint8Array.of(c ? 1 : 0)),
})

function operators(graph: Graph): string[] {
  return graph.nodes.flatMap((n) => [n.op, ...subgraphs(graph, n).flatMap(([, inner]) => operators(inner))])
}

async function expectSame(graph: Graph, fed: Fed = {}): Promise<void> {
  const want = (await run(graph, feedsOf(fed))).y
  const got = (await run(lower(graph), feedsOf(fed))).y
  expect(got?.dims).toEqual(want?.dims)
  expect(numbers(got)).toEqual(numbers(want).map((v) => expect.closeTo(v, 5)))
}

async function expectGradient(graph: Graph, fed: Fed = {}): Promise<void> {
  const feeds = feedsOf(fed)
  const y = (await run(graph, feeds)).y
  const seed = normal(...(y?.dims ?? []))
  const gradient = differentiate(graph, { of: 'y', wrt: ['x'], shapes: await probe(graph, runtime) })
  const got = numbers((await run(gradient, { ...feeds, 'gradient/y': seed }))['gradient/x'])
  const direction = normal(2, 3, 4)
  const at = async (step: number) => {
    const moved = float32(
      [2, 3, 4],
      x.data.map((v, i) => v + step * (direction.data[i] ?? 0)),
    )
    return numbers((await run(graph, { ...feeds, x: moved })).y).reduce((sum, v, i) => sum + v * (seed.data[i] ?? 0), 0)
  }
  const want = ((await at(3e-3)) - (await at(-3e-3))) / 6e-3
  const along = got.reduce((sum, v, i) => sum + v * (direction.data[i] ?? 0), 0)
  expect(Math.abs(along - want)).toBeLessThan(2e-2 * Math.max(1, Math.abs(want)))
}

const either = (condition: string, output = 'y'): NodeSpec =>
  node('If', condition, output, {
    then_branch: body('', 'taken', node('Mul', 'x w', 'product'), node('Sin', 'product', 'taken')),
    else_branch: body('', 'taken', node('Neg', 'x', 'taken')),
  })

const sizeIsOne = (axis: string): NodeSpec[] => [
  node('Shape', 'x', 'shape'),
  node('Gather', `shape ${axis}`, 'size', { axis: 0 }),
  node('Equal', 'size second', 'is_one'),
]

/** h' = tanh(h w + i), i being the number of the step. */
const steps = (condition: string, ...more: readonly NodeSpec[]) =>
  body(
    'i:int64 c_in:bool h:float32',
    'c_out:bool next:float32 seen:float32',
    node('Cast', 'i', 'number', { to: 1 }),
    node('Mul', 'h w', 'hw'),
    node('Add', 'hw number', 'sum'),
    node('Tanh', 'sum', 'next'),
    node('ReduceMean', 'next two', 'seen', { keepdims: 0 }),
    ...(more.length > 0 ? more : [node('Identity', condition, 'c_out')]),
  )

/** The same without a value of each step. */
const carrying = (condition: string) =>
  body(
    'i:int64 c_in:bool h:float32',
    'c_out:bool next:float32',
    node('Mul', 'h w', 'hw'),
    node('Sin', 'hw', 'next'),
    node('Identity', condition, 'c_out'),
  )

const loop = (inputs: string, inner: ReturnType<typeof body>, outputs = 'h_last all') =>
  node('Loop', inputs, outputs, { body: inner })
const bothOutputs = [
  node('ReduceSum', 'all zero', 'total', { keepdims: 0 }),
  node('Unsqueeze', 'total two', 'column'),
  node('Mul', 'h_last column', 'y'),
]

/** What is left of control flow afterwards, by the model. */
const MODELS: Readonly<Record<string, { nodes: readonly NodeSpec[]; left: readonly string[]; fed?: readonly Fed[] }>> =
  {
    'If of a stored condition': { nodes: [either('yes')], left: [] },
    'If of a size, as PyTorch writes squeeze': { nodes: [...sizeIsOne('second'), either('is_one')], left: [] },
    'If behind If': {
      nodes: [
        either('no', 'z'),
        ...sizeIsOne('second'),
        node('Not', 'is_one', 'more'),
        node('And', 'more yes', 'both'),
        node('If', 'both', 'y', {
          then_branch: body('', 'taken', node('Mul', 'z x', 'taken')),
          else_branch: body('', 'taken', node('Identity', 'z', 'taken')),
        }),
      ],
      left: [],
    },
    'If of what is fed': { nodes: [either('c')], left: ['If'], fed: [{ c: true }, { c: false }] },
    'If that gives what it captures': {
      nodes: [
        node('Exp', 'x', 'e'),
        node('If', 'yes', 'z', {
          then_branch: body('', 'same', node('Identity', 'e', 'same')),
          else_branch: body('', 'other', node('Neg', 'e', 'other')),
        }),
        node('Add', 'z e', 'y'),
      ],
      left: [],
    },
    'Loop of a stored count': { nodes: [loop('three yes x', steps('c_in')), ...bothOutputs], left: [] },
    'Loop of a computed count': {
      nodes: [
        node('Shape', 'x', 'shape'),
        node('Gather', 'shape second', 'rows', { axis: 0 }),
        loop('rows _ x', steps('yes')),
        ...bothOutputs,
      ],
      left: [],
    },
    'Loop that ends by its own count': {
      nodes: [loop('_ yes x', steps('', node('Less', 'i second', 'c_out'))), ...bothOutputs],
      left: [],
    },
    'Loop that has an If inside': {
      nodes: [
        loop(
          'three yes x',
          body(
            'i:int64 c_in:bool h:float32',
            'c_out:bool next:float32 seen:float32',
            node('Equal', 'i second', 'is_second'),
            node('If', 'is_second', 'next', {
              then_branch: body('', 'inner', node('Sin', 'h', 'inner')),
              else_branch: body('', 'inner', node('Mul', 'h w', 'inner')),
            }),
            node('ReduceMean', 'next two', 'seen', { keepdims: 0 }),
            node('Identity', 'c_in', 'c_out'),
          ),
        ),
        ...bothOutputs,
      ],
      left: [],
    },
    'Loop of no step': {
      nodes: [loop('none yes x', carrying('c_in'), 'h_last'), node('Mul', 'h_last x', 'y')],
      left: [],
    },
    'Loop of a count that is fed': {
      nodes: [loop('n yes x', steps('c_in')), ...bothOutputs],
      left: ['Scan'],
      fed: [{ n: 1 }, { n: 4 }],
    },
    'Loop of a count that is fed, which only carries': {
      nodes: [loop('n yes x', carrying('c_in'), 'h_last'), node('Mul', 'h_last x', 'y')],
      left: ['Scan'],
      fed: [{ n: 1 }, { n: 3 }],
    },
    'Sequence put together, and read': {
      nodes: [
        node('Sin', 'x', 's'),
        node('SequenceConstruct', 'x s', 'list'),
        node('SequenceInsert', 'list x first', 'longer'),
        node('SequenceErase', 'longer second', 'shorter'),
        node('SequenceAt', 'shorter last', 'picked'),
        node('ConcatFromSequence', 'shorter', 'joined', { axis: 1, new_axis: 1 }),
        node('Unsqueeze', 'picked one', 'deeper'),
        node('Mul', 'joined deeper', 'y'),
      ],
      left: [],
    },
    'Sequence of parts': {
      nodes: [
        node('SplitToSequence', 'x second', 'rows', { axis: 1 }),
        node('SplitToSequence', 'x parts', 'uneven', { axis: 1 }),
        node('SplitToSequence', 'x', 'columns', { axis: 2, keepdims: 0 }),
        node('SequenceAt', 'rows last', 'row'),
        node('SequenceAt', 'uneven second', 'two_rows'),
        node('SequenceAt', 'columns first', 'column'),
        node('Unsqueeze', 'column two', 'wide'),
        node('ConcatFromSequence', 'uneven', 'whole', { axis: 1 }),
        node('Mul', 'whole row', 'a'),
        node('Mul', 'a wide', 'b'),
        node('ReduceSum', 'two_rows one', 'c_sum', { keepdims: 1 }),
        node('Mul', 'b c_sum', 'y'),
      ],
      left: [],
    },
    'Sequence that a Loop fills and another reads': {
      nodes: [
        node('SequenceEmpty', '', 'empty'),
        loop(
          'three yes empty',
          graphProto('body', {
            nodes: [
              node('Cast', 'i', 'number', { to: 1 }),
              node('Add', 'x number', 'item'),
              node('SequenceInsert', 'list item', 'longer'),
              node('Identity', 'c_in', 'c_out'),
            ],
            inputs: [declare('i', 'int64', []), declare('c_in', 'bool', []), declare('list')],
            outputs: [declare('c_out', 'bool', []), declare('longer')],
          }),
          'list_all',
        ),
        node('SequenceLength', 'list_all', 'count'),
        loop(
          'count yes x',
          body(
            'j:int64 d_in:bool h:float32',
            'd_out:bool next:float32 seen:float32',
            node('SequenceAt', 'list_all j', 'item_j'),
            node('Sin', 'item_j', 'sine'),
            node('Mul', 'h sine', 'next'),
            node('ReduceMean', 'next two', 'seen', { keepdims: 0 }),
            node('Identity', 'd_in', 'd_out'),
          ),
          'h_last unread',
        ),
        node('Identity', 'h_last', 'y'),
      ],
      left: [],
    },
    'Sequence that is mapped': {
      nodes: [
        node('SplitToSequence', 'x parts', 'list', { axis: 1 }),
        node('SequenceMap', 'list w', 'mapped', {
          body: body(
            'item:float32 scale:float32',
            'out:float32',
            node('Mul', 'item scale', 'm'),
            node('Tanh', 'm', 'out'),
          ),
        }),
        node('ConcatFromSequence', 'mapped', 'y', { axis: 1 }),
      ],
      left: [],
    },
    'Tensors that stand for optional values': {
      nodes: [
        node('OptionalHasElement', 'x', 'has'),
        node('OptionalGetElement', 'x', 'it'),
        node('If', 'has', 'y', {
          then_branch: body('', 'taken', node('Mul', 'it it', 'taken')),
          else_branch: body('', 'taken', node('Neg', 'x', 'taken')),
        }),
      ],
      left: [],
    },
    'Optional values': {
      nodes: [
        node('Optional', 'x', 'maybe'),
        node('OptionalHasElement', 'maybe', 'has'),
        node('OptionalGetElement', 'maybe', 'it'),
        node('If', 'has', 'y', {
          then_branch: body('', 'taken', node('Mul', 'it it', 'taken')),
          else_branch: body('', 'taken', node('Neg', 'x', 'taken')),
        }),
      ],
      left: [],
    },
  }

const FLOW = new Set(['If', 'Loop', 'Scan'])
const isFlow = (op: string): boolean => FLOW.has(op) || op.includes('Sequence') || op.startsWith('Optional')

describe.each(Object.entries(MODELS))('%s', (_name, { nodes, left, fed = [{}] }) => {
  test('leaves only what depends on what is fed', () => {
    expect(operators(lower(modelOf(nodes))).filter(isFlow)).toEqual(left)
  })

  test.each(fed)('answers the same (%j)', async (given) => {
    await expectSame(modelOf(nodes), given)
  })

  test.each(fed)('has the gradient of differences (%j)', async (given) => {
    await expectGradient(modelOf(nodes), given)
  })
})

describe('what is left', () => {
  const refusal = (nodes: readonly NodeSpec[]): ExplainError => {
    try {
      differentiate(modelOf(nodes), { of: 'y', wrt: ['x'] })
    } catch (error) {
      if (error instanceof ExplainError) return error
      throw error
    }
    throw new Error('nothing was refused')
  }

  test('a Loop that ends by what it computes is refused by name', async () => {
    const ends = steps(
      '',
      node('ReduceSum', 'next', 'all_of_it', { keepdims: 0 }),
      node('Cast', 'zero', 'limit_of', { to: 1 }),
      node('Squeeze', 'limit_of', 'limit'),
      node('Less', 'all_of_it limit', 'c_out'),
    )
    const nodes = [loop('three yes x', ends, 'h_last unread'), node('Identity', 'h_last', 'y')]
    await expectSame(modelOf(nodes))
    expect(refusal(nodes)).toMatchObject({
      code: 'unsupported-operator',
      message: expect.stringMatching(/Loop "Loop_h_last".*condition that is computed/),
    })
  })

  test('a Loop whose state grows goes on answering, and is refused by name', async () => {
    const grows = body(
      'i:int64 c_in:bool h:float32',
      'c_out:bool next:float32',
      node('Concat', 'h x', 'next', { axis: 0 }),
      node('Identity', 'c_in', 'c_out'),
    )
    const nodes = [loop('n yes x', grows, 'y')]
    await expectSame(modelOf(nodes), { n: 3 })
    expect(refusal(nodes).message).toMatch(/Loop "Loop_y".*grows/)
  })

  test('a place in a sequence that is fed is refused by name', async () => {
    const nodes = [node('SequenceConstruct', 'x x', 'list'), node('SequenceAt', 'list n', 'y')]
    await expectSame(modelOf(nodes), { n: 1 })
    expect(refusal(nodes).message).toMatch(/SequenceAt "SequenceAt_y"/)
  })

  test('a size that is free is not taken for known', () => {
    const nodes = [...sizeIsOne('first'), either('is_one')]
    expect(operators(lower(modelOf(nodes, 'N')))).toContain('If')
    expect(operators(lower(modelOf(nodes, 2)))).not.toContain('If')
  })
})
