/** PyTorch's gradients of the samples, as scripts/rule_fixtures.py wrote them. */
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Case } from './case.js'

const FILE = fileURLToPath(new URL('../fixtures/vjp/rules.json', import.meta.url))
const REMEDY =
  'run "npx tsx scripts/rule-samples.ts FOLDER" and "python scripts/rule_fixtures.py FOLDER test/fixtures/vjp/rules.json" (needs torch, onnx, onnxruntime)'

interface Fixture {
  readonly hash: string
  /** Little-endian float32 in base64, by input. */
  readonly gradients: Readonly<Record<string, string>>
}

export type Fixtures = Readonly<Record<string, Fixture>>

export function readFixtures(): Fixtures {
  return existsSync(FILE) ? JSON.parse(readFileSync(FILE, 'utf8')) : {}
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
