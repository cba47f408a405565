/** Words: tokenizers, what a model's files say of texts, and how a text is written word after word. */
export { tokenizerOf } from './make.js'
export { type Next, read, type Written, type WrittenToken, write } from './search.js'
export {
  type GenerationSettings,
  type SpecialTokens,
  type TextFiles,
  type TextSettings,
  textSettings,
} from './settings.js'
export type { Tokenizer } from './tokenizer.js'
export { type TextWord, wordsOf } from './words.js'
