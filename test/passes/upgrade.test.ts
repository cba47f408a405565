/** The upgrade of operators: ORT must answer the same for the old form and for the upgraded one. */
import { create } from '@bufbuild/protobuf'
import {
  AttributeProtoSchema,
  AttributeProto_AttributeType as AttributeType,
  GraphProtoSchema,
  NodeProtoSchema,
} from 'onnx-buf'
import { describe, expect, test } from 'vitest'
import { float32, int64, sizeOf, type Tensor, tensor } from '../../src/core/tensor.js'
import { type AttributeValue, float } from '../../src/onnx/attributes.js'
import { declare } from '../../src/onnx/builder.js'
import { encode } from '../../src/onnx/encode.js'
import type { Graph } from '../../src/onnx/ir.js'
import { MINIMUM_OPSET, upgrade } from '../../src/passes/upgrade.js'
import { model, NEWEST_OPSET } from '../support/model.js'
import { random } from '../support/random.js'
import { numbers, run } from '../support/run.js'

interface OldForm {
  readonly op: string
  /** Each opset that this form is valid in. */
  readonly opsets: readonly number[]
  /** Tensors that are fed; '' for an absent one. */
  readonly fed: readonly (Tensor | '')[]
  /** Initialisers behind them. */
  readonly stored?: readonly (Tensor | '')[]
  readonly attributes?: Readonly<Record<string, AttributeValue>>
  readonly outputs?: number
}

function noise(...dims: number[]): Tensor<'float32'> {
  const r = random(sizeOf(dims) + dims.length)
  return float32(
    dims,
    Array.from({ length: sizeOf(dims) }, () => r.normal()),
  )
}

/** The operator with a node behind each output, so that value names are seen to survive. */
function oldModel({ op, fed, stored = [], attributes = {}, outputs = 1 }: OldForm, opset: number): Graph {
  const inputs = fed.flatMap((t, i) => (t === '' ? [] : [[`x${i}`, t] as const]))
  const constants = stored.flatMap((t, i) => (t === '' ? [] : [[`c${i}`, t] as const]))
  const ys = Array.from({ length: outputs }, (_, i) => `y${i}`)
  return model({
    opset,
    nodes: [
      {
        op,
        inputs: [...fed.map((t, i) => (t ? `x${i}` : '')), ...stored.map((t, i) => (t ? `c${i}` : ''))],
        outputs: ys,
        attributes,
      },
      ...ys.map((y) => ({ op: 'Identity', inputs: [y], outputs: [`${y}_again`] })),
    ],
    inputs: inputs.map(([name, t]) => declare(name, t.type, t.dims)),
    outputs: ys.map((y) => declare(`${y}_again`)),
    initializers: Object.fromEntries(constants),
  })
}

const BEFORE_10 = [7, 8, 9]
const BEFORE_11 = [7, 8, 9, 10]
const BEFORE_13 = [7, 9, 10, 11, 12]
const BEFORE_18 = [7, 10, 11, 12, 13, 15, 17]

const softmaxes = ['Softmax', 'LogSoftmax', 'Hardmax'].flatMap((op): OldForm[] => [
  { op, opsets: BEFORE_13, fed: [noise(3, 4)] },
  { op, opsets: BEFORE_13, fed: [noise(3, 4)], attributes: { axis: 0 } },
  { op, opsets: BEFORE_13, fed: [noise(2, 3, 4)] },
  { op, opsets: BEFORE_13, fed: [noise(2, 3, 4)], attributes: { axis: 2 } },
  { op, opsets: BEFORE_13, fed: [noise(2, 3, 4)], attributes: { axis: 0 } },
  { op, opsets: BEFORE_13, fed: [noise(2, 3, 2, 2)] },
  { op, opsets: BEFORE_13, fed: [noise(2, 3, 2, 2)], attributes: { axis: 2 } },
  { op, opsets: BEFORE_13, fed: [noise(2, 3, 2, 2)], attributes: { axis: 3 } },
  { op, opsets: [11, 12], fed: [noise(2, 3, 2, 2)], attributes: { axis: -1 } },
  { op, opsets: [11, 12], fed: [noise(2, 3, 2, 2)], attributes: { axis: -3 } },
  { op, opsets: [13, 17], fed: [noise(2, 3, 2, 2)], attributes: { axis: 1 } },
  { op, opsets: [13, 17], fed: [noise(2, 3, 4)] },
])

