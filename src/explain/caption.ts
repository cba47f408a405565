/** A text that a model writes about a picture, with its words one by one. */
import { ExplainError } from '../core/errors.js'
import { type GenerationSettings, type TextSettings, type Tokenizer, type Written, write } from '../text/index.js'
import type { Feed } from './runner.js'
import type { Writer } from './writer.js'

/** How a text is written. Defaults: as generation_config.json and config.json say, else greedily up to 20 tokens. */
export interface CaptionOptions
  extends Partial<Pick<GenerationSettings, 'maxLength' | 'minLength' | 'beams' | 'lengthPenalty' | 'earlyStopping'>> {
  /** What the text begins with. Default: nothing. */
  readonly prompt?: string | undefined
  readonly signal?: AbortSignal | undefined
  /** Is told of each step. */
  readonly onProgress?: ((progress: CaptionProgress) => void) | undefined
}

export interface CaptionProgress {
  /** Tokens so far. */
  readonly done: number
  /** Tokens at most. */
  readonly total: number
  /** The best text so far. */
  readonly text: string
}

/** One token of a text. */
export interface CaptionWord {
  readonly id: number
  /** What it adds to the text, to read: a word, a piece of one, or the name of a special token. */
  readonly piece: string
  /** Where its scores are: the row of the model's `[N,T,V]` scores, which is the number of tokens before it, less one. */
  readonly position: number
  /** Natural, of all tokens that could stand there. */
  readonly logProbability: number
}

export interface Caption {
  readonly text: string
  /** What was written, in order; the token that ends the text is the last, where it was not cut off. */
  readonly words: readonly CaptionWord[]
  /** The numbers that the model is given to score every one of these words: all tokens but the last. */
  readonly inputIds: readonly number[]
  /** Of all words: the sum. */
  readonly logProbability: number
  /** By which texts are ordered: the sum, divided by the number of words to the power of the length penalty. */
  readonly score: number
}

/** The texts that a model writes about a picture, best first: as many as there are beams. Rejects with `no-vocabulary`, `bad-option`, `aborted`. */
export async function captions(
  writer: Writer,
  feed: Feed,
  words: { readonly tokenizer: Tokenizer; readonly settings: TextSettings },
  options: CaptionOptions = {},
): Promise<readonly Caption[]> {
  const { tokenizer, settings } = words
  const { prompt, signal, onProgress, ...given } = options
  const start = startOf(tokenizer, settings, prompt)
  const ends = settings.eos.length > 0 ? settings.eos : tokenizer.eos === undefined ? [] : [tokenizer.eos]
  if (ends.length === 0) throw unnamed('what ends a text', '"eos_token_id": 2')
  const wanted = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
  const generation: GenerationSettings = { ...settings.generation, ...wanted }
  refuseImpossible(generation, start)
  const maxLength = Math.min(generation.maxLength, writer.longest ?? generation.maxLength)
  const onStep = (ids: readonly number[]): void =>
    onProgress?.({ done: ids.length, total: maxLength, text: tokenizer.decode(ids) })
  const next = await writer.see(feed)
  const written = await write(next, start, { ...generation, maxLength, ends, signal, onStep })
  return written.map((text) => captionOf(text, tokenizer))
}

/** What a model is given before the first word. */
function startOf(tokenizer: Tokenizer, settings: TextSettings, prompt: string | undefined): readonly number[] {
  const first = settings.start ?? tokenizer.bos
  if (first === undefined) throw unnamed('what a text begins with', '"decoder_start_token_id": 1')
  if (prompt === undefined) return [first]
  const special = new Set([first, tokenizer.bos, tokenizer.eos, ...settings.eos])
  return [first, ...tokenizer.encode(prompt).filter((id) => !special.has(id))]
}

function captionOf({ start, tokens, logProbability, score }: Written, tokenizer: Tokenizer): Caption {
  const ids = tokens.map((t) => t.id)
  const pieces = tokenizer.tokens(ids)
  return {
    text: tokenizer.decode([...start, ...ids]),
    words: tokens.map((token, i) => ({ ...token, piece: pieces[i] ?? '', position: start.length - 1 + i })),
    inputIds: [...start, ...ids].slice(0, -1),
    logProbability,
    score,
  }
}

function refuseImpossible({ beams, maxLength, lengthPenalty }: GenerationSettings, start: readonly number[]): void {
  const bad = (what: string, where: string, remedy: string): ExplainError =>
    new ExplainError('bad-option', { what, where, remedy })
  if (!Number.isInteger(beams) || beams < 1 || beams > 64)
    throw bad(`${beams} is no number of beams`, 'beams', 'Give a whole number from 1 (greedy) to 64.')
  if (!Number.isInteger(maxLength) || maxLength <= start.length)
    throw bad(
      `A text of ${maxLength} tokens at most has no room behind the ${start.length} that it begins with`,
      'maxLength',
      `Give a whole number above ${start.length}.`,
    )
  if (!Number.isFinite(lengthPenalty))
    throw bad(`${lengthPenalty} is no number`, 'lengthPenalty', 'Give a number, such as 1.')
}

function unnamed(what: string, example: string): ExplainError {
  return new ExplainError('no-vocabulary', {
    what: `The model's files do not say ${what}`,
    where: 'config.json',
    remedy: `Name it in config.json: ${example}.`,
  })
}
