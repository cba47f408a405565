/** Shapes as the runtime tells them. */
import { describe, expect, test } from 'vitest'
import type { Dim, Runtime } from '../../src/core/runtime.js'
import { float32, int64 } from '../../src/core/tensor.js'
import { declare } from '../../src/onnx/builder.js'
import type { Graph } from '../../src/onnx/ir.js'
import { declaredShapes } from '../../src/onnx/shapes.js'
import { probe } from '../../src/passes/probe.js'
import { model, type NodeSpec } from '../support/model.js'
import { runtime } from '../support/ort.js'

/** conv (stride 2) -> relu -> global pool -> flatten. */
function network(dims: readonly Dim[] | undefined, more: readonly NodeSpec[] = [], end = 'flat'): Graph {
  return model({
    opset: 18,
    nodes: [
      { op: 'Conv', inputs: ['x', 'w'], outputs: ['conv'], attributes: { strides: [2, 2], pads: [1, 1, 1, 1] } },
      { op: 'Relu', inputs: ['conv'], outputs: ['relu'] },
      { op: 'GlobalAveragePool', inputs: ['relu'], outputs: ['pool'] },
      { op: 'Flatten', inputs: ['pool'], outputs: ['flat'] },
      ...more,
    ],
    inputs: [declare('x', 'float32', dims)],
    outputs: [declare(end)],
    initializers: {
      w: float32([5, 3, 3, 3]),
      zero: int64([1], [0]),
      one: int64([1], [1]),
      two: int64([1], [2]),
      minus_one: int64([1], [-1]),
      all: int64([2], [5, 96]),
    },
  })
}

async function dimsOf(graph: Graph, ...values: string[]): Promise<(readonly Dim[] | undefined)[]> {
  const shapes = await probe(graph, runtime)
  return values.map((v) => shapes.get(v)?.dims)
}

