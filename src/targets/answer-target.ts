import { appendClass, settledIndex } from './class.js'
import { scoreForm, scoreOfRow } from './class-scores.js'
import { checkedIndex, classIndex, labelOf, printedClass } from './labels.js'
import { defineTarget, int64Row, type Score, scoreNamed } from './target.js'

/** One answer to a question about the picture; the question is an input of the model. `index` -1 is the best answer. */
export interface AnswerTarget {
  readonly kind: 'answer'
  readonly index: number
  readonly score: Score
}

export const answerTarget = defineTarget<AnswerTarget>({
  kind: 'answer',
  summary: 'One answer to a question about the picture; the question goes to the model with the picture.',
  syntax: 'answer:LABEL|INDEX',
  example: { kind: 'answer', index: 3, score: 'logit' },
  source:
    "Selvaraju et al., Grad-CAM, IJCV 2020 (arXiv 1610.02391), section 8.2: the answer's score before the softmax",
  answers: ['classes'],
  parse: (text, context) => ({ kind: 'answer', index: classIndex(text, context), score: context.score ?? 'logit' }),
  check: ({ index, score }, context) => ({
    kind: 'answer',
    index: checkedIndex(index, context),
    score: scoreNamed(score, 'answer', context.score ?? 'logit'),
  }),
  print: ({ index }, { labels }) => printedClass(index, labels),
  describe: ({ index }, { labels }) => labelOf(index, labels),
  classOf: ({ index }) => index,
  settle: async (target, host) => ({ ...target, index: await settledIndex(target.index, host) }),
  // an answer is a class of a model that was asked a question: they share their plans
  form: ({ score }) => scoreForm('class', score),
  formOf: (_, { score = 'logit' }) => scoreForm('class', score),
  append: appendClass,
  rows: ({ index }) => ({ target: int64Row([], [index]) }),
  ofLogits: ({ index, score }, logits, answer) => scoreOfRow(logits, answer, index, score),
})
