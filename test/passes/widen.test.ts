/** Half precision is computed in float32: models of mixed types against the same arithmetic in float32. */
import { describe, expect, test } from 'vitest'
import { float32, type Tensor, tensor } from '../../src/core/tensor.js'
import { declare } from '../../src/onnx/builder.js'
import { encodeSkeleton } from '../../src/onnx/encode.js'
import { float16Bits, toFloat32 } from '../../src/onnx/float16.js'
import type { Graph } from '../../src/onnx/ir.js'
import { protoType, writeTensor } from '../../src/onnx/tensors.js'
import { lower } from '../../src/passes/lower.js'
import { probe } from '../../src/passes/probe.js'
import { widen, widenedTypes } from '../../src/passes/widen.js'
import { differentiate } from '../../src/vjp/differentiate.js'
import { graphProto, model, type NodeSpec } from '../support/model.js'
import { runtime } from '../support/ort.js'
import { random } from '../support/random.js'
import { numbers, run } from '../support/run.js'

type Half = 'float16' | 'bfloat16'
const HALVES: readonly Half[] = ['float16', 'bfloat16']

/** Numbers of few bits, which both types hold exactly. */
function exact(dims: readonly number[], seed: number): number[] {
  const r = random(seed)
  return Array.from({ length: dims.reduce((a, d) => a * d, 1) }, () => Math.round(r.normal() * 16) / 16)
}

function half(type: Half, dims: readonly number[], values: readonly number[]): Tensor {
  const bits = (v: number): number =>
    type === 'float16' ? float16Bits(v) : (new Uint32Array(Float32Array.of(v).buffer)[0] ?? 0) >>> 16
  return tensor(type, dims, Uint16Array.from(values, bits))
}

const W = exact([4, 3], 1)
const SHIFT = exact([3], 2)

/** y = w' x + shift, doubled where `flag` holds, with every way in which a file may say a type. */
function affine(type: Half): Graph {
  const to = { to: protoType(type) }
  const nodes: NodeSpec[] = [
    { op: 'MatMul', inputs: ['x', 'w'], outputs: ['product'] },
    { op: 'Constant', inputs: [], outputs: ['shift'], attributes: { value: writeTensor('', half(type, [3], SHIFT)) } },
    { op: 'Shape', inputs: ['product'], outputs: ['shape'] },
    {
      op: 'ConstantOfShape',
      inputs: ['shape'],
      outputs: ['twos'],
      attributes: { value: writeTensor('', half(type, [1], [2])) },
    },
    { op: 'Add', inputs: ['product', 'shift'], outputs: ['shifted'] },
    { op: 'Mul', inputs: ['shifted', 'twos'], outputs: ['doubled'] },
    { op: 'Cast', inputs: ['doubled'], outputs: ['wide'], attributes: { to: 1 } },
    { op: 'Cast', inputs: ['wide'], outputs: ['y'], attributes: to },
  ]
  return model({
    opset: 18,
    nodes,
    inputs: [declare('x', type, ['N', 4])],
    outputs: [declare('y', type, ['N', 3])],
    initializers: { w: half(type, [4, 3], W) },
  })
}

const X = exact([2, 4], 3)
const WANTED = [0, 1].flatMap((n) =>
  [0, 1, 2].map(
    (j) => 2 * ([0, 1, 2, 3].reduce((s, k) => s + (X[4 * n + k] ?? 0) * (W[3 * k + j] ?? 0), 0) + (SHIFT[j] ?? 0)),
  ),
)

describe.each(HALVES)('%s', (type) => {
  const lowered = lower(affine(type))

  test('takes, computes and gives float32', async () => {
    const { y } = await run(lowered, { x: float32([2, 4], X) })
    expect(y?.type).toBe('float32')
    expect(numbers(y)).toEqual(WANTED)
  })

  test('every value of the file is float32, and keeps its name', async () => {
    const shapes = await probe(affine(type), runtime)
    for (const name of ['x', 'w', 'product', 'shift', 'twos', 'shifted', 'doubled', 'wide', 'y'])
      expect([name, shapes.get(name)?.type]).toEqual([name, 'float32'])
  })

  test('constants are read through the cast', () => {
    expect(lowered.constant('w')).toEqual(float32([4, 3], W))
    expect(lowered.constant('shift')).toEqual(float32([3], SHIFT))
  })

  test('nothing is left to be done', () => {
    expect(widen(lowered)).toBe(lowered)
    expect(widenedTypes(affine(type))).toEqual([type])
    expect(widenedTypes(lowered)).toEqual([])
  })

  test('gradients are float32, of inputs that keep their type', async () => {
    const gradient = differentiate(affine(type), { of: 'y', wrt: ['x'] })
    const seed = float32([2, 3], [1, 0, 0, 0, 2 ** -30, 0])
    const out = await run(lower(gradient), { x: float32([2, 4], X), 'gradient/y': seed })
    const column = (j: number, by: number): number[] => [0, 1, 2, 3].map((k) => 2 * by * (W[3 * k + j] ?? 0))
    // far below what float16 holds
    expect(numbers(out['gradient/x'])).toEqual([...column(0, 1), ...column(1, 2 ** -30)])
    expect(gradient.inputs.map((i) => [i.name, typeOf(i)])).toEqual([
      ['x', protoType(type)],
      ['gradient/y', protoType('float32')],
    ])
  })
})

function typeOf(value: Graph['inputs'][number]): number | undefined {
  return value.type?.value.case === 'tensorType' ? value.type.value.value.elemType : undefined
}

