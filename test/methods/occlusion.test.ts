/** Occlusion: where the squares lie, what they are filled with, and what the map says. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ExplainError } from '../../src/core/errors.js'
import { float32, type Tensor } from '../../src/core/tensor.js'
import { type ExplainOptions, Model, type ModelOptions } from '../../src/explain/index.js'
import { imagenetPreprocessing } from '../../src/image/index.js'
import { positions } from '../../src/methods/occlusion.js'
import { declare } from '../../src/onnx/builder.js'
import type { Graph } from '../../src/onnx/ir.js'
import { relativeL2 } from '../support/measures.js'
import { model } from '../support/model.js'
import { network, noise, picture, SIDE } from '../support/networks.js'
import { runtime } from '../support/ort.js'

const AREA = SIDE * SIDE

/** The squares of a picture. */
function squares(height: number, width: number, patch: number, stride: number): ReturnType<typeof positions> {
  return positions({ depth: 1, height, width }, { patch, stride, slices: 0 })
}

async function load(graph: Graph, options: Partial<ModelOptions> = {}): Promise<Model> {
  return Model.load(graph, runtime, { name: 'test', ...options })
}

async function occlude(loaded: Model, x: Tensor<'float32'>, options: ExplainOptions = {}): Promise<Float32Array> {
  return (await loaded.explain(x, { method: 'occlusion', target: 1, ...options })).raw.data
}

/** The logit of class k is the sum of channel k: the drop is what was covered, less the fill. */
function sums(): Graph {
  return model({
    opset: 18,
    nodes: [{ op: 'ReduceSum', inputs: ['x', 'axes'], outputs: ['logits'], attributes: { keepdims: 0 } }],
    inputs: [declare('x', 'float32', ['N', 3, SIDE, SIDE])],
    outputs: [declare('logits', 'float32', ['N', 3])],
    initializers: { axes: { type: 'int64', dims: [2], data: BigInt64Array.of(2n, 3n) } },
  })
}

/** The map by its definition, from channel 1. */
function byHand(x: Tensor<'float32'>, patch: number, stride: number, fill = 0): number[] {
  const plane = x.data.subarray(AREA, 2 * AREA)
  const total = new Array<number>(AREA).fill(0)
  const count = new Array<number>(AREA).fill(0)
  for (const s of squares(SIDE, SIDE, patch, stride)) {
    const covered: number[] = []
    for (let y = s.y0; y < s.y1; y++) for (let c = s.x0; c < s.x1; c++) covered.push(y * SIDE + c)
    const drop = covered.reduce((a, i) => a + (plane[i] ?? 0) - fill, 0)
    for (const i of covered) {
      total[i] = (total[i] ?? 0) + drop
      count[i] = (count[i] ?? 0) + 1
    }
  }
  return total.map((v, i) => (count[i] ? v / (count[i] ?? 1) : 0))
}

test('gaps between squares are said', async () => {
  const loaded = await load(sums())
  const notes = async (stride: number): Promise<readonly string[]> => {
    const options = { patch: 2, stride }
    return (await loaded.explain(picture(1), { method: 'occlusion', target: 1, options })).provenance.notes
  }
  expect((await notes(4)).join()).toContain('leaves gaps')
  expect((await notes(2)).join()).not.toContain('leaves gaps')
})

describe('positions', () => {
  test.each([
    [[224, 224, 32, 16], 169],
    [[224, 224, 32, 32], 49],
    [[8, 8, 8, 3], 1],
    [[8, 8, 9, 3], 1],
    [[9, 9, 4, 3], 9],
    [[1, 1, 1, 1], 1],
    [[6, 8, 2, 2], 12],
  ] as const)('%j: %i squares', ([height, width, patch, stride], count) => {
    expect(squares(height, width, patch, stride)).toHaveLength(count)
  })

  test('in raster order, cut off at the border', () => {
    expect(squares(3, 5, 3, 2)).toEqual([
      { x0: 0, y0: 0, z0: 0, x1: 3, y1: 3, z1: 1 },
      { x0: 2, y0: 0, z0: 0, x1: 5, y1: 3, z1: 1 },
    ])
    expect(squares(3, 6, 3, 2).at(-1)).toMatchObject({ x0: 4, y0: 0, x1: 6, y1: 3 })
  })

  test('every square lies inside, and no pixel is left out where squares meet', () => {
    const extent = fc.integer({ min: 1, max: 40 })
    fc.assert(
      fc.property(extent, extent, extent, extent, (height, width, patch, stride) => {
        const seen = new Set<number>()
        for (const s of squares(height, width, patch, stride)) {
          expect(s.x0 >= 0 && s.y0 >= 0 && s.x1 <= width && s.y1 <= height && s.x0 < s.x1 && s.y0 < s.y1).toBe(true)
          for (let y = s.y0; y < s.y1; y++) for (let x = s.x0; x < s.x1; x++) seen.add(y * width + x)
        }
        if (stride <= patch) expect(seen.size).toBe(height * width)
      }),
      { seed: 5 },
    )
  })
})

