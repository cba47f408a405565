// Writes the tables in docs/ that follow from the code. With --check nothing is written: the exit status is 1 where one is out of date.
import { readFileSync, writeFileSync } from 'node:fs'
import { AGREEMENTS } from '../test/methods/agreement/index.js'
import { unmeasured } from './docs/agreement.js'
import { methodsPage } from './docs/methods.js'
import { metricsPage } from './docs/metrics.js'
import { operatorsPage } from './docs/operators.js'
import { performancePage } from './docs/performance.js'
import { targetsPage } from './docs/targets.js'

const check = process.argv.includes('--check')
let stale = false
for (const [name, text] of Object.entries({
  'methods.md': methodsPage(),
  'metrics.md': metricsPage(),
  'operators.md': operatorsPage(),
  'performance.md': performancePage(),
  'targets.md': targetsPage(),
})) {
  const path = new URL(`../docs/${name}`, import.meta.url)
  if (!check) writeFileSync(path, text)
  else if (readFileSync(path, 'utf8') !== text) {
    console.error(`docs/${name} is out of date: run "npm run docs"`)
    stale = true
  }
}
for (const key of check ? unmeasured(AGREEMENTS) : []) {
  console.error(`scripts/docs/agreement.json is out of date at ${key}: run "npx tsx scripts/agreement.ts"`)
  stale = true
}
process.exitCode = stale ? 1 : 0