test('weights that the file itself casts are left alone', () => {
  const graph = model({
    opset: 18,
    nodes: [
      { op: 'Cast', inputs: ['small'], outputs: ['w'], attributes: { to: 1 } },
      { op: 'MatMul', inputs: ['x', 'w'], outputs: ['y'] },
    ],
    inputs: [declare('x', 'float32', [2, 4])],
    outputs: [declare('y', 'float32', [2, 3])],
    initializers: { small: half('float16', [4, 3], W) },
  })
  expect(widen(graph)).toBe(graph)
  expect(widenedTypes(graph)).toEqual([])
})

test('shapes are found around bfloat16 constants that the file itself casts', async () => {
  const graph = model({
    opset: 18,
    nodes: [
      {
        op: 'Constant',
        inputs: [],
        outputs: ['small'],
        attributes: { value: writeTensor('', half('bfloat16', [4, 3], W)) },
      },
      { op: 'Cast', inputs: ['small'], outputs: ['w'], attributes: { to: 1 } },
      { op: 'MatMul', inputs: ['x', 'w'], outputs: ['product'] },
      { op: 'Relu', inputs: ['product'], outputs: ['y'] },
    ],
    inputs: [declare('x', 'float32', ['N', 4])],
    outputs: [declare('y', 'float32')],
  })
  expect((await probe(graph, runtime)).get('product')?.dims).toEqual(['N', 3])
})

test('large weights stay where they are in the file', async () => {
  const values = exact([64, 64], 4)
  const graph = model({
    opset: 18,
    nodes: [{ op: 'MatMul', inputs: ['x', 'w'], outputs: ['y'] }],
    inputs: [declare('x', 'float16', [1, 64])],
    outputs: [declare('y', 'float16', [1, 64])],
    initializers: { w: half('float16', [64, 64], values) },
  })
  const skeleton = encodeSkeleton(lower(graph))
  expect(skeleton.bytes.byteLength).toBeLessThan(1000)
  expect([...skeleton.externalData.values()]).toEqual(graph.sources)
  const unit = float32([1, 64])
  unit.data[5] = 1
  expect(numbers((await run(skeleton, { x: unit })).y)).toEqual(values.slice(5 * 64, 6 * 64))
})

test('float64 is computed in float32 where the model convolves, which ONNX Runtime cannot do otherwise', async () => {
  const weights = exact([2, 3, 3, 3], 5)
  const conv = model({
    opset: 18,
    nodes: [{ op: 'Conv', inputs: ['x', 'w'], outputs: ['y'] }],
    inputs: [declare('x', 'float64', [1, 3, 4, 4])],
    outputs: [declare('y', 'float64', [1, 2, 2, 2])],
    initializers: { w: tensor('float64', [2, 3, 3, 3], Float64Array.from(weights)) },
  })
  const x = float32([1, 3, 4, 4], exact([1, 3, 4, 4], 6))
  const plain = model({
    opset: 18,
    nodes: [{ op: 'Conv', inputs: ['x', 'w'], outputs: ['y'] }],
    inputs: [declare('x', 'float32', [1, 3, 4, 4])],
    outputs: [declare('y', 'float32', [1, 2, 2, 2])],
    initializers: { w: float32([2, 3, 3, 3], weights) },
  })
  expect(numbers((await run(lower(conv), { x })).y)).toEqual(numbers((await run(plain, { x })).y))
  const product = model({
    opset: 18,
    nodes: [{ op: 'MatMul', inputs: ['x', 'w'], outputs: ['y'] }],
    inputs: [declare('x', 'float64', [1, 2])],
    outputs: [declare('y', 'float64', [1, 2])],
    initializers: { w: tensor('float64', [2, 2], Float64Array.of(1, 2, 3, 4)) },
  })
  expect(widen(product)).toBe(product)
})

test('graphs inside nodes are widened too', async () => {
  const branch = (name: string, by: number) =>
    graphProto(name, {
      nodes: [
        {
          op: 'Constant',
          inputs: [],
          outputs: ['by'],
          attributes: { value: writeTensor('', half('bfloat16', [], [by])) },
        },
        { op: 'Mul', inputs: ['x', 'by'], outputs: ['result'] },
      ],
      inputs: [],
      outputs: [declare('result', 'bfloat16', [3])],
    })
  const graph = model({
    opset: 18,
    nodes: [
      {
        op: 'If',
        inputs: ['flag'],
        outputs: ['y'],
        attributes: { then_branch: branch('then', 3), else_branch: branch('else', 5) },
      },
    ],
    inputs: [declare('x', 'bfloat16', [3]), declare('flag', 'bool', [])],
    outputs: [declare('y', 'bfloat16', [3])],
  })
  for (const [flag, by] of [
    [1, 3],
    [0, 5],
  ] as const) {
    const { y } = await run(lower(graph), { x: float32([3], [1, 2, 3]), flag: tensor('bool', [], Uint8Array.of(flag)) })
    expect(numbers(y)).toEqual([by, 2 * by, 3 * by])
  }
})

test('bfloat16 is the upper half of float32', () => {
  const values = [0, -0, 1, -2.5, 3e38, 2e-38, Number.POSITIVE_INFINITY]
  const bits = Uint16Array.from(values, (v) => (new Uint32Array(Float32Array.of(v).buffer)[0] ?? 0) >>> 16)
  const wide = toFloat32(tensor('bfloat16', [values.length], bits))
  for (const [i, v] of values.entries()) {
    const got = Number(wide.data[i])
    if (Number.isFinite(v)) expect(Math.abs(got - v)).toBeLessThanOrEqual(Math.abs(v) / 128)
    else expect(got).toBe(v)
  }
})
