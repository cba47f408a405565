/** Which values count as feature maps, and which one is taken where none is named. */
import { describe, expect, test } from 'vitest'
import { compile, Model } from '../../src/explain/index.js'
import { findPictureInput } from '../../src/explain/input.js'
import { chooseLayer, earlyLayer, featureMaps, type Network, networkOf } from '../../src/methods/layers.js'
import { keyOf } from '../../src/methods/layout/axes.js'
import { declare } from '../../src/onnx/builder.js'
import { decode } from '../../src/onnx/decode.js'
import type { Graph } from '../../src/onnx/ir.js'
import { lower } from '../../src/passes/lower.js'
import { probe } from '../../src/passes/probe.js'
import { findAnswer } from '../../src/targets/answer.js'
import { readBytes } from '../support/files.js'
import { relativeL2 } from '../support/measures.js'
import { model, type NodeSpec } from '../support/model.js'
import { noise, picture, SIDE } from '../support/networks.js'
import { runtime } from '../support/ort.js'

async function networkIn(model: Graph): Promise<Network> {
  const graph = lower(model)
  const shapes = await probe(graph, runtime)
  const picture = findPictureInput(graph, shapes)
  return networkOf({ graph, shapes, picture, logits: findAnswer(graph, shapes).logits })
}

const fixture = (name: string): Graph => decode(readBytes(`test/fixtures/networks/${name}.onnx`))

describe('real networks', () => {
  // ConvNeXt normalises behind its pooling, over [N, 1, 1, K]; the class token of ViT reads all others in the last attention
  test.each([
    ['resnet', 'Relu', [3, 3]],
    ['efficientnet', 'Mul', [3, 3]],
    ['byobnet', 'Relu', [3, 3]],
    ['convnext', 'Add', [3, 3]],
    ['shufflenet', 'Relu', [3, 3]],
    ['densenet', 'Relu', [12, 12]],
    ['vit', 'LayerNormalization', [6, 6]],
  ])('%s: the layer is what %s makes', async (name, op, sizes) => {
    const network = await networkIn(fixture(name))
    const { value, form } = chooseLayer(network, undefined)
    expect([network.graph.producer(value)?.op, form.sizes]).toEqual([op, sizes])
  })

  test.each(['resnet', 'efficientnet', 'byobnet', 'convnext', 'shufflenet', 'densenet'])(
    '%s: it is the last feature map',
    async (name) => {
      const network = await networkIn(fixture(name))
      expect(chooseLayer(network, undefined)).toEqual(featureMaps(network).at(-1))
    },
  )
})

describe('a layer early in the network', () => {
  const notesOf = async (name: string, layer?: string): Promise<readonly string[]> => {
    const graph = decode(readBytes(`test/fixtures/networks/${name}.onnx`))
    return compile(graph, { shapes: await probe(graph, runtime), layer }).maps.flatMap((m) => m.notes)
  }

  test('is said to be one, where most of the network lies behind it', async () => {
    const network = await networkIn(fixture('densenet'))
    expect(earlyLayer(network, featureMaps(network)[0]?.value ?? '')).toContain('early in this network')
  })

  test.each(['resnet', 'efficientnet', 'byobnet', 'convnext', 'shufflenet', 'densenet'])('%s: is not', async (name) => {
    expect(await notesOf(name)).toEqual([])
  })

  test('may be chosen without a word', async () => {
    const [first] = featureMaps(await networkIn(fixture('resnet')))
    expect(await notesOf('resnet', first?.value)).toEqual([])
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
    const { layouts } = await networkIn(channelsLast(true))
    const said = (value: string): string[] => (layouts.get(value) ?? []).map(keyOf)
    expect(said('conv')).toEqual(['batch N', 'other 6', '0:6*1/6', '1:6*1/6'])
    for (const value of ['last', 'product', 'linear', 'act', 'normed'])
      expect(said(value)).toEqual(['batch N', '0:6*1/6', '1:6*1/6', `other ${value === 'last' ? 6 : 5}`])
    expect(said('turned')).toEqual(['batch N', 'other 5', '0:6*1/6', '1:6*1/6'])
    expect([said('flat'), said('logits')]).toEqual([
      ['batch N', 'other 5'],
      ['batch N', 'other 4'],
    ])
  })

  test.each([true, false])('the map before the pooling is the layer, turned back for it: %s', async (back) => {
    const network = await networkIn(channelsLast(back))
    expect(featureMaps(network).map((m) => m.value)).toEqual(['conv', 'product', 'linear', 'act', 'normed'])
    const loaded = await Model.load(channelsLast(back), runtime, { name: 'test' })
    const x = picture(3)
    const gradCam = await loaded.explain(x, { target: 1 })
    const cam = await loaded.explain(x, { method: 'cam', target: 1 })
    expect([gradCam.raw.layer, gradCam.raw.dims, cam.raw.layer]).toEqual(['normed', [6, 6], 'normed'])
    expect(
      relativeL2(
        gradCam.raw.data.map((v) => 36 * v),
        cam.raw.data,
      ),
    ).toBeLessThan(1e-4)
  })

  test('a value without the places of the picture is refused', async () => {
    const loaded = await Model.load(channelsLast(false), runtime, { name: 'test' })
    await expect(loaded.explain(picture(3), { target: 1, layer: 'flat' })).rejects.toMatchObject({
      code: 'unknown-layer',
    })
  })
})
