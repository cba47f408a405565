/** Tokenizers: those of a tokenizer.json against Python's (scripts/tokenizer_fixtures.py), and lists of words. */
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { type TextSettings, type Tokenizer, textSettings, tokenizerOf, wordsOf } from '../../src/text/index.js'
import { refusal } from '../support/compiled.js'
import { pathOf } from '../support/files.js'

interface Family {
  readonly json: Record<string, unknown>
  readonly config: Record<string, unknown>
  readonly texts: readonly { readonly text: string; readonly ids: readonly number[]; readonly decoded: string }[]
}

const families: Readonly<Record<string, Family>> = JSON.parse(
  readFileSync(pathOf('test/fixtures/text/tokenizers.json'), 'utf8'),
)

async function made(files: Parameters<typeof textSettings>[0]): Promise<{ settings: TextSettings; words: Tokenizer }> {
  const settings = textSettings(files)
  const words = settings && (await tokenizerOf(settings))
  if (!settings || !words) throw new Error('no tokenizer')
  return { settings, words }
}

const family = (name: string) => {
  const { json = {}, config = {} } = families[name] ?? {}
  return made({ tokenizer: json, tokenizerConfig: config })
}

describe('tokenizer.json', () => {
  for (const [name, { texts }] of Object.entries(families))
    test(`${name}: numbers and texts as in Python`, async () => {
      const { words } = await family(name)
      for (const { text, ids, decoded } of texts) {
        expect(words.encode(text), text).toEqual(ids)
        // Python's library leaves these endings to transformers
        expect(words.decode(ids), text).toBe(decoded.replaceAll('</w>', ' ').trim())
      }
    })

  test('one readable piece for each token', async () => {
    const pieces = async (name: string, text: string): Promise<string> => {
      const { words } = await family(name)
      return words.tokens(words.encode(text)).join(' ')
    }
    expect(await pieces('wordpiece', 'A dog riding')).toBe('[CLS] a dog ri ding [SEP]')
    expect(await pieces('bpe_bytes', 'a dog surfing caf\u00e9')).toBe('a dog surfing c af \u00e9')
    expect(await pieces('bpe_words', 'a dog surfing')).toBe('<|startoftext|> a dog surfing <|endoftext|>')
    expect(await pieces('unigram', 'a surfing')).toBe('a surf ing </s>')
  })

  test('one word is one token, or is not known', async () => {
    for (const name of Object.keys(families)) {
      const { words } = await family(name)
      expect(words.tokens([words.id('dog')]), name).toEqual(['dog'])
      expect((await refusal(() => words.id('xylophone'))).code, name).toBe('unknown-word')
    }
    const { words } = await family('unigram')
    expect((await refusal(() => words.id('surfboard'))).message).toMatch(/It is 5 tokens: "surf", "b",/)
    const near = (await family('wordpiece')).words
    expect((await refusal(() => near.id('\u732b'))).message).toContain('does not know the word "\u732b"')
  })

  test('special tokens and padding, as the files say', async () => {
    const of = async (name: string) => {
      const { words, settings } = await family(name)
      return [words.pad, words.bos, words.eos, settings.paddedLength, settings.paddingSide]
    }
    expect(await of('wordpiece')).toEqual([0, 2, 3, undefined, 'right'])
    expect(await of('bpe_bytes')).toEqual([0, 0, 0, undefined, 'right'])
    expect(await of('bpe_words')).toEqual([1, 0, 1, 24, 'left'])
    expect(await of('unigram')).toEqual([0, undefined, 1, undefined, 'right'])
  })

  test('what is none is refused', async () => {
    expect((await refusal(made({ tokenizer: [] }))).message).toMatch(/tokenizer.json cannot be read: it holds no model/)
    const other = made({ tokenizer: { model: { type: 'Runes', vocab: {} } } })
    expect((await refusal(other)).code).toBe('cannot-read')
  })
})

