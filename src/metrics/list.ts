/** The metrics, in the order in which they are shown. A new one is one line here. */
import { ExplainError } from '../core/errors.js'
import { didYouMean } from '../core/nearest.js'
import { deletion } from './deletion.js'
import type { Metric } from './metric.js'

export const METRICS: readonly Metric[] = [deletion]

/** The metric of an id; case and hyphens may be left out. Throws `unknown-metric`. */
export function findMetric(id: string): Metric {
  const plain = (text: string): string => text.toLowerCase().replaceAll(/[^a-z0-9]/g, '')
  const found = METRICS.find((m) => m.id === id) ?? METRICS.find((m) => plain(m.id) === plain(id))
  if (found) return found
  const ids = METRICS.map((m) => m.id)
  throw new ExplainError('unknown-metric', {
    what: `There is no metric "${id}"`,
    remedy: didYouMean(id, ids) || `The metrics are: ${ids.join(', ')}.`,
    details: { metrics: ids },
  })
}
