/** Maps that look like nothing say why. */
import { describe, expect, test } from 'vitest'
import { float32 } from '../../src/core/tensor.js'
import { diagnose } from '../../src/explain/diagnose.js'
import { Model } from '../../src/explain/index.js'
import { declare } from '../../src/onnx/builder.js'
import { model } from '../support/model.js'
import { network, noise, picture } from '../support/networks.js'
import { runtime } from '../support/ort.js'

describe('diagnose', () => {
  test.each([
    ['nothing odd', [1, -1, 0], []],
    ['NaN', [1, Number.NaN], ['not-finite']],
    ['infinity', [1, Number.POSITIVE_INFINITY], ['not-finite']],
    ['all NaN', [Number.NaN, Number.NaN], ['not-finite']],
    ['zeros', [0, -0, 0], ['blank']],
    ['nothing positive', [-1, -2, 0], ['all-negative']],
    ['one value', [2, 2, 2], ['constant']],
    ['one negative value', [-2, -2], ['all-negative']],
  ])('%s', (_name, values, codes) => {
    expect(diagnose(Float32Array.from(values), 'positive').map((d) => d.code)).toEqual(codes)
  })

  test('a signed map may be negative', () => {
    expect(diagnose(Float32Array.of(-1, -2), 'signed')).toEqual([])
    expect(diagnose(Float32Array.of(-2, -2), 'signed').map((d) => d.code)).toEqual(['constant'])
  })
})

describe('on networks', () => {
  test('dead rectifiers leave a blank gradient', async () => {
    const graph = network({
      activation: { op: 'Clip', inputs: ['zero', 'zero'] },
      initializers: { zero: float32([], [0]) },
    })
    const loaded = await Model.load(graph, runtime, { name: 'dead' })
    const { diagnosis } = await loaded.explain(picture(1), { method: 'gradient', target: 0 })
    expect(diagnosis.map((d) => d.code)).toEqual(['blank'])
    expect(diagnosis[0]?.message).toContain('occlusion')
  })

  test('a class that everything speaks against', async () => {
    const graph = network({ bias: false })
    const loaded = await Model.load(graph, runtime, { name: 'against' })
    const weights = graph.constant('w')
    const w = float32(
      [4, 5],
      Array.from(noise(4, 4, 5).data, (v, i) => (i < 5 ? -Math.abs(v) : v)),
    )
    expect(weights?.dims).toEqual(w.dims)
    const other = model({ opset: 18, nodes: [], inputs: [], outputs: [declare('w')], initializers: { w } })
    const against = await Model.load(
      graph.with({ initializers: new Map([...graph.initializers, ...other.initializers]) }),
      runtime,
      { name: 'against' },
    )
    expect((await against.explain(picture(1), { target: 0 })).diagnosis.map((d) => d.code)).toEqual(['all-negative'])
    expect((await loaded.explain(picture(1))).diagnosis).toEqual([])
  })

  test('a weight that is not finite is named', async () => {
    const graph = network()
    const w2 = noise(3, 5, 6, 3, 3)
    w2.data[7] = Number.NaN
    const other = model({ opset: 18, nodes: [], inputs: [], outputs: [declare('w2')], initializers: { w2 } })
    const broken = graph.with({ initializers: new Map([...graph.initializers, ...other.initializers]) })
    const loaded = await Model.load(broken, runtime, { name: 'broken' })
    await expect(loaded.explain(picture(1))).rejects.toMatchObject({
      code: 'not-finite-weight',
      details: { weights: ['w2'] },
    })
  })
})
