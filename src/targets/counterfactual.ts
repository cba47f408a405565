import { settledIndex } from './class.js'
import { asSeed, chosenOf, classScores, hotRows, scoreForm, scoreOf, scoreOfRow } from './class-scores.js'
import { checkedIndex, classIndex, labelOf, printedClass } from './labels.js'
import { defineTarget, int64Row, type Score, scoreNamed } from './target.js'

/** What speaks against a class: its score with the sign turned. */
export interface CounterfactualTarget {
  readonly kind: 'counterfactual'
  readonly index: number
  readonly score: Score
}

export const counterfactualTarget = defineTarget<CounterfactualTarget>({
  kind: 'counterfactual',
  summary: 'What speaks against a class: its score with the sign turned.',
  syntax: 'counterfactual:LABEL|INDEX',
  example: { kind: 'counterfactual', index: 282, score: 'logit' },
  source: 'Selvaraju et al., Grad-CAM, IJCV 2020 (arXiv 1610.02391), section 3.3: the gradient negated',
  answers: ['classes'],
  parse: (text, context) => ({
    kind: 'counterfactual',
    index: classIndex(text, context),
    score: context.score ?? 'logit',
  }),
  check: ({ index, score }, context) => ({
    kind: 'counterfactual',
    index: checkedIndex(index, context),
    score: scoreNamed(score, 'counterfactual', context.score ?? 'logit'),
  }),
  print: ({ index }, { labels }) => printedClass(index, labels),
  describe: ({ index }, { labels }) => `not ${labelOf(index, labels)}`,
  classOf: ({ index }) => index,
  settle: async (target, host) => ({ ...target, index: await settledIndex(target.index, host) }),
  form: ({ score }) => scoreForm('counterfactual', score),
  append: (form, context) => {
    const { b, answer } = context
    const scores = classScores(context, scoreOf(form))
    const input = context.input('target', 'int64', [], 'class index, -1 for the best answer')
    const hot = hotRows(b, chosenOf(context, input, scores), answer.classes)
    return { scores, seed: asSeed(context, b.op('Neg', [hot]), scores), weighsClasses: true }
  },
  rows: ({ index }) => ({ target: int64Row([], [index]) }),
  ofLogits: ({ index, score }, logits, answer) => -scoreOfRow(logits, answer, index, score),
})
