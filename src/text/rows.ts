/** What a model is given for words: their numbers, and what goes with these (masks, positions, kinds), a row for each text. */
import { ExplainError } from '../core/errors.js'
import type { ValueInfo } from '../core/runtime.js'
import { sizeOf, type Tensor, tensor, zeros } from '../core/tensor.js'

/** The inputs of one text. */
export interface WordInputs {
  /** `[N,T]`: the tokens' numbers. */
  readonly ids: ValueInfo
  /** `[N,T]`: 1 for a token, 0 for what fills the row. */
  readonly mask: ValueInfo | undefined
  /** `[N,T]`: tokens counted from 0. */
  readonly positions: ValueInfo | undefined
  /** `[N,T]`: which of two texts a token is of: always the first, 0. */
  readonly kinds: ValueInfo | undefined
}

/** How rows are filled up to one length. */
export interface Filling {
  readonly pad: number | undefined
  readonly side: 'left' | 'right'
  /** Undefined: that of the longest. */
  readonly length: number | undefined
}

/** Names as exporters write them, behind `decoder_` or `decoder/` where they are a decoder's. */
const ROLES = { ids: 'input_ids', mask: 'attention_mask', positions: 'position_ids', kinds: 'token_type_ids' } as const

/**
 * The inputs of the text that a model reads (a question) and of the one that it writes, which are the same where there is one text alone.
 * Undefined where no input takes words.
 */
export function wordInputs(inputs: readonly ValueInfo[]): { asked: WordInputs; written: WordInputs } | undefined {
  const own = inputsOf(inputs, '')
  const decoder = inputsOf(inputs, 'decoder_') ?? inputsOf(inputs, 'decoder/')
  const asked = own ?? decoder ?? unnamed(inputs)
  return asked && { asked, written: decoder ?? asked }
}

function inputsOf(inputs: readonly ValueInfo[], prefix: string): WordInputs | undefined {
  const named = (role: string): ValueInfo | undefined => inputs.find((i) => i.name === prefix + role)
  const ids = named(ROLES.ids)
  return ids && { ids, mask: named(ROLES.mask), positions: named(ROLES.positions), kinds: named(ROLES.kinds) }
}

/** The only rows of whole numbers, or the only ones whose name says that they are numbers of tokens. */
function unnamed(inputs: readonly ValueInfo[]): WordInputs | undefined {
  const rows = inputs.filter((i) => /^int(64|32)$/.test(i.type ?? '') && i.dims?.length === 2)
  const named = rows.filter((i) => /(^|_)ids$|tokens?$/.test(i.name))
  const [ids] = named.length === 1 ? named : rows
  return ids && (named.length === 1 || rows.length === 1)
    ? { ids, mask: undefined, positions: undefined, kinds: undefined }
    : undefined
}

/** The length that a model's file fixes; undefined where it takes any. */
export function fixedLength({ ids }: WordInputs): number | undefined {
  const length = ids.dims?.[1]
  return typeof length === 'number' ? length : undefined
}

/** What the inputs are fed for some texts. Throws `bad-option` for one that is too long, `no-vocabulary` where nothing is known to fill rows with. */
export function wordFeeds(
  inputs: WordInputs,
  texts: readonly (readonly number[])[],
  { pad, side, length: wanted }: Filling,
): Readonly<Record<string, Tensor>> {
  const longest = texts.reduce((n, text) => Math.max(n, text.length), 0)
  const length = fixedLength(inputs) ?? wanted ?? longest
  if (longest > length)
    throw new ExplainError('bad-option', {
      what: `The text has ${longest} tokens, and this model takes ${length}`,
      where: `input "${inputs.ids.name}"`,
      remedy: 'Give a shorter one.',
    })
  const filler = pad ?? (texts.every((text) => text.length === length) ? 0 : undefined)
  if (filler === undefined)
    throw new ExplainError('no-vocabulary', {
      what: `Texts are filled up to ${length} tokens, and the model's files do not say with what`,
      where: `input "${inputs.ids.name}"`,
      remedy: 'Name it in config.json: "pad_token_id": 0.',
    })
  const filled = (text: readonly number[], of: (id: number, i: number) => number, else_: number): readonly number[] => {
    const own = text.map(of)
    const rest = Array.from({ length: length - text.length }, () => else_)
    return side === 'left' ? [...rest, ...own] : [...own, ...rest]
  }
  const rows: readonly [ValueInfo | undefined, (text: readonly number[]) => readonly number[]][] = [
    [inputs.ids, (text) => filled(text, (id) => id, filler)],
    [inputs.mask, (text) => filled(text, () => 1, 0)],
    [inputs.positions, (text) => filled(text, (_, i) => i, 0)],
    [inputs.kinds, (text) => filled(text, () => 0, 0)],
  ]
  return Object.fromEntries(
    rows.flatMap(([input, row]): [string, Tensor][] =>
      input ? [[input.name, numbersOf(input, [texts.length, length], texts.flatMap(row))]] : [],
    ),
  )
}

/** Whole numbers in the type that an input takes. */
function numbersOf({ type = 'int64' }: ValueInfo, dims: readonly number[], values: readonly number[]): Tensor {
  const data = zeros(type, sizeOf(dims))
  if (data instanceof BigInt64Array || data instanceof BigUint64Array)
    for (const [i, v] of values.entries()) data[i] = BigInt(v)
  else data.set(values)
  return tensor(type, dims, data)
}
