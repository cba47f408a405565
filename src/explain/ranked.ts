/** A classifier's answers in their order. */
import { type Answer, probabilities } from '../targets/answer.js'
import { labelOf } from '../targets/labels.js'
import type { ClassAnswer } from './explanation.js'

/** The classes of a row of logits, best first. */
export function rankedAnswers(
  logits: Float32Array,
  { activation }: Answer,
  labels: readonly string[],
): readonly ClassAnswer[] {
  const p = probabilities(logits, activation)
  return Array.from(logits, (logit, index) => ({
    index,
    label: labelOf(index, labels),
    logit,
    probability: p[index] ?? 0,
  })).sort((a, b) => b.logit - a.logit)
}
