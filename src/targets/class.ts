import { asSeed, chosenOf, classScores, hotRows, scoreOf } from './class-scores.js'
import { type OneClass, ofOneClass } from './one-class.js'
import { type AppendContext, type Appended, defineTarget, type TargetForm } from './target.js'

/** One class of a classifier. `index` -1 is the best answer. */
export interface ClassTarget extends OneClass {
  readonly kind: 'class'
}

export const classTarget = defineTarget<ClassTarget>({
  ...ofOneClass('class'),
  summary: 'One class of a classifier.',
  example: { kind: 'class', index: 282, score: 'logit' },
  source: 'Selvaraju et al., Grad-CAM, IJCV 2020 (arXiv 1610.02391), section 3: y^c before the softmax',
  append: appendClass,
})

export function appendClass(form: TargetForm, context: AppendContext): Appended {
  const { b, answer } = context
  const scores = classScores(context, scoreOf(form))
  const input = context.input('target', 'int64', [], 'class index, -1 for the best answer')
  const chosen = chosenOf(context, input, scores)
  return { scores, seed: asSeed(context, hotRows(b, chosen, answer.classes), scores), chosen, weighsClasses: true }
}
