/** Which classes to show where none is named: the best answer, and the best that rests on another part of the picture. */
import { correlation } from '../core/correlation.js'
import { ExplainError } from '../core/errors.js'
import type { ClassAnswer } from './explanation.js'
import type { ImageOptions } from './prepare.js'
import type { ExplainOptions, ExplanationSet } from './request.js'

/** Answers that are looked at. */
const CANDIDATES = 5
/** Two Grad-CAM maps with a correlation below this look at different places; one that is constant tells nothing of that. */
const DIFFERENT = 0.5

/** A model that can be asked, here or in a worker, about pictures of the kind that it takes. */
export interface Askable<Image> {
  classify(image: Image, options: DistinctOptions & { readonly top: number }): Promise<readonly ClassAnswer[]>
  explainAll(image: Image, options: ExplainOptions): Promise<ExplanationSet>
}

export type DistinctOptions = ImageOptions & Pick<ExplainOptions, 'layer' | 'grid' | 'signal'>

/**
 * The best answer and, of the next four, the best one whose Grad-CAM map has a correlation below 0.5 with the best answer's: two
 * things in one picture rather than two names of one thing. The second best where there is none, or no feature map to tell.
 */
export async function distinctAnswers<Image>(
  model: Askable<Image>,
  image: Image,
  options: DistinctOptions = {},
): Promise<readonly ClassAnswer[]> {
  const answers = await model.classify(image, { ...options, top: CANDIDATES })
  const [best, second] = answers
  if (!best || !second) return answers
  try {
    const { explanations } = await model.explainAll(image, {
      ...options,
      layer: [options.layer ?? []].flat()[0],
      method: 'grad-cam',
      target: answers.map((a) => a.index),
    })
    const [first, ...others] = explanations
    const found = first && others.find((e) => (correlation(first.raw.data, e.raw.data) ?? 1) < DIFFERENT)
    return [best, answers.find((a) => a.index === found?.answer.index) ?? second]
  } catch (error) {
    if (
      error instanceof ExplainError &&
      (error.code === 'method-not-applicable' || error.code === 'unsupported-operator')
    )
      return [best, second]
    throw error
  }
}
