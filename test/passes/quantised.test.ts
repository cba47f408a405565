/**
 * Operators on whole numbers against ONNX Runtime's own kernels: the answers, and the gradients against the slope of these kernels over
 * so many steps of the quantisation that rounding does not hide it.
 */
import { describe, expect, test } from 'vitest'
import { float32, int64, sizeOf, type Tensor, tensor } from '../../src/core/tensor.js'
import { float } from '../../src/onnx/attributes.js'
import { declare } from '../../src/onnx/builder.js'
import type { Graph } from '../../src/onnx/ir.js'
import { lower } from '../../src/passes/lower.js'
import { probe } from '../../src/passes/probe.js'
import { REAL_FORMS } from '../../src/passes/quantised/operators.js'
import { quantised } from '../../src/passes/quantised.js'
import { differentiate } from '../../src/vjp/differentiate.js'
import { relativeL2 } from '../support/measures.js'
import { model, type NodeSpec } from '../support/model.js'
import { runtime } from '../support/ort.js'
import { random, seedOf } from '../support/random.js'
import { numbers, run } from '../support/run.js'

const CONTRIB = 'com.microsoft'
const STEP = 0.01
const ZERO = 120

interface Sample {
  /** Of the input `x`, which is quantised as `q` in steps of 0.01. */
  readonly dims: readonly number[]
  /** From `q` to `w`, which is dequantised as `y` with the step and the zero point below; to `y` itself where there is none. */
  readonly nodes: readonly NodeSpec[]
  readonly step?: number
  readonly zero?: number
  readonly initializers?: Readonly<Record<string, Tensor>>
  /** How many steps each side the slope is taken over: more for linear operators of many inputs. Default: 6. */
  readonly reach?: number
  /** The kernel cuts off where others round, so that many answers are a step lower. */
  readonly cutsOff?: true
}

const scalar = (value: number): Tensor => float32([], [value])
const byte = (value: number): Tensor => tensor('uint8', [], Uint8Array.of(value))
const bytes = (dims: readonly number[]): Tensor =>
  tensor(
    'uint8',
    dims,
    Uint8Array.from({ length: sizeOf(dims) }, (_, i) => (i * 67 + 30) % 256),
  )
const signed = (dims: readonly number[]): Tensor =>
  tensor(
    'int8',
    dims,
    Int8Array.from({ length: sizeOf(dims) }, (_, i) => ((i * 67 + 30) % 256) - 128),
  )
const counts = (data: readonly number[]): Tensor => tensor('int32', [data.length], Int32Array.from(data))

/** The names under which every model has the scales and zero points of `q`, of `w`, and of another value. */
const Q = ['q', 'sx', 'zx']
const OTHER = ['other', 's_other', 'z_other']
const W = ['s', 'z']

function node(op: string, inputs: readonly string[], attributes: NodeSpec['attributes'] = {}, domain = ''): NodeSpec {
  return { op, domain, inputs, outputs: ['w'], attributes }
}

function contrib(op: string, inputs: readonly string[], attributes: NodeSpec['attributes'] = {}): NodeSpec {
  return node(op, inputs, attributes, CONTRIB)
}

/** An operator of whole numbers whose result keeps the quantisation. */
function moved(op: string, inputs: readonly string[], attributes: NodeSpec['attributes'] = {}): Partial<Sample> {
  return { nodes: [node(op, inputs, attributes)], step: STEP, zero: ZERO }
}

const channels = { w0: signed([3, 2, 3, 3]), sw: float32([3], [0.002, 0.004, 0.001]), zw: signed([3]) }
const conv: Sample = {
  dims: [1, 2, 5, 5],
  nodes: [node('QLinearConv', [...Q, 'w0', 'sw', 'zw0', ...W, 'bias'], { pads: [1, 1, 1, 1] })],
  step: 0.02,
  zero: 128,
  reach: 40,
  initializers: { ...channels, zw0: tensor('int8', [3], Int8Array.of(0, 0, 0)), bias: counts([5000, -2000, 100]) },
}
const square = {
  right: signed([4, 3]),
  sw: float32([3], [0.004, 0.002, 0.008]),
  zw: tensor('int8', [3], Int8Array.of(0, 0, 0)),
}

