/**
 * What is explained, as data. A target is a plain JSON object with a `kind`, and a kind is one `defineTarget`: how it is written, what of it is a
 * run-time input, and what it is in the graph. There every target is the same thing: a value `scores` and weights of its elements, `seed`, of the
 * same shape; the target's score is the sum of their product, and the seed is what the walk back starts with.
 */
import { ExplainError } from '../core/errors.js'
import type { Dim, ValueInfo } from '../core/runtime.js'
import type { DataType, Tensor } from '../core/tensor.js'
import type { Builder } from '../onnx/builder.js'
import type { Graph } from '../onnx/ir.js'
import type { Shapes } from '../onnx/shapes.js'
import type { Answer, AnswerKind } from './answer.js'

/** The score of a class: its logit (before softmax or sigmoid), its probability, or the logarithm of that. */
export const SCORES = ['logit', 'probability', 'log-probability'] as const
export type Score = (typeof SCORES)[number]

/** The index that means "the best", in a target and in a compiled model's inputs. */
export const BEST = -1

/** A target of any kind, as JSON. */
export interface AnyTarget {
  readonly kind: string
}

/** What of a target is in the graph, not in its inputs: targets of one form share a plan. Plain JSON. */
export interface TargetForm {
  readonly kind: string
  readonly [parameter: string]: string | number | null | undefined
}

/** What a model answers, as targets are read and checked by. */
export interface TargetContext {
  readonly answer: Answer
  /** Class names in class order; empty where the model has none. */
  readonly labels: readonly string[]
  /** The score that was asked for; undefined: each kind's own. */
  readonly score: Score | undefined
  /** Values of the graph, by name. */
  readonly values: ReadonlyMap<string, ValueInfo>
  /** The text whose words the model scores, for models that write. */
  readonly written: Written | undefined
}

/** A text as the model has it: token `ids[i]` is scored at position `i` of the logits. */
export interface Written {
  readonly ids: readonly number[]
  /** What each token reads as. */
  readonly pieces: readonly string[]
  /** The words that the model knows. */
  readonly vocabulary: readonly string[]
}

/** A box that a detector found. Edges in pixels of the picture. */
export interface FoundBox {
  readonly x0: number
  readonly y0: number
  readonly x1: number
  readonly y1: number
  readonly index: number
  readonly score: number
  /** The place of its score in the row of all boxes' scores of all classes. */
  readonly element: number
  /** From there to the next class' score; undefined where the graph does not tell. */
  readonly step: number | undefined
}

/** What the unchanged picture tells, for what a target leaves open. */
export interface Settling extends TargetContext {
  /** Classes, best first. */
  ranked(): Promise<readonly number[]>
  /** A value of the graph. */
  value(name: string): Promise<Tensor<'float32'>>
  /** Where a point of the picture, in its pixels, lies in the model's input: shares from 0 to 1. */
  place(x: number, y: number): { readonly x: number; readonly y: number }
  /** The boxes that the model finds, best first. */
  boxes(): Promise<readonly FoundBox[]>
  /** The embedding of a text, or of another picture by what it was named; `of`: the value that is a picture's embedding. */
  embedding(wanted: WantedEmbedding): Promise<FoundEmbedding>
}

export type WantedEmbedding = ({ readonly text: string } | { readonly picture: string }) & {
  readonly of: string | undefined
}

export interface FoundEmbedding {
  /** The value that is a picture's embedding. */
  readonly value: string
  /** Of any length. */
  readonly numbers: Float32Array
}

/** One row of a run-time input. Rows of different lengths are filled up with -1. */
export interface InputRow {
  readonly type: 'int64' | 'float32'
  readonly dims: readonly number[]
  readonly data: readonly number[] | Float32Array
}

/** Rows by the role of the input: `target`, `other`, `mask`, ... */
export type InputRows = Readonly<Record<string, InputRow>>

/** The value that is explained, in a graph that has it. */
export interface TargetEnd {
  readonly graph: Graph
  readonly shapes: Shapes
  readonly value: string
}

/** What a kind adds its nodes with. */
export interface AppendContext {
  readonly b: Builder
  readonly answer: Answer
  /** The value of {@link TargetDefinition.end}. */
  readonly end: string
  /** The extent of the batch, as it is declared. */
  readonly batch: number | string
  /** Adds an input of this role, `[N,...dims]`; returns its name. */
  input(role: string, type: DataType, dims: readonly Dim[], meaning: string): string
  /** True where nothing is left open, and the inputs' batch is not the pictures'. */
  readonly settled: boolean
}

