/** A tokenizer of whole words: a list, in which each word's place is its number. */
import { didYouMean } from '../core/nearest.js'
import type { SpecialTokens } from './settings.js'
import { type Tokenizer, unknownWord } from './tokenizer.js'

/** Signs that stand at the end of a word, without a blank. */
const CLOSING = /^[.,;:!?)\]}%]$/u

/**
 * Texts are split at blanks, and what is then in no list is split into words and punctuation. Words are looked for as they are written, then
 * in lower case.
 */
export function vocabularyTokenizer(vocabulary: readonly string[], special: SpecialTokens): Tokenizer {
  const numbers = new Map(vocabulary.map((word, i) => [word, i]))
  const silent = new Set([special.pad, special.bos, ...special.eos])
  const known = (word: string): number | undefined => numbers.get(word) ?? numbers.get(word.toLowerCase())
  const id = (word: string): number => {
    const found = known(word)
    if (found !== undefined) return found
    const words = vocabulary.filter((_, i) => !silent.has(i))
    throw unknownWord(word, didYouMean(word, words) || `It knows ${words.length} words, such as ${examples(words)}.`)
  }
  const name = (i: number): string => vocabulary[i] ?? `token ${i}`
  return {
    encode: (text) =>
      text
        .trim()
        .split(/\s+/u)
        .filter(Boolean)
        .flatMap((part) => {
          const whole = known(part)
          return whole === undefined ? (part.match(/[\p{L}\p{N}]+|[^\p{L}\p{N}]/gu) ?? []).map(id) : [whole]
        }),
    decode: (ids) =>
      ids
        .filter((i) => !silent.has(i))
        .map(name)
        .reduce((text, word) => (text === '' || CLOSING.test(word) ? text + word : `${text} ${word}`), ''),
    tokens: (ids) => ids.map(name),
    id: (word) => id(word.trim()),
    pad: special.pad,
    bos: special.bos,
    eos: special.eos.length === 1 ? special.eos[0] : undefined,
  }
}

function examples(words: readonly string[]): string {
  return words
    .slice(0, 5)
    .map((w) => `"${w}"`)
    .join(', ')
}