const SAMPLES: Readonly<Record<string, Sample>> = {
  QLinearConv: conv,
  'QLinearConv, grouped': {
    ...conv,
    nodes: [node('QLinearConv', [...Q, 'w0', 's_other', 'zw0', ...W], { group: 2, strides: [2, 2] })],
    initializers: { w0: signed([2, 1, 3, 3]), zw0: tensor('int8', [], Int8Array.of(0)) },
  },
  'com.microsoft.QLinearConv': {
    ...conv,
    nodes: [contrib('QLinearConv', [...Q, 'w0', 'sw', 'zw0', ...W, 'bias'], { pads: [1, 1, 1, 1], channels_last: 0 })],
  },
  'com.microsoft.QLinearConv, channels last': {
    ...conv,
    dims: [1, 5, 5, 2],
    nodes: [contrib('QLinearConv', [...Q, 'w0', 'sw', 'zw0', ...W, 'bias'], { pads: [1, 1, 1, 1], channels_last: 1 })],
  },
  'com.microsoft.QLinearAveragePool, channels last': {
    dims: [1, 4, 4, 2],
    nodes: [contrib('QLinearAveragePool', [...Q, ...W], { kernel_shape: [2, 2], strides: [2, 2], channels_last: 1 })],
    step: 0.006,
    zero: 128,
    reach: 40,
  },
  'com.microsoft.QLinearGlobalAveragePool, channels last': {
    dims: [1, 3, 3, 2],
    nodes: [contrib('QLinearGlobalAveragePool', [...Q, ...W], { channels_last: 1 })],
    step: 0.004,
    zero: 128,
  },
  'Resize, nearest': {
    dims: [1, 1, 2, 3],
    nodes: [],
    ...moved('Resize', ['q', '', 'twice'], { mode: 'nearest' }),
    initializers: { twice: float32([4], [1, 1, 2, 2]) },
  },
  'Resize, linear': {
    dims: [1, 1, 3, 3],
    nodes: [],
    ...moved('Resize', ['q', '', 'twice'], { mode: 'linear' }),
    cutsOff: true,
    initializers: { twice: float32([4], [1, 1, 2, 2]) },
    reach: 30,
  },
  QLinearMatMul: {
    dims: [2, 4],
    nodes: [node('QLinearMatMul', [...Q, 'right', 'sw', 'zw', ...W])],
    step: 0.02,
    zero: 128,
    reach: 40,
    initializers: square,
  },
  'com.microsoft.QGemm': {
    dims: [2, 4],
    nodes: [contrib('QGemm', [...Q, 'right', 'sw', 'zw', 'bias', ...W], { alpha: float(0.5) })],
    step: 0.02,
    zero: 128,
    reach: 40,
    initializers: { ...square, bias: counts([5000, -2000, 100]) },
  },
  'com.microsoft.QGemm, to floats': {
    dims: [2, 4],
    nodes: [
      {
        ...contrib('QGemm', [...Q, 'right', 'sw', 'zw', 'bias'], { transB: 1, alpha: float(1) }),
        outputs: ['y'],
      },
    ],
    initializers: { ...square, right: signed([3, 4]), bias: counts([5000, -2000, 100]) },
  },
  'com.microsoft.QLinearAdd': {
    dims: [2, 3],
    nodes: [contrib('QLinearAdd', [...Q, ...OTHER, ...W])],
    step: 0.02,
    zero: 110,
  },
  'com.microsoft.QLinearMul': {
    dims: [2, 3],
    nodes: [contrib('QLinearMul', [...OTHER, ...Q, ...W])],
    step: 0.01,
    zero: 128,
  },
  'com.microsoft.QLinearAveragePool': {
    dims: [1, 2, 4, 4],
    nodes: [contrib('QLinearAveragePool', [...Q, ...W], { kernel_shape: [2, 2], strides: [2, 2], pads: [0, 0, 0, 0] })],
    step: 0.006,
    zero: 128,
    reach: 40,
  },
  'com.microsoft.QLinearGlobalAveragePool': {
    dims: [1, 2, 3, 3],
    nodes: [contrib('QLinearGlobalAveragePool', [...Q, ...W], { channels_last: 0 })],
    step: 0.004,
    zero: 128,
  },
  'com.microsoft.QLinearConcat': {
    dims: [2, 3],
    nodes: [contrib('QLinearConcat', [...W, ...Q, ...OTHER], { axis: 1 })],
    step: 0.02,
    zero: 110,
  },
  'com.microsoft.QLinearLeakyRelu': {
    dims: [2, 6],
    nodes: [contrib('QLinearLeakyRelu', [...Q, ...W], { alpha: float(0.3) })],
    step: 0.01,
    zero: 60,
  },
  'com.microsoft.QLinearSigmoid': {
    dims: [2, 6],
    nodes: [contrib('QLinearSigmoid', [...Q, ...W])],
    step: 0.003,
    zero: 0,
  },
  'com.microsoft.QLinearSoftmax': {
    dims: [2, 4],
    nodes: [contrib('QLinearSoftmax', [...Q, ...W], { axis: 1, opset: 13 })],
    step: 1 / 256,
    zero: 0,
  },
  'com.microsoft.QLinearWhere': {
    dims: [2, 3],
    nodes: [contrib('QLinearWhere', ['condition', ...Q, ...OTHER, ...W])],
    step: 0.02,
    zero: 110,
    initializers: { condition: tensor('bool', [2, 3], Uint8Array.of(1, 0, 1, 1, 0, 0)) },
  },
  'com.microsoft.MatMulIntegerToFloat': {
    dims: [2, 4],
    nodes: [{ ...contrib('MatMulIntegerToFloat', ['q', 'right', 'sx', 'sw', 'zx', 'zw', 'bias']), outputs: ['y'] }],
    initializers: { ...square, bias: float32([3], [0.1, 0.2, -0.3]) },
  },
  ConvInteger: {
    dims: [1, 2, 5, 5],
    nodes: [
      { op: 'ConvInteger', inputs: ['q', 'w0', 'zx', 'z'], outputs: ['count'], attributes: { pads: [1, 1, 1, 1] } },
      { op: 'Cast', inputs: ['count'], outputs: ['wide'], attributes: { to: 1 } },
      { op: 'Mul', inputs: ['wide', 's_product'], outputs: ['y'] },
    ],
    zero: 110,
    step: 1,
    initializers: { w0: bytes([3, 2, 3, 3]), s_product: scalar(STEP * 0.002) },
  },
  MatMulInteger: {
    dims: [2, 4],
    nodes: [
      { op: 'MatMulInteger', inputs: ['q', 'right', 'zx', 'zw'], outputs: ['count'] },
      { op: 'Reshape', inputs: ['count', 'flat'], outputs: ['row'] },
      { op: 'Cast', inputs: ['row'], outputs: ['wide'], attributes: { to: 1 } },
      { op: 'Mul', inputs: ['wide', 's_product'], outputs: ['y'] },
    ],
    initializers: {
      right: bytes([4, 3]),
      zw: tensor('uint8', [3], Uint8Array.of(100, 120, 140)),
      s_product: scalar(STEP * 0.004),
      flat: int64([1], [-1]),
    },
  },
  MaxPool: { dims: [1, 2, 4, 4], nodes: [], ...moved('MaxPool', ['q'], { kernel_shape: [2, 2], strides: [2, 2] }) },
  Reshape: { dims: [2, 3], nodes: [], ...moved('Reshape', ['q', 'shape']), initializers: { shape: int64([1], [-1]) } },
  Transpose: { dims: [2, 3], nodes: [], ...moved('Transpose', ['q'], { perm: [1, 0] }) },
  Concat: { dims: [2, 3], nodes: [], ...moved('Concat', ['q', 'other', 'q'], { axis: 1 }) },
  Gather: {
    dims: [3, 2],
    nodes: [],
    ...moved('Gather', ['q', 'rows']),
    initializers: { rows: int64([4], [2, 0, 2, 1]) },
  },
  Pad: { dims: [2, 3], nodes: [], ...moved('Pad', ['q', 'pads']), initializers: { pads: int64([4], [1, 0, 0, 2]) } },
  'Pad with a number': {
    dims: [2, 3],
    nodes: [],
    ...moved('Pad', ['q', 'pads', 'fill']),
    initializers: { pads: int64([4], [1, 0, 0, 2]), fill: byte(200) },
  },
  'Flatten, Unsqueeze, Expand, Slice': {
    dims: [2, 3],
    nodes: [
      { op: 'Flatten', inputs: ['q'], outputs: ['flat'], attributes: { axis: 0 } },
      { op: 'Unsqueeze', inputs: ['flat', 'first'], outputs: ['more'] },
      { op: 'Expand', inputs: ['more', 'shape'], outputs: ['many'] },
      { op: 'Slice', inputs: ['many', 'first', 'last', 'second'], outputs: ['w'] },
    ],
    step: STEP,
    zero: ZERO,
    initializers: {
      first: int64([1], [0]),
      last: int64([1], [1]),
      second: int64([1], [1]),
      shape: int64([3], [2, 2, 6]),
    },
  },
  'another scale behind': {
    dims: [2, 3],
    nodes: [{ op: 'Identity', inputs: ['q'], outputs: ['w'] }],
    step: 0.03,
    zero: 100,
  },
  'Cast to floats': {
    dims: [2, 3],
    nodes: [{ op: 'Cast', inputs: ['q'], outputs: ['y'], attributes: { to: 1 } }],
  },
}

