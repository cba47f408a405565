/** Methods of the CAM family that run the network many times: where their maps are known in closed form, and what holds of all of them. */
import { describe, expect, test } from 'vitest'
import { float32, sizeOf, type Tensor } from '../../src/core/tensor.js'
import { type ExplainOptions, type Explanation, Model } from '../../src/explain/index.js'
import { upsample } from '../../src/methods/maps.js'
import { Builder, declare } from '../../src/onnx/builder.js'
import type { Graph } from '../../src/onnx/ir.js'
import { refusal } from '../support/compiled.js'
import { relativeL2 } from '../support/measures.js'
import { model, type NodeSpec } from '../support/model.js'
import { FEATURES_SIDE, network, noise, picture, SIDE } from '../support/networks.js'
import { runtime } from '../support/ort.js'
import { numbers, run } from '../support/run.js'

const IDS = ['ablation-cam', 'score-cam', 'ss-cam', 'is-cam', 'recipro-cam', 'smooth-grad-cam++', 'dff'] as const
const POSITIONS = FEATURES_SIDE * FEATURES_SIDE
const AREA = SIDE * SIDE

/** Options that make a method cheap. */
const FEW: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  'ss-cam': { samples: 2 },
  'is-cam': { steps: 2 },
  'smooth-grad-cam++': { samples: 6 },
  dff: { components: 4 },
}

async function explain(graph: Graph, x: Tensor<'float32'>, options: ExplainOptions): Promise<Explanation> {
  const loaded = await Model.load(graph, runtime, { name: 'test' })
  try {
    return await loaded.explain(x, { target: 1, ...options })
  } finally {
    await loaded.release()
  }
}

async function features(graph: Graph, x: Tensor): Promise<number[]> {
  return numbers((await run(graph.with({ outputs: [declare('features')] }), { x })).features)
}

async function logit(graph: Graph, x: Tensor, target = 1): Promise<number> {
  return numbers((await run(graph, { x })).logits)[target] ?? 0
}

/** `sum_k w_k A^k`. */
function weighted(weights: readonly number[], channels: readonly number[], size: number): number[] {
  return Array.from({ length: size }, (_, i) => weights.reduce((s, w, k) => s + w * (channels[k * size + i] ?? 0), 0))
}

const mean = (v: readonly number[]): number => v.reduce((a, b) => a + b, 0) / v.length

/** A convolution of any rank, Relu, a mean over the places and a linear layer without bias. */
function averaging(places: readonly number[], channelsLast = false): Graph {
  const rank = places.length
  const last = [0, ...places.map((_, i) => i + 2), 1]
  const first = [0, rank + 1, ...places.map((_, i) => i + 1)]
  const turn: readonly NodeSpec[] = channelsLast
    ? [{ op: 'Transpose', inputs: ['x'], outputs: ['turned'], attributes: { perm: first } }]
    : []
  const dims = [1, 3, ...places]
  return model({
    opset: 18,
    nodes: [
      ...turn,
      {
        op: 'Conv',
        inputs: [channelsLast ? 'turned' : 'x', 'w1'],
        outputs: ['conv'],
        attributes: { pads: places.flatMap(() => [1, 1]), strides: places.map(() => 2) },
      },
      { op: 'Relu', inputs: ['conv'], outputs: ['features'] },
      { op: 'GlobalAveragePool', inputs: ['features'], outputs: ['pooled'] },
      { op: 'Flatten', inputs: ['pooled'], outputs: ['flat'] },
      { op: 'MatMul', inputs: ['flat', 'w'], outputs: ['logits'] },
    ],
    inputs: [declare('x', 'float32', ['N', ...(channelsLast ? last.map((a) => dims[a] ?? 1) : dims).slice(1)])],
    outputs: [declare('logits', 'float32', ['N', 3])],
    initializers: { w1: noise(1, 4, 3, ...places.map(() => 3)), w: noise(2, 4, 3) },
  })
}

