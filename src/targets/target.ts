/**
 * What is explained, as data: a target is a plain JSON object. It is parsed from what a user types, and appended to the graph
 * as a score per picture whose class is an input at run time.
 */
import { ExplainError } from '../core/errors.js'
import { didYouMean } from '../core/nearest.js'

/** The score of a class: its logit (before softmax), or its probability. */
export type Score = 'logit' | 'probability'

/** One class of a classifier. `index` -1 is the best answer. */
export interface ClassTarget {
  readonly kind: 'class'
  readonly index: number
  readonly score: Score
}

export type Target = ClassTarget

/** The index that means "the best answer", in a target and in a compiled model's `target` input. */
export const BEST = -1

export interface TargetContext {
  /** Class names in class order; empty where the model has none. */
  readonly labels: readonly string[]
  readonly classes: number
  readonly score: Score
}

/**
 * A target from what a user gives: an index, a label (case ignored; one of several synonyms separated by commas will do), or a
 * target object. Throws `unknown-label` with the nearest labels.
 */
export function parseTarget(text: string | number | Target, context: TargetContext): ClassTarget {
  if (typeof text === 'object') return checked(text.index, text.score, context)
  const number = typeof text === 'number' ? text : /^[+-]?\d+$/.test(text.trim()) ? Number(text) : undefined
  if (number !== undefined) return checked(number, context.score, context)
  return checked(indexOfLabel(String(text), context.labels), context.score, context)
}

function checked(index: number, score: Score, { classes }: TargetContext): ClassTarget {
  if (!Number.isInteger(index) || index < BEST || index >= classes)
    throw new ExplainError('unknown-label', {
      what: `There is no class ${index} in this model`,
      remedy: `Classes go from 0 to ${classes - 1}; ${BEST} is the best answer.`,
      details: { classes },
    })
  return { kind: 'class', index, score }
}

function indexOfLabel(text: string, labels: readonly string[]): number {
  const wanted = text.trim().toLowerCase()
  const exact = labels.findIndex((l) => l.toLowerCase() === wanted)
  if (exact >= 0) return exact
  const synonym = labels.findIndex((l) =>
    l
      .toLowerCase()
      .split(',')
      .some((part) => part.trim() === wanted),
  )
  if (synonym >= 0) return synonym
  throw new ExplainError('unknown-label', {
    what: `There is no class "${text}" in this model`,
    remedy:
      labels.length === 0
        ? 'The model comes without labels: give the class by its index, or keep a config.json with id2label beside it.'
        : didYouMean(text, labels) || 'config.json lists the labels.',
    details: { label: text },
  })
}
