/** Which values count as feature maps, and which one is taken where none is named. */
import { describe, expect, test } from 'vitest'
import type { Dim } from '../../src/core/runtime.js'
import { compile, Model } from '../../src/explain/index.js'
import { featureMaps } from '../../src/methods/head.js'
import { layouts } from '../../src/methods/layout.js'
import { declare } from '../../src/onnx/builder.js'
import { decode } from '../../src/onnx/decode.js'
import type { Graph } from '../../src/onnx/ir.js'
import { probe } from '../../src/passes/probe.js'
import { findAnswer } from '../../src/targets/answer.js'
import { readBytes } from '../support/files.js'
import { relativeL2 } from '../support/measures.js'
import { model, type NodeSpec } from '../support/model.js'
import { noise, picture, SIDE } from '../support/networks.js'
import { runtime } from '../support/ort.js'

async function mapsOf(
  graph: Graph,
): Promise<{ name: string; op: string | undefined; dims: readonly Dim[] | undefined }[]> {
  const shapes = await probe(graph, runtime)
  return featureMaps(graph, shapes, findAnswer(graph, shapes).logits).map((name) => ({
    name,
    op: graph.producer(name)?.op,
    dims: shapes.get(name)?.dims?.slice(1),
  }))
}

describe('real networks', () => {
  // ConvNeXt normalises behind its pooling, over [N, 1, 1, K]; ViT's attention is [N, heads, tokens, size]
  test.each([
    ['resnet', 'Relu', [3, 3]],
    ['efficientnet', 'Mul', [3, 3]],
    ['byobnet', 'Relu', [3, 3]],
    ['convnext', 'Add', [3, 3]],
    ['shufflenet', 'Relu', [3, 3]],
    ['densenet', 'Relu', [12, 12]],
    ['vit', 'Conv', [6, 6]],
  ])('%s: the last feature map is what %s makes', async (name, op, dims) => {
    const last = (await mapsOf(decode(readBytes(`test/fixtures/networks/${name}.onnx`)))).at(-1)
    expect([last?.op, last?.dims?.slice(1)]).toEqual([op, dims])
  })
})

describe('a layer early in the network', () => {
  const notesOf = async (name: string, layer?: string): Promise<readonly string[]> => {
    const graph = decode(readBytes(`test/fixtures/networks/${name}.onnx`))
    return compile(graph, { shapes: await probe(graph, runtime), layer }).maps.flatMap((m) => m.notes)
  }

  test('is said to be one, where most of the network lies behind it', async () => {
    expect(await notesOf('vit')).toEqual([expect.stringContaining('early in this network')])
  })

  test.each(['resnet', 'efficientnet', 'byobnet', 'convnext', 'shufflenet', 'densenet'])('%s: is not', async (name) => {
    expect(await notesOf(name)).toEqual([])
  })

  test('may be chosen without a word', async () => {
    const graph = decode(readBytes('test/fixtures/networks/vit.onnx'))
    const last = (await mapsOf(graph)).at(-1)?.name
    expect(await notesOf('vit', last)).toEqual([])
  })
})

/** conv -> channels last -> linear layer, gelu-like, norm -> (back) -> pool -> gemm. */
function channelsLast(back: boolean): Graph {
  const pool: readonly NodeSpec[] = back
    ? [
        { op: 'Transpose', inputs: ['normed'], outputs: ['turned'], attributes: { perm: [0, 3, 1, 2] } },
        { op: 'GlobalAveragePool', inputs: ['turned'], outputs: ['pooled'] },
        { op: 'Flatten', inputs: ['pooled'], outputs: ['flat'] },
      ]
    : [{ op: 'ReduceMean', inputs: ['normed'], outputs: ['flat'], attributes: { axes: [1, 2], keepdims: 0 } }]
  return model({
    opset: 17,
    nodes: [
      { op: 'Conv', inputs: ['x', 'w1'], outputs: ['conv'], attributes: { strides: [2, 2], pads: [1, 1, 1, 1] } },
      { op: 'Transpose', inputs: ['conv'], outputs: ['last'], attributes: { perm: [0, 2, 3, 1] } },
      { op: 'MatMul', inputs: ['last', 'w2'], outputs: ['product'] },
      { op: 'Add', inputs: ['product', 'b2'], outputs: ['linear'] },
      { op: 'Tanh', inputs: ['linear'], outputs: ['act'] },
      { op: 'LayerNormalization', inputs: ['act', 'scale'], outputs: ['normed'], attributes: { axis: -1 } },
      ...pool,
      { op: 'Gemm', inputs: ['flat', 'w'], outputs: ['logits'], attributes: { transB: 1 } },
    ],
    inputs: [declare('x', 'float32', ['N', 3, SIDE, SIDE])],
    outputs: [declare('logits', 'float32', ['N', 4])],
    initializers: {
      w1: noise(1, 6, 3, 3, 3),
      w2: noise(2, 6, 5),
      b2: noise(3, 5),
      scale: noise(4, 5),
      w: noise(5, 4, 5),
    },
  })
}

describe('layouts', () => {
  test('follow transpositions, linear layers and what works place by place', async () => {
    const graph = channelsLast(true)
    const found = layouts(graph, await probe(graph, runtime))
    expect(['x', 'conv', 'turned', 'pooled'].map((v) => found.get(v))).toEqual(Array(4).fill('channels-first'))
    expect(['last', 'product', 'linear', 'act', 'normed'].map((v) => found.get(v))).toEqual(
      Array(5).fill('channels-last'),
    )
    expect([found.get('flat'), found.get('logits')]).toEqual([undefined, undefined])
  })

  test('what is turned to be pooled is the feature map', async () => {
    expect((await mapsOf(channelsLast(true))).map((m) => m.name)).toEqual(['conv', 'turned'])
    const loaded = await Model.load(channelsLast(true), runtime, { name: 'test' })
    const x = picture(3)
    const gradCam = await loaded.explain(x, { target: 1 })
    const cam = await loaded.explain(x, { method: 'cam', target: 1 })
    expect([gradCam.raw.layer, gradCam.raw.dims]).toEqual(['turned', [6, 6]])
    expect(
      relativeL2(
        gradCam.raw.data.map((v) => 36 * v),
        cam.raw.data,
      ),
    ).toBeLessThan(1e-4)
  })

  test('a value with its channels last is not taken for a feature map', async () => {
    const loaded = await Model.load(channelsLast(false), runtime, { name: 'test' })
    expect((await loaded.explain(picture(3), { target: 1 })).raw.layer).toBe('conv')
    await expect(loaded.explain(picture(3), { target: 1, layer: 'normed' })).rejects.toMatchObject({
      code: 'unknown-layer',
    })
  })
})