describe('Ablation-CAM', () => {
  test("behind a mean and a linear layer weighs a channel by its share of the score: its mean times the class' weight", async () => {
    const [graph, x] = [network({ seed: 3 }), picture(4)]
    const a = await features(graph, x)
    const y = await logit(graph, x, 2)
    const w = Array.from(noise(6, 4, 5).data.slice(10, 15))
    const shares = w.map((v, k) => (v * mean(a.slice(k * POSITIONS, (k + 1) * POSITIONS))) / y)
    const { raw } = await explain(graph, x, { method: 'ablation-cam', target: 2 })
    expect(relativeL2(raw.data, weighted(shares, a, POSITIONS))).toBeLessThan(1e-4)
  })

  test('of a score of 0 is 0', async () => {
    const graph = network({ bias: false })
    const { raw } = await explain(graph, float32([1, 3, SIDE, SIDE]), { method: 'ablation-cam' })
    expect(raw.data.every((v) => Number.isFinite(v))).toBe(true)
  })
})

describe('Score-CAM', () => {
  const x = picture(5)

  /** By ONNX Runtime's own Resize. */
  async function resized(plane: readonly number[]): Promise<number[]> {
    const dims = [1, FEATURES_SIDE, FEATURES_SIDE]
    const empty = model({ opset: 18, nodes: [], inputs: [declare('m', 'float32', dims)], outputs: [declare('m')] })
    const b = new Builder(empty)
    const fine = upsample(b, 'm', [SIDE, SIDE])
    return numbers((await run(b.finish({ outputs: [declare(fine)] }), { m: float32(dims, plane) }))[fine])
  }

  test.each([
    ['score-cam', {}, [1]],
    ['is-cam', { steps: 3 }, [1 / 3, 1, 2]],
  ] as const)(
    'weighs channels by the softmax of the mean scores of what they let through: %s',
    async (method, options, factors) => {
      // logits so small that all channels have a share
      const graph = network({ seed: 7, head: 'flatten-gemm' })
      const small = float32(
        x.dims,
        x.data.map((v) => v / 50),
      )
      const a = await features(graph, small)
      const scores: number[] = []
      for (let k = 0; k < a.length / POSITIONS; k++) {
        const plane = a.slice(k * POSITIONS, (k + 1) * POSITIONS)
        const [low, high] = [Math.min(...plane), Math.max(...plane)]
        const mask = await resized(plane.map((v) => (v - low) / (high - low + 1e-8)))
        const logits: number[] = []
        for (const f of factors) {
          const seen = small.data.map((v, i) => f * v * (mask[i % AREA] ?? 0))
          logits.push(await logit(graph, float32(x.dims, seen)))
        }
        scores.push(mean(logits))
      }
      const exps = scores.map((s) => Math.exp(s - Math.max(...scores)))
      const total = exps.reduce((p, q) => p + q)
      const shares = exps.map((e) => e / total)
      expect(Math.max(...shares)).toBeLessThan(0.7)
      const { raw } = await explain(graph, small, { method, options })
      expect(relativeL2(raw.data, weighted(shares, a, POSITIONS))).toBeLessThan(1e-4)
    },
  )

  test.each(['score-cam', 'is-cam', 'ss-cam', 'ablation-cam', 'smooth-grad-cam++'])(
    'the order of the channels does not matter: %s',
    async (method) => {
      const order = [3, 1, 4, 0, 2]
      const graph = network({ seed: 2 })
      const pick = (t: Tensor<'float32'>, axis: number): Tensor<'float32'> => {
        const inner = sizeOf(t.dims.slice(axis + 1))
        const extent = t.dims[axis] ?? 1
        return float32(
          t.dims,
          t.data.map((_, i) => {
            const k = Math.floor(i / inner) % extent
            return t.data[i + ((order[k] ?? 0) - k) * inner] ?? 0
          }),
        )
      }
      const weights = { w2: pick(noise(4, 5, 6, 3, 3), 0), w: pick(noise(5, 4, 5), 1) }
      const other = model({ opset: 18, nodes: [], inputs: [], outputs: [declare('w')], initializers: weights })
      const permuted = graph.with({ initializers: new Map([...graph.initializers, ...other.initializers]) })
      const options = FEW[method] ?? {}
      const want = await explain(graph, x, { method, options })
      const got = await explain(permuted, x, { method, options })
      expect(await features(permuted, x)).not.toEqual(await features(graph, x))
      expect(relativeL2(got.raw.data, want.raw.data)).toBeLessThan(1e-4)
    },
  )

  test.each([
    ['ss-cam', { noise: 0, samples: 2 }],
    ['is-cam', { steps: 1 }],
  ])('is %s where nothing is smoothed or integrated', async (method, options) => {
    const graph = network({ seed: 9 })
    const want = await explain(graph, x, { method: 'score-cam' })
    expect(relativeL2((await explain(graph, x, { method, options })).raw.data, want.raw.data)).toBeLessThan(1e-5)
  })

  test('is the same of pictures with channels last, and has a map of signals and volumes', async () => {
    const places = [SIDE, SIDE]
    const want = await explain(averaging(places), x, { method: 'score-cam' })
    const last = float32(
      [1, SIDE, SIDE, 3],
      x.data.map((_, i) => x.data[(i % 3) * AREA + Math.floor(i / 3)] ?? 0),
    )
    const got = await explain(averaging(places, true), last, { method: 'score-cam' })
    expect(relativeL2(got.raw.data, want.raw.data)).toBeLessThan(1e-5)
    for (const extents of [[16], [6, 8, 10]]) {
      const { raw } = await explain(averaging(extents), noise(3, 1, 3, ...extents), { method: 'score-cam' })
      expect(raw.dims).toEqual(extents.map((e) => e / 2))
      expect(raw.data.some((v) => v > 0)).toBe(true)
    }
  })
})

