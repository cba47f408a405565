/** A loaded model: what it answers, what it remembers, how it keeps sessions. */
import { describe, expect, test } from 'vitest'
import type { ModelFile, Runtime, Session } from '../../src/core/runtime.js'
import { float32 } from '../../src/core/tensor.js'
import { Model, VERSION } from '../../src/explain/index.js'
import { SessionCache } from '../../src/explain/sessions.js'
import type { Target } from '../../src/targets/index.js'
import { relativeL2 } from '../support/measures.js'
import { network, noise, picture, SIDE } from '../support/networks.js'
import { runtime } from '../support/ort.js'
import { numbers, run } from '../support/run.js'

const labels = ['ant', 'bee', 'cat', 'dog']

const scoreOf = (target: Target): string | undefined => ('score' in target ? target.score : undefined)

describe('Model', () => {
  test('ranks its answers by logit, with probabilities that sum to 1', async () => {
    const graph = network()
    const loaded = await Model.load(graph, runtime, { name: 'test', labels })
    const x = picture(1)
    const answers = await loaded.classify(x, { top: 4 })
    const logits = numbers((await run(graph, { x })).logits)
    const ranked = [...logits].sort((a, b) => b - a)
    expect(answers).toHaveLength(ranked.length)
    for (const [i, { logit }] of answers.entries()) expect(logit).toBeCloseTo(ranked[i] ?? Number.NaN, 5)
    expect(answers.map((a) => a.label)).toEqual(answers.map((a) => labels[a.index]))
    expect(answers.reduce((sum, a) => sum + a.probability, 0)).toBeCloseTo(1, 6)
    expect(await loaded.classify(x, { top: 2 })).toHaveLength(2)
  })

  test('behind a sigmoid probabilities are its own', async () => {
    const graph = network({ end: 'Sigmoid' })
    const x = float32(
      [1, 3, SIDE, SIDE],
      picture(1).data.map((v) => v / 20),
    )
    const answers = await (await Model.load(graph, runtime, { name: 'test' })).classify(x, { top: 4 })
    const own = numbers((await run(graph, { x })).answer)
    for (const a of answers) expect(a.probability).toBeCloseTo(own[a.index] ?? Number.NaN, 5)
  })

  test('explains the best answer where no target is named', async () => {
    const loaded = await Model.load(network(), runtime, { name: 'test', labels })
    const [best] = await loaded.classify(picture(1))
    const plain = await loaded.explain(picture(1))
    expect(plain.answer).toMatchObject({ ...best })
    expect(plain.method.id).toBe('grad-cam')
    expect(plain.raw.data).toEqual((await loaded.explain(picture(1), { target: best?.label ?? '' })).raw.data)
  })

  test('several methods and targets come method by method', async () => {
    const loaded = await Model.load(network(), runtime, { name: 'test', labels })
    const { explanations } = await loaded.explainAll(picture(2), {
      method: ['cam', 'gradient', 'occlusion'],
      target: [3, 'bee'],
    })
    expect(explanations.map((e) => [e.method.id, e.answer.label])).toEqual(
      ['cam', 'gradient', 'occlusion'].flatMap((m) => [
        [m, 'dog'],
        [m, 'bee'],
      ]),
    )
    for (const e of explanations) {
      const single = await loaded.explain(picture(2), { method: e.method.id, target: e.answer.index })
      expect(relativeL2(e.raw.data, single.raw.data)).toBeLessThan(1e-5)
    }
  })

  test('a fixed batch takes several targets all the same', async () => {
    const [fixed, free] = await Promise.all(
      [1, 'N'].map((batch) => Model.load(network({ batch }), runtime, { name: 'test' })),
    )
    const options = { method: ['grad-cam', 'gradient'], target: [0, 2] }
    const [a, b] = [await fixed?.explainAll(picture(3), options), await free?.explainAll(picture(3), options)]
    expect(a?.explanations).toHaveLength(4)
    for (const [i, e] of (a?.explanations ?? []).entries())
      expect(relativeL2(e.raw.data, b?.explanations[i]?.raw.data ?? [])).toBeLessThan(1e-5)
  })

  test('logits and probabilities in one call', async () => {
    const loaded = await Model.load(network(), runtime, { name: 'test' })
    const target = (score: 'logit' | 'probability') => ({ kind: 'class', index: 1, score }) as const
    const both = await loaded.explainAll(picture(4), {
      method: 'gradient',
      target: [target('logit'), target('probability')],
    })
    for (const [i, score] of (['logit', 'probability'] as const).entries()) {
      const single = await loaded.explain(picture(4), { method: 'gradient', target: 1, score })
      expect(both.explanations.map((e) => scoreOf(e.target))).toContain(score)
      const mine = both.explanations.find((e) => scoreOf(e.target) === score)
      expect([i, relativeL2(mine?.raw.data ?? [], single.raw.data) < 1e-5]).toEqual([i, true])
    }
  })

  test('provenance holds what is needed to repeat', async () => {
    const loaded = await Model.load(network({ end: 'Softmax' }), runtime, { name: 'test', labels })
    const { provenance } = await loaded.explain(picture(5), { target: 'cat', method: 'gradcam' })
    expect(provenance).toMatchObject({
      onnxplain: VERSION,
      runtime: runtime.name,
      model: { name: 'test', sha256: expect.stringMatching(/^[0-9a-f]{64}$/) },
      method: 'grad-cam',
      layer: 'features',
      target: { kind: 'class', index: 2, score: 'logit' },
      answer: { label: 'cat', logits: 'logits', activation: 'softmax' },
      preprocessing: null,
    })
    expect(provenance.notes.join(' ')).toMatch(/softmax/)
    expect(JSON.parse(JSON.stringify(provenance))).toEqual(provenance)
  })

  test.each([
    ['another size', noise(1, 1, 3, SIDE, SIDE + 1), 'shape-mismatch'],
    ['two pictures', picture(1, 2), 'invalid-tensor'],
    ['two axes', noise(1, 3, SIDE), 'invalid-tensor'],
    ['NaN', float32([3, SIDE, SIDE], new Float32Array(3 * SIDE * SIDE).fill(Number.NaN)), 'invalid-tensor'],
  ])('a tensor of %s is refused', async (_name, x, code) => {
    const loaded = await Model.load(network(), runtime, { name: 'test' })
    await expect(loaded.explain(x)).rejects.toMatchObject({ code })
  })
})

