/** Whether a map deserves belief: verdicts on maps whose answer is known, of the shipped model on the picture of cat and cup. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Model } from '../../src/explain/index.js'
import { CHECKS } from '../../src/metrics/checks.js'
import { type CheckReport, check } from '../../src/metrics/index.js'
import { type Subject, subject } from '../methods/agreement/measure.js'
import { refusal } from '../support/compiled.js'
import { network, picture as noise } from '../support/networks.js'
import { runtime } from '../support/ort.js'

const verdicts = ({ checks }: CheckReport): Record<string, string> =>
  Object.fromEntries(checks.map((c) => [c.id, c.verdict]))

describe('the shipped model', () => {
  let on: Subject
  beforeAll(async () => {
    on = await subject('shipped')
  })
  afterAll(() => on.model.release())

  test('nothing speaks against Grad-CAM of the cat, in fewer than 60 passes', async () => {
    const explanation = await on.model.explain(on.picture, { target: 285 })
    const report = await check(on.model, on.picture, explanation)
    expect(report).toMatchObject({ verdict: 'fine', summary: 'Nothing that was looked at speaks against this map.' })
    expect(report.passes).toBeLessThan(60)
    expect(verdicts(report)).toEqual(Object.fromEntries(CHECKS.map((c) => [c.id, 'fine'])))
    for (const { says, value, question, suspicious } of report.checks) {
      expect(Number.isFinite(value)).toBe(true)
      expect([says, question, suspicious].every((text) => text.length > 20)).toBe(true)
    }
  })

  test('guided backpropagation is found to depend neither on the class nor on the last weights', async () => {
    const explanation = await on.model.explain(on.picture, { target: 285, method: 'guided-backpropagation' })
    const report = await check(on.model, on.picture, explanation, { passes: 20 })
    expect(report.verdict).toBe('suspicious')
    expect(report.passes).toBeLessThanOrEqual(20)
    expect(verdicts(report)).toMatchObject({
      deletion: 'not-asked',
      insertion: 'not-asked',
      'class-sensitivity': 'suspicious',
      'model-randomisation': 'suspicious',
    })
    expect(report.summary).toBe(
      'Do not rely on this map alone: class-sensitivity, model-randomisation speak against it.',
    )
  })

  test('what speaks against the class is found to cover the wrong places', async () => {
    const explanation = await on.model.explain(on.picture, { target: 285, method: 'counterfactual-grad-cam' })
    const report = await check(on.model, on.picture, explanation, { passes: 44 })
    expect(verdicts(report)).toMatchObject({ deletion: 'suspicious', insertion: 'suspicious' })
  })
})

describe('a small network', () => {
  const load = (): Promise<Model> => Model.load(network(), runtime, { name: 'test' })

  test('progress names each check; maps of many runs are not made again unless all passes are allowed', async () => {
    const model = await load()
    const options = { method: 'occlusion', options: { patch: 6, stride: 6 } }
    const explanation = await model.explain(noise(3), options)
    const seen: string[] = []
    const few = await check(model, noise(3), explanation, { onProgress: (p) => seen.push(p.check) })
    expect(seen).toEqual([...CHECKS.map((c) => c.id), ''])
    const dear = ['class-sensitivity', 'model-randomisation', 'max-sensitivity']
    expect(few.checks.filter((c) => c.verdict === 'not-asked').map((c) => c.id)).toEqual(dear)
    const all = await check(model, noise(3), explanation, { passes: Number.POSITIVE_INFINITY })
    expect(all.checks.every((c) => c.verdict !== 'not-asked')).toBe(true)
  })

  test('the same seed gives the same report, another one another random map', async () => {
    const model = await load()
    const explanation = await model.explain(noise(3))
    const random = async (seed: number): Promise<number | null | undefined> =>
      (await check(model, noise(3), explanation, { seed, passes: 22 })).checks[0]?.random
    expect(await random(1)).toBe(await random(1))
    expect(await random(1)).not.toBe(await random(2))
  })

  test('a number of passes that is none is refused', async () => {
    const model = await load()
    const error = await refusal(check(model, noise(3), await model.explain(noise(3)), { passes: -1 }))
    expect(error).toMatchObject({ code: 'bad-option' })
    expect(error.message).toContain('passes')
  })
})