describe('Recipro-CAM', () => {
  test.each([[[16]], [[SIDE, SIDE]], [[6, 8, 10]]])(
    'behind a mean and a linear layer is CAM by the number of places, in %j',
    async (extents) => {
      const [graph, x] = [averaging(extents), noise(3, 1, 3, ...extents)]
      const cam = await explain(graph, x, { method: 'cam' })
      const { raw } = await explain(graph, x, { method: 'recipro-cam', options: { radius: 0 } })
      const want = cam.raw.data.map((v) => v / cam.raw.data.length)
      expect(relativeL2(raw.data, want)).toBeLessThan(1e-4)
      expect(raw.data.reduce((a, v) => a + v, 0)).toBeCloseTo(await logit(graph, x), 3)
    },
  )

  test('fades out around a place by 1, 2 and 1 quarters along each axis', async () => {
    const [graph, x] = [averaging([SIDE, SIDE]), picture(6)]
    const options = { method: 'recipro-cam' }
    const single = await explain(graph, x, { ...options, options: { radius: 0 } })
    const at = (r: number, c: number): number =>
      r < 0 || c < 0 || r >= FEATURES_SIDE || c >= FEATURES_SIDE ? 0 : (single.raw.data[r * FEATURES_SIDE + c] ?? 0)
    const want = Array.from({ length: POSITIONS }, (_, i) => {
      const [r, c] = [Math.floor(i / FEATURES_SIDE), i % FEATURES_SIDE]
      const near = [-1, 0, 1]
      return near.reduce(
        (s, p) => s + near.reduce((u, q) => u + ((2 - p * p) * (2 - q * q) * at(r + p, c + q)) / 16, 0),
        0,
      )
    })
    expect(relativeL2((await explain(graph, x, options)).raw.data, want)).toBeLessThan(1e-4)
  })
})

test('Smooth Grad-CAM++ of one sample without noise is Grad-CAM++', async () => {
  const [graph, x] = [network({ seed: 4, head: 'flatten-gemm' }), picture(7)]
  const layer = 'hidden'
  const want = await explain(graph, x, { method: 'grad-cam++', layer })
  const { raw } = await explain(graph, x, { method: 'smooth-grad-cam++', layer, options: { samples: 1, noise: 0 } })
  expect(relativeL2(raw.data, want.raw.data)).toBeLessThan(1e-5)
})

