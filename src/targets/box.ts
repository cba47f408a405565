import { ExplainError } from '../core/errors.js'
import { asSeed, scored, scoreForm, scoreOf } from './class-scores.js'
import { hotAlong } from './element.js'
import { checkedIndex, classIndex, labelOf, printedClass } from './labels.js'
import { BEST, defineTarget, int64Row, type Score, scoreNamed, wholeNumber } from './target.js'

/**
 * The score of one box that a detector found, before boxes are suppressed. `box` counts the boxes that are found from 0, best first; `index` -1 is the
 * box's own class.
 */
export interface BoxTarget {
  readonly kind: 'box'
  readonly box: number
  readonly index: number
  readonly score: Score
  /** The box's row among the scores of all boxes; absent until the picture is there. */
  readonly row?: number
}

const KIND = 'box'

export const boxTarget = defineTarget<BoxTarget>({
  kind: KIND,
  summary: 'The class score of one box that a detector found, before boxes are suppressed.',
  syntax: 'box:NUMBER | box:NUMBER/CLASS',
  example: { kind: KIND, box: 0, index: -1, score: 'logit' },
  source: "pytorch-grad-cam's FasterRCNNBoxScoreTarget, of one box alone",
  answers: ['boxes'],
  parse: (text, context) => {
    const [number = '', name] = text.split('/')
    const box = number.trim() === '' ? 0 : /^\d+$/.test(number.trim()) ? Number(number) : Number.NaN
    if (Number.isNaN(box))
      throw new ExplainError('bad-option', {
        what: `"${number}" is no number of a box`,
        where: `target of kind ${KIND}`,
        remedy: 'Boxes are counted from 0, best first, as "onnxplain detect" lists them: box:0, or box:0/CLASS.',
      })
    return {
      kind: KIND,
      box,
      index: name === undefined ? BEST : classIndex(name, context),
      score: context.score ?? 'logit',
    }
  },
  check: ({ box, index, score, row }, context) => ({
    kind: KIND,
    box: wholeNumber(box ?? 0, 'box', KIND),
    index: index === undefined ? BEST : checkedIndex(index, context),
    score: scoreNamed(score, KIND, context.score ?? 'logit'),
    ...(row === undefined ? {} : { row: wholeNumber(row, 'row', KIND) }),
  }),
  print: ({ box, index }, { labels }) => (index === BEST ? String(box) : `${box}/${printedClass(index, labels)}`),
  describe: ({ box, index }, { labels }) => (index === BEST ? `box ${box}` : `${labelOf(index, labels)} (box ${box})`),
  classOf: ({ index }) => index,
  settle: async (target, host) => {
    if (target.row !== undefined && target.index !== BEST) return target
    const found = await host.boxes()
    const box = found[target.box]
    if (!box)
      throw new ExplainError('bad-option', {
        what: `There is no box ${target.box}: the model finds ${found.length} in this picture`,
        where: `target of kind ${KIND}`,
        remedy:
          found.length > 0 ? `Boxes are counted from 0 to ${found.length - 1}.` : 'Lower the threshold of the scores.',
      })
    return { ...target, row: box.row, index: target.index === BEST ? box.index : target.index }
  },
  form: ({ score }) => scoreForm(KIND, score),
  append: (form, context) => {
    const { b, end, answer } = context
    const scores = scored(b, end, answer, scoreOf(form), 2)
    const box = context.input(
      'box',
      'int64',
      [],
      'the row of the box among the scores of all boxes, before suppression',
    )
    const target = context.input('target', 'int64', [], 'class index')
    const hot = b.op('Mul', [hotAlong(b, end, box, 1), hotAlong(b, end, target, 2)])
    return { scores, seed: asSeed(context, hot, scores) }
  },
  rows: ({ row, index }) => {
    if (row === undefined) throw new ExplainError('bad-option', { what: 'The box of this target is not known yet' })
    return { box: int64Row([], [row]), target: int64Row([], [index]) }
  },
})
