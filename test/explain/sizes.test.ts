/** A network that takes any size: one plan and one session for all of them. */
import { describe, expect, test } from 'vitest'
import type { Runtime } from '../../src/core/runtime.js'
import { int64 } from '../../src/core/tensor.js'
import { Model, type Picture } from '../../src/index.js'
import { declare } from '../../src/onnx/builder.js'
import type { Graph } from '../../src/onnx/ir.js'
import { planOf, refusal } from '../support/compiled.js'
import { relativeL2 } from '../support/measures.js'
import { ON_CONVOLUTIONS } from '../support/methods.js'
import { network, noise } from '../support/networks.js'
import { runtime } from '../support/ort.js'
import { numbers, run } from '../support/run.js'

const sized = (height: number | string, width: number | string): Graph =>
  network().with({ inputs: [declare('x', 'float32', ['N', 3, height, width])] })

const SIZES = [
  [320, 448],
  [224, 224],
  [33, 21],
] as const

const compiled = ON_CONVOLUTIONS.flatMap((m) => (m.kind === 'compiled' ? [m.id] : []))

test.each(compiled)('one file of %s serves all sizes, each as a file of that size would', async (method) => {
  const { graph } = await planOf(sized('height', 'width'), { method, upsample: true })
  // kpca-cam compares all places with each other
  for (const [height, width] of method === 'kpca-cam' ? SIZES.slice(2) : SIZES) {
    const feeds = { x: noise(1, 1, 3, height, width), target: int64([1], [2]) }
    const got = await run(graph, feeds)
    const want = await run((await planOf(sized(height, width), { method, upsample: true })).graph, feeds)
    expect(got.heatmap?.dims.slice(-2)).toEqual([height, width])
    expect(relativeL2(numbers(got.heatmap), numbers(want.heatmap))).toBeLessThan(1e-5)
  }
})

function counting(): { readonly runtime: Runtime; readonly made: () => number } {
  let made = 0
  const createSession: Runtime['createSession'] = (...args) => {
    made++
    return runtime.createSession(...args)
  }
  return { runtime: { ...runtime, createSession }, made: () => made }
}

describe('pictures', () => {
  const photo: Picture = {
    width: 50,
    height: 40,
    data: Uint8Array.from({ length: 4 * 50 * 40 }, (_, i) => (i % 4 === 3 ? 255 : (i * 7) % 256)),
  }

  test('at the size that is asked for, in one session', async () => {
    const { runtime: counted, made } = counting()
    const model = await Model.load(sized('height', 'width'), counted, { name: 'test' })
    await model.explain(photo, { method: 'gradient', target: 1 })
    const before = made()
    for (const [height, width] of SIZES) {
      const { raw, heatmap, provenance } = await model.explain(photo, {
        method: 'gradient',
        target: 1,
        size: { height, width },
      })
      expect(raw.dims).toEqual([3, height, width])
      expect([heatmap.width, heatmap.height]).toEqual([50, 40])
      expect(provenance.preprocessing?.crop).toEqual({ height, width })
      const { explanations } = await model.explainAll(photo, { method: 'grad-cam', target: 1, size: { height, width } })
      expect(explanations[0]?.raw.dims).toEqual([Math.ceil(height / 2), Math.ceil(width / 2)])
    }
    expect(made()).toBe(before + 1) // that of Grad-CAM
  })

  test('a model of one size takes no other', async () => {
    const model = await Model.load(sized(24, 24), runtime, { name: 'test' })
    const error = await refusal(model.explain(photo, { size: 32 }))
    expect(error.code).toBe('shape-mismatch')
    expect(error.message).toContain('[3, 24, 24]')
  })
})
