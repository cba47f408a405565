/** Measurements of many pictures as one number, and how sure it is. */
import { ExplainError } from '../core/errors.js'
import { uniform } from '../methods/random.js'
import { findMetric } from './list.js'
import { mean, quantile } from './maps.js'
import type { MetricResult } from './measure.js'
import type { Measurement, MetricCurve, MetricInfo, MetricParts } from './metric.js'

export interface Aggregate {
  readonly metric: MetricInfo
  /** How many pictures. */
  readonly count: number
  /** The mean; of metrics of data sets (MaxBoxAcc, PxAP, SIC, AIC) what they are of all pictures together. */
  readonly value: number
  /** Where the value would lie for 95 of 100 such collections of pictures: by Student's t for means, else by drawing pictures again. */
  readonly interval: readonly [number, number]
  /** The standard deviation of single pictures' values. */
  readonly deviation: number
  /** Of the pictures together, where the metric pools them. */
  readonly curve?: MetricCurve
  readonly parts?: MetricParts
}

/** Pools the results of one metric over pictures. Throws `bad-option` for none, and for results of several metrics or options. */
export function aggregate(results: readonly MetricResult[]): Aggregate {
  const [first] = results
  const key = (r: MetricResult): string => JSON.stringify([r.metric.id, r.options])
  if (!first || results.some((r) => key(r) !== key(first)))
    throw new ExplainError('bad-option', {
      what: first ? 'The results are of several metrics or options' : 'There are no results to pool',
      where: 'aggregate',
      remedy: 'Give the results of one metric with the same options, one or more.',
    })
  const values = results.map((r) => r.value)
  const { metric } = first
  const pool = findMetric(metric.id).aggregate
  const centre = mean(values)
  const deviation =
    values.length > 1 ? Math.sqrt(values.reduce((s, v) => s + (v - centre) ** 2, 0) / (values.length - 1)) : 0
  const about = { metric, count: values.length, deviation }
  if (!pool) {
    const off = (studentT(values.length - 1) * deviation) / Math.sqrt(values.length)
    return { ...about, value: centre, interval: [centre - off, centre + off] }
  }
  return { ...about, ...pool(results), interval: drawnAgain(results, pool) }
}

const DRAWS = 200

/** The middle 95 % of the values of collections drawn of the same pictures (percentile bootstrap). */
function drawnAgain(
  results: readonly Measurement[],
  pool: (measurements: readonly Measurement[]) => Measurement,
): readonly [number, number] {
  const chance = uniform(0)
  const values = Array.from(
    { length: DRAWS },
    () => pool(results.flatMap(() => results[Math.floor(chance() * results.length)] ?? [])).value,
  )
  return [quantile(values, 0.025), quantile(values, 0.975)]
}

/** Student's t that 97.5 % lie below; of 1 to 4 degrees of freedom from tables, else by Cornish and Fisher's expansion. */
function studentT(freedom: number): number {
  const known = [0, 12.706, 4.303, 3.182, 2.776][freedom]
  if (known !== undefined) return known
  const z = 1.959964
  const first = (z ** 3 + z) / 4
  const second = (5 * z ** 5 + 16 * z ** 3 + 3 * z) / 96
  return z + first / freedom + second / freedom ** 2
}
