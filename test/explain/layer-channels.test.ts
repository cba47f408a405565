/** The channels that weigh most in a Grad-CAM map. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ExplainError } from '../../src/core/errors.js'
import type { Runtime } from '../../src/core/runtime.js'
import type { Tensor } from '../../src/core/tensor.js'
import { type LayerChannels, layerChannelsOf, Model } from '../../src/explain/index.js'
import { decode } from '../../src/onnx/decode.js'
import type { Graph } from '../../src/onnx/ir.js'
import { refusal } from '../support/compiled.js'
import { pathOf, readBytes } from '../support/files.js'
import { relativeL2 } from '../support/measures.js'
import { network, picture, SIDE } from '../support/networks.js'
import { readNpyFloat32 } from '../support/npy.js'
import { runtime } from '../support/ort.js'
import { numbers, run } from '../support/run.js'

const ALL = 1e6
const load = (graph: Graph, with_ = runtime): Promise<Model> => Model.load(graph, with_, { name: 'test' })
const fixture = (name: string): Promise<Model> => load(decode(readBytes(`test/fixtures/${name}.onnx`)))

/** `sum_k weight_k A^k`. */
function weighted({ channels }: LayerChannels): Float64Array {
  const sum = new Float64Array(channels[0]?.raw.data.length ?? 0)
  for (const { weight, raw } of channels) for (const [i, v] of raw.data.entries()) sum[i] = (sum[i] ?? 0) + weight * v
  return sum
}

const mean = (values: ArrayLike<number>): number => Array.from(values).reduce((a, b) => a + b, 0) / values.length

async function expectGradCam(
  model: Model,
  x: Tensor<'float32'>,
  options: { readonly target?: number; readonly layer?: string; readonly score?: 'logit' | 'probability' },
): Promise<LayerChannels> {
  const found = await model.channels(x, { ...options, top: ALL })
  const { raw, target, answer, provenance } = await model.explain(x, options)
  expect(found.channels).toHaveLength(found.count)
  expect([found.layer, found.target, found.answer]).toEqual([raw.layer, target, answer])
  expect(found.tokens).toEqual(provenance.tokens)
  for (const c of found.channels) expect(c.raw.dims).toEqual(raw.dims)
  expect(relativeL2(weighted(found), raw.data)).toBeLessThan(1e-4)
  const size = mean(found.channels.map((c) => Math.abs(c.share))) * found.count
  expect(Math.abs(found.total - mean(raw.data))).toBeLessThanOrEqual(1e-5 * size)
  return found
}

describe('all channels, weighted and summed, are the Grad-CAM map', () => {
  test('of small networks', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 1000 }),
        fc.constantFrom('gemm', 'max-pool-gemm', 'flatten-gemm', 'reduce-mean'),
        fc.constantFrom('hidden', 'features', undefined),
        fc.integer({ min: -1, max: 3 }),
        fc.constantFrom(1, 3, 'N'),
        async (seed, head, layer, target, batch) => {
          const model = await load(network({ seed, head, batch, activation: { op: 'Tanh' } }))
          await expectGradCam(model, picture(seed), { target, ...(layer && { layer }) })
          await model.release()
        },
      ),
      { numRuns: 12, seed: 11 },
    )
  })

  test.each(['registers', 'distilled', 'sequence-first', 'swin', 'mixer', 'convnext'])('of %s', async (name) => {
    const x = readNpyFloat32(pathOf('test/fixtures/tokens/input.npy'))
    await expectGradCam(await fixture(`tokens/${name}`), x, { target: 2 })
  })

  test.each(['volume', 'clip3d', 'frames', 'signal'])('of a %s', async (name) => {
    const x = readNpyFloat32(pathOf(`test/fixtures/shapes/${name}.input.npy`))
    await expectGradCam(await fixture(`shapes/${name}`), x, { target: 1 })
  })

  test('of a probability', async () => {
    await expectGradCam(await load(network({ end: 'Softmax' })), picture(2), { target: 1, score: 'probability' })
  })
})

