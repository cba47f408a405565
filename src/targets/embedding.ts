/** Similarity of a picture's embedding to another embedding, which is a run-time input. */
import { ExplainError } from '../core/errors.js'
import type { Graph } from '../onnx/ir.js'
import type { Shapes } from '../onnx/shapes.js'
import type { Answer } from './answer.js'
import { asSeed } from './class-scores.js'
import { embeddingValue } from './embedding-value.js'
import {
  type AnyTarget,
  type AppendContext,
  type Appended,
  defineTarget,
  float32Row,
  type InputRows,
  numbersOf,
  type TargetEnd,
  type TargetForm,
  textOf,
} from './target.js'

/** What the run-time input is: texts and pictures are the same in the graph. */
const EMBEDDING = 'embedding of a text or another picture, of length 1; or the difference of two'

/** How alike a picture and a text are: the cosine of their embeddings; or how much liker this text than another. */
export interface TextTarget {
  readonly kind: 'text'
  readonly text: string
  /** A text that it is told from: the difference of the cosines. */
  readonly other?: string
  /** The value that is the picture's embedding. Default: see {@link embeddingValue}. */
  readonly of?: string
  /** Of the text, of length 1 (with `other`: the difference of the two); absent until it is computed. */
  readonly embedding?: readonly number[]
}

/** How alike a picture and another are: the cosine of their embeddings. */
export interface SimilarityTarget {
  readonly kind: 'similarity'
  /** What the other picture is called: a file, where there are files. */
  readonly to: string
  /** The value that is a picture's embedding. Default: the model's, or of a classifier what its last linear layer reads; see {@link embeddingValue}. */
  readonly of?: string
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
  answers: ['embedding', 'classes', 'values'],
  parse: (given) => {
    const [text = '', other] = given.split('>')
    return {
      kind: 'text',
      text: textOf(text, 'text', 'text').trim(),
      ...(other === undefined ? {} : { other: textOf(other, 'other', 'text').trim() }),
    }
  },
  check: ({ text, other, of, embedding }) => ({
    kind: 'text',
    text: textOf(text, 'text', 'text'),
    ...(other === undefined ? {} : { other: textOf(other, 'other', 'text') }),
    ...given({ of, embedding }, 'text'),
  }),
  print: ({ text, other }) => (other === undefined ? text : `${text}>${other}`),
  describe: ({ text, other }) => (other === undefined ? `“${text}”` : `“${text}” rather than “${other}”`),
  settle: async (target, host) => {
    if (target.embedding) return target
    const { of } = target
    const one = unit((await host.embedding({ text: target.text, of })).numbers)
    if (target.other === undefined) return { ...target, embedding: one }
    const two = unit((await host.embedding({ text: target.other, of })).numbers)
    return { ...target, embedding: one.map((v, i) => v - (two[i] ?? 0)) }
  },
  form: ({ of }) => formOf(of),
  formOf: (text) => formOf(text.trim() || undefined),
  end: endOf,
  append: (_, context) => appendEmbedding(context, EMBEDDING),
  rows: rowsOf,
})

export const similarityTarget = defineTarget<SimilarityTarget>({
  kind: 'similarity',
  summary: 'How alike the picture and another are: the cosine of their embeddings.',
  syntax: 'similarity:PICTURE',
  example: { kind: 'similarity', to: 'other.jpg' },
  source:
    'Chen et al., WACV 2020 (arXiv 2001.06538): Grad-CAM of embedding networks, of the similarity itself; SimilarityToConceptTarget in pytorch-grad-cam',
  answers: undefined,
  parse: (text) => ({ kind: 'similarity', to: textOf(text, 'to', 'similarity').trim() }),
  check: ({ to, of, embedding }) => ({
    kind: 'similarity',
    to: textOf(to, 'to', 'similarity'),
    ...given({ of, embedding }, 'similarity'),
  }),
  print: ({ to }) => to,
  describe: ({ to, of }) => (of === undefined ? `like ${to}` : `like ${to} in ${of}`),
  settle: async (target, host) => {
    if (target.embedding) return target
    const { value, numbers } = await host.embedding({ picture: target.to, of: target.of })
    // what is no answer of the model is named
    const of = value === host.answer.logits ? {} : { of: value }
    return { ...target, ...of, embedding: unit(numbers) }
  },
  // the same in the graph
  form: ({ of }) => formOf(of),
  formOf: (text) => formOf(text.trim() || undefined),
  end: endOf,
  append: (_, context) => appendEmbedding(context, EMBEDDING),
  rows: rowsOf,
})

function given(
  { of, embedding }: Readonly<Record<'of' | 'embedding', unknown>>,
  kind: string,
): { readonly of?: string; readonly embedding?: readonly number[] } {
  const numbers = numbersOf(embedding, 'embedding', kind)
  return {
    ...(of === undefined ? {} : { of: textOf(of, 'of', kind) }),
    ...(numbers ? { embedding: numbers } : {}),
  }
}

function formOf(of: string | undefined): TargetForm {
  return of === undefined ? { kind: 'text' } : { kind: 'text', of }
}

/** The embedding. */
function endOf(
  { of }: TargetForm,
  { graph, shapes, answer }: { readonly graph: Graph; readonly shapes: Shapes; readonly answer: Answer },
): TargetEnd {
  const { value } = embeddingValue(graph, shapes, answer, of === undefined || of === null ? undefined : String(of))
  return { graph, shapes, value }
}

/** The picture's embedding, of length 1, times the one that is given. */
function appendEmbedding(context: AppendContext, meaning: string): Appended {
  const { b, end, batch } = context
  const dims = b.dims(end) ?? []
  const size = dims[1] ?? null
  const flat = dims.length === 2 ? end : b.op('Flatten', [end], { axis: 1 })
  b.know(flat, b.type(end), [batch, size])
  const length = b.op('ReduceL2', [flat, b.int64s([1])], { keepdims: 1 })
  b.know(length, b.type(end), [batch, 1])
  const floor = b.op('Max', [length, b.scalar(1e-12, flat)])
  b.know(floor, b.type(end), [batch, 1])
  const scores = b.op('Div', [flat, floor])
  b.know(scores, b.type(end), [batch, size])
  const seed = context.input('embedding', 'float32', [size], meaning)
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
export function unit(values: Float32Array): readonly number[] {
  const length = Math.hypot(...values)
  return Array.from(values, (v) => Number((v / Math.max(length, 1e-12)).toPrecision(8)))
}
