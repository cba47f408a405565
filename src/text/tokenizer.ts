/** Texts and the numbers that a model knows its words by. */
import { ExplainError } from '../core/errors.js'

/** From a text to tokens (words, or pieces of words) and back. */
export interface Tokenizer {
  /** The numbers of a text's tokens, with the special tokens that the model's texts have around them. Throws `unknown-word`. */
  encode(text: string): readonly number[]
  /** The text of tokens; special ones are left out. */
  decode(ids: readonly number[]): string
  /** One readable piece for each token: what it adds to the text, without the blank before it; special ones by their names. */
  tokens(ids: readonly number[]): readonly string[]
  /** The number of a word that is one token. Throws `unknown-word`. */
  id(word: string): number
  /** What fills rows up to one length. */
  readonly pad: number | undefined
  /** What texts begin with. */
  readonly bos: number | undefined
  /** What texts end with, where there is one such token alone. */
  readonly eos: number | undefined
}

/** The error for a word that is no token. */
export function unknownWord(word: string, remedy: string): ExplainError {
  return new ExplainError('unknown-word', {
    what: `The model does not know the word "${word}"`,
    remedy,
    details: { word },
  })
}
