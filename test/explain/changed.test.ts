/** Occlusion on windows through a whole model: pictures of every layout, the order of the squares, and what is left when it is aborted. */
import { describe, expect, test } from 'vitest'
import { gridOf } from '../../src/core/layout.js'
import type { Runtime } from '../../src/core/runtime.js'
import { float32, sizeOf, type Tensor } from '../../src/core/tensor.js'
import { type ExplainOptions, Model } from '../../src/explain/index.js'
import { fillSquare, MeanDrops } from '../../src/methods/covering.js'
import { coarseToFine, positions } from '../../src/methods/occlusion.js'
import { declare } from '../../src/onnx/builder.js'
import type { Graph } from '../../src/onnx/ir.js'
import { correlation, relativeL2 } from '../support/measures.js'
import { model, type NodeSpec } from '../support/model.js'
import { noise } from '../support/networks.js'
import { runtime } from '../support/ort.js'

interface Shape {
  readonly layout: 'NCHW' | 'NHWC' | 'NCDHW' | 'NCW'
  /** Places, axis by axis. */
  readonly extents: readonly number[]
  readonly isFree?: boolean
  readonly batch?: number
}
const CHANNELS = 24

/** Convolutions, a pooling and a sum over all places, large enough for windows to be worth it. */
function network({ layout, extents, isFree, batch }: Shape): Graph {
  const kernel = extents.map(() => 3)
  const pads = [...extents, ...extents].map(() => 1)
  const isLast = layout.endsWith('C')
  const rank = extents.length + 2
  const places = isFree ? extents.map((_, i) => `side${i}`) : extents
  const conv = (from: string, w: string, to: string): NodeSpec[] => [
    { op: 'Conv', inputs: [from, w], outputs: [`${to}/c`], attributes: { pads } },
    { op: 'Relu', inputs: [`${to}/c`], outputs: [to] },
  ]
  const weights = (seed: number, from: number): Tensor<'float32'> => {
    const w = noise(seed, CHANNELS, from, ...kernel)
    return float32(
      w.dims,
      w.data.map((v) => v / Math.sqrt(from * sizeOf(kernel))),
    )
  }
  return model({
    opset: 18,
    nodes: [
      ...(isLast ? [{ op: 'Transpose', inputs: ['x'], outputs: ['turned'], attributes: { perm: [0, 3, 1, 2] } }] : []),
      ...conv(isLast ? 'turned' : 'x', 'w1', 'a'),
      ...conv('a', 'w2', 'b'),
      {
        op: 'MaxPool',
        inputs: ['b'],
        outputs: ['p'],
        attributes: { kernel_shape: kernel.map(() => 2), strides: kernel.map(() => 2) },
      },
      ...conv('p', 'w3', 'd'),
      { op: 'GlobalAveragePool', inputs: ['d'], outputs: ['mean'] },
      { op: 'Flatten', inputs: ['mean'], outputs: ['logits'] },
    ],
    inputs: [declare('x', 'float32', isLast ? [batch ?? 'N', ...places, 3] : [batch ?? 'N', 3, ...places])],
    outputs: [declare('logits', 'float32', [batch ?? 'N', CHANNELS])],
    initializers: { w1: weights(1, 3), w2: weights(2, CHANNELS), w3: weights(3, CHANNELS), rank: float32([], [rank]) },
  })
}

/** A runtime that keeps the inputs of the sessions that it is asked for. */
function watched(): { readonly runtime: Runtime; readonly inputs: string[][] } {
  const inputs: string[][] = []
  return {
    inputs,
    runtime: {
      name: runtime.name,
      createSession: async (file, options) => {
        const session = await runtime.createSession(file, options)
        inputs.push(session.inputs.map((i) => i.name))
        return session
      },
    },
  }
}

const OPTIONS = { patch: 6, stride: 5 }
const SQUARE: Shape = { layout: 'NCHW', extents: [44, 40] }

async function load(shape: Shape, on: Runtime = runtime): Promise<Model> {
  return Model.load(network(shape), on, { name: 'test' })
}

function picture({ layout, extents }: Shape): Tensor<'float32'> {
  return layout.endsWith('C') ? noise(5, 1, ...extents, 3) : noise(5, 1, 3, ...extents)
}

async function occlude(loaded: Model, x: Tensor<'float32'>, more: ExplainOptions = {}): Promise<Float32Array> {
  return (await loaded.explain(x, { method: 'occlusion', target: 1, options: OPTIONS, ...more })).raw.data
}

