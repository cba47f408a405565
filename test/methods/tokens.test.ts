/** Grad-CAM at layers of tokens and channels-last maps, against pytorch-grad-cam (fixtures of scripts/token_fixtures.py). */
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { sizeOf } from '../../src/core/tensor.js'
import { type ExplainOptions, Model } from '../../src/explain/index.js'
import { METHODS } from '../../src/methods/index.js'
import { declare } from '../../src/onnx/builder.js'
import { decode } from '../../src/onnx/decode.js'
import type { Graph } from '../../src/onnx/ir.js'
import { refusal } from '../support/compiled.js'
import { pathOf, readBytes } from '../support/files.js'
import { correlation, relativeL2 } from '../support/measures.js'
import { model } from '../support/model.js'
import { noise } from '../support/networks.js'
import { readNpyFloat32 } from '../support/npy.js'
import { runtime } from '../support/ort.js'

const FOLDER = 'test/fixtures/tokens'

interface Network {
  readonly name: string
  readonly opset: number
  readonly targets: readonly number[]
  readonly grid: readonly number[]
  readonly before: number
  readonly after: number
}

const networks: readonly Network[] = JSON.parse(readFileSync(pathOf(`${FOLDER}/tokens.json`), 'utf8'))
const x = readNpyFloat32(pathOf(`${FOLDER}/input.npy`))
const load = (name: string): Promise<Model> => loaded(decode(readBytes(`${FOLDER}/${name}.onnx`)))
const loaded = (graph: Graph): Promise<Model> => Model.load(graph, runtime, { name: 'test' })

/** The networks whose layer is a map as it stands, rather than a sequence. */
const MAPS = ['swin', 'convnext']

describe.each(networks.map((n) => [n.name, n] as const))('%s', (name, network) => {
  test('the default layer, its grid and its maps are those of pytorch-grad-cam', async () => {
    const { explanations } = await (await load(name)).explainAll(x, { target: network.targets })
    const wanted = readNpyFloat32(pathOf(`${FOLDER}/${name}.npy`)).data
    const size = sizeOf(network.grid)
    expect(explanations).toHaveLength(network.targets.length)
    for (const [i, { raw, provenance }] of explanations.entries()) {
      const want = wanted.subarray(i * size, (i + 1) * size)
      expect(raw.dims).toEqual(network.grid)
      expect(correlation(raw.data, want)).toBeGreaterThan(0.9999)
      expect(relativeL2(raw.data, want)).toBeLessThan(1e-3)
      const { grid, before, after } = network
      expect(provenance.tokens).toEqual(MAPS.includes(name) ? null : { grid, before, after, stated: false })
    }
  })

  test('targets in one run have the maps that they have alone', async () => {
    const all = await (await load(name)).explainAll(x, { target: network.targets })
    for (const [i, target] of network.targets.entries()) {
      const one = await (await load(name)).explain(x, { target })
      expect(relativeL2(all.explanations[i]?.raw.data ?? [], one.raw.data)).toBeLessThan(1e-4)
    }
  })

  test('a compiled plan declares the shape that its map has', async () => {
    const plan = (await load(name)).compile({})
    const [map] = plan.graph.outputs.slice(-1)
    expect(map && declare(map.name, 'float32', [plan.input.batch ?? 'targets', ...network.grid])).toEqual(map)
  })
})

describe('methods', () => {
  const atLayer = METHODS.flatMap((m) => (m.kind === 'compiled' && m.atLayer && m.id !== 'cam' ? [m.id] : []))

  test.each(['registers', 'sequence-first', 'swin'])('%s: all that explain at a layer have a map', async (name) => {
    const grid = networks.find((n) => n.name === name)?.grid
    const { explanations, refused } = await (await load(name)).explainAll(x, { method: atLayer, target: 1 })
    expect(refused).toEqual([])
    expect(explanations.map((e) => e.method.id)).toEqual(atLayer)
    for (const { method, raw } of explanations) {
      expect(raw.dims).toEqual(method.kind === 'compiled' && method.space === 'layer' ? grid : [3, 32, 24])
      expect(raw.data.every(Number.isFinite)).toBe(true)
      expect(raw.data.some((v) => v !== 0)).toBe(true)
    }
  })
})

