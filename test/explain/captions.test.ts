/** Texts that models write, and texts that they are asked, by the two networks of models/ whose scenes are known. */
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { loadModel, questionWords } from '../../src/explain/index.js'
import type { Picture } from '../../src/image/index.js'
import type { CaptionProgress, Model } from '../../src/index.js'
import { decodePicture } from '../../src/node/codec.js'
import { resolveModel } from '../../src/node/resolve.js'
import { textSettings } from '../../src/text/index.js'
import { refusal } from '../support/compiled.js'
import { pathOf, readBytes } from '../support/files.js'
import { runtime } from '../support/ort.js'

interface Scene {
  readonly caption: string
  readonly questions: readonly { readonly question: string; readonly answer: string }[]
}

const EXAMPLES = 'models/shapes-captioner/examples'
const truth: Readonly<Record<string, Scene>> = JSON.parse(readFileSync(pathOf(`${EXAMPLES}/truth.json`), 'utf8'))
const pictures = new Map<string, Picture>()
for (const name of Object.keys(truth)) pictures.set(name, await decodePicture(readBytes(`${EXAMPLES}/${name}`), name))
const picture = pictures.get('01.png') as Picture

const opened = async (name: string): Promise<Model> => loadModel(await resolveModel(pathOf(`models/${name}`)), runtime)
const captioner = await opened('shapes-captioner')
const answerer = await opened('shapes-vqa')

describe('captions', () => {
  test('11 of the 12 scenes, greedily and with beams', async () => {
    const counted = { greedy: 0, beams: 0 }
    for (const [name, scene] of Object.entries(truth)) {
      const image = pictures.get(name) as Picture
      if ((await captioner.caption(image, { maxLength: 15 })).text === scene.caption) counted.greedy++
      const [first, second] = await captioner.captions(image, { beams: 3 })
      if (first?.text === scene.caption) counted.beams++
      expect(first?.score).toBeGreaterThanOrEqual(second?.score ?? 0)
    }
    expect(counted).toEqual({ greedy: 11, beams: 11 })
  })

  test('words, their places and their log-probabilities are those of one run on the whole text', async () => {
    const steps: CaptionProgress[] = []
    const caption = await captioner.caption(picture, { onProgress: (p) => steps.push(p) })
    expect(caption.text).toBe('a small red circle left of a small green star')
    expect(caption.words.map((w) => w.piece).join(' ')).toBe(`${caption.text} <eos>`)
    expect(caption.words.map((w) => w.position)).toEqual(caption.words.map((_, i) => i))
    expect(caption.inputIds).toEqual([1, ...caption.words.map((w) => w.id).slice(0, -1)])
    expect(caption.logProbability).toBeCloseTo(
      caption.words.reduce((s, w) => s + w.logProbability, 0),
      9,
    )
    expect(steps.at(-1)).toEqual({ done: 12, total: 15, text: caption.text })
    // the same of the graph as it is explained
    for (const given of [caption.inputIds, caption.text, 'A small red circle left of a small green star'])
      for (const at of [0, 4]) {
        const map = await captioner.explain(picture, { caption: given, target: `word:${at}`, score: 'log-probability' })
        expect(map.answer.logit).toBeCloseTo(caption.words[at]?.logProbability ?? 0, 4)
      }
  })

  test('a text begins as it is told, and ends where there is no more room', async () => {
    const told = await captioner.caption(picture, { prompt: 'a large blue', maxLength: 7 })
    expect(told.text).toMatch(/^a large blue /)
    expect(told.words.map((w) => w.position)).toEqual([3, 4, 5])
    expect(told.inputIds).toHaveLength(7)
  })

  test('a text that is given is scored as if it had been written', async () => {
    const own = await captioner.caption(picture)
    const { score: _, ...given } = await captioner.caption(picture, { caption: own.text })
    expect(given).toEqual({ ...own, score: undefined, ...given })
    expect(given.words).toEqual(own.words)
    const wrong = await captioner.caption(picture, { caption: 'a small red cross' })
    expect(wrong.words.map((w) => w.piece)).toEqual(['a', 'small', 'red', 'cross', '<eos>'])
    expect(wrong.words[2]?.logProbability).toBe(own.words[2]?.logProbability)
    expect(wrong.words[3]?.logProbability).toBeLessThan(-5)
  })

  test('bad input', async () => {
    const beams = await refusal(captioner.caption(picture, { beams: 0 }))
    expect([beams.code, beams.where]).toEqual(['bad-option', 'beams'])
    expect((await refusal(captioner.caption(picture, { maxLength: 1 }))).where).toBe('maxLength')
    expect((await refusal(captioner.caption(picture, { prompt: 'a tiny' }))).code).toBe('unknown-word')
    const none = await refusal(answerer.caption(picture))
    expect(none.code).toBe('method-not-applicable')
    expect(none.message).toContain('writes no texts')
    const aborted = new AbortController()
    aborted.abort()
    expect((await refusal(captioner.caption(picture, { signal: aborted.signal }))).code).toBe('aborted')
  })

  test('files without words, without a beginning or an end', async () => {
    const parts = await resolveModel(pathOf('models/shapes-captioner'))
    const vocabulary = parts.text?.vocabulary ?? []
    const told = async (config: object | undefined): Promise<string> => {
      const text = config && textSettings({ config })
      const other = await loadModel({ ...parts, text }, runtime)
      const error = await refusal(other.caption(picture))
      await other.release()
      expect(error.code).toBe('no-vocabulary')
      return error.message
    }
    expect(await told({ vocabulary, bos_token_id: 1 })).toContain('"eos_token_id": 2')
    expect(await told({ vocabulary, eos_token_id: 2 })).toContain('"decoder_start_token_id": 1')
    expect(await told(undefined)).toContain('neither a tokenizer.json nor a list of words')
  })
})

