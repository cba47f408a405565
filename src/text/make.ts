/** The tokenizer that a model's files describe. */
import type { TextSettings } from './settings.js'
import type { Tokenizer } from './tokenizer.js'
import { jsonTokenizer } from './tokenizer-json.js'
import { vocabularyTokenizer } from './vocabulary.js'

/**
 * The tokenizer of a model: its list of words, else its tokenizer.json; undefined where it has neither. Rejects with `cannot-read` for a
 * tokenizer.json that cannot be carried out.
 */
export async function tokenizerOf(settings: TextSettings): Promise<Tokenizer | undefined> {
  if (settings.vocabulary) return vocabularyTokenizer(settings.vocabulary, settings)
  return settings.tokenizer && jsonTokenizer(settings.tokenizer, settings)
}
