/** Networks that pool by the mean, the maximum and log-sum-exp: each map by its closed form. */
import { expect, test } from 'vitest'
import type { Tensor } from '../../src/core/tensor.js'
import { declare } from '../../src/onnx/builder.js'
import { mapsOf, planOf } from '../support/compiled.js'
import { relativeL2 } from '../support/measures.js'
import { FEATURES_SIDE, type Head, network, noise, picture, SHARPNESS } from '../support/networks.js'
import { numbers, run } from '../support/run.js'

const PLACES = FEATURES_SIDE ** 2
const CHANNELS = 5
const SEED = 4
const TARGET = 2

type Row = readonly number[]

/** The share of each place in the pooled value's gradient. */
const SHARES: Readonly<Partial<Record<Head, (channel: Row) => Row>>> = {
  'gemm-transposed': (a) => a.map(() => 1 / PLACES),
  'max-pool-gemm': (a) => a.map((_, i) => (i === a.indexOf(Math.max(...a)) ? 1 : 0)),
  'log-mean-exp-gemm': softmax,
  'log-sum-exp-gemm': softmax,
  'stable-log-mean-exp-gemm': softmax,
}
const SAYS: Readonly<Partial<Record<Head, string>>> = {
  'max-pool-gemm': 'by the maximum',
  'log-mean-exp-gemm': `by log-sum-exp, r = ${SHARPNESS} `,
  'log-sum-exp-gemm': `by log-sum-exp, r = ${SHARPNESS} `,
  'stable-log-mean-exp-gemm': `by log-sum-exp, r = ${SHARPNESS} `,
}

function softmax(a: Row): Row {
  const highest = Math.max(...a)
  const powers = a.map((v) => Math.exp(SHARPNESS * (v - highest)))
  const sum = powers.reduce((s, v) => s + v, 0)
  return powers.map((v) => v / sum)
}

async function mapOf(head: Head, method: string): Promise<number[]> {
  return numbers((await mapsOf(network({ seed: SEED, head }), picture(5), [TARGET], { method })).heatmap)
}

test.each(Object.keys(SHARES) as Head[])('%s: CAM, Grad-CAM and HiResCAM', async (head) => {
  const graph = network({ seed: SEED, head })
  const out: Readonly<Record<string, Tensor>> = await run(graph.with({ outputs: [declare('features')] }), {
    x: picture(5),
  })
  const features = numbers(out.features)
  const rows = Array.from({ length: CHANNELS }, (_, k) => features.slice(k * PLACES, (k + 1) * PLACES))
  const weights = numbers(noise(SEED + 3, 4, CHANNELS)).slice(TARGET * CHANNELS, (TARGET + 1) * CHANNELS)
  const sum = (value: (v: number, k: number, i: number) => number): number[] =>
    Array.from({ length: PLACES }, (_, i) => rows.reduce((s, row, k) => s + value(row[i] ?? 0, k, i), 0))
  const cam = sum((v, k) => (weights[k] ?? 0) * v)
  const shares = rows.map(SHARES[head] ?? softmax)
  expect(relativeL2(await mapOf(head, 'cam'), cam)).toBeLessThan(1e-4)
  // whatever the pooling, the gradients of a channel sum to its weight
  const mean = cam.map((v) => v / PLACES)
  expect(relativeL2(await mapOf(head, 'grad-cam'), mean)).toBeLessThan(1e-4)
  const own = sum((v, k, i) => (weights[k] ?? 0) * (shares[k]?.[i] ?? 0) * v)
  expect(relativeL2(await mapOf(head, 'hires-cam'), own)).toBeLessThan(1e-4)
})

test.each(Object.keys(SHARES) as Head[])('%s: the layer is what is pooled, and the notes say how', async (head) => {
  const { maps } = await planOf(network({ seed: SEED, head }), { method: ['cam', 'grad-cam'] })
  expect(maps.map((m) => m.layer)).toEqual(['features', 'features'])
  const says = SAYS[head]
  expect(maps[0]?.notes).toEqual(says === undefined ? [] : [expect.stringContaining(says)])
  expect(maps[1]?.notes).toEqual([])
})

test('exponentials without their logarithm are no log-sum-exp', async () => {
  const graph = network({ head: 'log-mean-exp-gemm' })
  const nodes = graph.nodes.map((n) => (n.op === 'Log' ? { ...n, op: 'Sqrt' } : n))
  const { refused } = await planOf(graph.with({ nodes }), { method: ['cam', 'grad-cam'] })
  expect(refused.map((r) => r.error.code)).toEqual(['method-not-applicable'])
})
