/**
 * What a model's files say of its texts: config.json, generation_config.json, tokenizer.json and tokenizer_config.json, as Hugging Face writes
 * them, and a list of words under `vocabulary`. Plain data.
 */
import { ExplainError } from '../core/errors.js'

export interface SpecialTokens {
  /** What fills rows up to one length. */
  readonly pad: number | undefined
  /** What texts begin with. */
  readonly bos: number | undefined
  /** What texts end with; models may have several such tokens, or none. */
  readonly eos: readonly number[]
}

export interface TokenizerFiles {
  /** tokenizer.json */
  readonly json: unknown
  /** tokenizer_config.json */
  readonly config: Readonly<Record<string, unknown>> | undefined
}

/** How a text is written, word after word. Names in brackets are Hugging Face's. */
export interface GenerationSettings {
  /** Tokens of a text at most, the first given one included (`max_length`). Default: 20. */
  readonly maxLength: number
  /** Tokens of a text at least (`min_length`). Default: 0. */
  readonly minLength: number
  /** Texts that are followed at the same time (`num_beams`); 1 is greedy. Default: 1. */
  readonly beams: number
  /** A text's log-probability is divided by its length to this power (`length_penalty`). Default: 1. */
  readonly lengthPenalty: number
  /**
   * When beams end (`early_stopping`): `true` as soon as there are as many texts as beams; `false` where the best running one of now, `never`
   * where the best one of any length, is no better than these. Default: false.
   */
  readonly earlyStopping: boolean | 'never'
  /** No group of so many tokens comes twice (`no_repeat_ngram_size`). Default: 0, which allows all. */
  readonly noRepeatNgram: number
  /** Scores of tokens that were written are divided by it, negative ones multiplied (`repetition_penalty`). Default: 1. */
  readonly repetitionPenalty: number
  /** What the second token is (`forced_bos_token_id`). */
  readonly forcedBos: number | undefined
  /** What the last token is where the text is as long as may be (`forced_eos_token_id`). */
  readonly forcedEos: readonly number[]
  /** Tokens that are never written (`suppress_tokens`). */
  readonly suppressed: readonly number[]
  /** Tokens that are not the first to be written (`begin_suppress_tokens`). */
  readonly suppressedFirst: readonly number[]
  /** Groups of tokens that are never written (`bad_words_ids`). */
  readonly banned: readonly (readonly number[])[]
}

export interface TextSettings extends SpecialTokens {
  /** The model's words; a word's place is its number. */
  readonly vocabulary: readonly string[] | undefined
  readonly tokenizer: TokenizerFiles | undefined
  /** What a decoder is given to begin with (`decoder_start_token_id`). */
  readonly start: number | undefined
  /** Where rows are filled. Default: right. */
  readonly paddingSide: 'left' | 'right'
  /** The length that questions are filled up to; undefined: none. */
  readonly paddedLength: number | undefined
  /** The length that texts are cut to (`truncation` of tokenizer.json); undefined: none is cut. */
  readonly cutLength: number | undefined
  /** Tokens that the network has places for (`max_position_embeddings`, `model_max_length`); undefined: nobody says. */
  readonly longest: number | undefined
  readonly generation: GenerationSettings
}

/** The files' contents, as JSON gives them; undefined where there is no such file. */
export interface TextFiles {
  readonly config?: unknown
  readonly generationConfig?: unknown
  readonly tokenizer?: unknown
  readonly tokenizerConfig?: unknown
}

type Json = Readonly<Record<string, unknown>>

