/** Texts written word after word, against Hugging Face's generate (scripts/decoding_fixtures.py). */
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { type Next, write } from '../../src/text/search.js'
import { textSettings } from '../../src/text/settings.js'
import { refusal } from '../support/compiled.js'
import { pathOf } from '../support/files.js'

interface Fixture {
  readonly words: number
  readonly start: number
  readonly tables: readonly {
    readonly scores: readonly number[]
    readonly cases: readonly {
      readonly name: string
      readonly settings: Readonly<Record<string, unknown>>
      readonly texts: readonly (readonly number[])[]
      readonly scores: readonly number[] | null
    }[]
  }[]
}

const { words, start, tables }: Fixture = JSON.parse(readFileSync(pathOf('test/fixtures/text/decoding.json'), 'utf8'))

/** The scores behind texts, of a table by the place and the last token. */
function tableOf(scores: readonly number[]): Next {
  const row = (text: readonly number[]): Float32Array => {
    const at = ((text.length - 1) * words + (text.at(-1) ?? 0)) * words
    return Float32Array.from(scores.slice(at, at + words))
  }
  return async (texts) => texts.map(row)
}

function settingsOf(given: Readonly<Record<string, unknown>>) {
  const settings = textSettings({ config: { vocabulary: [] }, generationConfig: given })
  if (!settings) throw new Error('no settings')
  return { ...settings.generation, ends: settings.eos }
}

describe("Hugging Face's texts and scores", () => {
  for (const [t, { scores, cases }] of tables.entries())
    for (const { name, settings, texts, scores: wanted } of cases)
      test(`table ${t}: ${name}`, async () => {
        const options = settingsOf(settings)
        const written = await write(tableOf(scores), [start], options)
        // rows are filled behind their end
        const cut = texts.map((ids) => {
          const end = ids.findIndex((id, i) => i > 0 && options.ends.includes(id))
          return end < 0 ? ids : ids.slice(0, end + 1)
        })
        const got = written.map((w) => [...w.start, ...w.tokens.map((token) => token.id)])
        // a slot that no text ended in holds none, and is filled with the score of nothing
        const real = wanted?.map((score) => score > -1e8) ?? [true]
        expect(got).toEqual(cut.filter((_, i) => real[i]))
        for (const [i, w] of written.entries()) if (wanted) expect(w.score).toBeCloseTo(wanted[i] ?? 0, 4)
      })
})

test('log-probabilities are those of the model, whatever may be written', async () => {
  const next: Next = async (texts) => texts.map(() => Float32Array.of(0, 1, 2, 5))
  const [text] = await write(next, [0], settingsOf({ max_length: 3, suppress_tokens: [3], eos_token_id: 1 }))
  const norm = Math.log(1 + Math.E + Math.exp(2) + Math.exp(5))
  expect(text?.tokens.map((t) => t.id)).toEqual([2, 2])
  expect(text?.logProbability).toBeCloseTo(2 * (2 - norm), 6)
})

test('an abort is heard between two words, and steps are told', async () => {
  const stop = new AbortController()
  const seen: number[] = []
  const next: Next = async (texts) => texts.map(() => Float32Array.of(0, 1))
  const options = { ...settingsOf({ max_length: 9 }), signal: stop.signal, ends: [] }
  const onStep = (written: readonly number[]): void => {
    seen.push(written.length)
    if (written.length === 4) stop.abort()
  }
  for (const beams of [1, 2]) {
    expect((await refusal(write(next, [0], { ...options, beams, onStep }))).code).toBe('aborted')
  }
  expect(seen).toEqual([2, 3, 4])
})
