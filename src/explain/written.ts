/** The text whose words a model scores, as its inputs have it. */
import type { Tensor } from '../core/tensor.js'
import type { Answer } from '../targets/answer.js'
import type { Written } from '../targets/target.js'
import type { OtherInput } from './others.js'
import type { Feed } from './runner.js'

/** What tokens read as. */
export interface Words {
  /** A readable piece of text for each token. */
  tokens(ids: readonly number[]): readonly string[]
  /** The words that there are. */
  readonly vocabulary: readonly string[]
  /** Fills up rows; never a word. */
  readonly padId: number | undefined
}

/** The input that takes tokens: one of whole numbers that is named for ids, else the only one of two axes. */
export function tokenInput(others: readonly OtherInput[]): OtherInput | undefined {
  const whole = others.filter((o) => o.type === 'int64' || o.type === 'int32')
  const flat = whole.filter((o) => o.dims.length === 2)
  return (
    whole.find((o) => /(^|_)input_ids$|(^|_)ids$|tokens?$/.test(o.name)) ?? (flat.length === 1 ? flat[0] : undefined)
  )
}

/**
 * The text that a decoder was given: its logits at position `i` score token `i + 1`, so that the first token (which says that a text begins) is no
 * word, and the last logits are of a word that is not there yet. undefined for models that write nothing.
 */
export function writtenText(
  answer: Answer,
  others: readonly OtherInput[],
  { others: given }: Pick<Feed, 'others'>,
  words: Words | undefined,
): Written | undefined {
  const input = answer.kind === 'words' ? tokenInput(others) : undefined
  const tensor: Tensor | undefined = input && given[input.name]
  if (!tensor) return undefined
  const row = Array.from(tensor.data as ArrayLike<number | bigint>, Number).slice(0, tensor.dims.at(-1))
  let length = row.length
  while (length > 0 && row[length - 1] === words?.padId) length--
  const ids = row.slice(1, length)
  return { ids, pieces: words?.tokens(ids) ?? ids.map((id) => `token ${id}`), vocabulary: words?.vocabulary ?? [] }
}