/** Names of what a target is in the graph. */
export interface Appended {
  /** `[N,...]`. */
  readonly scores: string
  /** In the shape of `scores`; its batch may be 1. */
  readonly seed: string
  /** int64 `[N]`: the class, of targets that are one class of a list. */
  readonly chosen?: string
  /** True where `seed` is `[N, classes]`: weights of the classes' scores. */
  readonly weighsClasses?: boolean
}

export interface TargetDefinition<T extends AnyTarget = AnyTarget> {
  readonly kind: T['kind']
  /** One sentence. */
  readonly summary: string
  /** How it is written: `contrast:CLASS>CLASS`. */
  readonly syntax: string
  readonly example: T
  /** Paper, section, equation; or what it follows. */
  readonly source: string
  /** The answers that it explains; undefined: any value of the graph. */
  readonly answers: readonly AnswerKind[] | undefined
  /** From what stands behind `kind:`. Throws `unknown-label`, `bad-option`, ... */
  parse(text: string, context: TargetContext): T
  /** From JSON, each part checked. Throws as `parse`. */
  check(given: Readonly<Record<string, unknown>>, context: TargetContext): T
  /** What stands behind `kind:`; read again it is the same target. */
  print(target: T, context: TargetContext): string
  /** For people: `dog rather than cat`. */
  describe(target: T, context: TargetContext): string
  /** The class that it is about, where it is about one. */
  classOf(target: T): number | undefined
  /** With nothing left open: the best class found, a point become a mask. */
  settle(target: T, host: Settling): Promise<T>
  form(target: T): TargetForm
  /** The form of what stands behind `kind:` where a model is compiled: what is a run-time input is left out. Throws as `parse`. */
  formOf(text: string, context: TargetContext): TargetForm
  /** The value that is explained, which may have to be added to the network. */
  end(form: TargetForm, network: { readonly graph: Graph; readonly shapes: Shapes; readonly answer: Answer }): TargetEnd
  append(form: TargetForm, context: AppendContext): Appended
  rows(target: T): InputRows
  /** The score, of a row of logits: for kinds that are about a list of classes, which then need no run of their own. */
  ofLogits?(target: T, logits: Float32Array, answer: Answer): number
}

/** A kind without what most kinds have alike. */
export type TargetParts<T extends AnyTarget> = Omit<TargetDefinition<T>, Usual> &
  Partial<Pick<TargetDefinition<T>, Usual>>

type Usual = 'classOf' | 'settle' | 'end' | 'formOf'

export function defineTarget<T extends AnyTarget>(parts: TargetParts<T>): TargetDefinition<T> {
  return {
    classOf: () => undefined,
    settle: async (target) => target,
    formOf: (_, { score = 'logit' }) => ({ kind: parts.kind, score }),
    end: (_, { graph, shapes, answer }) => ({ graph, shapes, value: answer.logits }),
    ...parts,
  }
}

/** A score by its name. Throws `bad-option`. */
export function scoreNamed(given: unknown, kind: string, otherwise: Score): Score {
  if (given === undefined) return otherwise
  const found = SCORES.find((s) => s === given)
  if (found) return found
  throw new ExplainError('bad-option', {
    what: `score is ${JSON.stringify(given)}`,
    where: `target of kind ${kind}`,
    remedy: `It is one of ${SCORES.join(', ')}.`,
  })
}

/** A whole number of a target. Throws `bad-option`. */
export function wholeNumber(given: unknown, name: string, kind: string, least = 0): number {
  if (typeof given === 'number' && Number.isInteger(given) && given >= least) return given
  throw new ExplainError('bad-option', {
    what: `${name} is ${JSON.stringify(given) ?? 'missing'}, and has to be a whole number from ${least} on`,
    where: `target of kind ${kind}`,
  })
}

/** A text of a target. Throws `bad-option`. */
export function textOf(given: unknown, name: string, kind: string): string {
  if (typeof given === 'string' && given.trim() !== '') return given
  throw new ExplainError('bad-option', {
    what: `${name} is ${JSON.stringify(given) ?? 'missing'}, and has to be a text`,
    where: `target of kind ${kind}`,
  })
}

/** Numbers of a target, or undefined where it has none yet. Throws `bad-option`. */
export function numbersOf(given: unknown, name: string, kind: string): readonly number[] | undefined {
  if (given === undefined) return undefined
  if (Array.isArray(given) && given.every((v) => typeof v === 'number' && Number.isFinite(v))) return given
  throw new ExplainError('bad-option', { what: `${name} is no list of numbers`, where: `target of kind ${kind}` })
}

export function int64Row(dims: readonly number[], data: readonly number[]): InputRow {
  return { type: 'int64', dims, data }
}

export function float32Row(dims: readonly number[], data: readonly number[] | Float32Array): InputRow {
  return { type: 'float32', dims, data }
}