/** By its definition: whole pictures through the whole network. */
async function byHand(loaded: Model, x: Tensor<'float32'>, { layout }: Shape): Promise<Float32Array> {
  const grid = gridOf(layout.slice(1), x.dims.slice(1))
  const size = { depth: grid.D.extent, height: grid.H.extent, width: grid.W.extent }
  const prepared = loaded.prepare(x)
  const drops = new MeanDrops(size, 1)
  const score = async (pictures: Tensor<'float32'>) => (await loaded.logits(prepared, pictures))[0]?.[1] ?? Number.NaN
  const before = await score(x)
  for (const square of positions(size, { ...OPTIONS, slices: 0 })) {
    const covered = Float32Array.from(x.data)
    fillSquare(covered, 0, grid, square, [0, 0, 0])
    drops.add(square, [before - (await score(float32(x.dims, covered)))])
  }
  return drops.maps([drops.counts.length])[0]?.data ?? new Float32Array()
}

describe('a map of windows is that of whole pictures', () => {
  test.each([
    SQUARE,
    { layout: 'NCHW', extents: [43, 37], isFree: true },
    { layout: 'NHWC', extents: [40, 44] },
    { layout: 'NCHW', extents: [40, 40], batch: 3 },
    { layout: 'NCDHW', extents: [4, 25, 30] },
    { layout: 'NCW', extents: [2000] },
  ] satisfies readonly Shape[])('%j', async (shape) => {
    const { runtime: on, inputs } = watched()
    const loaded = await load(shape, on)
    const x = picture(shape)
    const got = await occlude(loaded, x)
    expect(inputs.flat().join()).toContain('x/window')
    expect(relativeL2(got, await byHand(loaded, x, shape))).toBeLessThan(1e-4)
    await loaded.release()
  })
})

test('targets of one form, and of several, are what they are alone', async () => {
  const loaded = await load(SQUARE)
  const x = picture(SQUARE)
  const unit = { kind: 'channel', value: 'd', channel: 2, axis: 1 } as const
  const maps = async (target: NonNullable<ExplainOptions['target']>) =>
    (await loaded.explainAll(x, { method: 'occlusion', options: OPTIONS, target })).explanations.map((e) => e.raw.data)
  const [alone = []] = await maps([unit])
  const [again = [], first = []] = await maps([unit, 1])
  expect(relativeL2(alone, again)).toBeLessThan(1e-4)
  expect(relativeL2(first, await occlude(loaded, x))).toBeLessThan(1e-4)
  await loaded.release()
})

describe('coarse to fine', () => {
  const options = { ...OPTIONS, stride: 2, order: 'coarse-to-fine' }
  const squares = (stride: number) => positions({ depth: 1, height: 224, width: 224 }, { patch: 16, stride, slices: 0 })

  test('the first squares are less than a twentieth, and each square comes once', () => {
    const levels = coarseToFine(squares(4))
    expect(levels[0]?.squares.length).toBeLessThan(2809 / 20)
    expect(new Set(levels.flatMap((l) => l.squares)).size).toBe(2809)
    expect(coarseToFine(squares(224)).flatMap((l) => l.squares)).toHaveLength(1)
  })

  test('the map is the same, and one of a twentieth of the squares shows it', async () => {
    const loaded = await load(SQUARE)
    const x = picture(SQUARE)
    const partial: { readonly share: number; readonly map: Float32Array }[] = []
    const got = await occlude(loaded, x, {
      options,
      onProgress: ({ done, total, partial: maps }) =>
        partial.push({ share: done / total, map: maps()[0]?.raw.data ?? new Float32Array() }),
    })
    const raster = await occlude(loaded, x, { options: { ...options, order: 'raster' } })
    expect(relativeL2(got, raster)).toBeLessThan(1e-5)
    const early = partial.find((p) => p.share > 0.04)
    expect(early?.share).toBeLessThan(0.06)
    expect(correlation(early?.map ?? [], got)).toBeGreaterThan(0.5)
    await loaded.release()
  })
})

test('with anytime an abort gives the map as it stands', async () => {
  const loaded = await load(SQUARE)
  const controller = new AbortController()
  let standing: Float32Array | undefined
  const work = (anytime: boolean) =>
    loaded.explain(picture(SQUARE), {
      method: 'occlusion',
      options: OPTIONS,
      anytime,
      signal: controller.signal,
      onProgress: ({ partial }) => {
        standing = partial()[0]?.raw.data
        controller.abort()
      },
    })
  const { raw, provenance } = await work(true)
  expect(raw.data).toEqual(standing)
  expect(raw.data.some((v) => v !== 0)).toBe(true)
  expect(provenance.notes.join()).toContain('aborted after 16 of 72')
  // aborted before anything was done
  await expect(work(true)).rejects.toMatchObject({ code: 'aborted' })
  await expect(work(false)).rejects.toMatchObject({ code: 'aborted' })
  await loaded.release()
})
