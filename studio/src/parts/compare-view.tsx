/** The figure, live: a row for each class, a column for each method. */
import { useSignal } from '@preact/signals'
import type { FigureType, MethodInfo } from 'onnxplain/web'
import { saveFigure, saveJson } from '../state/comparison-files.js'
import { problemOf } from '../state/problem.js'
import { ClassFinder } from './class-finder.js'
import { CompareTable } from './compare-table.js'
import { useDesk } from './context.js'
import '../style/compare.css'

export function CompareView() {
  const { studio, comparing } = useDesk()
  const view = studio.view.value
  const why =
    view && !view.preprocessing
      ? 'This model takes no photos, and there is nothing to compare here.'
      : view && view.answer.kind !== 'classes'
        ? 'Compared are the classes of a classifier; what this model answers is explained part by part under Explain.'
        : studio.missing.value.length > 0
          ? `Nothing is computed until ${studio.missing.value.join(' and ')} ${studio.missing.value.length === 1 ? 'has a value' : 'have values'}: see Explain.`
          : undefined
  return (
    <div class="compare">
      <div class="compare-tools">
        <Methods />
        <div class="compare-actions">
          <ClassFinder
            label="Add a class"
            answers={studio.answers.value}
            without={comparing.rows.value.map((a) => a.index)}
            onPick={(index) => comparing.add(index)}
          />
          <Save />
        </div>
      </div>
      {studio.view.value && why ? <p class="compare-words">{why}</p> : <CompareTable />}
    </div>
  )
}

const FAMILIES: readonly (readonly [MethodInfo['family'], string])[] = [
  ['cam', 'Class activation'],
  ['attention', 'Attention'],
  ['gradient', 'Gradients'],
  ['propagation', 'Relevance'],
  ['perturbation', 'Perturbation'],
]

function Methods() {
  const { studio, comparing } = useDesk()
  const columns = studio.columns.value
  return (
    <div class="compare-methods">
      {FAMILIES.map(([family, title]) => (
        <fieldset key={family} class="compare-family">
          <legend>{title}</legend>
          {studio.methods.value
            .filter((m) => m.family === family)
            .map((m) => (
              <label key={m.id} class="toggle" title={`${m.summary} Cost: ${m.cost}.`}>
                <input type="checkbox" checked={columns.includes(m.id)} onChange={() => comparing.toggle(m.id)} />
                {m.title}
              </label>
            ))}
        </fieldset>
      ))}
    </div>
  )
}

function Save() {
  const { studio, comparing } = useDesk()
  const saving = useSignal(false)
  comparing.changed.value
  const methods = comparing.columns.value
  const any = comparing.rows.value.some((row) =>
    methods.some((m) => {
      const cell = comparing.cell(m, row)
      return cell.kind === 'map' && !cell.partial
    }),
  )
  const save = async (work: () => void | Promise<void>): Promise<void> => {
    saving.value = true
    try {
      await work()
    } catch (error) {
      studio.problem.value = problemOf('The comparison could not be saved', error)
    }
    saving.value = false
  }
  const figure = (type: FigureType): void => void save(() => saveFigure(studio, comparing, type))
  const off = !any || saving.value
  return (
    <fieldset class="compare-save">
      <legend class="sr">Save the comparison</legend>
      <button type="button" class="button" disabled={off} onClick={() => figure('image/png')}>
        Save as PNG (2x)
      </button>
      <button type="button" class="button" disabled={off} onClick={() => figure('image/svg+xml')}>
        Save as SVG
      </button>
      <button
        type="button"
        class="button"
        disabled={off}
        title="Answers, raw maps and provenance, as onnxplain --json prints them"
        onClick={() => void save(() => saveJson(studio, comparing))}
      >
        Save as JSON
      </button>
    </fieldset>
  )
}
