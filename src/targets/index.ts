/** All kinds of targets, and how what a user gives becomes one. */
import { ExplainError } from '../core/errors.js'
import { didYouMean } from '../core/nearest.js'
import type { Answer, AnswerKind } from './answer.js'
import { type AnswerTarget, answerTarget } from './answer-target.js'
import { type BoxTarget, boxTarget } from './box.js'
import { type ChannelTarget, channelTarget, type UnitTarget, unitTarget } from './channel.js'
import { type ClassTarget, classTarget } from './class.js'
import { type ContrastTarget, contrastTarget } from './contrast.js'
import { type CounterfactualTarget, counterfactualTarget } from './counterfactual.js'
import { type SimilarityTarget, similarityTarget, type TextTarget, textTarget } from './embedding.js'
import { type ExpressionTarget, expressionTarget } from './expression.js'
import { type NeuronTarget, neuronTarget } from './neuron.js'
import { type RegionTarget, regionTarget } from './region.js'
import { type ScalarTarget, scalarTarget } from './scalar.js'
import type { Score, Settling, TargetContext, TargetDefinition, TargetForm } from './target.js'
import { type WordTarget, wordTarget } from './word.js'

export type Target =
  | ClassTarget
  | ContrastTarget
  | CounterfactualTarget
  | ScalarTarget
  | RegionTarget
  | BoxTarget
  | WordTarget
  | AnswerTarget
  | TextTarget
  | SimilarityTarget
  | NeuronTarget
  | ChannelTarget
  | UnitTarget
  | ExpressionTarget

/** What a user gives: a target object, a class index, or text: `kind:...`, or what the model's answers are called by. */
export type GivenTarget = string | number | Target

/** By kind, so that a kind that is not here does not compile. */
const DEFINITIONS: { readonly [K in Target['kind']]: TargetDefinition<Extract<Target, { readonly kind: K }>> } = {
  class: classTarget,
  contrast: contrastTarget,
  counterfactual: counterfactualTarget,
  scalar: scalarTarget,
  region: regionTarget,
  box: boxTarget,
  word: wordTarget,
  answer: answerTarget,
  text: textTarget,
  similarity: similarityTarget,
  neuron: neuronTarget,
  channel: channelTarget,
  unit: unitTarget,
  expression: expressionTarget,
}

export const TARGET_KINDS: readonly TargetDefinition<Target>[] = Object.values(DEFINITIONS)

/** The kind by which an answer's parts are called, where no kind is written. */
const PLAIN: Readonly<Record<AnswerKind, Target['kind'] | undefined>> = {
  classes: 'class',
  words: 'word',
  map: 'region',
  boxes: 'box',
  embedding: 'text',
  values: undefined,
}

/** What is explained where nothing is named. */
const DEFAULT: Readonly<Record<AnswerKind, string | undefined>> = {
  classes: 'class:-1',
  words: 'word:*',
  map: 'region:',
  boxes: 'box:0',
  embedding: undefined,
  values: undefined,
}

/** The definition of a kind. Throws `bad-option`. */
export function targetKind(kind: string): TargetDefinition<Target> {
  const found = TARGET_KINDS.find((d) => d.kind === kind)
  if (found) return found
  const kinds = TARGET_KINDS.map((d) => d.kind)
  throw new ExplainError('bad-option', {
    what: `There is no kind of target "${kind}"`,
    remedy: didYouMean(kind, kinds) || `There are: ${kinds.join(', ')}.`,
  })
}

/** A target from what a user gives; undefined: what the model's answer is explained by where nothing is named. Throws `unknown-label`, `bad-option`, ... */
export function readTarget(given: GivenTarget | undefined, context: TargetContext): Target {
  if (typeof given === 'object') return checkTarget(given, context)
  const { kind } = context.answer
  const text = given === undefined ? DEFAULT[kind] : String(given)
  if (text === undefined) throw nothingNamed(context.answer)
  const isLabel = context.labels.includes(text)
  const [, name, rest = ''] = /^([a-z]+)(?::([\s\S]*))?$/.exec(text) ?? []
  const written = isLabel ? undefined : TARGET_KINDS.find((d) => d.kind === name)
  if (written && (text.includes(':') || written.kind === 'scalar')) {
    refuseUnfit(written, context.answer)
    return written.parse(rest, context)
  }
  const plain = PLAIN[kind]
  if (plain === undefined) throw nothingNamed(context.answer)
  if (typeof given === 'number' && plain === 'class') return classTarget.check({ index: given }, context)
  return targetKind(plain).parse(text, context)
}

