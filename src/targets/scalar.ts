import { ExplainError } from '../core/errors.js'
import { asSeed, classScores, scoreForm, scoreOf, scoreOfRow } from './class-scores.js'
import { defineTarget, float32Row, type Score, scoreNamed, type TargetContext } from './target.js'

/** The one number that a model answers: a regression, or two classes told by one output. `sign` -1 explains what makes it small. */
export interface ScalarTarget {
  readonly kind: 'scalar'
  readonly sign: 1 | -1
  readonly score: Score
}

export const scalarTarget = defineTarget<ScalarTarget>({
  kind: 'scalar',
  summary:
    'The one number that a model answers (a regression, or two classes in one output): what makes it large, or with "-" small.',
  syntax: 'scalar:+|-',
  example: { kind: 'scalar', sign: 1, score: 'logit' },
  source:
    'the gradient of the output itself, as Captum has it for models of one output (BinaryClassifierOutputTarget in pytorch-grad-cam)',
  answers: ['classes'],
  parse: (text, context) => one(context, text.trim() === '' ? '+' : text.trim(), context.score),
  check: ({ sign, score }, context) => {
    const text = sign === undefined || sign === 1 ? '+' : sign === -1 ? '-' : JSON.stringify(sign)
    return one(context, text, scoreNamed(score, 'scalar', context.score ?? 'logit'))
  },
  print: ({ sign }) => (sign > 0 ? '+' : '-'),
  describe: ({ sign }, { labels }) => `${labels[0] ?? 'the answer'} ${sign > 0 ? 'larger' : 'smaller'}`,
  classOf: () => 0,
  form: ({ score }) => scoreForm('scalar', score),
  append: (form, context) => {
    const { b } = context
    const scores = classScores(context, scoreOf(form))
    const sign = context.input('sign', 'float32', [], '1 for what makes the answer large, -1 for what makes it small')
    return { scores, seed: asSeed(context, b.op('Unsqueeze', [sign, b.int64s([1])]), scores), weighsClasses: true }
  },
  rows: ({ sign }) => ({ sign: float32Row([], [sign]) }),
  ofLogits: ({ sign, score }, logits, answer) => sign * scoreOfRow(logits, answer, 0, score),
})

function one({ answer }: TargetContext, sign: string, score: Score = 'logit'): ScalarTarget {
  if (answer.classes !== 1)
    throw new ExplainError('bad-option', {
      what: `This model answers ${answer.classes} numbers, not one`,
      where: 'target of kind scalar',
      remedy: `Explain one of them by its index, 0 to ${answer.classes - 1}.`,
    })
  if (sign !== '+' && sign !== '-')
    throw new ExplainError('bad-option', {
      what: `"${sign}" is no sign`,
      where: 'target of kind scalar',
      remedy: 'Write scalar:+ or scalar:- (in JSON sign 1 or -1).',
    })
  return { kind: 'scalar', sign: sign === '+' ? 1 : -1, score }
}
