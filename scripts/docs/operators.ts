/** docs/operators.md: one row an operator, of the standard and of the runtime's own domain. */

import { NEWEST_OPSET } from '../../test/support/model.js'
import {
  type Coverage,
  coverageOf,
  coveredOperators,
  readMissingKernels,
  readStandard,
  type StandardOperator,
  samplesOf,
} from './coverage.js'
import { tableOf } from './table.js'

/** The oldest opset that is read; the newest one is the runtime's. */
const OLDEST = 7
const RUNTIME_DOMAIN = 'com.microsoft.'

const STATES = {
  rule: 'by a rule',
  decomposition: 'by decomposition',
  pass: 'by another pass',
  zero: 'gradient zero by nature',
  unsupported: '**not supported**',
} as const satisfies Record<Coverage['state'], string>

function shownBy(name: string, coverage: Coverage): string {
  const groups = samplesOf(name).map((group) => `\`${group}\``)
  return groups.join(', ') || (coverage.shownBy ?? '')
}

/** The forms that are read: the one in force at the oldest opset, and those that came after. */
function versionsOf({ versions, removed }: StandardOperator, missing: readonly number[]): string {
  const inForce = Math.max(
    0,
    versions.findLastIndex((v) => v <= OLDEST),
  )
  const read = versions.slice(inForce).filter((v) => v <= NEWEST_OPSET)
  const said = read.map((v) => (missing.includes(v) ? `${v} (no kernel)` : `${v}`))
  return [...said, ...(removed === undefined ? [] : [`gone at ${removed}`])].join(', ')
}

function requireCoverage(name: string): Coverage {
  const coverage = coverageOf(name)
  if (!coverage)
    throw new Error(`${name} is in none of the tables: give it a rule, or a line in src/vjp/unsupported.ts`)
  return coverage
}

/** Without the domain where that is the runtime's usual one; with it where ORT defines the operator in ONNX's own. */
function runtimeName(name: string): string {
  if (name.startsWith(RUNTIME_DOMAIN)) return name.slice(RUNTIME_DOMAIN.length)
  return name.includes('.') ? name : `ai.onnx.${name}`
}

export function operatorsPage(): string {
  const standard = readStandard()
  const kernels = readMissingKernels()
  const ours = Object.entries(standard.operators).map(([name, operator]) => ({
    name,
    coverage: requireCoverage(name),
    operator,
  }))
  const runtimes = coveredOperators().filter((name) => !Object.hasOwn(standard.operators, name))
  const count = (state: Coverage['state']): number => ours.filter((o) => o.coverage.state === state).length
  const others = Object.entries(standard.otherDomains).map(([domain, n]) => `${n} of \`${domain}\``)
  return `# Operators

This page is made from the tables in \`src/vjp\` and \`src/passes\` by \`npm run docs\`. A model of opset ${OLDEST} or newer is first upgraded to
opset 18; newer ones, up to ${NEWEST_OPSET} (the newest that ONNX Runtime runs), are read as they are.

Of the ${ours.length} operators of the ONNX standard (${standard.package}, opset ${standard.opset}), ${count('rule')} are differentiated by a rule, ${count('decomposition')} by decomposition into operators
that have one, and ${count('pass')} by another pass over the graph; ${count('zero')} have a gradient that is zero by nature; ${count('unsupported')} are not supported.

- *Opsets*: the versions of the operator that are read; *no kernel*: models with this one are not run by ${kernels.runtime}.
- *Ties and edges, or why*: the convention where the derivative is not defined, empty where it is defined everywhere; for the other
  states the reason.
- *Shown by*: the family of samples in \`test/vjp/samples\`, each held to central differences and to PyTorch, or the test file.

${tableOf(
  ['operator', 'opsets', 'differentiable', 'ties and edges, or why', 'shown by'],
  ours.map(({ name, coverage, operator }) => [
    name,
    versionsOf(operator, kernels.operators[name] ?? []),
    STATES[coverage.state],
    coverage.says,
    shownBy(name, coverage),
  ]),
)}

The other domains of the standard (${others.join(', ')}: classical machine learning and training) have no operators of vision networks; none is
supported.

## Operators of ONNX Runtime (\`com.microsoft\` where no domain is given)

${
  runtimes.length === 0
    ? 'None yet.'
    : tableOf(
        ['operator', 'differentiable', 'ties and edges, or why', 'shown by'],
        runtimes.map((name) => {
          const coverage = requireCoverage(name)
          return [runtimeName(name), STATES[coverage.state], coverage.says, shownBy(name, coverage)]
        }),
      )
}

A model with an operator that is not supported, or not listed, between the picture and the answer is refused by the gradient methods, in one
message that lists every such node; occlusion still works. A CAM method differentiates only what lies between its layer and the answer.
`
}
