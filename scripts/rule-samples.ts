/**
 * Writes the samples of the backward rules for scripts/rule_fixtures.py:
 *
 *     npx tsx scripts/rule-samples.ts FOLDER [GROUP...]
 *
 * one file a group of samples (default: all of them).
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Tensor } from '../src/core/tensor.js'
import { encode } from '../src/onnx/encode.js'
import { runtime } from '../test/support/ort.js'
import { feedsOf, makeCase, modelOf, opsetsOf, runnable } from '../test/vjp/case.js'
import { isPinned, type Sample } from '../test/vjp/sample.js'
import { GROUPS } from '../test/vjp/samples/index.js'

function bytes(data: Tensor['data'] | Uint8Array): string {
  return Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('base64')
}

function plain(t: Tensor): { type: string; dims: readonly number[]; data: string } {
  return { type: t.type, dims: t.dims, data: bytes(t.data) }
}

async function casesOf(all: readonly [string, readonly Sample[]][]): Promise<unknown[]> {
  const cases = []
  for (const [op, samples] of all)
    for (const sample of samples) {
      if (isPinned(sample) || sample.noTorch !== undefined) continue
      const c = await makeCase(op, sample, runtime)
      cases.push({
        key: c.key,
        hash: c.hash,
        model: bytes(encode(modelOf(c, 'static', opsetsOf(sample)[0]))),
        // what ORT computes, where that is not the model itself
        ...(sample.noKernel === undefined ? {} : { runnable: bytes(encode(runnable(c))) }),
        feeds: Object.fromEntries(Object.entries(feedsOf(c)).map(([name, t]) => [name, plain(t)])),
        of: c.of,
        gy: plain(c.gy),
        wrt: c.wrt,
      })
    }
  return cases
}

async function main(folder: string, wanted: readonly string[]): Promise<void> {
  mkdirSync(folder, { recursive: true })
  for (const [group, samples] of Object.entries(GROUPS)) {
    if (wanted.length > 0 && !wanted.includes(group)) continue
    const cases = await casesOf(Object.entries(samples))
    writeFileSync(join(folder, `${group}.json`), JSON.stringify(cases))
    console.log(`${group}: ${cases.length} samples`)
  }
}

const [folder, ...groups] = process.argv.slice(2)
if (folder === undefined) {
  console.error('usage: npx tsx scripts/rule-samples.ts FOLDER [GROUP...]')
  process.exitCode = 2
} else await main(folder, groups)
