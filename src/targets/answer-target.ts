import { appendClass } from './class.js'
import { type OneClass, ofOneClass } from './one-class.js'
import { defineTarget } from './target.js'

/** One answer to a question about the picture; the question is an input of the model. `index` -1 is the best answer. */
export interface AnswerTarget extends OneClass {
  readonly kind: 'answer'
}

export const answerTarget = defineTarget<AnswerTarget>({
  // an answer is a class of a model that was asked a question: they share their plans
  ...ofOneClass('answer', 'class'),
  summary: 'One answer to a question about the picture; the question goes to the model with the picture.',
  example: { kind: 'answer', index: 3, score: 'logit' },
  source:
    "Selvaraju et al., Grad-CAM, IJCV 2020 (arXiv 1610.02391), section 8.2: the answer's score before the softmax",
  append: appendClass,
})
