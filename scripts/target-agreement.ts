/**
 * Measures how alike gradients of targets are to PyTorch's, on real architectures with random weights, for docs/targets.md:
 *
 *     npx tsx scripts/target-agreement.ts FOLDER [NAME...] [--write]
 *
 * FOLDER/NAME/ is what scripts/vision_language_networks.py writes. With --write the table of docs/targets.md is made of it.
 */
import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { targetAgreements } from '../test/support/target-agreement.js'
import type { TargetAgreement } from './docs/targets.js'

const [folder = '', ...rest] = process.argv.slice(2)
const names = rest.filter((r) => !r.startsWith('--'))
const rows: TargetAgreement[] = []
for (const name of names.length > 0 ? names : readdirSync(folder).sort()) {
  if (!existsSync(join(folder, name, 'meta.json'))) continue
  try {
    for (const row of await targetAgreements(join(folder, name), name)) {
      rows.push(row)
      console.log(JSON.stringify(row))
    }
  } catch (error) {
    console.log(`${name}: ${error instanceof Error ? error.message.slice(0, 300) : error}`)
  }
}
if (rest.includes('--write'))
  writeFileSync(new URL('docs/target-agreement.json', import.meta.url), `${JSON.stringify(rows, null, 1)}\n`)
