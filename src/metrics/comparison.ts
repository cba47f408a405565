/** Many pictures, methods and metrics: what was measured of each, and what comes of it together. */

import { ExplainError } from '../core/errors.js'
import type { ExplainOptions, GivenOptions, Image, Model } from '../explain/index.js'
import { optionsFor, refuseUnknown } from '../explain/options.js'
import { findMethod } from '../methods/index.js'
import type { GivenTarget } from '../targets/index.js'
import { type Aggregate, aggregate } from './aggregate.js'
import { findMetric } from './list.js'
import { type MetricResult, measureAll } from './measure.js'
import { type MetricCurve, type MetricParts, metricInfo } from './metric.js'
import type { GivenTruth } from './truth.js'

/** One number: plain JSON, so that it can be kept in a file and pooled later. */
export interface ComparedRow {
  readonly picture: string
  readonly method: string
  readonly metric: string
  readonly target: { readonly index: number; readonly label: string }
  /** null where the metric or the method does not fit. */
  readonly value: number | null
  readonly options: Readonly<Record<string, number | string>>
  readonly curve?: MetricCurve
  readonly parts?: MetricParts
  /** Why there is no value. */
  readonly refused?: string
}

export interface CompareOptions extends Omit<ExplainOptions, 'method' | 'target' | 'onProgress'> {
  readonly methods: readonly string[]
  readonly metrics: readonly string[]
  /** Options of the metrics, under their own names; `options` are those of the methods. */
  readonly metricOptions?: GivenOptions
  /** Default: the best answer. */
  readonly target?: GivenTarget | undefined
  readonly truth?: GivenTruth | undefined
}

/** A row of the table: a method by a metric. */
export interface ComparedCell extends Aggregate {
  readonly method: string
}

/** Throws `unknown-method`, `unknown-metric`, `bad-option`: before anything is run. */
export function checkComparison({ methods, metrics, options = {}, metricOptions = {} }: CompareOptions): void {
  refuseUnknown(methods.map(findMethod), options)
  refuseUnknown(metrics.map(findMetric), metricOptions)
  if (methods.length > 0 && metrics.length > 0) return
  throw new ExplainError('bad-option', {
    what: `There are no ${methods.length > 0 ? 'metrics' : 'methods'} to compare`,
    where: methods.length > 0 ? 'metrics' : 'methods',
    remedy: 'Name one or more: --method grad-cam --method layer-cam --metric deletion.',
  })
}

/** Explains one picture by each method and measures each map by each metric: a row each, methods first. Rejects with what explaining rejects with. */
export async function comparePicture(
  model: Model,
  picture: string,
  image: Image,
  options: CompareOptions,
): Promise<readonly ComparedRow[]> {
  checkComparison(options)
  const { methods, metrics, target, truth, options: given = {}, metricOptions = {}, ...rest } = options
  const prepared = model.prepare(image, rest)
  const rows: ComparedRow[] = []
  for (const method of methods) {
    const asked = { ...rest, method, options: optionsFor([findMethod(method)], given) }
    const explanation = await model.explain(prepared, { ...asked, ...(target === undefined ? {} : { target }) })
    const { index, label } = explanation.answer
    const { signal, batch, inputs } = rest
    const asks = { inputs, signal, truth, options: metricOptions, ...(batch === undefined ? {} : { batch }) }
    const { results, refused } = await measureAll(model, prepared, explanation, metrics, asks)
    const about = { picture, method: explanation.method.id, target: { index, label } }
    for (const id of metrics) {
      const result = results.find((r) => r.metric.id === findMetric(id).id)
      const no = refused.find((r) => r.metric.id === findMetric(id).id)
      rows.push(
        result
          ? { ...about, ...kept(result) }
          : { ...about, metric: findMetric(id).id, value: null, options: {}, refused: no?.error.message ?? '' },
      )
    }
  }
  return rows
}

/** What is kept of a result: its numbers. */
function kept({ metric, value, options, curve, parts }: MetricResult) {
  return { metric: metric.id, value, options, ...(curve ? { curve } : {}), ...(parts ? { parts } : {}) }
}

/** Pools rows over pictures: a cell for each method and metric that has values, in the order of the rows. Throws what {@link aggregate} throws. */
export function pooled(rows: readonly ComparedRow[]): readonly ComparedCell[] {
  const groups = new Map<string, { readonly method: string; readonly results: MetricResult[] }>()
  for (const row of rows) {
    if (row.value === null) continue
    const key = JSON.stringify([row.method, row.metric])
    const group = groups.get(key) ?? { method: row.method, results: [] }
    groups.set(key, group)
    group.results.push({ ...row, value: row.value, metric: metricInfo(findMetric(row.metric)), notes: [] })
  }
  return [...groups.values()].map(({ method, results }) => ({ method, ...aggregate(results) }))
}

/** The mean curve of the rows of a method and a metric, and how many there are; undefined where they have none. */
export function meanCurve(
  rows: readonly ComparedRow[],
  method: string,
  metric: string,
): (MetricCurve & { readonly count: number }) | undefined {
  const curves = rows.flatMap((r) => (r.method === method && r.metric === metric && r.curve ? [r.curve] : []))
  const [first] = curves
  if (!first || curves.some((c) => c.x.join() !== first.x.join())) return undefined
  const y = first.x.map((_, i) => curves.reduce((sum, c) => sum + (c.y[i] ?? 0), 0) / curves.length)
  return { x: first.x, y, count: curves.length }
}
