/** Layers of a compiled model, and the steps behind a raw map. */
import { describe, expect, test } from 'vitest'
import type { CompileOptions } from '../../src/explain/index.js'
import { mapsOf, planOf, refusal } from '../support/compiled.js'
import { relativeL2 } from '../support/measures.js'
import { network, picture, SIDE } from '../support/networks.js'
import { numbers } from '../support/run.js'

describe('layers', () => {
  test('the last feature map is the default', async () => {
    expect((await planOf(network())).maps[0]?.layer).toBe('features')
    expect((await planOf(network({ head: 'flatten-gemm' }))).maps[0]?.layer).toBe('features')
  })

  test('another may be chosen', async () => {
    const x = picture(3)
    const other = await mapsOf(network(), x, [1], { layer: 'hidden' })
    expect(other.heatmap?.dims).toEqual([1, 6, 6])
    expect(relativeL2(numbers(other.heatmap), numbers((await mapsOf(network(), x, [1])).heatmap))).toBeGreaterThan(0.1)
  })

  test('an unknown one names the nearest', async () => {
    const error = await refusal(planOf(network(), { layer: 'feature' }))
    expect(error).toMatchObject({ code: 'unknown-layer', details: { layer: 'feature' } })
    expect(error.message).toContain('"features"')
  })

  test('a value that is no feature map is refused, with its shape', async () => {
    const error = await refusal(planOf(network(), { layer: 'logits' }))
    expect(error.code).toBe('unknown-layer')
    expect(error.message).toContain('[N, 4]')
  })

  test('cam without global pooling refuses and names grad-cam', async () => {
    const error = await refusal(planOf(network({ head: 'flatten-gemm' }), { method: 'cam' }))
    expect(error.code).toBe('method-not-applicable')
    expect(error.message).toContain('grad-cam')
  })

  test('cam at another layer refuses', async () => {
    const error = await refusal(planOf(network(), { method: 'cam', layer: 'hidden' }))
    expect(error.code).toBe('method-not-applicable')
    expect(error.message).toContain('"features"')
  })

  test('asked for several methods, what does not apply is kept beside the others', async () => {
    const { maps, refused } = await planOf(network({ head: 'flatten-gemm' }), { method: ['cam', 'grad-cam'] })
    expect(maps.map((m) => m.method.id)).toEqual(['grad-cam'])
    expect(refused.map((r) => [r.method.id, r.error.code])).toEqual([['cam', 'method-not-applicable']])
  })
})

describe('steps', () => {
  const x = picture(11)
  const raw = async (options: CompileOptions = {}): Promise<number[]> =>
    numbers((await mapsOf(network(), x, [1], options)).heatmap)

  test('relu keeps the positive part', async () => {
    const plain = await raw()
    expect(plain.some((v) => v < 0)).toBe(true)
    expect(await raw({ relu: true })).toEqual(plain.map((v) => Math.max(v, 0)))
  })

  test('normalize divides by the largest absolute value', async () => {
    const plain = await raw()
    const size = Math.max(...plain.map(Math.abs))
    expect(
      relativeL2(
        await raw({ normalize: true }),
        plain.map((v) => v / size),
      ),
    ).toBeLessThan(1e-6)
  })

  test('normalize leaves a blank map blank', async () => {
    const dark = network({ activation: { op: 'Relu' } })
    const silent = dark.with({
      initializers: new Map(
        [...dark.initializers].map(([n, t]) => [
          n,
          n === 'w2' ? { ...t, rawData: new Uint8Array(t.rawData.byteLength) } : t,
        ]),
      ),
    })
    expect(numbers((await mapsOf(silent, x, [1], { normalize: true })).heatmap).every((v) => v === 0)).toBe(true)
  })

  test('upsample is bilinear with half-pixel centres', async () => {
    const plain = await raw()
    const { heatmap } = await mapsOf(network(), x, [1], { upsample: true })
    expect(heatmap?.dims).toEqual([1, SIDE, SIDE])
    const at = (y: number, x: number): number => {
      const clamp = (v: number): number => Math.min(5, Math.max(0, v))
      const [fy, fx] = [clamp((y + 0.5) / 2 - 0.5), clamp((x + 0.5) / 2 - 0.5)]
      const [y0, x0] = [Math.floor(fy), Math.floor(fx)]
      const value = (j: number, i: number): number => plain[clamp(j) * 6 + clamp(i)] ?? 0
      const top = value(y0, x0) * (1 - (fx - x0)) + value(y0, x0 + 1) * (fx - x0)
      const bottom = value(y0 + 1, x0) * (1 - (fx - x0)) + value(y0 + 1, x0 + 1) * (fx - x0)
      return top * (1 - (fy - y0)) + bottom * (fy - y0)
    }
    const want = Array.from({ length: SIDE * SIDE }, (_, i) => at(Math.floor(i / SIDE), i % SIDE))
    expect(relativeL2(numbers(heatmap), want)).toBeLessThan(1e-5)
  })

  test('the steps do not change a map of pixels in size', async () => {
    const { heatmap } = await mapsOf(network(), x, [1], { method: 'gradient', upsample: true, relu: true })
    expect(heatmap?.dims).toEqual([1, 3, SIDE, SIDE])
    expect(numbers(heatmap).every((v) => v >= 0)).toBe(true)
  })
})