describe('the map', () => {
  const x = picture(31)

  test.each([
    [3, 2],
    [4, 4],
    [5, 1],
    [2, 3],
    [20, 7],
    [12, 12],
  ])('patch %i, stride %i: the mean drop over the squares that cover a pixel', async (patch, stride) => {
    const got = await occlude(await load(sums()), x, { options: { patch, stride } })
    expect(relativeL2(got, byHand(x, patch, stride))).toBeLessThan(1e-4)
  })

  test('pixels that no square covers are 0', async () => {
    const got = await occlude(await load(sums()), x, { options: { patch: 2, stride: 5 } })
    expect(got.filter((v) => v !== 0)).toHaveLength(3 * 3 * 4)
  })

  test('the size of the batch does not matter', async () => {
    const loaded = await load(network())
    const options = { patch: 4, stride: 3 }
    const want = await occlude(loaded, x, { options, batch: 1 })
    for (const batch of [2, 5, 16, 100])
      expect(relativeL2(await occlude(loaded, x, { options, batch }), want)).toBeLessThan(1e-4)
  })

  test('a model of fixed batch gives the same', async () => {
    const options = { patch: 4, stride: 3 }
    const want = await occlude(await load(network()), x, { options })
    expect(relativeL2(await occlude(await load(network({ batch: 1 })), x, { options }), want)).toBeLessThan(1e-4)
  })

  test('several targets are those of single runs', async () => {
    const loaded = await load(network())
    const options = { patch: 4, stride: 3 }
    const both = await loaded.explainAll(x, { method: 'occlusion', target: [3, 0], options })
    for (const [i, target] of [3, 0].entries()) {
      const single = await occlude(loaded, x, { target, options })
      expect(relativeL2(both.explanations[i]?.raw.data ?? [], single)).toBeLessThan(1e-6)
    }
  })

  test('of a probability is the drop of the probability', async () => {
    const loaded = await load(network())
    const options = { patch: 12, stride: 12 }
    const got = await occlude(loaded, x, { options, score: 'probability' })
    const p = async (t: Tensor<'float32'>) =>
      (await loaded.classify(t, { top: 4 })).find((a) => a.index === 1)?.probability ?? Number.NaN
    const want = (await p(x)) - (await p(float32([1, 3, SIDE, SIDE])))
    expect(got[0]).toBeCloseTo(want, 5)
  })

  test('a picture with channels last', async () => {
    const first = model({
      opset: 18,
      nodes: [
        { op: 'Transpose', inputs: ['x'], outputs: ['turned'], attributes: { perm: [0, 3, 1, 2] } },
        { op: 'ReduceSum', inputs: ['turned', 'axes'], outputs: ['logits'], attributes: { keepdims: 0 } },
      ],
      inputs: [declare('x', 'float32', ['N', SIDE, SIDE, 3])],
      outputs: [declare('logits', 'float32', ['N', 3])],
      initializers: { axes: { type: 'int64', dims: [2], data: BigInt64Array.of(2n, 3n) } },
    })
    const last = float32(
      [1, SIDE, SIDE, 3],
      Array.from({ length: 3 * AREA }, (_, i) => x.data[(i % 3) * AREA + Math.floor(i / 3)] ?? 0),
    )
    const got = await occlude(await load(first), last, { options: { patch: 5, stride: 2 } })
    expect(relativeL2(got, byHand(x, 5, 2))).toBeLessThan(1e-4)
  })
})