const reductions = ['L1', 'L2', 'LogSum', 'LogSumExp', 'Max', 'Mean', 'Min', 'Prod', 'Sum', 'SumSquare'].flatMap(
  (kind): OldForm[] => {
    const op = `Reduce${kind}`
    const opsets = op === 'ReduceSum' ? BEFORE_13 : BEFORE_18
    const x = { ...noise(2, 3, 4), data: noise(2, 3, 4).data.map((v) => Math.abs(v) + 0.1) }
    return [
      { op, opsets, fed: [x] },
      { op, opsets, fed: [x], attributes: { axes: [1], keepdims: 0 } },
      { op, opsets, fed: [x], attributes: { axes: [0, 2] } },
      { op, opsets: opsets.filter((o) => o >= 11), fed: [x], attributes: { axes: [-1], keepdims: 1 } },
    ]
  },
)

const statistics = [noise(3), noise(3), noise(3), { ...noise(3), data: Float32Array.of(0.5, 1, 2) }]
const rows = int64([2, 3], [1, 0, 2, 0, 2, 1])

const FORMS: readonly OldForm[] = [
  ...softmaxes,
  ...reductions,
  { op: 'ReduceSum', opsets: [13, 17], fed: [noise(2, 3, 4)], stored: [int64([1], [1])], attributes: { keepdims: 0 } },
  {
    op: 'BatchNormalization',
    opsets: [7, 8],
    fed: [noise(2, 3, 4, 4)],
    stored: statistics,
    attributes: { epsilon: float(1e-3), momentum: float(0.8), spatial: 1 },
  },
  {
    op: 'BatchNormalization',
    opsets: [9, 12, 13],
    fed: [noise(2, 3, 4, 4)],
    stored: statistics,
    attributes: { momentum: float(0.8) },
  },
  {
    op: 'BatchNormalization',
    opsets: [14, 15, 17],
    fed: [noise(2, 3, 4, 4)],
    stored: statistics,
    attributes: { momentum: float(0.8) },
  },
  { op: 'Clip', opsets: BEFORE_11, fed: [noise(4, 5)], attributes: { min: float(-0.5), max: float(0.75) } },
  { op: 'Clip', opsets: BEFORE_11, fed: [noise(4, 5)], attributes: { min: float(0) } },
  { op: 'Clip', opsets: BEFORE_11, fed: [noise(4, 5)], attributes: { max: float(0.25) } },
  { op: 'Clip', opsets: BEFORE_11, fed: [noise(4, 5)] },
  { op: 'Clip', opsets: [11, 12, 17], fed: [noise(4, 5)], stored: ['', float32([], [0.5])] },
  { op: 'Dropout', opsets: BEFORE_13.filter((o) => o < 12), fed: [noise(4, 5)], attributes: { ratio: float(0.3) } },
  { op: 'Dropout', opsets: [12, 13, 17], fed: [noise(4, 5)], stored: [float32([], [0.3])] },
  { op: 'Pad', opsets: BEFORE_11, fed: [noise(2, 3)], attributes: { pads: [1, 0, 2, 3] } },
  {
    op: 'Pad',
    opsets: BEFORE_11,
    fed: [noise(2, 3)],
    attributes: { pads: [1, 0, 2, 3], value: float(2.5), mode: 'constant' },
  },
  { op: 'Pad', opsets: BEFORE_11, fed: [noise(3, 4)], attributes: { pads: [1, 2, 2, 1], mode: 'reflect' } },
  { op: 'Pad', opsets: BEFORE_11, fed: [noise(3, 4)], attributes: { pads: [1, 0, -1, 1], mode: 'edge' } },
  { op: 'Pad', opsets: [11, 13, 17], fed: [noise(2, 3)], stored: [int64([4], [1, 0, 2, 3]), float32([], [9])] },
  { op: 'Slice', opsets: BEFORE_10, fed: [noise(4, 5, 6)], attributes: { starts: [1, 2], ends: [3, 9], axes: [0, 2] } },
  { op: 'Slice', opsets: BEFORE_10, fed: [noise(4, 5, 6)], attributes: { starts: [1, -3], ends: [-1, 1000] } },
  {
    op: 'Slice',
    opsets: [10, 12, 17],
    fed: [noise(4, 5)],
    stored: [int64([1], [4]), int64([1], [-9]), int64([1], [1]), int64([1], [-2])],
  },
  { op: 'Split', opsets: BEFORE_13, fed: [noise(2, 6)], attributes: { axis: 1 }, outputs: 3 },
  { op: 'Split', opsets: BEFORE_13, fed: [noise(6, 2)], attributes: { split: [1, 3, 2] }, outputs: 3 },
  { op: 'Split', opsets: [13, 17], fed: [noise(2, 6)], attributes: { axis: 1 }, outputs: 2 },
  {
    op: 'Split',
    opsets: [13, 17],
    fed: [noise(2, 6)],
    stored: [int64([2], [5, 1])],
    attributes: { axis: 1 },
    outputs: 2,
  },
  { op: 'Squeeze', opsets: BEFORE_13, fed: [noise(1, 3, 1, 4)], attributes: { axes: [0] } },
  { op: 'Squeeze', opsets: BEFORE_13, fed: [noise(1, 3, 1, 4)] },
  { op: 'Squeeze', opsets: [13, 17], fed: [noise(1, 3, 1)], stored: [int64([1], [2])] },
  { op: 'Unsqueeze', opsets: BEFORE_13, fed: [noise(3, 4)], attributes: { axes: [0, 3] } },
  { op: 'Unsqueeze', opsets: [11, 12], fed: [noise(3, 4)], attributes: { axes: [-1] } },
  { op: 'Unsqueeze', opsets: [13, 17], fed: [noise(3, 4)], stored: [int64([1], [1])] },
  { op: 'TopK', opsets: BEFORE_10, fed: [noise(3, 7)], attributes: { k: 3 }, outputs: 2 },
  { op: 'TopK', opsets: BEFORE_10, fed: [noise(7, 3)], attributes: { k: 2, axis: 0 }, outputs: 2 },
  { op: 'TopK', opsets: [10, 11, 17], fed: [noise(3, 7)], stored: [int64([1], [4])], outputs: 2 },
  { op: 'Upsample', opsets: [7, 8], fed: [noise(1, 2, 3, 4)], attributes: { scales: float([1, 1, 2, 3]) } },
  {
    op: 'Upsample',
    opsets: [7, 8],
    fed: [noise(1, 2, 3, 4)],
    attributes: { scales: float([1, 1, 2, 2]), mode: 'linear' },
  },
  {
    op: 'Upsample',
    opsets: [9],
    fed: [noise(1, 2, 3, 4)],
    stored: [float32([4], [1, 1, 2, 1.5])],
    attributes: { mode: 'nearest' },
  },
  {
    op: 'Upsample',
    opsets: [9],
    fed: [noise(1, 2, 3, 4)],
    stored: [float32([4], [1, 1, 2, 2.5])],
    attributes: { mode: 'linear' },
  },
  { op: 'Resize', opsets: [10], fed: [noise(1, 2, 3, 4)], stored: [float32([4], [1, 1, 2, 1.5])] },
  { op: 'Resize', opsets: [10], fed: [noise(1, 2, 6, 8)], stored: [float32([4], [1, 1, 0.5, 0.4])] },
  {
    op: 'Resize',
    opsets: [10],
    fed: [noise(1, 2, 3, 4)],
    stored: [float32([4], [1, 1, 2, 2.5])],
    attributes: { mode: 'linear' },
  },
  {
    op: 'Resize',
    opsets: [10],
    fed: [noise(1, 2, 6, 8)],
    stored: [float32([4], [1, 1, 0.5, 0.4])],
    attributes: { mode: 'linear' },
  },
  {
    op: 'Resize',
    opsets: [10],
    fed: [noise(1, 2, 6, 4)],
    stored: [float32([4], [1, 1, 0.4, 1.5])],
  },
  {
    op: 'Resize',
    opsets: [10],
    fed: [noise(1, 2, 6, 4)],
    stored: [float32([4], [1, 1, 0.4, 1.5])],
    attributes: { mode: 'linear' },
  },
  // PyTorch writes empty tensors where an input is absent
  {
    op: 'Resize',
    opsets: [11, 12, 13, 17],
    fed: [noise(1, 2, 3, 4)],
    stored: [float32([0]), float32([0]), int64([4], [1, 2, 7, 9])],
    attributes: { mode: 'linear', coordinate_transformation_mode: 'half_pixel' },
  },
  {
    op: 'Resize',
    opsets: [11, 12, 13, 17],
    fed: [noise(1, 2, 3, 4)],
    stored: [float32([0]), float32([4], [1, 1, 2, 2])],
    attributes: { mode: 'nearest', coordinate_transformation_mode: 'asymmetric', nearest_mode: 'floor' },
  },
  {
    op: 'Resize',
    opsets: [11, 13, 17],
    fed: [noise(1, 2, 3, 4)],
    stored: [float32([0]), float32([4], [1, 1, 2, 2])],
    attributes: { mode: 'cubic', cubic_coeff_a: float(-0.5), coordinate_transformation_mode: 'align_corners' },
  },
  {
    op: 'Resize',
    opsets: [11, 12],
    fed: [noise(1, 1, 6, 8)],
    stored: [float32([0]), float32([0]), int64([4], [1, 1, 4, 5])],
    attributes: { mode: 'nearest', coordinate_transformation_mode: 'tf_half_pixel_for_nn', nearest_mode: 'floor' },
  },
  { op: 'Scatter', opsets: [9, 10], fed: [noise(3, 3), rows, noise(2, 3)] },
  { op: 'Scatter', opsets: [9, 10], fed: [noise(3, 3), rows, noise(2, 3)], attributes: { axis: 1 } },
  {
    op: 'RoiAlign',
    opsets: [10, 13, 15],
    fed: [noise(1, 2, 8, 8), float32([2, 4], [0.5, 1, 6.2, 7, 2, 2, 5, 5.5]), int64([2], [0, 0])],
    attributes: { output_height: 3, output_width: 2, sampling_ratio: 2 },
  },
  {
    op: 'RoiAlign',
    opsets: [16, 17],
    fed: [noise(1, 2, 8, 8), float32([1, 4], [0.5, 1, 6.2, 7]), int64([1], [0])],
    attributes: { output_height: 3, output_width: 2, sampling_ratio: 2 },
  },
  // operators without an entry: the old form is the new one
  {
    op: 'MaxPool',
    opsets: [7, 8, 10, 11, 12],
    fed: [noise(1, 2, 6, 6)],
    attributes: { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] },
  },
  {
    op: 'AveragePool',
    opsets: [7, 10, 11],
    fed: [noise(1, 2, 6, 6)],
    attributes: { kernel_shape: [3, 3], pads: [1, 1, 1, 1], count_include_pad: 1 },
  },
  {
    op: 'Gemm',
    opsets: [7, 9, 11, 13],
    fed: [noise(2, 3)],
    stored: [noise(4, 3), noise(4)],
    attributes: { transB: 1, alpha: float(0.5), beta: float(2) },
  },
  {
    op: 'Conv',
    opsets: [7, 11],
    fed: [noise(1, 3, 6, 6)],
    stored: [noise(4, 3, 3, 3)],
    attributes: { auto_pad: 'SAME_UPPER', strides: [2, 2] },
  },
  { op: 'Flatten', opsets: [7, 9, 11, 13], fed: [noise(2, 3, 4)], attributes: { axis: 2 } },
  { op: 'LRN', opsets: [7, 13], fed: [noise(1, 6, 3, 3)], attributes: { size: 3 } },
  { op: 'PRelu', opsets: [7, 9, 16], fed: [noise(1, 3, 4, 4)], stored: [noise(3, 1, 1)] },
  { op: 'DepthToSpace', opsets: [7, 11, 13], fed: [noise(1, 8, 2, 2)], attributes: { blocksize: 2 } },
  { op: 'ArgMax', opsets: [7, 11, 12, 13], fed: [noise(3, 5)], attributes: { axis: 1, keepdims: 0 } },
  { op: 'OneHot', opsets: [9, 11], fed: [int64([2], [1, 0])], stored: [int64([1], [3]), float32([2], [0, 1])] },
]

