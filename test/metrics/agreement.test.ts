/** Metrics are those of the libraries and papers they are named after, on the same maps and draws (fixtures of scripts/metric_fixtures.py). */
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Explanation } from '../../src/explain/index.js'
import { alike } from '../../src/metrics/alike.js'
import { measure } from '../../src/metrics/index.js'
import { type Subject, subject } from '../methods/agreement/measure.js'
import { pathOf } from '../support/files.js'
import { readNpyFloat32 } from '../support/npy.js'
import { withMap } from './support.js'

interface Reference {
  readonly options?: Readonly<Record<string, number | string>>
  readonly value: number
  readonly curve?: readonly number[] | null
  readonly rates?: number
  /** What the library gives by its own imputation and compression. */
  readonly own?: number
}

interface Fixture {
  readonly target: number
  readonly box: readonly [number, number, number, number]
  readonly maps: Readonly<Record<string, Readonly<Record<string, readonly Reference[]>>>>
  readonly again: Readonly<Record<string, Reference & { readonly method: string }>>
  readonly alike: { readonly spearman: number; readonly ssim: number }
}

const SIDE = 96
const fixture: Fixture = JSON.parse(readFileSync(pathOf('test/fixtures/metrics/metrics.json'), 'utf8'))
const mapNamed = (name: string): Float32Array => readNpyFloat32(pathOf(`test/fixtures/metrics/${name}.npy`)).data
const [x0, y0, x1, y1] = fixture.box
const truth = { boxes: [{ x0, y0, x1, y1 }] }

const isSlow = (id: string): boolean => ['sic', 'aic', 'road', 'max-box-acc', 'max-box-acc-v2'].includes(id)

/** Within 1e-4, and small values within a thousandth of themselves. */
function expectAlike(got: number, want: number): void {
  const off = Math.abs(got - want)
  expect(off, `${got} for ${want}`).toBeLessThanOrEqual(1e-4 * Math.max(1, Math.abs(want)))
  expect(off, `${got} for ${want}`).toBeLessThanOrEqual(1e-3 * Math.abs(want))
}

let on: Subject
let made: Explanation
beforeAll(async () => {
  on = await subject('resnet')
  made = await on.model.explain(on.picture, { method: 'grad-cam', target: fixture.target })
})
afterAll(() => on.model.release())

describe.each(Object.keys(fixture.maps))('%s map', (name) => {
  const cases = Object.entries(fixture.maps[name] ?? {}).flatMap(([id, references]) =>
    // what is slow is held on one map
    references.flatMap((r) =>
      isSlow(id) && name !== 'fine' ? [] : [[id, JSON.stringify(r.options ?? {}), r] as const],
    ),
  )
  test.each(cases)('%s %s', async (id, _, { options = {}, value, curve, rates, own }) => {
    const explanation = withMap(made, [SIDE, SIDE], mapNamed(name))
    const result = await measure(on.model, on.picture, explanation, id, { options, truth })
    expectAlike(result.value, value)
    for (const [i, v] of (curve ?? []).entries()) expect(result.curve?.y[12 * i]).toBeCloseTo(v, 4)
    if (rates !== undefined) {
      const hits = Object.values(result.parts ?? {}).flat()
      expect(hits.reduce((a, v) => a + v, 0)).toBe(rates)
    }
    if (own !== undefined) expect(Math.abs(result.value - own)).toBeLessThan(0.25)
  })
})

test.each(Object.entries(fixture.again))('%s makes maps again', async (id, { method, options = {}, value }) => {
  const explanation = await on.model.explain(on.picture, { method, target: fixture.target })
  const result = await measure(on.model, on.picture, explanation, id, { options })
  expectAlike(result.value, value)
})

test('maps are alike as Quantus and scikit-image have it', () => {
  const [a, b] = ['smooth', 'fine'].map((name) => ({ depth: 1, height: SIDE, width: SIDE, data: mapNamed(name) }))
  if (!a || !b) throw new Error('two maps are stored')
  const found = alike(a, b, 'magnitude')
  expect(found.spearman).toBeCloseTo(fixture.alike.spearman, 6)
  expect(found.ssim).toBeCloseTo(fixture.alike.ssim, 5)
})