function modelOf({ dims, nodes, step = 1, zero = 0, initializers = {} }: Sample): Graph {
  const ends = nodes.some((n) => n.outputs.includes('y'))
  return model({
    opset: 18,
    nodes: [
      { op: 'QuantizeLinear', inputs: ['x', 'sx', 'zx'], outputs: ['q'] },
      ...nodes,
      ...(ends ? [] : [{ op: 'DequantizeLinear', inputs: ['w', 's', 'z'], outputs: ['y'] }]),
    ],
    inputs: [declare('x', 'float32', dims)],
    outputs: [declare('y', 'float32')],
    initializers: {
      sx: scalar(STEP),
      zx: byte(ZERO),
      s: scalar(step),
      z: byte(zero),
      other: bytes([2, 3]),
      s_other: scalar(0.008),
      z_other: byte(120),
      ...initializers,
    },
  })
}

/** Numbers on the grid of the quantisation, away from its ends. */
function picture(name: string, dims: readonly number[]): Tensor<'float32'> {
  const r = random(seedOf(name))
  return float32(
    dims,
    Array.from({ length: sizeOf(dims) }, () => Math.round((r.next() * 2 - 1) * 70) * STEP),
  )
}

/** The slope of `gy . y` by each element of `x`, over `reach` steps to each side. */
async function slopes(graph: Graph, x: Tensor<'float32'>, gy: readonly number[], reach: number): Promise<number[]> {
  const along = async (i: number, by: number): Promise<number> => {
    const moved = float32(x.dims, Float32Array.from(x.data))
    moved.data[i] = (x.data[i] ?? 0) + by
    const { y } = await run(graph, { x: moved })
    return numbers(y).reduce((sum, v, j) => sum + v * (gy[j] ?? 0), 0)
  }
  const h = reach * STEP
  const found: number[] = []
  for (const i of x.data.keys()) found.push(((await along(i, h)) - (await along(i, -h))) / (2 * h))
  return found
}

