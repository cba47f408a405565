/** What is written around a figure. */
import type { Explanation, ExplanationSet } from '../explain/index.js'
import type { FigureMethod } from '../render/index.js'

/** The columns of a figure: the methods, with what their maps were taken at. */
export function figureColumns(
  methods: readonly { readonly id: string; readonly title: string }[],
  set: Pick<ExplanationSet, 'explanations'>,
): readonly FigureMethod[] {
  return methods.flatMap(({ id, title }) => {
    const made = set.explanations.filter((e) => e.method.id === id)
    const layers = [...new Set(made.map((e) => e.raw.layer))]
    if (layers.length < 2) return [{ id, title, subtitle: made[0] && takenAt(made[0]) }]
    return layers.map((layer) => {
      const there = made.find((e) => e.raw.layer === layer)
      return { id, title, layer, subtitle: there && takenAt(there) }
    })
  })
}

/** The layer of a map and its cells, or the square that went over the picture; undefined where neither tells. */
export function takenAt({ raw, provenance }: Pick<Explanation, 'raw' | 'provenance'>): string | undefined {
  if (raw.layer !== undefined) return `${raw.layer}${raw.dims.length === 2 ? `, ${raw.dims.join(' x ')}` : ''}`
  const { patch, stride } = provenance.options
  return patch === undefined ? undefined : `patch ${patch}, stride ${stride} px`
}

/** Where a figure came from. */
export function figureFooter({ explanations }: Pick<ExplanationSet, 'explanations'>, model: string): string {
  const { onnxplain = '', runtime = '' } = explanations[0]?.provenance ?? {}
  const scores = [...new Set(explanations.map((e) => scoresOf(e.target)))].join(', ')
  return `onnxplain ${onnxplain} · ${model} · maps of ${scores} · ${runtime}`
}

function scoresOf(target: Explanation['target']): string {
  if ('score' in target) return SCORES[target.score]
  return target.kind === 'text' || target.kind === 'similarity' ? 'cosines' : 'scores'
}

const SCORES = { logit: 'logits', probability: 'probabilities', 'log-probability': 'log-probabilities' } as const
