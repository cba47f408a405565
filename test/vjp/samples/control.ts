import type { AttributeValue } from '../../../src/onnx/attributes.js'
import { float } from '../../../src/onnx/attributes.js'
import { declare } from '../../../src/onnx/builder.js'
import { graphProto, NEWEST_OPSET, type NodeSpec } from '../../support/model.js'
import { awayFromZero, defineSamples, fed, fixed, ints, normal, type Sample, typed } from '../sample.js'

type Attributes = Readonly<Record<string, AttributeValue>>

function node(op: string, inputs: string, output: string, attributes: Attributes = {}): NodeSpec {
  return { op, inputs: inputs.split(' '), outputs: output.split(' '), attributes }
}

/** Values are names; `name:2` also says that it is float32 (`name:2d`: float64) of rank 2, which ORT must know of the outputs of a Scan's body. */
function body(inputs: string, outputs: string, ...nodes: readonly NodeSpec[]): ReturnType<typeof graphProto> {
  const value = (text: string) => {
    const [name = '', said] = text.split(':')
    if (said === undefined) return declare(name)
    return declare(name, said.endsWith('d') ? 'float64' : 'float32', Array(Number.parseInt(said, 10)).fill(null))
  }
  const values = (names: string) => (names === '' ? [] : names.split(' ').map(value))
  return graphProto('body', { inputs: values(inputs), outputs: values(outputs), nodes })
}

/** Captures are the operator's inputs behind those of the node, by name: see `captured` of a sample. */
const branches = (then: readonly NodeSpec[], otherwise: readonly NodeSpec[], outputs = 1): Attributes => {
  const names = (prefix: string) => Array.from({ length: outputs }, (_, i) => `${prefix}${i}`).join(' ')
  return { then_branch: body('', names('t'), ...then), else_branch: body('', names('e'), ...otherwise) }
}

const condition = (value: boolean) => fed(typed('bool', [], [value ? 1 : 0]))

const IF_OPSETS = [18, 11, 13, 16, NEWEST_OPSET]

const both = branches([node('Mul', 'x1 x2', 't0')], [node('Tanh', 'x1', 'inner'), node('Add', 'inner inner', 'e0')])

const ifs: readonly Sample[] = [
  {
    name: 'then',
    opsets: IF_OPSETS,
    attributes: both,
    inputs: [condition(true)],
    captured: [normal([2, 3]), normal([3])],
  },
  { name: 'else', attributes: both, inputs: [condition(false)], captured: [normal([2, 3]), normal([3])] },
  {
    name: 'two-outputs',
    attributes: branches(
      [node('Sin', 'x1', 't0'), node('Mul', 'x1 x1', 't1')],
      [node('Cos', 'x1', 'e0'), node('Identity', 'x1', 'e1')],
      2,
    ),
    inputs: [condition(true)],
    captured: [normal([3])],
    outputs: 2,
    of: [0, 1],
  },
  {
    name: 'one-of-two-outputs',
    attributes: branches(
      [node('Sin', 'x1', 't0'), node('Mul', 'x1 x1', 't1')],
      [node('Cos', 'x1', 'e0'), node('Exp', 'x1', 'e1')],
      2,
    ),
    inputs: [condition(false)],
    captured: [normal([3])],
    outputs: 2,
    of: [1],
  },
  {
    name: 'nested',
    attributes: branches(
      [
        node('ReduceSum', 'x1', 'total', { keepdims: 0 }),
        node('Less', 'total x2', 'small'),
        node('If', 'small', 't0', {
          then_branch: body('', 'deep', node('Mul', 'total x1', 'deep')),
          else_branch: body('', 'deep', node('Exp', 'x1', 'deep')),
        }),
      ],
      [node('Neg', 'x1', 'e0')],
    ),
    inputs: [condition(true)],
    captured: [normal([3]), fixed(normal([], { scale: 100 }))],
  },
]

/** h' = tanh(x + h * w), which is also given. */
const cellOf = (outputs: string) =>
  body(
    'h x',
    outputs,
    node('Mul', 'h x2', 'hw'),
    node('Add', 'x hw', 'sum'),
    node('Tanh', 'sum', 'next'),
    node('Identity', 'next', 'y'),
  )
const cell = cellOf('next:1 y:1')

/** As `cell`, with a matrix: h `[2,3]` @ w `[3,3]`. */
const matrixCell = body(
  'h x',
  'next:2 y:2',
  node('MatMul', 'h x2', 'hw'),
  node('Add', 'x hw', 'sum'),
  node('Tanh', 'sum', 'next'),
  node('Mul', 'next x', 'y'),
)

const SCAN_OPSETS = [18, 9, 11, 16, NEWEST_OPSET]
const one = { num_scan_inputs: 1 }

