/** Networks with graphs inside their nodes, and recurrent ones, through the whole way from picture to map. */
import { describe, expect, test } from 'vitest'
import { float32, int64, tensor } from '../../src/core/tensor.js'
import { declare } from '../../src/onnx/builder.js'
import type { Graph } from '../../src/onnx/ir.js'
import { mapsOf, planOf } from '../support/compiled.js'
import { relativeL2 } from '../support/measures.js'
import { graphProto, model, type NodeSpec } from '../support/model.js'
import { noise, picture, SIDE } from '../support/networks.js'
import { numbers } from '../support/run.js'

const [CHANNELS, CLASSES] = [5, 4]

/** `x [N,3,12,12]` through a convolution, then through `nodes` from `features [N,5,10,10]` to `rows [N,5]`, to `logits [N,4]`. */
function networkOf(nodes: readonly NodeSpec[]): Graph {
  return model({
    opset: 17,
    nodes: [
      { op: 'Conv', inputs: ['x', 'kernel'], outputs: ['before'] },
      { op: 'Relu', inputs: ['before'], outputs: ['features'] },
      ...nodes,
      { op: 'Gemm', inputs: ['rows', 'head'], outputs: ['logits'] },
    ],
    inputs: [declare('x', 'float32', ['N', 3, SIDE, SIDE])],
    outputs: [declare('logits', 'float32', ['N', CLASSES])],
    initializers: {
      kernel: noise(1, CHANNELS, 3, 3, 3),
      head: noise(2, CHANNELS, CLASSES),
      W: noise(3, 1, 3 * CHANNELS, CHANNELS),
      R: noise(4, 1, 3 * CHANNELS, CHANNELS),
      flat: int64([3], [0, CHANNELS, -1]),
      first: int64([1], [0]),
      limit: float32([], [0]),
      yes: tensor('bool', [], Uint8Array.of(1)),
    },
  })
}

const pooled: readonly NodeSpec[] = [
  { op: 'GlobalAveragePool', inputs: ['features'], outputs: ['pooled'] },
  { op: 'Flatten', inputs: ['pooled'], outputs: ['flattened'] },
]

/** Reads the feature map from outside, in a graph of its own. */
const branch = (op: string) =>
  graphProto('branch', {
    nodes: [
      { op: 'GlobalAveragePool', inputs: ['features'], outputs: ['inner_pooled'] },
      { op: 'Flatten', inputs: ['inner_pooled'], outputs: ['inner_flat'] },
      { op, inputs: ['inner_flat'], outputs: ['taken'] },
    ],
    inputs: [],
    outputs: [declare('taken', 'float32', ['N', CHANNELS])],
  })

const MODELS: Readonly<Record<string, readonly NodeSpec[]>> = {
  'a GRU over the places': [
    { op: 'Reshape', inputs: ['features', 'flat'], outputs: ['places'] },
    { op: 'Transpose', inputs: ['places'], outputs: ['sequence'], attributes: { perm: [2, 0, 1] } },
    { op: 'GRU', inputs: ['sequence', 'W', 'R'], outputs: ['', 'last'], attributes: { hidden_size: CHANNELS } },
    { op: 'Squeeze', inputs: ['last', 'first'], outputs: ['rows'] },
  ],
  'an If that captures the feature map': [
    ...pooled,
    { op: 'ReduceMax', inputs: ['flattened'], outputs: ['largest'], attributes: { keepdims: 0 } },
    { op: 'Less', inputs: ['largest', 'limit'], outputs: ['negative'] },
    {
      op: 'If',
      inputs: ['negative'],
      outputs: ['rows'],
      attributes: { then_branch: branch('Neg'), else_branch: branch('Tanh') },
    },
  ],
  'an If of a stored condition': [
    {
      op: 'If',
      inputs: ['yes'],
      outputs: ['rows'],
      attributes: { then_branch: branch('Tanh'), else_branch: branch('Neg') },
    },
  ],
}

describe.each(Object.entries(MODELS))('%s', (_name, nodes) => {
  test.each(['grad-cam', 'gradient'])('%s of several targets is that of each', async (method) => {
    const graph = networkOf(nodes)
    const x = picture(5)
    const all = numbers((await mapsOf(graph, x, [0, 2, 3], { method })).heatmap)
    const each: number[] = []
    for (const target of [0, 2, 3]) each.push(...numbers((await mapsOf(graph, x, [target], { method })).heatmap))
    expect(Math.max(...all.map(Math.abs))).toBeGreaterThan(1e-6)
    expect(relativeL2(all, each)).toBeLessThan(1e-5)
  })

  test('the layer is the feature map, also where only a graph inside reads it', async () => {
    expect((await planOf(networkOf(nodes))).maps[0]?.layer).toBe('features')
  })
})
