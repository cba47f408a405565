/**
 * Holds Grad-CAM at layers of tokens and channels-last maps, found without naming one, to pytorch-grad-cam's:
 *
 *     npx tsx scripts/check-tokens.ts FOLDER [NAME...]
 *
 * FOLDER/NAME/ is what scripts/token_fixtures.py writes. Prints one row of a markdown table a network; exits with 1 where a map
 * correlates by less than 0.999 with the reference, or a network cannot be explained. Of networks without a reference (`module` null) the
 * layer and its grid are printed.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { sizeOf } from '../src/core/tensor.js'
import { Model } from '../src/explain/index.js'
import { ortRuntime } from '../src/node/ort.js'
import { decode } from '../src/onnx/decode.js'
import { correlation, relativeL2 } from '../test/support/measures.js'
import { readNpyFloat32 } from '../test/support/npy.js'

const LEAST = 0.999

interface Meta {
  readonly module: string | null
  readonly targets?: readonly number[]
}

async function check(folder: string): Promise<{ readonly cells: readonly string[]; readonly good: boolean }> {
  const meta: Meta = JSON.parse(readFileSync(join(folder, 'meta.json'), 'utf8'))
  const input = readNpyFloat32(join(folder, 'input.npy'))
  const graph = decode(Uint8Array.from(readFileSync(join(folder, 'model.onnx'))))
  const model = await Model.load(graph, await ortRuntime(), { name: folder })
  try {
    const { explanations } = await model.explainAll(input, { target: meta.targets ?? [0, 1] })
    const [first] = explanations
    const raw = first?.raw
    const tokens = first?.provenance.tokens
    const size = sizeOf(raw?.dims ?? [])
    const wanted = meta.module === null ? undefined : readNpyFloat32(join(folder, 'maps.npy')).data
    const off = explanations.map((e, i) => {
      const want = wanted?.subarray(i * size, (i + 1) * size)
      return want && { relativeL2: relativeL2(e.raw.data, want), correlation: correlation(e.raw.data, want) }
    })
    const worst = wanted && {
      correlation: Math.min(...off.map((o) => o?.correlation ?? 0)),
      relativeL2: Math.max(...off.map((o) => o?.relativeL2 ?? 1)),
    }
    const blank = explanations.flatMap((e) => e.diagnosis.map((d) => d.code)).join(' ')
    const cells = [
      raw?.layer ?? '',
      `${tokens?.before ? `${tokens.before} + ` : ''}${raw?.dims.join(' x ')}${tokens?.after ? ` + ${tokens.after}` : ''}`,
      meta.module ?? '-',
      worst ? worst.correlation.toFixed(6) : '-',
      worst ? worst.relativeL2.toExponential(1) : blank || '-',
    ]
    return { cells, good: !worst || worst.correlation >= LEAST }
  } finally {
    await model.release()
  }
}

async function main(folder: string, wanted: readonly string[]): Promise<boolean> {
  const names = wanted.length > 0 ? wanted : readdirSync(folder).sort()
  console.log('| network | layer | places | reference at | least correlation | relative L2 |')
  console.log('|---|---|---|---|---|---|')
  let good = true
  for (const name of names) {
    if (!existsSync(join(folder, name, 'meta.json'))) continue
    try {
      const row = await check(join(folder, name))
      good &&= row.good
      console.log(`| ${row.good ? name : `**${name}**`} | ${row.cells.join(' | ')} |`)
    } catch (error) {
      good = false
      console.log(
        `| **${name}** | ${error instanceof Error ? error.message.replaceAll('|', '\\|').slice(0, 300) : error} |`,
      )
    }
  }
  return good
}

const [folder, ...names] = process.argv.slice(2)
if (folder === undefined) {
  console.error('usage: npx tsx scripts/check-tokens.ts FOLDER [NAME...]')
  process.exitCode = 2
} else if (!(await main(folder, names))) process.exitCode = 1