describe.each(Object.entries(SAMPLES))('%s', (name, sample) => {
  const graph = modelOf(sample)
  const x = picture(name, sample.dims)

  test('answers as ONNX Runtime does, but for a step where both round', async () => {
    const want = numbers((await run(graph, { x })).y)
    const got = numbers((await run(lower(graph), { x })).y)
    const step = sample.step === undefined || sample.nodes.some((n) => n.outputs.includes('y')) ? 1e-4 : sample.step
    const off = want.map((v, i) => Math.abs(v - (got[i] ?? 0)) / step)
    expect(Math.max(...off)).toBeLessThan(1.01)
    if (!sample.cutsOff) expect(off.filter((v) => v > 0.01).length).toBeLessThanOrEqual(0.1 * off.length)
    expect(got.length).toBe(want.length)
  })

  test('goes back as far as the kernels go up', async () => {
    const { y } = await run(graph, { x })
    const r = random(seedOf(`${name}/gy`))
    const gy = numbers(y).map(() => r.normal())
    const feeds = { x, 'gradient/y': float32(y?.dims ?? [], gy) }
    const out = await run(differentiate(graph, { of: 'y', wrt: ['x'], shapes: await probe(graph, runtime) }), feeds)
    expect(relativeL2(numbers(out['gradient/x']), await slopes(graph, x, gy, sample.reach ?? 6))).toBeLessThan(0.15)
  })

  test('is rewritten once', () => {
    const once = quantised(lower(graph))
    expect(quantised(once).nodes.map((n) => n.op)).toEqual(once.nodes.map((n) => n.op))
  })
})

test('every operator has a sample', () => {
  const shown = Object.keys(SAMPLES).map((name) => name.split(',')[0])
  expect(Object.keys(REAL_FORMS).filter((name) => !shown.includes(name))).toEqual([])
})