function title({ op, fed, attributes, stored = [], outputs }: OldForm): string {
  const shape = fed.map((t) => (t ? `[${t.dims}]` : '_')).join(' ')
  return `${op} ${shape}${stored.length > 0 ? ` + ${stored.length} stored` : ''} ${JSON.stringify(attributes ?? {})}${outputs ? ` -> ${outputs}` : ''}`
}

describe('old form = upgraded form', () => {
  test.each(FORMS.map((f) => [title(f), f] as const))('%s', async (_title, form) => {
    const feeds = Object.fromEntries(form.fed.flatMap((t, i) => (t === '' ? [] : [[`x${i}`, t]])))
    for (const opset of form.opsets) {
      const old = oldModel(form, opset)
      const upgraded = upgrade(old)
      expect(upgraded.opset).toBe(MINIMUM_OPSET)
      const want = await run(encode(old), feeds, 'disabled')
      const got = await run(encode(upgraded), feeds, 'disabled')
      expect(Object.keys(got)).toEqual(Object.keys(want))
      for (const [name, t] of Object.entries(want)) {
        expect([opset, got[name]?.type, got[name]?.dims]).toEqual([opset, t.type, t.dims])
        const found = numbers(got[name])
        for (const [i, v] of numbers(t).entries())
          if (found[i] !== v) expect([opset, name, i, found[i]]).toEqual([opset, name, i, expect.closeTo(v, 5)])
      }
      // every value that the old graph had, the new one has
      for (const value of old.valueNames()) expect(upgraded.has(value)).toBe(true)
    }
  })
})

