import { ExplainError } from '../core/errors.js'
import { float32 } from '../core/tensor.js'
import { asSeed, chosenOf, classScores, hotRows, scoreForm, scoreOf, scoreOfRow } from './class-scores.js'
import { checkedIndex, classIndex, labelOf, printedClass } from './labels.js'
import { settledIndex } from './one-class.js'
import { BEST, defineTarget, int64Row, type Score, scoreNamed, type TargetContext } from './target.js'

/** A class rather than another: the difference of their scores. `index` -1 is the best answer, `other` -1 the best of the rest. */
export interface ContrastTarget {
  readonly kind: 'contrast'
  readonly index: number
  readonly other: number
  readonly score: Score
}

export const contrastTarget = defineTarget<ContrastTarget>({
  kind: 'contrast',
  summary: 'This class rather than that: the difference of their scores.',
  syntax: 'contrast:CLASS>CLASS',
  example: { kind: 'contrast', index: 282, other: 285, score: 'logit' },
  source:
    'Prabhushankar et al., ICIP 2020 (arXiv 2008.00178), with the difference of the logits in the place of their loss',
  answers: ['classes'],
  parse: (text, context) => {
    const [one = '', two, more] = text.split('>')
    if (more !== undefined)
      throw new ExplainError('bad-option', {
        what: `"${text}" names more than two classes`,
        where: 'target of kind contrast',
        remedy: 'Write contrast:CLASS>CLASS; give classes whose names have a ">" by their index.',
      })
    return checkedPair(
      {
        kind: 'contrast',
        index: classIndex(one, context),
        other: two === undefined ? BEST : classIndex(two, context),
        score: context.score ?? 'logit',
      },
      context,
    )
  },
  check: ({ index, other, score }, context) =>
    checkedPair(
      {
        kind: 'contrast',
        index: checkedIndex(index, context),
        other: other === undefined ? BEST : checkedIndex(other, context),
        score: scoreNamed(score, 'contrast', context.score ?? 'logit'),
      },
      context,
    ),
  print: ({ index, other }, { labels }) => `${printedClass(index, labels)}>${printedClass(other, labels)}`,
  describe: ({ index, other }, { labels }) =>
    `${labelOf(index, labels)} rather than ${other === BEST ? 'the next' : labelOf(other, labels)}`,
  classOf: ({ index }) => index,
  settle: async (target, host) => {
    const index = await settledIndex(target.index, host)
    const others = async (): Promise<number> => (await host.ranked()).find((i) => i !== index) ?? 0
    return { ...target, index, other: target.other === BEST ? await others() : target.other }
  },
  form: ({ score }) => scoreForm('contrast', score),
  append: (form, context) => {
    const { b, answer, settled } = context
    const scores = classScores(context, scoreOf(form))
    const first = context.input('target', 'int64', [], 'class index, -1 for the best answer')
    const second = context.input(
      'other',
      'int64',
      [],
      'index of the class that it is told from, -1 for the best of the rest',
    )
    const one = hotRows(b, chosenOf(context, first, scores), answer.classes)
    const rest = (): string => {
      const far = b.op('Mul', [one, b.constant(float32([], [3e38]))])
      return b.op('Sub', [scores, b.op('CastLike', [far, scores])])
    }
    const two = hotRows(b, chosenOf(context, second, settled ? scores : rest()), answer.classes)
    return { scores, seed: asSeed(context, b.op('Sub', [one, two]), scores), weighsClasses: true }
  },
  rows: ({ index, other }) => ({ target: int64Row([], [index]), other: int64Row([], [other]) }),
  ofLogits: ({ index, other, score }, logits, answer) =>
    scoreOfRow(logits, answer, index, score) - scoreOfRow(logits, answer, other, score),
})

function checkedPair(target: ContrastTarget, { answer }: TargetContext): ContrastTarget {
  if (target.index !== target.other || target.index === BEST) {
    if (answer.classes > 1) return target
    throw new ExplainError('bad-option', { what: 'A contrast needs two classes, and this model has one' })
  }
  throw new ExplainError('bad-option', {
    what: `A contrast is of two different classes, and both are ${target.index}`,
    where: 'target of kind contrast',
  })
}
