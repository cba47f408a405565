/** docs/metrics.md, from the list of metrics and the reference values that they are held to. */
import { readFileSync } from 'node:fs'
import { METRICS } from '../../src/metrics/index.js'
import type { Metric } from '../../src/metrics/metric.js'
import { tableOf } from './table.js'

const FIXTURE = new URL('../../test/fixtures/metrics/metrics.json', import.meta.url)

/** A picture of 224 x 224 and one layer. */
const USUAL = { places: 224 * 224, height: 224, width: 224, depth: 1, layers: 1 }

export function metricsPage(): string {
  const held = referenceCounts()
  return `# Metrics

This page is made from \`src/metrics\` by \`npm run docs\`.

${tableOf(
  ['id', 'title', 'family', 'better', 'range', 'needs', 'cost', 'what it says', 'of a map that is the same everywhere'],
  METRICS.map((m) => [
    `\`${m.id}\``,
    m.title,
    m.family,
    m.better,
    rangeOf(m),
    m.needs,
    costOf(m),
    m.summary,
    m.constant,
  ]),
)}

Costs are those of the defaults on a picture of 224 x 224. *Maps* are made again, each at what its method costs. Metrics that need *boxes* take the
boxes around masks too, those that need a *mask* take boxes filled. Maps are taken as they are, signed, on the pixels of the model's input;
a map that is the same everywhere never gives NaN.

## Sources and agreement

Agreement: the largest difference that \`test/metrics/agreement.test.ts\` allows from values of the named code on the same maps (relative for values
above 1; a thousandth of values that are small), with the same random draws where there are any, and how many values are held to it. Where none is given, closed forms are tested.

${tableOf(
  ['id', 'source', 'variant', 'agreement'],
  METRICS.map((m) => [`\`${m.id}\``, m.source, m.variant, agreementOf(held.get(m.id) ?? 0)]),
)}

${METRICS.flatMap((m) =>
  Object.keys(m.options).length > 0
    ? [
        `## Options of \`${m.id}\`\n\n${tableOf(
          ['option', 'default', 'meaning'],
          Object.entries(m.options).map(([name, o]) => [
            `\`${name}\``,
            'unit' in o ? `${o.default} ${o.unit}`.trim() : String(o.default),
            o.kind === 'choice' ? `${o.description}: ${o.choices.join(', ')}` : o.description,
          ]),
        )}\n`,
      ]
    : [],
).join('\n')}`
}

function agreementOf(count: number): string {
  return count > 0 ? `1e-4 (${count} value${count === 1 ? '' : 's'})` : 'closed forms'
}

function rangeOf({ range: [low, high] }: Metric): string {
  const text = (v: number): string => (Number.isFinite(v) ? String(v) : v > 0 ? '∞' : '-∞')
  return `${text(low)} to ${text(high)}`
}

function costOf({ options, cost }: Metric): string {
  const defaults = Object.fromEntries(Object.entries(options).map(([name, o]) => [name, o.default]))
  const { forwards = 0, maps = 0, models = 0 } = cost(defaults, USUAL)
  if (models > 0) return 'a copy of the network and a map for each layer'
  const parts = [...(forwards ? [`${forwards} forward`] : []), ...(maps ? [`${maps} map${maps === 1 ? '' : 's'}`] : [])]
  return parts.join(' + ') || 'none'
}

/** How many reference values each metric is held to. */
function referenceCounts(): ReadonlyMap<string, number> {
  const { maps, again }: { maps: Record<string, Record<string, unknown[]>>; again: Record<string, unknown> } =
    JSON.parse(readFileSync(FIXTURE, 'utf8'))
  const counts = new Map(Object.keys(again).map((id) => [id, 1]))
  for (const values of Object.values(maps))
    for (const [id, list] of Object.entries(values)) counts.set(id, (counts.get(id) ?? 0) + list.length)
  return counts
}
