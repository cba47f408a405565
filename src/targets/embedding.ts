/** Similarity of a picture's embedding to another embedding, which is a run-time input. */
import { ExplainError } from '../core/errors.js'
import { asSeed } from './class-scores.js'
import {
  type AnyTarget,
  type AppendContext,
  type Appended,
  defineTarget,
  float32Row,
  type InputRows,
  numbersOf,
  textOf,
} from './target.js'

/** How alike a picture and a text are: the cosine of their embeddings; or how much liker this text than another. */
export interface TextTarget {
  readonly kind: 'text'
  readonly text: string
  /** A text that it is told from: the difference of the cosines. */
  readonly other?: string
  /** Of the text, of length 1 (with `other`: the difference of the two); absent until it is computed. */
  readonly embedding?: readonly number[]
}

/** How alike a picture and another are: the cosine of their embeddings. */
export interface SimilarityTarget {
  readonly kind: 'similarity'
  /** What the other picture is called: a file, where there are files. */
  readonly to: string
  /** Of the other picture, of length 1; absent until it is computed. */
  readonly embedding?: readonly number[]
}

export const textTarget = defineTarget<TextTarget>({
  kind: 'text',
  summary:
    'How alike the picture and a text are (the cosine of their embeddings), or with ">" how much liker this text than that.',
  syntax: 'text:TEXT | text:TEXT>TEXT',
  example: { kind: 'text', text: 'a photo of a cat' },
  source: 'Radford et al., CLIP, ICML 2021 (arXiv 2103.00020), section 2.3: the cosine of the embeddings',
  answers: ['embedding', 'classes'],
  parse: (given) => {
    const [text = '', other] = given.split('>')
    return {
      kind: 'text',
      text: textOf(text, 'text', 'text').trim(),
      ...(other === undefined ? {} : { other: textOf(other, 'other', 'text').trim() }),
    }
  },
  check: ({ text, other, embedding }) => ({
    kind: 'text',
    text: textOf(text, 'text', 'text'),
    ...(other === undefined ? {} : { other: textOf(other, 'other', 'text') }),
    ...given(embedding, 'text'),
  }),
  print: ({ text, other }) => (other === undefined ? text : `${text}>${other}`),
  describe: ({ text, other }) => (other === undefined ? `“${text}”` : `“${text}” rather than “${other}”`),
  settle: async (target, host) => {
    if (target.embedding) return target
    const one = unit(await host.embedding({ text: target.text }))
    if (target.other === undefined) return { ...target, embedding: one }
    const two = unit(await host.embedding({ text: target.other }))
    return { ...target, embedding: one.map((v, i) => v - (two[i] ?? 0)) }
  },
  form: () => ({ kind: 'text' }),
  formOf: () => ({ kind: 'text' }),
  append: (_, context) => appendEmbedding(context, 'embedding of the text, of length 1; or the difference of two'),
  rows: rowsOf,
})

export const similarityTarget = defineTarget<SimilarityTarget>({
  kind: 'similarity',
  summary: 'How alike the picture and another are: the cosine of their embeddings.',
  syntax: 'similarity:PICTURE',
  example: { kind: 'similarity', to: 'other.jpg' },
  source:
    'Chen et al., WACV 2020 (arXiv 2003.00991): Grad-CAM of embedding networks, of the similarity itself; SimilarityToConceptTarget in pytorch-grad-cam',
  answers: ['embedding', 'classes'],
  parse: (text) => ({ kind: 'similarity', to: textOf(text, 'to', 'similarity').trim() }),
  check: ({ to, embedding }) => ({
    kind: 'similarity',
    to: textOf(to, 'to', 'similarity'),
    ...given(embedding, 'similarity'),
  }),
  print: ({ to }) => to,
  describe: ({ to }) => `like ${to}`,
  settle: async (target, host) =>
    target.embedding ? target : { ...target, embedding: unit(await host.embedding({ picture: target.to })) },
  // the same in the graph
  form: () => ({ kind: 'text' }),
  formOf: () => ({ kind: 'text' }),
  append: (_, context) => appendEmbedding(context, 'embedding of the other picture, of length 1'),
  rows: rowsOf,
})

function given(embedding: unknown, kind: string): { readonly embedding?: readonly number[] } {
  const numbers = numbersOf(embedding, 'embedding', kind)
  return numbers ? { embedding: numbers } : {}
}

/** The picture's embedding, of length 1, times the one that is given. */
function appendEmbedding(context: AppendContext, meaning: string): Appended {
  const { b, end, answer, batch } = context
  const flat = answer.dims.length === 2 ? end : b.op('Flatten', [end], { axis: 1 })
  b.know(flat, b.type(end), [batch, answer.classes])
  const length = b.op('ReduceL2', [flat, b.int64s([1])], { keepdims: 1 })
  b.know(length, b.type(end), [batch, 1])
  const floor = b.op('Max', [length, b.scalar(1e-12, flat)])
  b.know(floor, b.type(end), [batch, 1])
  const scores = b.op('Div', [flat, floor])
  b.know(scores, b.type(end), [batch, answer.classes])
  const seed = context.input('embedding', 'float32', [answer.classes], meaning)
  return { scores, seed: asSeed(context, seed, scores) }
}

function rowsOf({ kind, embedding }: AnyTarget & { readonly embedding?: readonly number[] }): InputRows {
  if (!embedding)
    throw new ExplainError('bad-option', {
      what: 'The embedding of this target is not known yet',
      where: `target of kind ${kind}`,
    })
  return { embedding: float32Row([embedding.length], embedding) }
}

/** Of length 1, with the digits that float32 has. */
function unit(values: Float32Array): readonly number[] {
  const length = Math.hypot(...values)
  return Array.from(values, (v) => Number((v / Math.max(length, 1e-12)).toPrecision(8)))
}
