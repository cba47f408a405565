/** Figures of texts: the words of a caption side by side, and the answers to a question above its words. */
import type { CaptionTarget, ExplanationSet, QuestionWords } from '../explain/index.js'
import {
  type ComparisonOptions,
  type FigureCell,
  type FigureColumn,
  type FigureMethod,
  type FigureSpec,
  scoreText,
  type WordLine,
} from '../render/index.js'
import { type Background, figureOf } from './figure.js'

/** Maps in a row at most, of one method; each further one makes the figure higher, and wider by one. */
const ACROSS = 5
const WIDEST = 8

/**
 * The caption above; the picture, and a map of each target with what it is and its score, in rows of about five. Several methods stand below each
 * other. Volumes and clips keep a row of slices for each.
 */
export function captionFigure(
  background: Background,
  set: ExplanationSet,
  methods: readonly FigureMethod[],
  words: readonly CaptionTarget[],
  options: ComparisonOptions,
): FigureSpec {
  const [only] = methods
  const one = methods.length === 1 ? only : undefined
  const about = one && [one.title, ...(one.subtitle ? [` (${one.subtitle})`] : []), ' of each word.'].join('')
  const caption = [about, 'Every map has a scale of its own.'].filter(Boolean).join(' ')
  const figure = figureOf(background, set, methods, { caption, ...options, picture: true })
  const above: WordLine = {
    words: words.map(({ text, logProbability }) => ({ text, note: probabilityText(logProbability) })),
  }
  return background.slices.length === 1
    ? { ...sideBySide(figure, headsOf(set, words)), words: above }
    : { ...figure, words: above }
}

/** What stands above the map of each target, in the order of the figure's rows. */
function headsOf({ explanations }: ExplanationSet, words: readonly CaptionTarget[]): readonly FigureColumn[] {
  const shown = [...new Map(explanations.map((e) => [e.answer.key, e])).values()]
  return shown.map(({ target, answer }) => {
    if (target.kind !== 'word') return { title: answer.label, subtitle: scoreText(answer) }
    const { positions, score } = target
    const own = words.filter((w) => w.target.positions.some((p) => positions.includes(p)))
    const isWhole = own.length === words.length && own.length > 1
    const name = { logit: 'logit', probability: 'probability', 'log-probability': 'log p' }[score]
    const title = isWhole ? 'the whole caption' : own.map((w) => w.text).join(' ') || answer.label
    return { title, subtitle: `${name} ${short(answer.logit)}` }
  })
}

/** A figure's rows as columns: the picture first, then each row under its head, the columns of the figure below each other. */
function sideBySide(figure: FigureSpec, heads: readonly FigureColumn[]): FigureSpec {
  const [, ...methods] = figure.columns
  const blank: FigureCell = { message: '' }
  const picture = figure.rows[0]?.cells[0] ?? blank
  const places: readonly { readonly head: FigureColumn; readonly cells: readonly FigureCell[] }[] = [
    { head: { title: 'picture' }, cells: methods.map((_, m) => (m === 0 ? picture : blank)) },
    ...figure.rows.map(({ title, subtitle, cells }, r) => ({
      head: heads[r] ?? { title, subtitle },
      cells: cells.slice(1),
    })),
  ]
  const bands = Math.ceil(places.length / Math.min(WIDEST, ACROSS + methods.length - 1))
  const across = Math.ceil(places.length / bands)
  const rows = Array.from({ length: bands }, (_, b) => {
    const band = Array.from({ length: across }, (_, i) => places[b * across + i] ?? { head: { title: '' }, cells: [] })
    return methods.map(({ title, subtitle = '' }, m) => ({
      ...(methods.length > 1 ? { title, subtitle } : { title: '', subtitle: '' }),
      ...(m === 0 ? { heads: band.map((p) => p.head) } : {}),
      cells: band.map((p) => p.cells[m] ?? blank),
    }))
  }).flat()
  return { ...figure, columns: rows[0]?.heads ?? [], rows }
}

/** What the words of a question are worth, and how that was found. */
export interface WeighedQuestion {
  readonly label: string
  readonly words: readonly QuestionWords[]
}

/** A row for each answer: the picture, its maps, and below them the words of the question, tinted by what they are worth to this answer. */
export function answersFigure(
  background: Background,
  set: ExplanationSet,
  methods: readonly FigureMethod[],
  weighed: readonly WeighedQuestion[],
  options: ComparisonOptions,
): FigureSpec {
  const figure = figureOf(background, set, methods, { ...options, picture: true })
  const keys = [...new Set(set.explanations.map((e) => e.answer.key))]
  return {
    ...figure,
    rows: figure.rows.map((row, r) => ({
      ...row,
      words: weighed.flatMap(({ label, words }): WordLine[] => {
        const found = words.find(({ key }) => key === keys[r])
        return found ? [{ label, words: found.words.map(({ text, importance }) => weighedWord(text, importance)) }] : []
      }),
    })),
  }
}

function weighedWord(text: string, value: number) {
  return { text, value, note: `${value > 0 ? '+' : ''}${short(value)}` }
}

/** `p = 0.98` */
export function probabilityText(logProbability: number): string {
  const p = Math.exp(logProbability)
  return p >= 0.005 ? `p = ${p.toFixed(2)}` : `p = ${p.toPrecision(1)}`
}

function short(value: number): string {
  const text = Math.abs(value) >= 0.095 || value === 0 ? value.toFixed(2) : String(Number(value.toPrecision(1)))
  return text.replaceAll('-', '−')
}
