/** docs/methods.md, from the list of methods. */
import { METHODS } from '../../src/methods/index.js'
import { tableOf } from './table.js'

export function methodsPage(): string {
  return `# Methods

This page is made from \`src/methods\` by \`npm run docs\`.

${tableOf(
  ['id', 'title', 'family', 'kind', 'cost in runs', 'what it shows', 'source'],
  METHODS.map((m) => [`\`${m.id}\``, m.title, m.family, m.kind, m.cost, m.summary, m.source]),
)}

*Compiled* methods write their map into the graph: one run gives answer and map, and \`onnxplain compile\` makes a file of it. *Driven* methods
are loops around runs.

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
