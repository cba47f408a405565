/** Texts as a model's inputs have them: what it is asked, and what it writes. */
import { ExplainError } from '../core/errors.js'
import type { Tensor } from '../core/tensor.js'
import type { Answer } from '../targets/answer.js'
import type { Written } from '../targets/target.js'
import type { TextSettings, Tokenizer } from '../text/index.js'
import { fixedLength, type WordInputs, wordFeeds, wordInputs } from '../text/rows.js'
import type { Feed } from './feed.js'
import type { OtherInput } from './others.js'

/** What is known of a model's words. */
export interface ModelText {
  readonly tokenizer: Tokenizer
  readonly settings: TextSettings
}

/** What goes with a picture as a text. */
export interface TextOptions {
  /** What the model is asked, for models that are given a text. */
  readonly question?: string | undefined
  /**
   * The text whose words are explained, for models that write one: itself, or its tokens as {@link Caption.inputIds} has them, the one that texts
   * begin with included.
   */
  readonly caption?: string | readonly number[] | undefined
}

/** The inputs that texts fill, that of the tokens first; none where the model takes no such text, or its files know no words. */
export interface TextInputs {
  /** Of what the model is asked. */
  readonly question: readonly string[]
  /** Of what it writes. */
  readonly caption: readonly string[]
  /** True where pictures are held against texts, as embeddings. */
  readonly likeness: boolean
}

export function textInputs(answer: Answer, others: readonly OtherInput[], words: ModelText | undefined): TextInputs {
  const inputs = words && wordInputs(others)
  const writes = answer.kind === 'words'
  const namesOf = ({ ids, mask, positions, kinds }: WordInputs): readonly string[] =>
    [ids, mask, positions, kinds].flatMap((i) => i?.name ?? [])
  return {
    question: inputs && !(writes && inputs.asked === inputs.written) ? namesOf(inputs.asked) : [],
    caption: inputs && writes ? namesOf(inputs.written) : [],
    likeness: answer.kind === 'embedding' && words !== undefined,
  }
}

/** The pieces of a question, or of a text about a picture, as the model has them. Throws as {@link textFeeds}. */
export function textPieces(
  others: readonly OtherInput[],
  words: ModelText | undefined,
  given: TextOptions,
): readonly string[] {
  const { question, caption = '' } = given
  // what does not fit is said too
  textFeeds(others, words, given)
  const known = words ?? noWords(String(question ?? caption))
  return known.tokenizer.tokens(
    question === undefined ? decoderTokens(caption, known).slice(1) : known.tokenizer.encode(question),
  )
}

/** The tokens that a model is given before the first word. Throws `no-vocabulary`. */
export function startOf({ tokenizer, settings }: ModelText): number {
  const start = settings.start ?? tokenizer.bos
  if (start !== undefined) return start
  throw unnamed('what a text begins with', '"decoder_start_token_id": 1')
}

/** The tokens that end a text. Throws `no-vocabulary`. */
export function endsOf({ tokenizer, settings }: ModelText): readonly number[] {
  if (settings.eos.length > 0) return settings.eos
  if (tokenizer.eos !== undefined) return [tokenizer.eos]
  throw unnamed('what ends a text', '"eos_token_id": 2')
}

function unnamed(what: string, example: string): ExplainError {
  return new ExplainError('no-vocabulary', {
    what: `The model's files do not say ${what}`,
    where: 'config.json',
    remedy: `Name it in config.json: ${example}.`,
  })
}

/**
 * A text of one's own as a decoder reads it: what texts begin with, and its words, without what ends it; tokens are taken as they are. Throws
 * `unknown-word`, and `bad-option` for a text without words.
 */
export function decoderTokens(text: string | readonly number[], words: ModelText): readonly number[] {
  if (typeof text !== 'string') return text
  refuseEmpty(text, 'caption')
  const { tokenizer, settings } = words
  const start = startOf(words)
  const special = new Set([start, tokenizer.bos, tokenizer.eos, settings.pad, ...settings.eos])
  return [start, ...tokenizer.encode(text).filter((id) => !special.has(id))]
}