test('activations are those of the layer, shares their means times the weights', async () => {
  const graph = network()
  const { channels } = await (await load(graph)).channels(picture(6), { target: 1, top: ALL })
  const shown = graph.with({ outputs: [...graph.outputs, ...graph.outputs.map((o) => ({ ...o, name: 'features' }))] })
  const features = numbers((await run(shown.with({ outputs: shown.outputs.slice(1) }), { x: picture(6) })).features)
  expect(new Set(channels.map((c) => c.index)).size).toBe(5)
  for (const { index, weight, share, raw } of channels) {
    expect(relativeL2(raw.data, features.slice(index * 36, (index + 1) * 36))).toBeLessThan(1e-6)
    expect(share).toBeCloseTo(weight * mean(raw.data), 5)
  }
})

test('the largest shares come first, eight where no number is named', async () => {
  const model = await load(network({ channels: 12 }))
  const all = await model.channels(picture(4), { target: 2, top: ALL })
  const sizes = all.channels.map((c) => Math.abs(c.share))
  expect(sizes).toEqual([...sizes].sort((a, b) => b - a))
  for (const [top, count] of [
    [undefined, 8],
    [3, 3],
    [12, 12],
  ] as const) {
    const some = await model.channels(picture(4), { target: 2, ...(top && { top }) })
    expect(some.channels.map((c) => c.index)).toEqual(all.channels.slice(0, count).map((c) => c.index))
    expect([some.count, some.total]).toEqual([12, all.total])
  }
})

test('each lies on the picture as an explanation does, and is made again of its data', async () => {
  const model = await load(network())
  const photo = {
    width: 20,
    height: 15,
    data: Uint8Array.from({ length: 20 * 15 * 4 }, (_, i) => (i % 4 === 3 ? 255 : (i * 37) % 256)),
  }
  const found = await model.channels(photo, { target: 1 })
  const { heatmap } = await model.explain(photo, { target: 1 })
  const again = layerChannelsOf(structuredClone(found.data))
  for (const [i, c] of found.channels.entries()) {
    expect([c.heatmap.width, c.heatmap.height, c.heatmap.seen]).toEqual([20, 15, heatmap.seen])
    expect(again.channels[i]?.heatmap.data).toEqual(c.heatmap.data)
    const small = c.at({ width: 8, height: 6 }).heatmap
    expect(small.data).toHaveLength(48)
    expect(again.channels[i]?.at({ width: 8, height: 6 }).heatmap.data).toEqual(small.data)
    expect(c.raw.data.buffer.byteLength).toBe(4 * 36)
  }
  expect(found.provenance).toMatchObject({
    method: 'grad-cam',
    layer: 'features',
    preprocessing: { crop: { height: SIDE } },
  })
  expect(JSON.parse(JSON.stringify(found.provenance))).toEqual(found.provenance)
})

test('another class and another picture cost no session', async () => {
  let sessions = 0
  const counting: Runtime = {
    name: 'counting',
    createSession: (...args) => {
      sessions++
      return runtime.createSession(...args)
    },
  }
  const model = await load(network(), counting)
  await model.channels(picture(1), { target: 0 })
  const before = sessions
  await model.channels(picture(2), { target: 3, top: 2 })
  expect(sessions).toBe(before)
  await model.channels(picture(2), { target: 3, layer: 'hidden' })
  expect(sessions).toBe(before + 1)
})

describe('refused are', () => {
  test.each([0, -1, 1.5, Number.NaN])('%s channels', async (top) => {
    expect(await refusal((await load(network())).channels(picture(1), { top }))).toMatchObject({
      code: 'bad-option',
      where: 'top',
    })
  })

  test.each([
    ['a layer that is not there', { layer: 'feature' }, 'unknown-layer'],
    ['a class that is not there', { target: 4 }, 'unknown-label'],
    ['a signal that is aborted', { signal: AbortSignal.abort() }, 'aborted'],
  ])('%s', async (_, options, code) => {
    const error = await refusal((await load(network())).channels(picture(1), options))
    expect(error).toBeInstanceOf(ExplainError)
    expect(error.code).toBe(code)
  })
})