describe('upgrade', () => {
  const relu = (opset: number): Graph =>
    model({
      opset,
      nodes: [{ op: 'Relu', inputs: ['x'], outputs: ['y'] }],
      inputs: [declare('x', 'float32', [2])],
      outputs: [declare('y', 'float32', [2])],
    })

  test('leaves models of the newest opsets as they are', () => {
    for (const opset of [MINIMUM_OPSET, 21, NEWEST_OPSET]) {
      const graph = relu(opset)
      expect(upgrade(graph)).toBe(graph)
    }
  })

  test.each([1, 5, 6])('refuses opset %i, naming it', (opset) => {
    expect(() => upgrade(relu(opset))).toThrow(expect.objectContaining({ code: 'unsupported-opset' }))
    expect(() => upgrade(relu(opset))).toThrow(new RegExp(`opset ${opset};`))
  })

  test('refuses batch norms that are not spatial', () => {
    const form: OldForm = {
      op: 'BatchNormalization',
      opsets: [7],
      fed: [noise(2, 3, 2, 2)],
      stored: statistics,
      attributes: { spatial: 0 },
    }
    expect(() => upgrade(oldModel(form, 7))).toThrow(expect.objectContaining({ code: 'unsupported-operator' }))
  })

  test('leaves the model that it is given untouched', () => {
    const old = oldModel({ op: 'Clip', opsets: [7], fed: [noise(2)], attributes: { min: float(0) } }, 7)
    const before = encode(old)
    upgrade(old)
    expect(encode(old)).toEqual(before)
  })

  test('a node whose name is its output keeps node names distinct', async () => {
    const old = oldModel({ op: 'Softmax', opsets: [9], fed: [noise(2, 3, 4)] }, 9)
    const named = old.with({ nodes: old.nodes.map((n) => ({ ...n, name: n.outputs[0] ?? '' })) })
    const feeds = { x0: noise(2, 3, 4) }
    expect((await run(upgrade(named), feeds)).y0_again?.dims).toEqual([2, 3, 4])
  })

  const conditional = (opset: number, inner: string): Graph => {
    const branch = (name: string) =>
      create(AttributeProtoSchema, {
        name,
        type: AttributeType.GRAPH,
        g: create(GraphProtoSchema, {
          name,
          node: [
            create(NodeProtoSchema, { opType: inner, name: `${name}/${inner}`, input: ['x'], output: [`${name}/y`] }),
          ],
          output: [declare(`${name}/y`, 'float32', [2, 3])],
        }),
      })
    const graph = model({
      opset,
      nodes: [{ op: 'If', inputs: ['c'], outputs: ['y'] }],
      inputs: [declare('c', 'bool', []), declare('x', 'float32', [2, 3])],
      outputs: [declare('y', 'float32')],
    })
    const attributes = new Map(['then_branch', 'else_branch'].map((n) => [n, branch(n)]))
    return graph.with({ nodes: graph.nodes.map((n) => ({ ...n, attributes })) })
  }

  test.each([true, false])('converts the graphs inside nodes (condition %s)', async (taken) => {
    const feeds = { c: tensor('bool', [], Uint8Array.of(taken ? 1 : 0)), x: noise(2, 3) }
    const old = conditional(11, 'Softmax')
    const inside = upgrade(old).nodes.flatMap((n) => [...n.attributes.values()].flatMap((a) => a.g?.node ?? []))
    expect(inside.map((n) => [n.opType, n.attribute.map((a) => a.name)])).toEqual([
      ['Softmax', ['axis']],
      ['Softmax', ['axis']],
    ])
    expect(numbers((await run(upgrade(old), feeds)).y)).toEqual(numbers((await run(old, feeds)).y))
  })

  test('takes a subgraph whose operators did not change', async () => {
    const feeds = { c: tensor('bool', [], Uint8Array.of(1)), x: noise(2, 3) }
    const graph = upgrade(conditional(11, 'Relu'))
    expect(graph.opset).toBe(MINIMUM_OPSET)
    expect(numbers((await run(graph, feeds)).y)).toEqual(Array.from(noise(2, 3).data, (v) => Math.max(v, 0)))
  })
})