/** A target from JSON. Throws `bad-option` for what is none. */
export function checkTarget(given: unknown, context: TargetContext): Target {
  const kind: unknown = typeof given === 'object' && given !== null ? Reflect.get(given, 'kind') : undefined
  if (typeof kind !== 'string')
    throw new ExplainError('bad-option', {
      what: `${JSON.stringify(given)} is no target`,
      remedy: `A target is an object with a kind: ${TARGET_KINDS.map((d) => d.kind).join(', ')}.`,
    })
  const definition = targetKind(kind)
  refuseUnfit(definition, context.answer)
  return definition.check({ ...(given as object) }, context)
}

/** The target as text, which read again is the same target. */
export function printTarget(target: Target, context: TargetContext): string {
  return `${target.kind}:${targetKind(target.kind).print(target, context)}`
}

/** What a target is called, for people. */
export function describeTarget(target: Target, context: TargetContext): string {
  return targetKind(target.kind).describe(target, context)
}

/** With nothing left open. */
export function settleTarget(target: Target, host: Settling): Promise<Target> {
  return targetKind(target.kind).settle(target, host)
}

/** Equal for targets that are the same. */
export function targetKey(target: Target): string {
  return JSON.stringify(target)
}

/** The form of what an answer's parts are called by, where none is named. Throws `method-not-applicable` where nothing is. */
export function plainForm(answer: Answer, score: Score = 'logit'): TargetForm {
  const kind = PLAIN[answer.kind]
  if (kind === undefined) throw nothingNamed(answer)
  return kind === 'text' ? { kind } : { kind, score }
}

/** The form of a target that is compiled, from its text: `word`, `contrast`, `neuron:VALUE`, `expression:...`. Throws as {@link readTarget}. */
export function readForm(text: string, context: TargetContext): TargetForm {
  const [, name = '', rest = ''] = /^([a-z]+)(?::([\s\S]*))?$/.exec(text.trim()) ?? []
  const definition = targetKind(name === '' ? text : name)
  refuseUnfit(definition, context.answer)
  return definition.formOf(rest, context)
}

/** Throws `method-not-applicable` where a kind does not explain what this model answers. */
export function refuseUnfit({ kind, answers }: TargetDefinition<Target>, answer: Answer): void {
  if (!answers || answers.includes(answer.kind)) return
  const fit = TARGET_KINDS.filter((d) => !d.answers || d.answers.includes(answer.kind)).map((d) => d.kind)
  throw new ExplainError('method-not-applicable', {
    what: `A target of kind ${kind} explains ${answers.map((a) => SAYS[a]).join(' or ')}, and this model answers ${saysOf(answer)}`,
    remedy: `Here there can be: ${fit.join(', ')}.`,
  })
}

function nothingNamed(answer: Answer): ExplainError {
  return new ExplainError('method-not-applicable', {
    what: `This model answers ${saysOf(answer)}, and what of it is explained has to be named`,
    remedy:
      answer.kind === 'embedding'
        ? 'Name a text or another picture that it is like: --target "text:a photo of a cat", --target similarity:OTHER.jpg.'
        : 'Name a value: --target "neuron:VALUE[0]", --target "expression:sum(VALUE)"; "onnxplain inspect MODEL" lists them.',
  })
}

/** What each kind of answer is called in messages. */
const SAYS: Readonly<Record<AnswerKind, string>> = {
  classes: 'scores of classes [N,classes]',
  words: 'scores of words [N,words,vocabulary]',
  map: 'a map of scores [N,classes,height,width]',
  boxes: 'boxes',
  embedding: 'an embedding [N,numbers]',
  values: 'numbers that are none of these',
}

function saysOf({ kind, output, dims }: Answer): string {
  return `${SAYS[kind]} ("${output}" [${dims.map((d) => d ?? '?').join(', ')}])`
}

export type {
  AnswerTarget,
  BoxTarget,
  ChannelTarget,
  ClassTarget,
  ContrastTarget,
  CounterfactualTarget,
  ExpressionTarget,
  NeuronTarget,
  RegionTarget,
  ScalarTarget,
  SimilarityTarget,
  TextTarget,
  UnitTarget,
  WordTarget,
}