describe('the fill', () => {
  const x = picture(32)
  const grey = { patch: 4, stride: 4 }

  test('mean is 0 after normalisation', async () => {
    const loaded = await load(sums())
    expect(await occlude(loaded, x, { options: { ...grey, fill: 'mean' } })).toEqual(
      await occlude(loaded, x, { options: grey }),
    )
  })

  test.each([
    ['black', 0],
    ['#ffffff', 255],
    ['rgb(10, 100, 200)', 100],
  ])('%s is preprocessed as a pixel is', async (fill, green) => {
    const loaded = await load(sums())
    const { mean, std, rescale } = loaded.preprocessing ?? imagenetPreprocessing(SIDE, SIDE)
    const value = (green * rescale - (mean[1] ?? 0)) / (std[1] ?? 1)
    const got = await occlude(loaded, x, { options: { ...grey, fill } })
    expect(relativeL2(got, byHand(x, 4, 4, value))).toBeLessThan(1e-4)
  })

  test('what is no colour is refused', async () => {
    const error: unknown = await occlude(await load(sums()), x, { options: { fill: 'greyish' } }).catch(
      (e: unknown) => e,
    )
    expect(error).toBeInstanceOf(ExplainError)
    expect(error).toMatchObject({ code: 'bad-option', where: 'fill' })
  })
})

describe('options', () => {
  test.each([
    [{ patch: 0 }, /patch is 0/],
    [{ stride: 1.5 }, /stride is 1\.5/],
    [{ patch: 'wide' }, /patch is wide/],
    [{ pach: 3 }, /no option "pach".*"patch"/],
  ])('%j is refused', async (options, message) => {
    const run = occlude(await load(sums()), picture(1), { options: options as Record<string, string | number> })
    await expect(run).rejects.toMatchObject({ code: 'bad-option', message: expect.stringMatching(message) })
  })

  test('numbers may come as text, and defaults are written to the provenance', async () => {
    const { provenance } = await (await load(sums())).explain(picture(1), {
      method: 'occlusion',
      options: { patch: '6' },
    })
    expect(provenance.options).toEqual({ patch: 6, stride: 16, fill: 'mean', slices: 0, order: 'raster' })
  })
})

describe('long work', () => {
  const x = picture(33)
  const options = { patch: 3, stride: 1 }
  const total = 100

  test('progress counts the squares, and partial maps grow into the whole', async () => {
    const loaded = await load(sums())
    const seen: { done: number; total: number; partial: Float32Array | undefined }[] = []
    const got = await occlude(loaded, x, {
      options,
      batch: 30,
      onProgress: (p) => seen.push({ done: p.done, total: p.total, partial: p.partial()[0]?.raw.data }),
    })
    expect(seen.map((s) => [s.done, s.total])).toEqual([
      [30, total],
      [60, total],
      [90, total],
      [100, total],
    ])
    const covered = seen.map((s) => s.partial?.filter((v) => v !== 0).length ?? 0)
    expect([...covered].sort((a, b) => a - b)).toEqual(covered)
    expect(covered[0]).toBeLessThan(AREA)
    expect(seen.at(-1)?.partial).toEqual(got)
  })

  test('an aborted signal stops it between batches', async () => {
    const loaded = await load(sums())
    const controller = new AbortController()
    const seen: number[] = []
    const run = occlude(loaded, x, {
      options,
      batch: 10,
      signal: controller.signal,
      onProgress: (p) => {
        seen.push(p.done)
        if (p.done === 30) controller.abort('enough')
      },
    })
    await expect(run).rejects.toMatchObject({ code: 'aborted', cause: 'enough' })
    expect(seen).toEqual([10, 20, 30])
  })

  test('a signal that is aborted before stops it at once', async () => {
    const seen: number[] = []
    const run = occlude(await load(sums()), x, {
      options,
      signal: AbortSignal.abort(),
      onProgress: (p) => seen.push(p.done),
    })
    await expect(run).rejects.toMatchObject({ code: 'aborted' })
    expect(seen).toEqual([])
  })

  test('the picture that was given is left as it was', async () => {
    const own = noise(40, 3, SIDE, SIDE)
    const before = Float32Array.from(own.data)
    await occlude(await load(sums()), own, { options })
    expect(own.data).toEqual(before)
  })
})
