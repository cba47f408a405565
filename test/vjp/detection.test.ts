/** Graphs as detectors have them: a pyramid, boxes and scores, a selection, regions of a layer. */
import { describe, expect, test } from 'vitest'
import { float32, int64, sizeOf, type Tensor } from '../../src/core/tensor.js'
import { declare } from '../../src/onnx/builder.js'
import type { Graph } from '../../src/onnx/ir.js'
import { probe } from '../../src/passes/probe.js'
import { differentiate, gradientName } from '../../src/vjp/differentiate.js'
import { model, type NodeSpec } from '../support/model.js'
import { runtime } from '../support/ort.js'
import { random } from '../support/random.js'
import { withSession } from './case.js'
import { compare } from './compare.js'
import { differences } from './differences.js'

const node = (op: string, inputs: string[], output: string, attributes: NodeSpec['attributes'] = {}): NodeSpec => ({
  op,
  inputs,
  outputs: [output],
  attributes,
})

function noise(seed: number, dims: readonly number[], scale = 1): Tensor<'float32'> {
  const r = random(seed)
  return float32(
    dims,
    Array.from({ length: sizeOf(dims) }, () => scale * r.normal()),
  )
}

/** Two layers of a picture of any size, the smaller one enlarged to the other's size, which is read at run time; then boxes and scores. */
const HEADS: readonly NodeSpec[] = [
  node('Conv', ['x', 'w1'], 'c1', { pads: [1, 1, 1, 1] }),
  node('Sigmoid', ['c1'], 'fine'),
  node('AveragePool', ['fine'], 'half', { kernel_shape: [2, 2], strides: [2, 2] }),
  node('Conv', ['half', 'w2'], 'coarse', { pads: [1, 1, 1, 1] }),
  node('Shape', ['fine'], 'fine_shape'),
  node('Slice', ['fine_shape', 'two', 'four'], 'fine_size'),
  node('Shape', ['coarse'], 'coarse_shape'),
  node('Slice', ['coarse_shape', 'zero', 'two'], 'coarse_kept'),
  node('Concat', ['coarse_kept', 'fine_size'], 'sizes', { axis: 0 }),
  node('Resize', ['coarse', '', '', 'sizes'], 'enlarged', { mode: 'linear' }),
  node('Add', ['enlarged', 'fine'], 'pyramid'),
  node('Conv', ['pyramid', 'ws'], 'raw_scores'),
  node('Sigmoid', ['raw_scores'], 'score_maps'),
  node('Reshape', ['score_maps', 'by_class'], 'scores'),
  node('Conv', ['pyramid', 'wb'], 'raw_boxes'),
  node('Reshape', ['raw_boxes', 'by_corner'], 'corners'),
  node('Transpose', ['corners'], 'boxes', { perm: [0, 2, 1] }),
]

/** The best boxes of each class, their scores and their corners, as one vector. */
const SELECTION: readonly NodeSpec[] = [
  node('NonMaxSuppression', ['boxes', 'scores', 'most', 'overlap', 'least'], 'selected', { center_point_box: 1 }),
  node('GatherND', ['scores', 'selected'], 'best_scores'),
  node('Gather', ['selected', 'picture_and_box'], 'places', { axis: 1 }),
  node('GatherND', ['boxes', 'places'], 'best_boxes'),
  node('Reshape', ['best_boxes', 'all'], 'best_corners'),
  node('Concat', ['best_scores', 'best_corners'], 'y', { axis: 0 }),
]

const STORED = {
  w1: noise(1, [3, 2, 3, 3], 0.6),
  w2: noise(2, [3, 3, 3, 3], 0.5),
  ws: noise(3, [2, 3, 1, 1], 1.5),
  wb: noise(4, [4, 3, 1, 1]),
  zero: int64([1], [0]),
  two: int64([1], [2]),
  four: int64([1], [4]),
  all: int64([1], [-1]),
  by_class: int64([3], [0, 2, -1]),
  by_corner: int64([3], [0, 4, -1]),
  most: int64([1], [2]),
  overlap: float32([1], [0.3]),
  least: float32([1], [0.4]),
  picture_and_box: int64([2], [0, 2]),
  rows: int64([2], [-1, 4]),
}