/** What files say of texts; undefined where they know no words. Throws `cannot-read` for what is no such setting. */
export function textSettings(files: TextFiles): TextSettings | undefined {
  const [config, generation, tokenizerConfig] = [files.config, files.generationConfig, files.tokenizerConfig].map(
    object,
  )
  const vocabulary = vocabularyOf(config?.vocabulary)
  if (!vocabulary && files.tokenizer === undefined) return undefined
  // what comes first counts; a decoder's own settings stand within the model's
  const all = [generation, config, object(config?.decoder), object(config?.text_config)]
  const places = all.filter((p) => p !== undefined)
  const read = new Reader(places)
  const padding = object(object(files.tokenizer)?.padding)
  const side = read.one('padding_side', [tokenizerConfig ?? {}, padding ? { padding_side: padding.direction } : {}])
  return {
    vocabulary,
    tokenizer: files.tokenizer === undefined ? undefined : { json: files.tokenizer, config: tokenizerConfig },
    pad: read.token('pad_token_id'),
    bos: read.token('bos_token_id'),
    eos: read.tokens('eos_token_id'),
    start: read.token('decoder_start_token_id') ?? read.token('bos_token_id'),
    paddingSide: typeof side === 'string' && side.toLowerCase() === 'left' ? 'left' : 'right',
    paddedLength: vocabulary ? read.number('max_length') : fixedLength(padding),
    cutLength: positive(object(object(files.tokenizer)?.truncation)?.max_length),
    longest: least([read.one('max_position_embeddings'), tokenizerConfig?.model_max_length]),
    generation: {
      maxLength: read.number('max_length') ?? 20,
      minLength: read.number('min_length') ?? 0,
      beams: read.number('num_beams') ?? 1,
      lengthPenalty: read.number('length_penalty') ?? 1,
      earlyStopping: earlyStopping(read.one('early_stopping')),
      noRepeatNgram: read.number('no_repeat_ngram_size') ?? 0,
      repetitionPenalty: read.number('repetition_penalty') ?? 1,
      forcedBos: read.token('forced_bos_token_id'),
      forcedEos: read.tokens('forced_eos_token_id'),
      suppressed: read.tokens('suppress_tokens'),
      suppressedFirst: read.tokens('begin_suppress_tokens'),
      banned: read.groups('bad_words_ids'),
    },
  }
}

function object(value: unknown): Json | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : undefined
}

/** A list of words, or words with their numbers. */
function vocabularyOf(value: unknown): readonly string[] | undefined {
  if (value === undefined || value === null) return undefined
  if (Array.isArray(value) && value.every((w) => typeof w === 'string')) return value
  throw unreadable('vocabulary', value, 'It is a list of words: ["<pad>", "<bos>", "<eos>", "a", ...].')
}

function earlyStopping(value: unknown): boolean | 'never' {
  return value === 'never' ? 'never' : value === true
}

/** The length that a tokenizer.json fills texts up to. */
function fixedLength(padding: Json | undefined): number | undefined {
  const length = object(padding?.strategy)?.Fixed
  return typeof length === 'number' ? length : undefined
}

function positive(value: unknown): number | undefined {
  return typeof value === 'number' && value > 0 ? value : undefined
}

/** The least of what is given; numbers that stand for "any" are left out. */
function least(values: readonly unknown[]): number | undefined {
  const numbers = values.flatMap((v) => positive(v) ?? []).filter((v) => v < ANY)
  return numbers.length > 0 ? Math.min(...numbers) : undefined
}

/** Longer than any text that a network reads: tokenizers without a limit name one of 1e30. */
const ANY = 1e9

/** Settings by name, in the first place that has them. */
class Reader {
  constructor(readonly places: readonly Json[]) {}

  one(name: string, more: readonly Json[] = []): unknown {
    return [...this.places, ...more].map((p) => p[name]).find((v) => v !== undefined && v !== null)
  }

  number(name: string): number | undefined {
    const value = this.one(name)
    if (value === undefined || typeof value === 'number') return value
    throw unreadable(name, value, 'It is a number.')
  }

  token(name: string): number | undefined {
    return this.tokens(name)[0]
  }

  tokens(name: string): readonly number[] {
    const value = this.one(name)
    const list = value === undefined ? [] : [value].flat()
    if (list.every((v): v is number => Number.isInteger(v))) return list.filter((v) => v >= 0)
    throw unreadable(name, value, 'It is the number of a token, or a list of such.')
  }

  groups(name: string): readonly (readonly number[])[] {
    const value = this.one(name) ?? []
    if (Array.isArray(value) && value.every((g) => Array.isArray(g) && g.every(Number.isInteger))) return value
    throw unreadable(name, value, 'It is a list of lists of tokens.')
  }
}

function unreadable(name: string, value: unknown, remedy: string): ExplainError {
  return new ExplainError('cannot-read', {
    what: `"${name}" is ${JSON.stringify(value)?.slice(0, 60)}`,
    where: 'config.json',
    remedy,
  })
}
