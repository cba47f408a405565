/** What the words of a question are worth to an answer. */
import { ExplainError, throwIfAborted } from '../core/errors.js'
import { type Tensor, tensor } from '../core/tensor.js'
import { type Target, targetKey } from '../targets/index.js'
import { type TextWord, wordsOf } from '../text/index.js'
import { type WordInputs, wordInputs } from '../text/rows.js'
import type { Model } from './model.js'
import type { Image, Prepared } from './prepare.js'
import type { ExplainOptions } from './request.js'

/** What a word adds to an answer's score: above 0 it speaks for the answer. */
export interface WordImportance {
  readonly text: string
  readonly importance: number
}

/** A target with the words of the question. */
export interface QuestionWords {
  readonly target: Target
  /** As `answer.key` of the target's explanations. */
  readonly key: string
  readonly words: readonly WordImportance[]
}

/** The ways to tell what a word is worth. */
export const QUESTION_METHODS = {
  /** Each word's embedding times the gradient by it, summed (Shrikumar et al. 2016, arXiv 1605.01713): what takes one run back. */
  gradient: 'gradient x embedding',
  /** What the score loses where the word is left out: padding stands in its place (Li et al. 2016, arXiv 1612.08220). One run a word. */
  'leaving-out': 'score lost without the word',
} as const
export type QuestionMethod = keyof typeof QUESTION_METHODS

/**
 * What each word of the question is worth to each target (default: the best answer). The question is that of the options, or of what the picture was
 * prepared with. Rejects with `missing-input`, `method-not-applicable` (a model that takes no text; words that are not looked up in a table), and, for
 * leaving out, `no-vocabulary` where the model's files name no padding.
 */
export async function questionWords(
  model: Model,
  image: Image,
  options: Omit<ExplainOptions, 'method' | 'wrt' | 'options'> & { readonly by?: QuestionMethod } = {},
): Promise<readonly QuestionWords[]> {
  const { by = 'gradient', ...given } = options
  const prepared = model.prepare(image, given)
  const question = questionOf(model, prepared)
  return by === 'gradient'
    ? byGradient(model, prepared, question, given)
    : byLeavingOut(model, prepared, question, given)
}

type Asking = Omit<ExplainOptions, 'method' | 'wrt' | 'options'>

async function byGradient(
  model: Model,
  prepared: Prepared,
  { asked, tokens, words }: Question,
  options: Asking,
): Promise<readonly QuestionWords[]> {
  const asking = { ...options, method: 'input-x-gradient', wrt: asked.ids.name, layer: undefined, grid: undefined }
  const { explanations, refused } = await model.explainAll(prepared, asking)
  const [refusal] = refused
  if (explanations.length === 0 && refusal) throw refusal.error
  return explanations.map(({ raw, target }) => {
    const size = raw.data.length / tokens
    const worth = (place: number): number => sumOf(raw.data.subarray(place * size, (place + 1) * size))
    return {
      target,
      key: targetKey(target),
      words: words.map(({ text, places }) => ({ text, importance: sumOf(places.map(worth)) })),
    }
  })
}

async function byLeavingOut(
  model: Model,
  prepared: Prepared,
  { asked, words }: Question,
  options: Asking,
): Promise<readonly QuestionWords[]> {
  const wanted = [options.target].flat()
  const [best] = wanted.includes(undefined) ? await model.classify(prepared, { top: 1 }) : []
  const found: QuestionWords[] = []
  for (const given of wanted) {
    const target = model.readTarget(given ?? best?.index, prepared, options)
    const score = async (shown: Prepared): Promise<number> => {
      throwIfAborted(options.signal)
      const [only = Number.NaN] = await model.scores(shown, shown.feed.pictures, target)
      return only
    }
    const whole = await score(prepared)
    const weighed: WordImportance[] = []
    for (const { text, places } of words)
      weighed.push({ text, importance: whole - (await score(without(model, prepared, asked, places))) })
    found.push({ target, key: targetKey(target), words: weighed })
  }
  return found
}

interface Question {
  readonly asked: WordInputs
  /** The length of the row. */
  readonly tokens: number
  readonly words: readonly TextWord[]
}

/** The words that a prepared question has, by their places in the row of tokens. */
function questionOf(model: Model, { feed }: Prepared): Question {
  const inputs = wordInputs(model.others)
  const ids = inputs && feed.others[inputs.asked.ids.name]
  if (!inputs || !ids)
    throw new ExplainError('method-not-applicable', {
      what: 'This model is asked nothing: none of its inputs takes the numbers of words',
    })
  const tokens = ids.dims.at(-1) ?? 1
  const row = Array.from({ length: tokens }, (_, i) => Number(ids.data[i]))
  const mask = inputs.asked.mask && feed.others[inputs.asked.mask.name]
  const pad = padOf(model)
  const kept = row.flatMap((id, place) => ((mask ? Number(mask.data[place]) !== 0 : id !== pad) ? [place] : []))
  const tokenizer = model.text?.tokenizer
  const words = tokenizer
    ? wordsOf(
        kept.map((place) => row[place] ?? 0),
        tokenizer,
      )
    : kept.map((place, i) => ({ text: `token ${row[place]}`, places: [i] }))
  return {
    asked: inputs.asked,
    tokens,
    words: words.map(({ text, places }) => ({ text, places: places.map((i) => kept[i] ?? 0) })),
  }
}

function padOf({ text }: Pick<Model, 'text'>): number | undefined {
  return text?.settings.pad ?? text?.tokenizer.pad
}

/** The same, with padding in the places of some tokens. */
function without(model: Model, prepared: Prepared, { ids, mask }: WordInputs, places: readonly number[]): Prepared {
  const pad = padOf(model)
  if (pad === undefined)
    throw new ExplainError('no-vocabulary', {
      what: "The model's files do not say what stands in the place of a word that is left out",
      where: 'config.json',
      remedy: 'Name it in config.json: "pad_token_id": 0.',
    })
  const { feed } = prepared
  const others = {
    ...feed.others,
    ...filled(feed.others, ids.name, places, pad),
    ...(mask ? filled(feed.others, mask.name, places, 0) : {}),
  }
  return { ...prepared, feed: { ...feed, others } }
}

/** An input of words with a number in some places of each row. */
function filled(
  inputs: Readonly<Record<string, Tensor>>,
  name: string,
  places: readonly number[],
  value: number,
): Readonly<Record<string, Tensor>> {
  const given = inputs[name]
  if (!given) return {}
  const { type, dims } = given
  const data = given.data.slice()
  const length = dims.at(-1) ?? 1
  for (let start = 0; start < data.length; start += length)
    for (const place of places)
      if (data instanceof BigInt64Array || data instanceof BigUint64Array) data[start + place] = BigInt(value)
      else data[start + place] = value
  return { [name]: tensor(type, dims, data) }
}

function sumOf(values: ArrayLike<number>): number {
  return Array.from(values).reduce((a, b) => a + b, 0)
}