function refuseEmpty(text: string, what: 'question' | 'caption'): void {
  if (text.trim() !== '') return
  throw new ExplainError('bad-option', {
    what: `The ${what} has no words`,
    where: what,
    remedy: what === 'question' ? 'Ask something: "what color is the circle?".' : 'Give a text: "a large red circle".',
  })
}

/**
 * What the model's inputs of words are given for texts. Throws `method-not-applicable` for a model that takes none, `no-vocabulary` where the
 * model's files know no words, `unknown-word`, and `bad-option` for a text that is too long.
 */
export function textFeeds(
  others: readonly OtherInput[],
  words: ModelText | undefined,
  { question, caption }: TextOptions,
): Readonly<Record<string, Tensor>> {
  if (question === undefined && caption === undefined) return {}
  const inputs = wordInputs(others)
  if (!inputs)
    throw new ExplainError('method-not-applicable', {
      what: 'This model takes no texts: none of its inputs takes the numbers of words',
      where: question === undefined ? 'caption' : 'question',
    })
  const { asked, written } = inputs
  if (question !== undefined) refuseEmpty(question, 'question')
  if (question !== undefined && caption !== undefined && asked === written)
    throw new ExplainError('bad-option', {
      what: 'This model takes one text, and is given a question and a caption',
      remedy: `A model of questions has its text in "${asked.ids.name}" as the question, one that writes as the caption.`,
    })
  const known = (text: string): ModelText => words ?? noWords(text)
  const filled = {
    pad: words?.settings.pad ?? words?.tokenizer.pad,
    side: words?.settings.paddingSide ?? 'right',
  } as const
  const asks = question === undefined ? [] : [known(question).tokenizer.encode(question)]
  const tells =
    caption === undefined ? [] : [typeof caption === 'string' ? decoderTokens(caption, known(caption)) : caption]
  return {
    ...(asks.length > 0 ? wordFeeds(asked, asks, { ...filled, length: words?.settings.paddedLength }) : {}),
    // words stand where they stood when they were written
    ...(tells.length > 0 ? wordFeeds(written, tells, { ...filled, side: 'right', length: undefined }) : {}),
  }
}

function noWords(text: string): never {
  throw new ExplainError('no-vocabulary', {
    what: `The model's files do not say what numbers "${text}" has: there is neither a tokenizer.json nor a list of words`,
    remedy:
      'Keep tokenizer.json beside the model (or "vocabulary": [...] in its config.json), or give the numbers as an input.',
  })
}

/**
 * The text that a decoder was given: its logits at position `i` score token `i + 1`, so that the first token (which says that a text begins) is no
 * word, and the last logits are of a word that is not there yet. undefined for models that write nothing.
 */
export function writtenText(
  answer: Answer,
  others: readonly OtherInput[],
  { others: given }: Pick<Feed, 'others'>,
  words: ModelText | undefined,
): Written | undefined {
  const inputs = answer.kind === 'words' ? wordInputs(others)?.written : undefined
  const tensor: Tensor | undefined = inputs && given[inputs.ids.name]
  if (!inputs || !tensor) return undefined
  const row = Array.from(tensor.data as ArrayLike<number | bigint>, Number).slice(0, tensor.dims.at(-1))
  const mask = inputs.mask && given[inputs.mask.name]
  const kept = mask ? row.filter((_, i) => Number(mask.data[i]) !== 0) : row
  const pad = words?.settings.pad ?? words?.tokenizer.pad
  let length = kept.length
  // where a model's file fixes the length, or no mask tells
  if (!mask || fixedLength(inputs) !== undefined) while (length > 1 && kept[length - 1] === pad) length--
  const ids = kept.slice(1, length)
  const pieces = words?.tokenizer.tokens(ids) ?? ids.map((id) => `token ${id}`)
  return { ids, pieces, vocabulary: words?.settings.vocabulary ?? [] }
}