describe('questions', () => {
  test('all answers of the 12 scenes', async () => {
    const wrong: string[] = []
    for (const [name, { questions }] of Object.entries(truth))
      for (const { question, answer } of questions) {
        const [best] = await answerer.classify(pictures.get(name) as Picture, { question })
        if (best?.label !== answer) wrong.push(`${name}: ${question} ${answer}, not ${best?.label}`)
      }
    expect(wrong).toEqual([])
  })

  test('they are filled up as the model learnt it: another side gives other scores', async () => {
    const question = 'is there a star ?'
    const ids = [0, 0, 0, 3, 6, 7, 26, 28]
    const [own] = await answerer.classify(picture, { question })
    const [same] = await answerer.classify(picture, { inputs: { input_ids: ids } })
    const [other] = await answerer.classify(picture, { inputs: { input_ids: [3, 6, 7, 26, 28, 0, 0, 0] } })
    expect(own).toEqual(same)
    expect(other?.logit).not.toBeCloseTo(own?.logit ?? 0, 3)
  })

  test('bad input', async () => {
    const unknown = await refusal(answerer.classify(picture, { question: 'what colour is the cirlce ?' }))
    expect([unknown.code, unknown.remedy]).toEqual(['unknown-word', 'Did you mean "color"?'])
    const long = await refusal(answerer.classify(picture, { question: 'is there a star left of the red circle ?' }))
    expect([long.code, long.what]).toEqual(['bad-option', 'The text has 10 tokens, and this model takes 8'])
    const both = await refusal(answerer.classify(picture, { question: 'is there a star ?', caption: 'a star' }))
    expect(both.code).toBe('bad-option')
    const missing = await refusal(answerer.classify(picture))
    expect([missing.code, missing.remedy?.includes('question')]).toEqual(['missing-input', true])
  })
})

describe('words of a question', () => {
  test('left out: what the score loses where padding stands in the place of each', async () => {
    const question = 'what color is the star?'
    const ids = [0, 0, 1, 2, 3, 4, 26, 28]
    const scores = async (row: readonly number[]): Promise<number> => {
      const answers = await answerer.classify(picture, { inputs: { input_ids: row }, top: 17 })
      return answers.find((a) => a.label === 'green')?.logit ?? Number.NaN
    }
    const [found] = await questionWords(answerer, picture, { question, target: 'green', by: 'leaving-out' })
    expect(found?.words.map((w) => w.text)).toEqual(['what', 'color', 'is', 'the', 'star', '?'])
    for (const [i, { importance }] of (found?.words ?? []).entries()) {
      const without = await scores(ids.with(i + 2, 0))
      expect(importance).toBeCloseTo((await scores(ids)) - without, 4)
    }
    const probability = { question, score: 'probability', by: 'leaving-out' } as const
    const [best] = await questionWords(answerer, picture, probability)
    expect(best?.target).toEqual({ kind: 'class', index: 7, score: 'probability' })
    expect(Math.max(...(best?.words ?? []).map((w) => Math.abs(w.importance)))).toBeLessThanOrEqual(1)
  })
})