describe('tokens as words', () => {
  test('pieces of a word belong together, special tokens are no words', async () => {
    const words = async (name: string, text: string): Promise<readonly [string, string][]> => {
      const { words: tokenizer } = await family(name)
      const ids = tokenizer.encode(text)
      const pieces = tokenizer.tokens(ids)
      return wordsOf(ids, tokenizer).map((w) => [w.text, w.places.map((p) => pieces[p]).join('|')])
    }
    const riding = [
      ['a', 'a'],
      ['dog', 'dog'],
      ['riding', 'ri|ding'],
    ]
    expect(await words('wordpiece', 'A dog riding')).toEqual(riding)
    expect(await words('bpe_bytes', 'a café')).toEqual([
      ['a', 'a'],
      ['café', 'c|af|é'],
    ])
    expect(await words('unigram', 'a surfing')).toEqual([
      ['a', 'a'],
      ['surfing', 'surf|ing'],
    ])
  })

  test('in scripts without blanks too, and letters of several tokens', () => {
    // each token is a byte, as byte-level tokenizers have it where they know no more
    const decode = (ids: readonly number[]) => new TextDecoder().decode(Uint8Array.from(ids))
    const bytes = [...new TextEncoder().encode('犬と猫. ok')]
    const words = wordsOf(bytes, { decode })
    expect(words.map((w) => w.text)).toEqual(['犬', 'と', '猫', '.', 'ok'])
    expect(words.map((w) => w.places.length)).toEqual([3, 3, 3, 2, 2])
    expect(words.flatMap((w) => w.places)).toEqual(bytes.map((_, i) => i))
  })
})

describe('a list of words', () => {
  const vocabulary = ['<pad>', '<bos>', '<eos>', 'a', 'red', 'circle', 'what', 'is', 'the', '?', "isn't", 'Star']
  const config = { vocabulary, pad_token_id: 0, bos_token_id: 1, eos_token_id: 2 }

  test('words and punctuation, written large or small', async () => {
    const { words } = await made({ config })
    expect(words.encode(' What is  the circle?')).toEqual([6, 7, 8, 5, 9])
    expect(words.encode("isn't the Star red ?")).toEqual([10, 8, 11, 4, 9])
    expect(words.encode('')).toEqual([])
    expect(words.decode([1, 6, 7, 8, 5, 9, 2, 0])).toBe('what is the circle?')
    expect(words.tokens([1, 5, 99])).toEqual(['<bos>', 'circle', 'token 99'])
    expect([words.id('red'), words.id(' Red ')]).toEqual([4, 4])
  })

  test('a word that is not in it, with the nearest', async () => {
    const { words } = await made({ config })
    for (const ask of [() => words.encode('a red cirlce'), () => words.id('cirlce')]) {
      const error = await refusal(ask)
      expect(error.code).toBe('unknown-word')
      expect(error.message).toBe('The model does not know the word "cirlce". Did you mean "circle"?')
    }
    expect((await refusal(() => words.id('photosynthesis'))).message).toContain('It knows 9 words, such as "a", "red"')
  })
})

describe('what files say of texts', () => {
  test('generation_config.json before config.json before its decoder', () => {
    const settings = textSettings({
      config: {
        vocabulary: ['a'],
        num_beams: 2,
        max_length: 30,
        decoder: { num_beams: 5, eos_token_id: 7, pad_token_id: 8 },
      },
      generationConfig: { max_length: 16, eos_token_id: [3, 4], early_stopping: 'never' },
    })
    expect(settings).toMatchObject({ eos: [3, 4], pad: 8, bos: undefined, paddingSide: 'right' })
    expect(settings?.generation).toMatchObject({ beams: 2, maxLength: 16, earlyStopping: 'never', lengthPenalty: 1 })
    expect(textSettings({ config: { id2label: {} } })).toBeUndefined()
  })

  test('a decoder begins with decoder_start_token_id, else with bos_token_id', () => {
    const start = (config: object) => textSettings({ config: { vocabulary: ['a'], ...config } })?.start
    expect(start({ decoder_start_token_id: 5, bos_token_id: 1 })).toBe(5)
    expect(start({ decoder: { bos_token_id: 1 } })).toBe(1)
    expect(start({})).toBeUndefined()
  })

  test('what is no such setting is refused by its name', async () => {
    const settings = (config: object) => refusal(() => textSettings({ config: { vocabulary: ['a'], ...config } }))
    expect((await settings({ vocabulary: { a: 0 } })).message).toMatch(/"vocabulary" is \{"a":0\}.*list of words/)
    expect((await settings({ eos_token_id: 'end' })).message).toMatch(/"eos_token_id" is "end".*number of a token/)
    expect((await settings({ max_length: '20' })).code).toBe('cannot-read')
    expect((await settings({ bad_words_ids: [3] })).code).toBe('cannot-read')
  })
})
