/** A text that a model writes about a picture, with its words one by one. */
import { ExplainError } from '../core/errors.js'
import { type GenerationSettings, read, type Tokenizer, type Written, wordsOf, write } from '../text/index.js'
import type { Feed } from './feed.js'
import type { Writer } from './writer.js'
import { decoderTokens, endsOf, type ModelText, startOf, type TextOptions } from './written.js'

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
  /** The numbers that the model is given to score every one of these words: all tokens but the one that ends the text. */
  readonly inputIds: readonly number[]
  /** Of all words: the sum. */
  readonly logProbability: number
  /** By which texts are ordered: the sum, divided by the number of words to the power of the length penalty. */
  readonly score: number
}

/**
 * The texts that a model writes about a picture, best first: as many as there are beams; or the one that is given, scored as if the model had
 * written it. Rejects with `no-vocabulary`, `unknown-word`, `bad-option`, `aborted`.
 */
export async function captions(
  writer: Writer,
  feed: Feed,
  words: ModelText,
  options: CaptionOptions & Pick<TextOptions, 'caption'> = {},
): Promise<readonly Caption[]> {
  const { tokenizer, settings } = words
  const { prompt, maxLength, minLength, beams, lengthPenalty, earlyStopping } = options
  const start = prompt === undefined ? [startOf(words)] : decoderTokens(prompt, words)
  const ends = endsOf(words)
  const own = settings.generation
  const generation: GenerationSettings = {
    ...own,
    maxLength: Math.min(maxLength ?? own.maxLength, writer.longest ?? Number.POSITIVE_INFINITY),
    minLength: minLength ?? own.minLength,
    beams: beams ?? own.beams,
    lengthPenalty: lengthPenalty ?? own.lengthPenalty,
    earlyStopping: earlyStopping ?? own.earlyStopping,
  }
  if (options.caption !== undefined) {
    const [first = 0, ...ids] = decoderTokens(options.caption, words)
    const text = await read(await writer.see(feed), [first], [...ids, ...ends.slice(0, 1)], {
      ...generation,
      ...options,
    })
    return [captionOf(text, tokenizer, ends)]
  }
  refuseImpossible(generation, start)
  const onStep = (ids: readonly number[]): void =>
    options.onProgress?.({ done: ids.length, total: generation.maxLength, text: tokenizer.decode(ids) })
  const next = await writer.see(feed)
  const written = await write(next, start, { ...generation, ends, signal: options.signal, onStep })
  return written.map((text) => captionOf(text, tokenizer, ends))
}

/** A word of a caption as people see it, which may be several tokens, and how it is asked for. */
export interface CaptionTarget {
  readonly text: string
  readonly target: { readonly kind: 'word'; readonly positions: readonly number[]; readonly ids: readonly number[] }
  /** Natural, given what stands before it: the sum of its tokens'. */
  readonly logProbability: number
}

/** The words of a caption that can be explained, in order: neither special tokens nor the end. */
export function captionTargets({ words }: Caption, { tokenizer }: Pick<ModelText, 'tokenizer'>): CaptionTarget[] {
  const found = wordsOf(
    words.map((w) => w.id),
    tokenizer,
  )
  return found.map(({ text, places }) => {
    const own = words.filter((_, i) => places.includes(i))
    return {
      text,
      target: { kind: 'word', positions: own.map((w) => w.position), ids: own.map((w) => w.id) },
      logProbability: own.reduce((sum, w) => sum + w.logProbability, 0),
    }
  })
}

function captionOf(
  { start, tokens, logProbability, score }: Written,
  tokenizer: Tokenizer,
  ends: readonly number[],
): Caption {
  const ids = tokens.map((t) => t.id)
  const pieces = tokenizer.tokens(ids)
  const isEnded = ends.includes(ids.at(-1) ?? -1)
  return {
    text: tokenizer.decode([...start, ...ids]),
    words: tokens.map((token, i) => ({ ...token, piece: pieces[i] ?? '', position: start.length - 1 + i })),
    inputIds: [...start, ...(isEnded ? ids.slice(0, -1) : ids)],
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
