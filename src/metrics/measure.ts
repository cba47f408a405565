/** Measures one map of one picture by metrics. */
import { ExplainError } from '../core/errors.js'
import { countNotFinite } from '../core/extremes.js'
import type { Explanation, GivenOptions, Image, ImageOptions, Model } from '../explain/index.js'
import { refuseUnknown, resolveOptions } from '../explain/options.js'
import { contextOf, type Subject, sizedOf } from './context.js'
import { findMetric } from './list.js'
import { type Measurement, type Metric, type MetricCost, type MetricInfo, metricInfo } from './metric.js'
import type { GivenTruth } from './truth.js'

export interface MeasureOptions extends ImageOptions {
  /** Options of the metrics, under their own names: `{ step: 448, seed: 1 }`. */
  readonly options?: GivenOptions
  /** Where the objects of the explained class are, for metrics that hold the map to that. */
  readonly truth?: GivenTruth | undefined
  /** Pictures a run. Default: 16. */
  readonly batch?: number
  readonly signal?: AbortSignal | undefined
  readonly onProgress?: (progress: MeasureProgress) => void
}

export interface MeasureProgress {
  readonly metric: string
  /** Forward passes and maps that are done, of how many. */
  readonly done: number
  readonly total: number
}

/** What a metric says of a map; plain data. */
export interface MetricResult extends Measurement {
  readonly metric: MetricInfo
  readonly options: Readonly<Record<string, number | string>>
  readonly notes: readonly string[]
}

/** A metric that does not fit the map, the model or what is known of the picture. */
export interface RefusedMetric {
  readonly metric: MetricInfo
  readonly error: ExplainError
}

export interface MeasuredSet {
  readonly results: readonly MetricResult[]
  readonly refused: readonly RefusedMetric[]
}

/**
 * Measures a map of the picture that it explains, by one metric. Rejects with an {@link ExplainError}: `unknown-metric`,
 * `missing-ground-truth`, `method-not-applicable`, `bad-option`, and what running the model rejects with.
 *
 * @param image what the explanation was made of: the same picture, tensor or prepared picture
 * @example
 * ```ts
 * const explanation = await model.explain(picture, { method: 'grad-cam' })
 * const { value, curve } = await measure(model, picture, explanation, 'deletion')
 * ```
 */
export async function measure(
  model: Model,
  image: Image,
  explanation: Explanation,
  metric: string,
  options: MeasureOptions = {},
): Promise<MetricResult> {
  const { results, refused } = await measureAll(model, image, explanation, [metric], options)
  const [result] = results
  if (result) return result
  throw refused[0]?.error ?? new ExplainError('bad-option', { what: 'No metric was asked for' })
}

/** Measures a map by several metrics, in order. What a metric cannot measure is in `refused`, with the reason. */
export async function measureAll(
  model: Model,
  image: Image,
  explanation: Explanation,
  metrics: readonly string[],
  options: MeasureOptions = {},
): Promise<MeasuredSet> {
  const found = metrics.map(findMetric)
  refuseUnknown(found, options.options ?? {})
  const settings = new Map(found.map((m) => [m, resolveOptions(m, options.options ?? {})]))
  const { truth = {}, signal } = options
  const prepared = model.prepare(image, options)
  checkExplained(model, explanation)
  const subject = { model, prepared, explanation, truth, batch: model.batch(options.batch), signal }
  const results: MetricResult[] = []
  const refused: RefusedMetric[] = []
  for (const metric of found)
    try {
      results.push(await measured(subject, metric, settings.get(metric) ?? {}, options))
    } catch (error) {
      if (!(error instanceof ExplainError) || error.code === 'aborted') throw error
      refused.push({ metric: metricInfo(metric), error })
    }
  return { results, refused }
}

/** What a metric costs on this model at these options, in forward passes, maps and models. */
export function costOf(
  model: Model,
  image: Image,
  metric: string,
  options: Pick<MeasureOptions, 'options' | keyof ImageOptions> = {},
): MetricCost {
  const found = findMetric(metric)
  const values = resolveOptions(found, options.options ?? {})
  return {
    forwards: 0,
    maps: 0,
    models: 0,
    ...found.cost(values, sizedOf({ model, prepared: model.prepare(image, options) })),
  }
}

async function measured(
  subject: Subject,
  metric: Metric,
  options: Readonly<Record<string, number | string>>,
  { onProgress }: MeasureOptions,
): Promise<MetricResult> {
  const { forwards = 0, maps = 0 } = metric.cost(options, sizedOf(subject))
  const total = forwards + maps
  const notes: string[] = []
  let done = 0
  const step = (count: number): void => {
    done += count
    onProgress?.({ metric: metric.id, done: Math.min(done, total), total })
  }
  const context = contextOf(subject, metric, options, { step, note: (text) => notes.push(text) })
  const measurement = await metric.measure(context)
  return { metric: metricInfo(metric), options, ...measurement, notes }
}

/** Throws `method-not-applicable` for maps that are not of the picture. */
function checkExplained(model: Model, { input, raw, diagnosis }: Explanation): void {
  if (input !== model.input.name)
    throw new ExplainError('method-not-applicable', {
      what: `Metrics measure maps of the picture; this map is of the input "${input}"`,
      remedy: 'Explain the picture: leave out wrt.',
    })
  const [odd] = diagnosis
  if (odd?.code === 'not-finite' || countNotFinite(raw.data) > 0)
    throw new ExplainError('method-not-applicable', {
      what: 'The map holds values that are not finite, and cannot be measured',
      remedy: odd?.message ?? 'Take another method.',
    })
}