const scans: readonly Sample[] = [
  {
    name: 'states',
    opsets: SCAN_OPSETS,
    attributes: { body: cell, ...one },
    inputs: [normal([2]), normal([4, 2])],
    captured: [normal([2])],
    outputs: 2,
    of: [1],
  },
  {
    name: 'final-state',
    attributes: { body: cell, ...one },
    inputs: [normal([2]), normal([3, 2])],
    captured: [normal([2])],
    outputs: 2,
  },
  {
    name: 'both-outputs',
    attributes: { body: matrixCell, ...one },
    inputs: [normal([2, 3]), normal([3, 2, 3])],
    captured: [normal([3, 3])],
    outputs: 2,
    of: [0, 1],
  },
  {
    name: 'reverse',
    attributes: { body: matrixCell, ...one, scan_input_directions: [1], scan_output_directions: [1] },
    inputs: [normal([2, 3]), normal([3, 2, 3])],
    captured: [normal([3, 3])],
    outputs: 2,
    of: [1],
  },
  {
    name: 'reverse-input-only',
    attributes: { body: matrixCell, ...one, scan_input_directions: [1] },
    inputs: [normal([1, 3]), normal([3, 1, 3])],
    captured: [normal([3, 3])],
    outputs: 2,
    of: [1],
  },
  {
    name: 'axes',
    attributes: { body: matrixCell, ...one, scan_input_axes: [1], scan_output_axes: [-1] },
    inputs: [normal([2, 3]), normal([2, 3, 3])],
    captured: [normal([3, 3])],
    outputs: 2,
    of: [1],
  },
  {
    name: 'one-step',
    attributes: { body: cell, ...one },
    inputs: [normal([2]), normal([1, 2])],
    captured: [normal([2])],
    outputs: 2,
    of: [0, 1],
  },
  {
    name: 'no-state',
    attributes: { body: body('x z', 'y:1', node('Mul', 'x z', 'xz'), node('Sin', 'xz', 'y')), num_scan_inputs: 2 },
    inputs: [normal([3, 2]), normal([3, 2])],
  },
  {
    name: 'counter',
    attributes: {
      body: body(
        'i h x',
        'i_next h_next:1 y:1',
        node('Add', 'i x3', 'i_next'),
        node('Cast', 'i', 'i_float', { to: 1 }),
        node('Mul', 'h i_float', 'scaled'),
        node('Add', 'scaled x', 'h_next'),
        node('Mul', 'h_next h_next', 'y'),
      ),
      ...one,
    },
    inputs: [ints([1], []), normal([2], { scale: 0.3 }), normal([3, 2], { scale: 0.3 })],
    captured: [ints([1], [])],
    outputs: 3,
    of: [1, 2],
  },
  {
    name: 'states-that-feed-each-other',
    attributes: {
      body: body(
        'a c x',
        'a_next:1 c_next:1',
        node('Add', 'c x', 'a_next'),
        node('Mul', 'a c', 'ac'),
        node('Tanh', 'ac', 'c_next'),
      ),
      ...one,
    },
    inputs: [normal([2]), normal([2]), normal([4, 2])],
    outputs: 2,
  },
  {
    name: 'state-read-outside-too',
    attributes: {
      body: body('h x', 'next:1', node('Mul', 'h x0', 'hh'), node('Add', 'hh x', 'next')),
      ...one,
    },
    inputs: [normal([2]), normal([3, 2])],
  },
  {
    name: 'scan-in-scan',
    attributes: {
      body: body(
        'h x',
        'h_next:1 y:2',
        node('Scan', 'h x', 'h_next y', {
          body: body(
            'k z',
            'k_next:1 w:1',
            node('Mul', 'k x2', 'kk'),
            node('Add', 'kk z', 'sum'),
            node('Sin', 'sum', 'k_next'),
            node('Mul', 'k_next z', 'w'),
          ),
          num_scan_inputs: 1,
        }),
      ),
      ...one,
    },
    inputs: [normal([2]), normal([3, 2, 2])],
    captured: [normal([2])],
    outputs: 2,
    of: [0, 1],
  },
  {
    name: 'condition-inside',
    attributes: {
      body: body(
        'h x',
        'h_next:1',
        node('ReduceSum', 'x', 'total', { keepdims: 0 }),
        node('Less', 'total x2', 'small'),
        node('If', 'small', 'step', {
          then_branch: body('', 'step_then', node('Mul', 'x x', 'step_then')),
          else_branch: body('', 'step_else', node('LeakyRelu', 'x', 'step_else', { alpha: float(0.3) })),
        }),
        node('Mul', 'h step', 'h_next'),
      ),
      ...one,
    },
    inputs: [normal([2]), awayFromZero([4, 2])],
    captured: [fixed(normal([], { scale: 0 }))],
  },
  {
    name: 'float64',
    attributes: { body: cellOf('next:1d y:1d'), ...one },
    inputs: [normal([2], { type: 'float64' }), normal([3, 2], { type: 'float64' })],
    captured: [normal([2], { type: 'float64' })],
    outputs: 2,
    of: [0, 1],
  },
]

export const control = defineSamples({ If: ifs, Scan: scans })
