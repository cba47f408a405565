// Writes the tables in docs/ that follow from the code: methods.md from the list of methods, operators.md from the list of rules.
// With --check nothing is written: the exit status is 1 where a table is out of date.
import { readFileSync, writeFileSync } from 'node:fs'
import { METHODS } from '../src/methods/index.js'
import { RULES, ZERO_GRADIENT } from '../src/vjp/rules/index.js'

function row(cells: readonly string[]): string {
  return `| ${cells.map((c) => c.replaceAll('|', '\\|')).join(' | ')} |`
}

function tableOf(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [row(head), row(head.map(() => '---')), ...rows.map(row)].join('\n')
}

const methods = `# Methods

This page is made from \`src/methods\` by \`npm run docs\`.

${tableOf(
  ['id', 'title', 'family', 'kind', 'cost in runs', 'what it shows', 'source'],
  METHODS.map((m) => [`\`${m.id}\``, m.title, m.family, m.kind, m.cost, m.summary, m.source]),
)}

*Compiled* methods write their map into the graph: one run gives answer and map, and \`onnxplain compile\` makes a file of it. *Driven* methods
are loops around runs.

${METHODS.flatMap((m) =>
  m.kind === 'driven'
    ? [
        `## Options of \`${m.id}\`\n\n${tableOf(
          ['option', 'default', 'meaning'],
          Object.entries(m.options).map(([name, o]) => [
            `\`--${name}\``,
            o.kind === 'integer' ? `${o.default} ${o.unit}` : o.default,
            o.description,
          ]),
        )}\n`,
      ]
    : [],
).join('\n')}`

const operators = `# Operators

This page is made from \`src/vjp/rules\` by \`npm run docs\`. A model of opset 7 or newer is first upgraded to opset 18; newer ones are read as
they are.

## Differentiable

${Object.keys(RULES).sort().join(', ')}

## Gradient zero by nature

${tableOf(
  ['operator', 'why'],
  Object.entries(ZERO_GRADIENT)
    .sort(([a], [b]) => a.localeCompare(b))
    .map(([op, why]) => [op, why]),
)}

A model with any other operator between the picture and the answer is refused by the gradient methods, in one message that lists every such
node; occlusion still works. A CAM method differentiates only what lies between its layer and the answer.
`

const check = process.argv.includes('--check')
let stale = false
for (const [name, text] of Object.entries({ 'methods.md': methods, 'operators.md': operators })) {
  const path = new URL(`../docs/${name}`, import.meta.url)
  if (!check) writeFileSync(path, text)
  else if (readFileSync(path, 'utf8') !== text) {
    console.error(`docs/${name} is out of date: run "npm run docs"`)
    stale = true
  }
}
process.exitCode = stale ? 1 : 0