describe('a stated grid', () => {
  const layerOf = async (options: ExplainOptions) => (await load('registers')).explain(x, { target: 1, ...options })

  test('of the same shape changes nothing but the provenance', async () => {
    const [found, stated] = [await layerOf({}), await layerOf({ grid: '4x3+5' })]
    expect(stated.raw.data).toEqual(found.raw.data)
    expect(stated.provenance.tokens).toEqual({ grid: [4, 3], before: 5, after: 0, stated: true })
    expect(stated.provenance.notes.some((note) => note.includes('as stated'))).toBe(true)
  })

  test('has all other tokens before it unless it says how many', async () => {
    expect((await layerOf({ grid: '4x3' })).raw.data).toEqual((await layerOf({ grid: '4x3+5' })).raw.data)
  })

  test('takes the tokens from where it says', async () => {
    const whole = (await layerOf({ grid: '1x17+0' })).raw
    const part = (await layerOf({ grid: '2x3+6' })).raw
    expect([whole.dims, part.dims]).toEqual([
      [1, 17],
      [2, 3],
    ])

    expect((await layerOf({ grid: '2x3+6' })).provenance.tokens).toMatchObject({ before: 6, after: 5 })
  })

  test.each(['14', '14x', 'x3', '4x3+', '4x3+-1', '0x3', '4 by 3'])('"%s" is none', async (grid) => {
    expect(await refusal(layerOf({ grid }))).toMatchObject({ code: 'bad-option', where: 'grid' })
  })
})

/** A picture whose places are lost on the way: patches picked by indices that are computed. */
function lostPlaces(): Graph {
  return model({
    opset: 17,
    nodes: [
      { op: 'Flatten', inputs: ['x'], outputs: ['flat'] },
      { op: 'MatMul', inputs: ['flat', 'mix'], outputs: ['row'] },
      { op: 'Reshape', inputs: ['row', 'shape'], outputs: ['tokens'] },
      { op: 'LayerNormalization', inputs: ['tokens', 'scale'], outputs: ['normed'], attributes: { axis: -1 } },
      { op: 'ReduceMean', inputs: ['normed'], outputs: ['pooled'], attributes: { axes: [1], keepdims: 0 } },
      { op: 'MatMul', inputs: ['pooled', 'head'], outputs: ['logits'] },
    ],
    inputs: [declare('x', 'float32', ['N', 3, 8, 8])],
    outputs: [declare('logits', 'float32', ['N', 4])],
    initializers: {
      mix: noise(1, 192, 13 * 5),
      shape: { type: 'int64', dims: [3], data: BigInt64Array.of(-1n, 13n, 5n) },
      scale: noise(2, 5),
      head: noise(3, 5, 4),
    },
  })
}

describe('tokens of which the graph does not tell the grid', () => {
  const picture = noise(5, 1, 3, 8, 8)

  test('are refused with the grids that they could be', async () => {
    const error = await refusal((await loaded(lostPlaces())).explain(picture, { layer: 'normed' }))
    expect(error).toMatchObject({ code: 'ambiguous-grid', details: { layer: 'normed', tokens: 13 } })
    expect(error.details.candidates).toContain('3x4+1')
    expect(error.message).toContain('--grid')
  })

  test('are refused too where no layer is named', async () => {
    expect(await refusal((await loaded(lostPlaces())).explain(picture))).toMatchObject({ code: 'ambiguous-grid' })
  })

  test('are explained once it is stated', async () => {
    const network = await loaded(lostPlaces())
    const { raw, provenance } = await network.explain(picture, { grid: '3x4+1', target: 2 })
    expect([raw.layer, raw.dims]).toEqual(['normed', [3, 4]])
    expect(provenance.tokens).toEqual({ grid: [3, 4], before: 1, after: 0, stated: true })
  })

  test('and refused where the stated one does not fit', async () => {
    const error = await refusal((await loaded(lostPlaces())).explain(picture, { layer: 'normed', grid: '9x9' }))
    expect(error.message).toContain('9x9 does not fit the 13 tokens')
  })
})

describe('cam', () => {
  test.each(['mixer', 'mean'])('%s: is its Grad-CAM times the number of places', async (name) => {
    const network = await load(name)
    const [cam, gradCam] = [
      await network.explain(x, { method: 'cam', target: 3 }),
      await network.explain(x, { target: 3 }),
    ]
    expect(cam.raw.layer).toBe(gradCam.raw.layer)
    const scaled = gradCam.raw.data.map((v) => v * gradCam.raw.data.length)
    expect(relativeL2(cam.raw.data, scaled)).toBeLessThan(1e-4)
  })

  test.each(['registers', 'distilled', 'convnext'])('%s: has no linear head, and refuses', async (name) => {
    expect(await refusal((await load(name)).explain(x, { method: 'cam' }))).toMatchObject({
      code: 'method-not-applicable',
    })
  })
})