describe('deep feature factorization', () => {
  /** Each of 3 colours makes a channel pattern of its own; class c is what the pattern of colour c is scored by. */
  const patterns = [
    [1, 2, 0, 0, 0, 1],
    [0, 1, 3, 1, 0, 0],
    [1, 0, 0, 1, 2, 2],
  ]
  const planted = model({
    opset: 18,
    nodes: [
      { op: 'Conv', inputs: ['x', 'w1'], outputs: ['conv'] },
      { op: 'Relu', inputs: ['conv'], outputs: ['features'] },
      { op: 'GlobalAveragePool', inputs: ['features'], outputs: ['pooled'] },
      { op: 'Flatten', inputs: ['pooled'], outputs: ['flat'] },
      { op: 'MatMul', inputs: ['flat', 'w'], outputs: ['logits'] },
    ],
    inputs: [declare('x', 'float32', ['N', 3, SIDE, SIDE])],
    outputs: [declare('logits', 'float32', ['N', 3])],
    initializers: {
      w1: float32(
        [6, 3, 1, 1],
        patterns[0]?.flatMap((_, k) => patterns.map((p) => p[k] ?? 0)),
      ),
      w: float32(
        [6, 3],
        patterns[0]?.flatMap((_, k) => patterns.map((p) => (p[k] ?? 0) / Math.hypot(...p))),
      ),
    },
  })
  // colours that do not meet, and a corner where there is none
  const x = float32(
    [1, 3, SIDE, SIDE],
    noise(8, 1, 3, SIDE, SIDE).data.map((v, i) =>
      Math.floor((i % SIDE) / 4) === Math.floor(i / AREA) && i % AREA > SIDE ? Math.abs(v) : 0,
    ),
  )

  test('finds parts that the layer is made of, and shows the one that speaks for the class', async () => {
    for (const target of [0, 1, 2]) {
      const { raw, provenance } = await explain(planted, x, { method: 'dff', target, options: { components: 3 } })
      const own = Array.from(x.data.subarray(target * AREA, (target + 1) * AREA))
      const top = Math.max(...own)
      const want = own.map((v) => v / top)
      expect(relativeL2(raw.data, want)).toBeLessThan(0.01)
      const [note = ''] = provenance.notes.filter((n) => n.startsWith('dff: '))
      const shown = /Shown is (\d)/.exec(note)?.[1]
      expect(new RegExp(`${shown}: \\d+ %, class ${target}\\b`).test(note)).toBe(true)
    }
  })

  test('says how many components there can be', async () => {
    const error = await refusal(explain(planted, x, { method: 'dff', options: { components: 7 } }))
    expect(error.code).toBe('bad-option')
    expect(error.message).toMatch(/components is 7.*6 channels and 144 places has at most 6/)
  })

  test('of a layer that is the same everywhere is 0', async () => {
    const { raw } = await explain(planted, float32(x.dims, new Float32Array(3 * AREA).fill(1)), { method: 'dff' })
    expect(raw.data.every((v) => v === 0)).toBe(true)
  })
})

describe.each(IDS)('%s', (method) => {
  const x = picture(8)
  const graph = network({ head: 'flatten-gemm' })
  const given = { method, layer: 'hidden', options: FEW[method] ?? {} }

  test('is the same however its runs are shared out, for a target alone and among others, and with a fixed batch', async () => {
    const one = await explain(graph, x, { ...given, batch: 1, target: 2 })
    expect(
      relativeL2((await explain(graph, x, { ...given, batch: 3, target: 2 })).raw.data, one.raw.data),
    ).toBeLessThan(1e-4)
    for (const batch of ['N', 2] as const) {
      const loaded = await Model.load(network({ head: 'flatten-gemm', batch }), runtime, { name: 'test' })
      const { explanations } = await loaded.explainAll(x, { ...given, target: [0, 2] })
      expect(relativeL2(explanations[1]?.raw.data ?? [], one.raw.data)).toBeLessThan(1e-4)
      await loaded.release()
    }
  })

  test('tells how far it is, with the map as it stands, and is given up', async () => {
    const seen: [number, number, Float32Array | undefined][] = []
    const { raw } = await explain(graph, x, {
      ...given,
      batch: 2,
      onProgress: ({ done, total, partial }) => seen.push([done, total, partial()[0]?.raw.data]),
    })
    expect(seen.length).toBeGreaterThan(1)
    const [done, total, map] = seen.at(-1) ?? []
    expect(done).toBe(total)
    expect(map).toEqual(raw.data)
    expect(seen.every(([d, , m], i) => d > (seen[i - 1]?.[0] ?? 0) && m?.every(Number.isFinite))).toBe(true)
    const abort = new AbortController()
    const onProgress = (): void => abort.abort()
    const work = explain(graph, x, { ...given, batch: 1, signal: abort.signal, onProgress })
    await expect(work).rejects.toMatchObject({ code: 'aborted' })
  })

  if (method !== 'ss-cam' && method !== 'smooth-grad-cam++') return
  test('is the same for the same seed, and another for another', async () => {
    const of = async (seed: number): Promise<Float32Array> =>
      (await explain(graph, x, { ...given, options: { ...given.options, seed } })).raw.data
    expect(await of(3)).toEqual(await of(3))
    expect(await of(4)).not.toEqual(await of(3))
  })
})
