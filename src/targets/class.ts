import { asSeed, chosenOf, classScores, hotRows, scoreForm, scoreOf, scoreOfRow } from './class-scores.js'
import { checkedIndex, classIndex, labelOf, printedClass } from './labels.js'
import {
  type AppendContext,
  type Appended,
  BEST,
  defineTarget,
  int64Row,
  type Score,
  type Settling,
  scoreNamed,
  type TargetForm,
} from './target.js'

/** One class of a classifier. `index` -1 is the best answer. */
export interface ClassTarget {
  readonly kind: 'class'
  readonly index: number
  readonly score: Score
}

export const classTarget = defineTarget<ClassTarget>({
  kind: 'class',
  summary: 'One class of a classifier.',
  syntax: 'class:LABEL|INDEX',
  example: { kind: 'class', index: 282, score: 'logit' },
  source: 'Selvaraju et al., Grad-CAM, IJCV 2020 (arXiv 1610.02391), section 3: y^c before the softmax',
  answers: ['classes'],
  parse: (text, context) => ({ kind: 'class', index: classIndex(text, context), score: context.score ?? 'logit' }),
  check: ({ index, score }, context) => ({
    kind: 'class',
    index: checkedIndex(index, context),
    score: scoreNamed(score, 'class', context.score ?? 'logit'),
  }),
  print: ({ index }, { labels }) => printedClass(index, labels),
  describe: ({ index }, { labels }) => labelOf(index, labels),
  classOf: ({ index }) => index,
  settle: async (target, host) => ({ ...target, index: await settledIndex(target.index, host) }),
  form: ({ score }) => scoreForm('class', score),
  append: appendClass,
  rows: ({ index }) => ({ target: int64Row([], [index]) }),
  ofLogits: ({ index, score }, logits, answer) => scoreOfRow(logits, answer, index, score),
})

/** The best class in the place of {@link BEST}. */
export async function settledIndex(index: number, host: Settling): Promise<number> {
  if (index !== BEST) return index
  const [best = 0] = await host.ranked()
  return best
}

export function appendClass(form: TargetForm, context: AppendContext): Appended {
  const { b, answer } = context
  const scores = classScores(context, scoreOf(form))
  const input = context.input('target', 'int64', [], 'class index, -1 for the best answer')
  const chosen = chosenOf(context, input, scores)
  return { scores, seed: asSeed(context, hotRows(b, chosen, answer.classes), scores), chosen, weighsClasses: true }
}
