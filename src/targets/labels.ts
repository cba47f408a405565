/** Classes by what users call them. */
import { ExplainError } from '../core/errors.js'
import { didYouMean } from '../core/nearest.js'
import { BEST, type TargetContext } from './target.js'

/** Names that an error lists where a model has few. */
const FEW = 30

/** A class from an index or a label (case ignored; one of several synonyms separated by commas will do). Throws `unknown-label` with what would be valid. */
export function classIndex(text: string, context: TargetContext): number {
  const trimmed = text.trim()
  if (/^[+-]?\d+$/.test(trimmed)) return checkedIndex(Number(trimmed), context)
  return indexOfLabel(trimmed, context.labels)
}

/** An index that is there, or {@link BEST}. Throws `unknown-label`. */
export function checkedIndex(given: unknown, { answer, labels }: TargetContext): number {
  const { classes } = answer
  if (typeof given === 'number' && Number.isInteger(given) && given >= BEST && given < classes) return given
  throw new ExplainError('unknown-label', {
    what: `There is no class ${typeof given === 'number' ? given : (JSON.stringify(given) ?? 'without an index')} in this model`,
    remedy: `Classes go from 0 to ${classes - 1}${named(labels)}; ${BEST} is the best answer.`,
    details: { classes },
  })
}

/** A class' name; `class 285` where the model has no labels. */
export function labelOf(index: number, labels: readonly string[]): string {
  return index === BEST ? 'the best answer' : (labels[index] ?? `class ${index}`)
}

/** A label that is read again as the same class; else its index. */
export function printedClass(index: number, labels: readonly string[]): string {
  const label = labels[index]
  const clear =
    label !== undefined && !/[>@:/]/.test(label) && labels.indexOf(label) === index && !/^[+-]?\d+$/.test(label)
  return clear ? label : String(index)
}

function indexOfLabel(text: string, labels: readonly string[]): number {
  const wanted = text.toLowerCase()
  const exact = labels.findIndex((l) => l.toLowerCase() === wanted)
  if (exact >= 0) return exact
  const synonym = labels.findIndex((l) =>
    l
      .toLowerCase()
      .split(',')
      .some((part) => part.trim() === wanted),
  )
  if (synonym >= 0) return synonym
  const few = labels.length <= FEW ? `This model has ${labels.length} answers: ${labels.join(', ')}.` : ''
  throw new ExplainError('unknown-label', {
    what: `There is no class "${text}" in this model`,
    remedy:
      labels.length === 0
        ? 'The model comes without labels: give the class by its index, or keep a config.json with id2label beside it.'
        : [didYouMean(text, labels), few].filter((s) => s !== '').join(' ') || 'config.json lists the labels.',
    details: { label: text },
  })
}

function named(labels: readonly string[]): string {
  return labels.length > 0 && labels.length <= FEW ? ` (${labels.join(', ')})` : ''
}