describe('sessions', () => {
  const counting = () => {
    const released: number[] = []
    let made = 0
    const fake: Runtime = {
      name: 'fake',
      createSession: async (): Promise<Session> => {
        const id = ++made
        return { inputs: [], outputs: [], run: async () => ({}), release: async () => void released.push(id) }
      },
    }
    return { cache: new SessionCache(fake, {}), released, made: () => made }
  }
  const file = (): ModelFile => ({ bytes: new Uint8Array(), externalData: new Map() })

  test('are made once a key', async () => {
    const { cache, made } = counting()
    const itself = async (session: Session): Promise<Session> => session
    const [a, b] = await Promise.all([cache.use('a', file, itself), cache.use('a', file, itself)])
    expect([a === b, made()]).toEqual([true, 1])
  })

  test('the least used goes first', async () => {
    const { cache, released } = counting()
    for (const key of ['a', 'b', 'c', 'd', 'a', 'e']) await cache.use(key, file, async () => undefined)
    expect(released).toEqual([2])
    await cache.release()
    expect([...released].sort()).toEqual([1, 2, 3, 4, 5])
  })

  test('one in use is not released, however many others are asked for', async () => {
    const { cache, released } = counting()
    let finish = (): void => undefined
    const busy = cache.use('busy', file, () => new Promise<void>((resolve) => (finish = resolve)))
    for (const key of ['a', 'b', 'c', 'd', 'e']) await cache.use(key, file, async () => undefined)
    expect(released).not.toContain(1)
    await cache.release()
    expect(released).not.toContain(1)
    finish()
    await busy
    expect([...released].sort()).toEqual([1, 2, 3, 4, 5, 6])
  })

  test('a failure is not kept', async () => {
    let calls = 0
    const failing: Runtime = {
      name: 'failing',
      createSession: async () => {
        calls++
        throw new Error('no')
      },
    }
    const cache = new SessionCache(failing, {})
    await expect(cache.use('a', file, async () => undefined)).rejects.toThrow('no')
    await expect(cache.use('a', file, async () => undefined)).rejects.toThrow('no')
    expect(calls).toBe(2)
  })
})