describe('probe', () => {
  test('a fixed batch: every axis is a number', async () => {
    expect(await dimsOf(network([1, 3, 16, 24]), 'x', 'conv', 'relu', 'pool', 'flat', 'w')).toEqual([
      [1, 3, 16, 24],
      [1, 5, 8, 12],
      [1, 5, 8, 12],
      [1, 5, 1, 1],
      [1, 5],
      [5, 3, 3, 3],
    ])
  })

  test('a free batch keeps its name', async () => {
    expect(await dimsOf(network(['batch', 3, 16, 24]), 'x', 'conv', 'relu')).toEqual([
      ['batch', 3, 16, 24],
      ['batch', 5, 8, 12],
      ['batch', 5, 8, 12],
    ])
  })

  test('free height and width stay free', async () => {
    const [conv, pool] = await dimsOf(network(['batch', 3, 'height', 'width']), 'conv', 'pool')
    expect(conv?.map((d) => typeof d === 'number')).toEqual([false, true, false, false])
    expect(pool).toEqual(['batch', 5, 1, 1])
  })

  test('types are told', async () => {
    const graph = network(
      [1, 3, 16, 24],
      [
        { op: 'Shape', inputs: ['relu'], outputs: ['shape'] },
        { op: 'Greater', inputs: ['flat', 'flat'], outputs: ['mask'] },
      ],
    )
    const shapes = await probe(graph, runtime)
    expect(['x', 'shape', 'mask', 'two'].map((v) => shapes.get(v)?.type)).toEqual(['float32', 'int64', 'bool', 'int64'])
  })

  // a Reshape to a computed shape: neither rank nor axes can be inferred
  const computed: readonly NodeSpec[] = [
    { op: 'Shape', inputs: ['relu'], outputs: ['shape'] },
    { op: 'Slice', inputs: ['shape', 'zero', 'two'], outputs: ['lead'] },
    { op: 'Cast', inputs: ['lead'], outputs: ['lead_float'], attributes: { to: 1 } },
    { op: 'Cast', inputs: ['lead_float'], outputs: ['lead_again'], attributes: { to: 7 } },
    { op: 'Concat', inputs: ['lead_again', 'minus_one'], outputs: ['target'], attributes: { axis: 0 } },
    { op: 'Reshape', inputs: ['relu', 'target'], outputs: ['tokens'] },
  ]
  const withComputed = (dims: readonly Dim[]): Graph => network(dims, computed, 'tokens')

  test('what cannot be inferred is settled', async () => {
    expect(await dimsOf(withComputed(['batch', 3, 16, 24]), 'tokens')).toEqual([['batch', 5, 96]])
    expect(await dimsOf(withComputed([2, 3, 16, 24]), 'tokens')).toEqual([[2, 5, 96]])
  })

  test('a computed multiple of the batch is named so, an unnamed batch stays open', async () => {
    const windows: readonly NodeSpec[] = [
      ...computed,
      { op: 'Cast', inputs: ['two'], outputs: ['two_float'], attributes: { to: 1 } },
      { op: 'Slice', inputs: ['lead_float', 'zero', 'one'], outputs: ['batch_float'] },
      { op: 'Mul', inputs: ['batch_float', 'two_float'], outputs: ['double'] },
      { op: 'Cast', inputs: ['double'], outputs: ['count'], attributes: { to: 7 } },
      { op: 'Concat', inputs: ['count', 'minus_one'], outputs: ['rows_shape'], attributes: { axis: 0 } },
      { op: 'Reshape', inputs: ['relu', 'rows_shape'], outputs: ['rows'] },
    ]
    const of = (dims: readonly Dim[]): Graph => network(dims, windows, 'rows')
    expect(await dimsOf(of(['batch', 3, 16, 24]), 'rows')).toEqual([['2*batch', 240]])
    expect(await dimsOf(of([null, 3, 16, 24]), 'rows')).toEqual([[null, 240]])
  })

  test('beside integers that are fed: what is told without a run is settled, what rests on their values stays open', async () => {
    const repeated = { op: 'ConstantOfShape', inputs: ['counts'], outputs: ['spread'] }
    const graph = network(['batch', 3, 16, 24], [...computed, repeated], 'tokens')
    const inputs = [...graph.inputs, declare('counts', 'int64', [2])]
    expect(await dimsOf(graph.with({ inputs }), 'tokens', 'spread')).toEqual([
      ['batch', 5, 96],
      [null, null],
    ])
  })

  test('axes that follow a free height stay open', async () => {
    expect(await dimsOf(withComputed([1, 3, 'height', 24]), 'tokens')).toEqual([[1, 5, null]])
  })

  test('a scalar is a scalar, not an unknown rank', async () => {
    const graph = network(
      ['batch', 3, 16, 24],
      [{ op: 'ReduceSum', inputs: ['relu'], outputs: ['sum'], attributes: { keepdims: 0 } }],
      'sum',
    )
    expect(await dimsOf(graph, 'sum')).toEqual([[]])
  })

  test('a model of fixed batch that takes no other is settled all the same', async () => {
    const fixed: readonly NodeSpec[] = [...computed, { op: 'Reshape', inputs: ['tokens', 'all'], outputs: ['rows'] }]
    const graph = network([1, 3, 16, 24], fixed, 'rows')
    expect(await dimsOf(graph, 'tokens', 'rows')).toEqual([
      [1, 5, 96],
      [5, 96],
    ])
  })

  test('what only a run can tell: an axis that depends on the numbers stays open, the others are settled', async () => {
    const graph = network(
      ['batch', 3, 16, 24],
      [
        { op: 'Sign', inputs: ['x'], outputs: ['sign'] },
        { op: 'NonZero', inputs: ['sign'], outputs: ['places'] },
        { op: 'Unique', inputs: ['sign'], outputs: ['different'] },
      ],
      'places',
    )
    const [places, different] = await dimsOf(graph, 'places', 'different')
    expect(places?.[0]).toBe(4)
    expect(places).toHaveLength(2)
    expect(typeof places?.[1]).not.toBe('number')
    expect(different).toHaveLength(1)
    expect(typeof different?.[0]).not.toBe('number')
  })

  test('a computed shape takes no run', async () => {
    let runs = 0
    const counting: Runtime = {
      name: runtime.name,
      async createSession(file, options) {
        const session = await runtime.createSession(file, options)
        return {
          inputs: session.inputs,
          outputs: session.outputs,
          run(feeds) {
            runs++
            return session.run(feeds)
          },
          release: () => session.release(),
        }
      },
    }
    const shapes = await probe(withComputed(['batch', 3, 16, 24]), counting)
    expect(shapes.get('tokens')?.dims).toEqual(['batch', 5, 96])
    expect(runs).toBe(0)
  })

  test('a model that does not load is a failure of the runtime', async () => {
    const graph = network([1, 3, 16, 24], [{ op: 'NoSuchOperator', inputs: ['flat'], outputs: ['y'] }])
    await expect(probe(graph, runtime)).rejects.toMatchObject({ code: 'runtime-failed' })
  })
})

describe('declared shapes', () => {
  test('come from inputs, outputs and initialisers', () => {
    const shapes = declaredShapes(network(['batch', 3, null, 24]))
    expect(shapes.get('x')).toEqual({ name: 'x', type: 'float32', dims: ['batch', 3, null, 24] })
    expect(shapes.get('w')?.dims).toEqual([5, 3, 3, 3])
    expect(shapes.get('conv')).toBeUndefined()
  })

  test('an input without a shape has no dims', () => {
    expect(declaredShapes(network(undefined)).get('x')?.dims).toBeUndefined()
  })
})

test('an axis that rests on numbers that are fed is no constant, whatever two runs give', async () => {
  const graph = model({
    opset: 18,
    nodes: [
      { op: 'GreaterOrEqual', inputs: ['x', 'low'], outputs: ['is'] },
      { op: 'NonZero', inputs: ['is'], outputs: ['where'] },
      { op: 'Transpose', inputs: ['where'], outputs: ['rows'] },
      { op: 'GatherND', inputs: ['x', 'rows'], outputs: ['picked'] },
      { op: 'Shape', inputs: ['x'], outputs: ['shape'] },
      { op: 'ConstantOfShape', inputs: ['shape'], outputs: ['zeros'] },
    ],
    inputs: [declare('x', 'float32', [6])],
    outputs: [declare('picked', 'float32', ['left']), declare('zeros', 'float32', ['what'])],
    initializers: { low: float32([], [-2]) },
  })
  const shapes = await probe(graph, runtime)
  // in both runs all six are left
  expect(shapes.get('picked')?.dims).toEqual(['left'])
  expect(shapes.get('rows')?.dims).toEqual([null, 1])
  // while what an exporter calls an axis is no reason not to know it
  expect(shapes.get('zeros')?.dims).toEqual([6])
})
