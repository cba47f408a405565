/** docs/methods.md, from the list of methods. */
import { METHODS } from '../../src/methods/index.js'
import { agreementOf, costOf, referencesOf } from './agreement.js'
import { tableOf } from './table.js'

export function methodsPage(): string {
  return `# Methods

This page is made from \`src/methods\` by \`npm run docs\`.

${tableOf(
  [
    'id',
    'title',
    'family',
    'kind',
    'cost in runs',
    'time in forward passes',
    'what it shows',
    'source',
    'reference library',
    'agreement',
  ],
  METHODS.map((m) => [
    `\`${m.id}\``,
    m.title,
    m.family,
    m.kind,
    m.cost,
    costOf(m.id),
    m.summary,
    m.source,
    referencesOf(m.id),
    agreementOf(m.id),
  ]),
)}

*Compiled* methods write their map into the graph: one run gives answer and map, and \`onnxplain compile\` makes a file of it. *Driven* methods
are loops around runs.

*Agreement* is the least Pearson correlation of our raw map with the reference library's on the same weights and picture, over the maps that
\`test/methods/agreement\` lists: of the shipped model (224 x 224) and of small networks of random weights (96 x 96). Sign, scale and library defaults are said
there. For methods that draw random numbers the reference is the mean of several seeds.

*Time in forward passes* is the time of one map over that of one plain forward pass of the shipped model, to one digit, of one machine: the shortest of three
for compiled methods; of the others, with their default options, as long as ten seconds tell. \`npx tsx scripts/agreement.ts\` measures both columns anew.

${METHODS.flatMap((m) =>
  Object.keys(m.options).length > 0
    ? [
        `## Options of \`${m.id}\`\n\n${tableOf(
          ['option', 'default', 'meaning'],
          Object.entries(m.options).map(([name, o]) => [
            `\`--${name}\``,
            'unit' in o
              ? `${o.default} ${o.unit}`.trim()
              : o.kind === 'switch'
                ? o.default === 1
                  ? 'on'
                  : 'off'
                : o.default,
            o.description,
          ]),
        )}\n`,
      ]
    : [],
).join('\n')}`
}
