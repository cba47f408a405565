/** What keeps a backward pass quick: the operators that it is made of, and how often ONNX Runtime leaves its blocked layout. No clock. */
import { describe, expect, test } from 'vitest'
import { profileNodes } from '../../bench/profile.js'
import { float32, type Tensor } from '../../src/core/tensor.js'
import { declare } from '../../src/onnx/builder.js'
import { encodeSkeleton } from '../../src/onnx/encode.js'
import type { Graph } from '../../src/onnx/ir.js'
import { probe } from '../../src/passes/probe.js'
import { prune } from '../../src/passes/prune.js'
import { differentiate } from '../../src/vjp/differentiate.js'
import { relativeL2 } from '../support/measures.js'
import { model, type NodeSpec } from '../support/model.js'
import { noise } from '../support/networks.js'
import { runtime } from '../support/ort.js'
import { numbers, run } from '../support/run.js'

/** Channels of a block of AVX-512; narrower ones divide it. */
const CHANNELS = 16
const SIDE = 8
const kernel = (size: number, stride = 1, more: NonNullable<NodeSpec['attributes']> = {}) => ({
  kernel_shape: [size, size],
  strides: [stride, stride],
  pads: Array<number>(4).fill((size - 1) / 2),
  ...more,
})

/** The input channels of `wide` from one on, as weights of their own. */
function half(from: number): Tensor<'float32'> {
  const { data } = noise(3, CHANNELS, 2 * CHANNELS, 1, 1)
  const dims = [CHANNELS, CHANNELS, 1, 1]
  return float32(
    dims,
    Float32Array.from(
      { length: CHANNELS ** 2 },
      (_, i) => data[Math.floor(i / CHANNELS) * 2 * CHANNELS + from + (i % CHANNELS)] ?? 0,
    ),
  )
}

/** A network of some layers between a convolution and a head; `w3`, `w1`, ... are weights for them. */
function network(layers: readonly NodeSpec[]): Graph {
  const last = layers.at(-1)?.outputs[0] ?? 'first'
  const nodes: NodeSpec[] = [
    { op: 'Conv', inputs: ['input', 'w3'], outputs: ['stem'], attributes: kernel(3) },
    { op: 'Relu', inputs: ['stem'], outputs: ['first'] },
    ...layers,
    { op: 'GlobalAveragePool', inputs: [last], outputs: ['pooled'] },
    { op: 'Flatten', inputs: ['pooled'], outputs: ['logits'] },
  ]
  return model({
    opset: 17,
    nodes,
    inputs: [declare('input', 'float32', ['N', CHANNELS, SIDE, SIDE])],
    outputs: [declare('logits', 'float32', ['N', CHANNELS])],
    initializers: {
      w3: noise(1, CHANNELS, CHANNELS, 3, 3),
      w1: noise(2, CHANNELS, CHANNELS, 1, 1),
      wide: noise(3, CHANNELS, 2 * CHANNELS, 1, 1),
      left: half(0),
      right: half(CHANNELS),
      depthwise: noise(4, CHANNELS, 1, 3, 3),
    },
  })
}

/** Operators of the backward pass, sorted, and how often a run goes into and out of the blocked layout. */
async function backward(
  layers: readonly NodeSpec[],
): Promise<{ readonly ops: readonly string[]; readonly reorders: number }> {
  const graph = network(layers)
  const gradient = differentiate(graph, { of: 'logits', wrt: ['input'], shapes: await probe(graph, runtime) })
  const only = prune(gradient.with({ outputs: gradient.outputs.filter((o) => o.name === 'gradient/input') }))
  const own = new Set(graph.nodes.map((n) => n.name))
  const feeds = { input: noise(5, 1, CHANNELS, SIDE, SIDE), 'gradient/logits': noise(6, 1, CHANNELS) }
  const nodes = await profileNodes(encodeSkeleton(only), feeds, 1, 1)
  return {
    ops: only.nodes.filter((n) => !own.has(n.name)).map((n) => n.op),
    reorders: nodes.filter((n) => n.op.startsWith('Reorder')).length,
  }
}

const relu = (from: string, to: string): NodeSpec => ({ op: 'Relu', inputs: [from], outputs: [to] })
const conv = (from: string, to: string, w = 'w3', attributes = kernel(3)): NodeSpec => ({
  op: 'Conv',
  inputs: [from, w],
  outputs: [to],
  attributes,
})

