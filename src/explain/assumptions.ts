/** What of a model had to be assumed, for people. */
import type { PreprocessSpec } from '../image/index.js'
import type { Answer, AnswerKind } from '../targets/answer.js'
import type { PictureInput } from './input.js'
import type { OtherInput } from './others.js'

/** Answers whose numbers along one axis are classes, which labels name. */
const OF_CLASSES: ReadonlySet<AnswerKind> = new Set(['classes', 'words', 'map'])

export interface Assumed {
  readonly input: PictureInput
  readonly others: readonly OtherInput[]
  readonly answer: Answer
  readonly labels: readonly string[]
  readonly preprocessing: PreprocessSpec | undefined
}

/** `guessed`: whether the preprocessing is a guess. */
export function assumptions({ input, others, answer, labels, preprocessing }: Assumed, guessed: boolean): string[] {
  const { classes, output } = answer
  const miscounted = OF_CLASSES.has(answer.kind) && labels.length > 0 && labels.length !== classes
  return [
    ...(guessed && preprocessing ? [`Preprocessing: ${preprocessing.source}.`] : []),
    ...(others.length > 0 ? [`The picture goes to the input "${input.name}".`] : []),
    ...(answer.others.length > 0
      ? [`Explained is the output "${output}"; others could be too: ${answer.others.join(', ')}.`]
      : []),
    ...(miscounted ? [`There are ${labels.length} labels for ${classes} classes: they may not belong together.`] : []),
  ]
}
