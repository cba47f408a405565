/**
 * Writes the samples of the backward rules for scripts/rule_fixtures.py:
 *
 *     npx tsx scripts/rule-samples.ts FOLDER
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Tensor } from '../src/core/tensor.js'
import { encode } from '../src/onnx/encode.js'
import { runtime } from '../test/support/ort.js'
import { feedsOf, makeCase, modelOf, opsetsOf } from '../test/vjp/case.js'
import { isPinned, type Sample } from '../test/vjp/sample.js'
import { SAMPLES } from '../test/vjp/samples/index.js'

function bytes(data: Tensor['data'] | Uint8Array): string {
  return Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('base64')
}

function plain(t: Tensor): { type: string; dims: readonly number[]; data: string } {
  return { type: t.type, dims: t.dims, data: bytes(t.data) }
}

async function main(folder: string): Promise<void> {
  const cases = []
  const all: [string, readonly Sample[]][] = Object.entries(SAMPLES)
  for (const [op, samples] of all)
    for (const sample of samples) {
      if (isPinned(sample) || sample.noTorch !== undefined) continue
      const c = await makeCase(op, sample, runtime)
      cases.push({
        key: c.key,
        hash: c.hash,
        model: bytes(encode(modelOf(c, 'static', opsetsOf(sample)[0]))),
        feeds: Object.fromEntries(Object.entries(feedsOf(c)).map(([name, t]) => [name, plain(t)])),
        of: c.of,
        gy: plain(c.gy),
        wrt: c.wrt,
      })
    }
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'samples.json'), JSON.stringify(cases))
  console.log(`${cases.length} samples written to ${join(folder, 'samples.json')}`)
}

const [folder] = process.argv.slice(2)
if (folder === undefined) {
  console.error('usage: npx tsx scripts/rule-samples.ts FOLDER')
  process.exitCode = 2
} else await main(folder)
