/** The comparison as files: the library's own figure, and all numbers as JSON. */
import {
  backgroundOf,
  download,
  drawFigure,
  ExplainError,
  type ExplanationSet,
  type FigureType,
  figureColumns,
  figureFooter,
  figureOf,
  resultJson,
} from 'onnxplain/web'
import type { Comparing } from './comparing.js'
import { possible } from './drawing.js'
import type { Studio } from './studio.js'

/** Pixels for each pixel of the figure's layout. */
const SCALE = 2

/** Downloads the figure of the maps that are there. Rejects with an ExplainError. */
export async function saveFigure(studio: Studio, comparing: Comparing, type: FigureType): Promise<void> {
  const { view, subject, look } = studio
  const set = finished(studio, comparing)
  const [first] = set.explanations
  if (!first || !view.value || !subject.value) throw nothing()
  const background = backgroundOf(first, subject.value.picture, view.value.preprocessing)
  const spec = figureOf(background, set, figureColumns(comparing.columns.value, set), {
    footer: figureFooter(set, view.value.name),
    each: (explained) => possible(look.value, explained),
  })
  const ending = type === 'image/svg+xml' ? 'svg' : 'png'
  download(await drawFigure(spec, { type, scale: SCALE }), fileName(subject.value.name, ending))
}

/** Downloads answers, raw maps and provenance as `onnxplain --json` prints them. Throws an ExplainError. */
export function saveJson(studio: Studio, comparing: Comparing): void {
  const subject = studio.subject.value
  if (!subject) throw nothing()
  const text = `${resultJson(subject.name, finished(studio, comparing), undefined)}\n`
  download(new Blob([text], { type: 'application/json' }), fileName(subject.name, 'json'))
}

/** The maps that are there in full, class by class, and why others are not. */
function finished({ answers }: Studio, comparing: Comparing): ExplanationSet {
  const methods = comparing.columns.value
  const rows = comparing.rows.value
  const explanations = rows.flatMap((row) =>
    methods.flatMap((method) => {
      const cell = comparing.cell(method, row)
      return cell.kind === 'map' && !cell.partial ? [cell.explanation] : []
    }),
  )
  const refused = methods.flatMap((method) => {
    const error = rows.map((row) => comparing.refusal(method, row)).find((e) => e !== undefined)
    return error ? [{ method, layer: undefined, error }] : []
  })
  return { answers: answers.value, explanations, refused }
}

function nothing(): ExplainError {
  return new ExplainError('bad-option', { what: 'There is no map yet', remedy: 'Wait for the first one.' })
}

/** `cat.jpg` to `cat.onnxplain.png`, as the command names its figures. */
function fileName(picture: string, ending: string): string {
  const stem = picture.replace(/\.\w{1,5}$/, '').replaceAll(/[\\/:*?"<>|]+/g, '-')
  return `${stem || 'picture'}.onnxplain.${ending}`
}
