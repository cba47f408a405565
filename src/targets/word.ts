import { ExplainError } from '../core/errors.js'
import { didYouMean } from '../core/nearest.js'
import { asSeed, scored, scoreForm, scoreOf } from './class-scores.js'
import { oneHot } from './element.js'
import { defineTarget, int64Row, numbersOf, type Score, scoreNamed, type TargetContext } from './target.js'

/**
 * Words of a text that a model writes: the sum of their scores, each given the words before it. `positions` are those of the logits that score them,
 * `ids` the tokens. Of one word or a phrase the default score is the logit, of the whole text the log-probability, which sums to its log-likelihood.
 */
export interface WordTarget {
  readonly kind: 'word'
  readonly positions: readonly number[]
  readonly ids: readonly number[]
  readonly score: Score
}

const KIND = 'word'
/** Stands for the whole text. */
export const WHOLE = '*'

export const wordTarget = defineTarget<WordTarget>({
  kind: KIND,
  summary: 'One word of a caption, a phrase, or with "*" the whole caption (its log-likelihood).',
  syntax: `word:WORD | word:POSITION | word:PHRASE | word:FROM-TO | word:${WHOLE}`,
  example: { kind: KIND, positions: [3], ids: [20], score: 'logit' },
  source:
    'Selvaraju et al., Grad-CAM, IJCV 2020 (arXiv 1610.02391), section 8.1: the log-probability of the caption; of one word its score alone',
  answers: ['words'],
  parse: (text, context) => {
    const { ids, pieces } = written(context)
    const all = pieces.map((_, i) => i)
    const [, from, to] = /^(\d+)-(\d+)$/.exec(text.trim()) ?? []
    const positions =
      text.trim() === WHOLE
        ? all
        : /^\d+$/.test(text.trim())
          ? [position(Number(text), ids)]
          : from !== undefined && to !== undefined
            ? between(position(Number(from), ids), position(Number(to), ids))
            : phrase(text, context)
    const isWhole = positions.length === ids.length && ids.length > 1
    return {
      kind: KIND,
      positions,
      ids: positions.map((p) => ids[p] ?? 0),
      score: context.score ?? (isWhole ? 'log-probability' : 'logit'),
    }
  },
  check: (given, context) => {
    const positions = numbersOf(given.positions, 'positions', KIND) ?? []
    const ids = numbersOf(given.ids, 'ids', KIND) ?? []
    const isWhole = (n: number): boolean => Number.isInteger(n) && n >= 0
    if (positions.length === 0 || positions.length !== ids.length || ![...positions, ...ids].every(isWhole))
      throw new ExplainError('bad-option', {
        what: 'positions and ids are no lists of as many whole numbers',
        where: `target of kind ${KIND}`,
        remedy: 'Each word has the position of the logits that score it, and the id of its token.',
      })
    const { classes } = context.answer
    const unknown = ids.find((id) => id >= classes)
    if (unknown !== undefined)
      throw new ExplainError('unknown-label', {
        what: `There is no token ${unknown}: the model knows ${classes}`,
        where: `target of kind ${KIND}`,
      })
    return { kind: KIND, positions, ids, score: scoreNamed(given.score, KIND, context.score ?? 'logit') }
  },
  print: ({ positions }, { written: text }) => {
    if (text && positions.length === text.ids.length) return WHOLE
    const [only] = positions
    if (positions.length === 1) return String(only)
    const isPhrase = positions.every((p, i) => p === (only ?? 0) + i)
    return isPhrase ? `${only}-${positions.at(-1)}` : positions.map((p) => text?.pieces[p] ?? String(p)).join(' ')
  },
  describe: ({ positions, ids }, { written: text, answer, labels }) => {
    if (text && positions.length === text.ids.length && positions.length > 1) return text.pieces.join(' ').trim()
    const name = (p: number, i: number): string =>
      (text?.ids[p] === ids[i]
        ? text?.pieces[p]
        : labels.length === answer.classes
          ? labels[ids[i] ?? 0]
          : undefined) ?? `token ${ids[i]}`
    return positions.map(name).join(' ').trim()
  },
  classOf: ({ ids }) => (ids.length === 1 ? ids[0] : undefined),
  form: ({ score }) => scoreForm(KIND, score),
  append: (form, context) => {
    const { b, end, answer } = context
    const scores = scored(b, end, answer, scoreOf(form), -1)
    const position = context.input(
      'position',
      'int64',
      ['words'],
      'positions of the logits that score the words; -1 for none',
    )
    const target = context.input('target', 'int64', ['words'], 'token ids')
    const hot = (index: string, axis: number): string => oneHot(b, index, b.extent(end, axis))
    // filled up with -1, which counts from the end
    const there = b.op('Cast', [b.op('GreaterOrEqual', [position, b.int64s([0])])], { to: 1 })
    const at = b.op('Mul', [hot(position, 1), b.op('Unsqueeze', [there, b.int64s([2])])])
    const seed = b.op('MatMul', [b.op('Transpose', [at], { perm: [0, 2, 1] }), hot(target, 2)])
    return { scores, seed: asSeed(context, seed, scores) }
  },
  rows: ({ positions, ids }) => ({
    position: int64Row([positions.length], positions),
    target: int64Row([ids.length], ids),
  }),
})

function written(context: TargetContext): NonNullable<TargetContext['written']> {
  if (context.written) return context.written
  throw new ExplainError('missing-input', {
    what: 'A word is one of a text, and the text whose words are explained is not given',
    where: `target of kind ${KIND}`,
    remedy: 'Give the tokens (input_ids), or let the model write its caption: "onnxplain caption PICTURE".',
  })
}

function position(given: number, ids: readonly number[]): number {
  if (given < ids.length) return given
  throw new ExplainError('bad-option', {
    what: `There is no word ${given}: the text has ${ids.length}, counted from 0`,
    where: `target of kind ${KIND}`,
  })
}

/** From one position to another, whichever comes first. */
function between(a: number, b: number): readonly number[] {
  return Array.from({ length: Math.abs(b - a) + 1 }, (_, i) => Math.min(a, b) + i)
}

/** The first place where the pieces read as the phrase. */
function phrase(text: string, context: TargetContext): readonly number[] {
  const { pieces } = written(context)
  const wanted = plain(text)
  for (let from = 0; from < pieces.length; from++)
    for (let to = from + 1; to <= pieces.length; to++) {
      const read = plain(pieces.slice(from, to).join(''))
      if (read === wanted) return Array.from({ length: to - from }, (_, i) => from + i)
      if (!wanted.startsWith(read)) break
    }
  throw new ExplainError('unknown-label', {
    what: `"${text}" is not in the text`,
    where: `target of kind ${KIND}`,
    remedy: [
      didYouMean(
        text,
        pieces.map((p) => p.trim()),
      ),
      `The text is: ${pieces.map((p) => p.trim()).join(' ')}`,
    ]
      .filter((s) => s !== '')
      .join(' '),
    details: { text },
  })
}

/** Without case and spaces, in which pieces of words differ. */
function plain(text: string): string {
  return text.toLowerCase().replace(/\s+/g, '')
}