type Declared = readonly [name: string, dims: readonly (number | string)[]]

function detector(nodes: readonly NodeSpec[], inputs: readonly Declared[], outputs: readonly string[]): Graph {
  return model({
    opset: 18,
    nodes,
    inputs: inputs.map(([name, dims]) => declare(name, 'float32', dims)),
    outputs: outputs.map((name) => declare(name, 'float32')),
    initializers: STORED,
  })
}

describe('a selection of boxes', () => {
  const graph = detector([...HEADS, ...SELECTION], [['x', ['N', 2, 'H', 'W']]], ['y'])

  test.each([[[1, 2, 4, 6]], [[1, 2, 7, 5]]])(
    'scores and corners of what was selected go back to a picture of %j, from one graph',
    async (dims) => {
      const x = noise(5, dims)
      const gradient = differentiate(graph, { of: 'y', wrt: ['x'], shapes: await probe(graph, runtime) })
      await withSession(runtime, graph, async (forward) => {
        const { y } = await forward.run({ x })
        const count = sizeOf(y?.dims ?? [])
        // two classes, one or two boxes each, a score and four corners a box
        expect(count % 5).toBe(0)
        expect(count).toBeGreaterThanOrEqual(10)
        const gy = noise(6, [count])
        const want = await differences(forward, { x }, 'x', 'y', gy)
        expect(want.filter((v) => Math.abs(v) > 1e-2).length).toBeGreaterThan(10)
        await withSession(runtime, gradient, async (session) => {
          const out = await session.run({ x, [gradientName('y')]: gy })
          const got = Array.from(out[gradientName('x')]?.data ?? [], Number)
          expect(compare('differences', 'x', got, want, 1e-2, 1e-3)).toEqual([])
        })
      })
    },
  )
})

describe('regions of a layer', () => {
  const align = node('RoiAlign', ['pyramid', 'regions', 'pictures'], 'y', { output_height: 2, output_width: 2 })
  const zeros = node('Shape', ['regions'], 'regions_shape', { start: 0, end: 1 })
  const pictures = node('ConstantOfShape', ['regions_shape'], 'reals')
  const whole = node('Cast', ['reals'], 'pictures', { to: 7 })
  const proposed = node('Reshape', ['boxes', 'rows'], 'regions')
  const rest = [zeros, pictures, whole, align]

  test('proposals that the network makes are taken as given', async () => {
    const x = noise(7, [1, 2, 4, 5])
    const picture: Declared = ['x', [1, 2, 4, 5]]
    const own = detector([...HEADS, proposed, ...rest], [picture], ['y', 'boxes'])
    const given = detector([...HEADS, ...rest], [picture, ['regions', ['R', 4]]], ['y', 'boxes'])
    const { boxes, y } = await withSession(runtime, own, (s) => s.run({ x }))
    const regions = float32([20, 4], Array.from(boxes?.data ?? [], Number))
    const gy = noise(8, y?.dims ?? [])
    const gradientOf = async (graph: Graph, feeds: Record<string, Tensor>): Promise<number[]> => {
      const gradient = differentiate(graph, { of: 'y', wrt: ['x'], shapes: await probe(graph, runtime) })
      const out = await withSession(runtime, gradient, (s) => s.run({ ...feeds, [gradientName('y')]: gy }))
      return Array.from(out[gradientName('x')]?.data ?? [], Number)
    }
    const got = await gradientOf(own, { x })
    expect(got.some((v) => Math.abs(v) > 0.1)).toBe(true)
    expect(got).toEqual(await gradientOf(given, { x, regions }))
    const want = await withSession(runtime, given, (s) => differences(s, { x, regions }, 'x', 'y', gy))
    expect(compare('differences', 'x', got, want, 1e-2, 1e-3)).toEqual([])
  })
})