/** Layers, what the way back through them must not hold, and how many reorders a run may have: two are the input's and the gradient's own. */
interface Case {
  readonly layers: readonly NodeSpec[]
  readonly never: readonly string[]
  /** How many there may be of an operator. */
  readonly most?: Readonly<Record<string, number>>
  readonly reorders: number
}
const CASES: Readonly<Record<string, Case>> = {
  'a residual block': {
    layers: [
      conv('first', 'a'),
      relu('a', 'b'),
      conv('b', 'c'),
      { op: 'Add', inputs: ['c', 'first'], outputs: ['d'] },
      relu('d', 'e'),
    ],
    never: ['ConvTranspose', 'Where', 'Greater', 'Cast'],
    reorders: 5,
  },
  'a strided convolution of single pixels beside one of three': {
    layers: [
      conv('first', 'a', 'w3', kernel(3, 2)),
      conv('first', 'b', 'w1', kernel(1, 2)),
      { op: 'Add', inputs: ['a', 'b'], outputs: ['d'] },
      relu('d', 'e'),
    ],
    never: ['Where', 'Greater', 'ScatterElements'],
    reorders: 9,
  },
  'a strided depthwise convolution': {
    layers: [conv('first', 'a', 'depthwise', kernel(3, 2, { group: CHANNELS })), relu('a', 'e')],
    never: ['ConvTranspose', 'ScatterElements'],
    reorders: 7,
  },
  'branches that are concatenated': {
    layers: [
      conv('first', 'a', 'w1', kernel(1)),
      relu('a', 'b'),
      conv('first', 'c'),
      relu('c', 'd'),
      { op: 'Concat', inputs: ['b', 'd'], outputs: ['both'], attributes: { axis: 1 } },
      conv('both', 'e', 'wide', kernel(1)),
    ],
    never: ['Split', 'ConvTranspose'],
    reorders: 5,
  },
  'a gate of sigmoids': {
    layers: [
      conv('first', 'a'),
      { op: 'Sigmoid', inputs: ['a'], outputs: ['s'] },
      { op: 'Mul', inputs: ['a', 's'], outputs: ['e'] },
    ],
    never: ['Sub', 'Where'],
    most: { Mul: 3, HardSigmoid: 2, Add: 1 },
    reorders: 5,
  },
  'a squeeze and excitation': {
    layers: [
      { op: 'GlobalAveragePool', inputs: ['first'], outputs: ['a'] },
      conv('a', 'b', 'w1', kernel(1)),
      { op: 'Sigmoid', inputs: ['b'], outputs: ['c'] },
      { op: 'Mul', inputs: ['first', 'c'], outputs: ['d'] },
      conv('d', 'e'),
    ],
    never: ['Where'],
    most: { Expand: 1, AveragePool: 1 }, // those of the head
    reorders: 15,
  },
  'a pooling whose windows overlap': {
    layers: [{ op: 'MaxPool', inputs: ['first'], outputs: ['e'], attributes: kernel(3, 2) }],
    never: ['ScatterElements', 'Where', 'ConvTranspose'],
    most: { Equal: 4 },
    reorders: 10,
  },
}

describe.each(Object.entries(CASES))('%s', (_, { layers, never, most = {}, reorders }) => {
  test('goes back by quick operators, in the blocked layout', async () => {
    const found = await backward(layers)
    expect(found.ops.filter((op) => never.includes(op))).toEqual([])
    for (const [op, count] of Object.entries(most))
      expect(found.ops.filter((o) => o === op).length, op).toBeLessThanOrEqual(count)
    expect(found.reorders).toBeLessThanOrEqual(reorders)
  })
})

/** Branches of different depth, side by side in one value, which one or two convolutions read. */
const branches = [conv('first', 'a', 'w1', kernel(1)), relu('a', 'b'), conv('first', 'c'), relu('c', 'd')]
const sum = (a: string, b: string, to: string): NodeSpec => ({ op: 'Add', inputs: [a, b], outputs: [to] })
const joined: NodeSpec = { op: 'Concat', inputs: ['b', 'd'], outputs: ['both'], attributes: { axis: 1 } }
const single = kernel(1)

test.each([
  [
    'one',
    [joined, conv('both', 'e', 'wide', single)],
    [conv('b', 'l', 'left', single), conv('d', 'r', 'right', single), sum('l', 'r', 'e')],
  ],
  [
    'two',
    [joined, conv('both', 'x', 'wide', single), conv('both', 'y', 'wide', single), sum('x', 'y', 'e')],
    [conv('b', 'l', 'left', single), conv('d', 'r', 'right', single), sum('l', 'r', 'z'), sum('z', 'z', 'e')],
  ],
])(
  'the gradients of branches that %s convolution reads are those of branches that are never joined',
  async (_, joint, apart) => {
    const feeds = { input: noise(5, 1, CHANNELS, SIDE, SIDE), 'gradient/logits': noise(6, 1, CHANNELS) }
    const gradients = [joint, apart].map(async (layers) => {
      const graph = network([...branches, ...layers])
      const out = await run(
        differentiate(graph, { of: 'logits', wrt: ['input'], shapes: await probe(graph, runtime) }),
        feeds,
      )
      return numbers(out['gradient/input'])
    })
    const [got, want] = await Promise.all(gradients)
    expect(relativeL2(got ?? [], want ?? [])).toBeLessThan(1e-6)
  },
)
