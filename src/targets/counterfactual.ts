import { appendClass } from './class.js'
import { asSeed, scoreOfRow } from './class-scores.js'
import { labelOf } from './labels.js'
import { type OneClass, ofOneClass } from './one-class.js'
import { defineTarget } from './target.js'

/** What speaks against a class: its score with the sign turned. */
export interface CounterfactualTarget extends OneClass {
  readonly kind: 'counterfactual'
}

export const counterfactualTarget = defineTarget<CounterfactualTarget>({
  ...ofOneClass('counterfactual'),
  summary: 'What speaks against a class: its score with the sign turned.',
  example: { kind: 'counterfactual', index: 282, score: 'logit' },
  source: 'Selvaraju et al., Grad-CAM, IJCV 2020 (arXiv 1610.02391), section 3.3: the gradient negated',
  describe: ({ index }, { labels }) => `not ${labelOf(index, labels)}`,
  append: (form, context) => {
    const { scores, seed } = appendClass(form, context)
    return { scores, seed: asSeed(context, context.b.op('Neg', [seed]), scores), weighsClasses: true }
  },
  ofLogits: ({ index, score }, logits, answer) => -scoreOfRow(logits, answer, index, score),
})
