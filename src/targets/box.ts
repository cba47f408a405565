import { ExplainError } from '../core/errors.js'
import type { Answer } from './answer.js'
import { asSeed, scoreForm, scoreOf } from './class-scores.js'
import type { DetectionHead } from './detections/head.js'
import { boxScores } from './detections/scores.js'
import { hotAlong } from './element.js'
import { checkedIndex, classIndex, labelOf, printedClass } from './labels.js'
import {
  BEST,
  defineTarget,
  type FoundBox,
  int64Row,
  type Score,
  scoreNamed,
  type TargetContext,
  wholeNumber,
} from './target.js'

/**
 * The score of one box that a detector found, before boxes are suppressed. `box` counts the boxes that are found from 0, best first; `index` -1 is the
 * box's own class.
 */
export interface BoxTarget {
  readonly kind: 'box'
  readonly box: number
  readonly index: number
  readonly score: Score
  /** The place of the class' score in the row of all boxes' scores of all classes; absent until the picture is there. */
  readonly element?: number
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
      index:
        name === undefined
          ? BEST
          : /^\s*\d+\s*$/.test(name)
            ? classOf(Number(name), context)
            : classIndex(name, context),
      score: context.score ?? 'logit',
    }
  },
  check: ({ box, index, score, element }, context) => ({
    kind: KIND,
    box: wholeNumber(box ?? 0, 'box', KIND),
    index: index === undefined ? BEST : classOf(index, context),
    score: scoreNamed(score, KIND, context.score ?? 'logit'),
    ...(element === undefined ? {} : { element: wholeNumber(element, 'element', KIND) }),
  }),
  print: ({ box, index }, { labels }) => (index === BEST ? String(box) : `${box}/${printedClass(index, labels)}`),
  describe: ({ box, index }, { labels }) => (index === BEST ? `box ${box}` : `${labelOf(index, labels)} (box ${box})`),
  classOf: ({ index }) => index,
  settle: async (target, host) => {
    if (target.element !== undefined && target.index !== BEST) return target
    const found = await host.boxes()
    const box = found[target.box]
    if (!box)
      throw new ExplainError('bad-option', {
        what: `There is no box ${target.box}: the model finds ${found.length} in this picture`,
        where: `target of kind ${KIND}`,
        remedy:
          found.length > 0 ? `Boxes are counted from 0 to ${found.length - 1}.` : 'Lower the threshold of the scores.',
      })
    const index = target.index === BEST ? box.index : target.index
    return { ...target, index, element: elementOf(box, index, target) }
  },
  form: ({ score }) => scoreForm(KIND, score),
  end: (form, { graph, shapes, answer }) => boxScores(graph, shapes, headOf(answer), scoreOf(form)),
  append: (_, context) => {
    const { b, end } = context
    const at = context.input(
      'box',
      'int64',
      [],
      "the place of the box' score among all boxes' scores of all classes, before suppression",
    )
    return { scores: end, seed: asSeed(context, hotAlong(b, end, at, 1), end) }
  },
  rows: ({ element }) => {
    if (element === undefined) throw new ExplainError('bad-option', { what: 'The box of this target is not known yet' })
    return { box: int64Row([], [element]) }
  },
})

function headOf({ head, output }: Answer): DetectionHead {
  if (head) return head
  throw new ExplainError('method-not-applicable', {
    what: `"${output}" holds no boxes`,
    where: `target of kind ${KIND}`,
  })
}

/** Of another class than the box' own where the scores of its classes lie one step apart. */
function elementOf({ element, index: own, step }: FoundBox, index: number, { box }: BoxTarget): number {
  if (index === own) return element
  if (step !== undefined) return element + (index - own) * step
  throw new ExplainError('method-not-applicable', {
    what: `The graph does not tell where box ${box}'s scores of other classes are`,
    where: `target of kind ${KIND}`,
    remedy: `Explain its own class: box:${box}.`,
  })
}

/** A class' index; where a detector says the class of each box, how many there are is not known. */
function classOf(index: unknown, context: TargetContext): number {
  return context.answer.classes > 1 ? checkedIndex(index, context) : wholeNumber(index, 'index', KIND, BEST)
}
