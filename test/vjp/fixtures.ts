/** PyTorch's gradients of the samples, as scripts/rule_fixtures.py wrote them. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Case } from './case.js'

const FOLDER = fileURLToPath(new URL('../fixtures/vjp/', import.meta.url))
const REMEDY =
  'run "npx tsx scripts/rule-samples.ts FOLDER" and "python scripts/rule_fixtures.py FOLDER test/fixtures/vjp" (needs torch, onnx, onnxruntime)'

interface Fixture {
  readonly hash: string
  /** Little-endian float32 in base64, by input. */
  readonly gradients: Readonly<Record<string, string>>
}

export type Fixtures = Readonly<Record<string, Fixture>>

export function readFixtures(): Fixtures {
  const files = readdirSync(FOLDER).filter((name) => name.endsWith('.json'))
  return Object.assign({}, ...files.map((name) => JSON.parse(readFileSync(join(FOLDER, name), 'utf8'))))
}

/** The gradients by input, or why there are none. */
export function fixtureOf(fixtures: Fixtures, c: Case): ReadonlyMap<string, Float32Array> | string {
  const fixture = fixtures[c.key]
  if (!fixture) return `no PyTorch fixture: ${REMEDY}`
  if (fixture.hash !== c.hash) return `stale PyTorch fixture, of other inputs: ${REMEDY}`
  return new Map(
    Object.entries(fixture.gradients).map(([name, text]) => {
      const bytes = Uint8Array.from(Buffer.from(text, 'base64'))
      return [name, new Float32Array(bytes.buffer)]
    }),
  )
}
