/**
 * Damaged models that ONNX Runtime is asked about: 300 mutants are probed in a process of their own. What the runtime refuses must come
 * back as an ExplainError. A mutant that ends the runtime itself ends its process, and the next one goes on behind it.
 */
import { spawnSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { pathOf } from '../support/files.js'

const CASES = 300

test('mutants are probed, or refused with a code', () => {
  const fates = new Map<number, string>()
  let next = 0
  for (let processes = 0; next < CASES && processes < 10; processes++) {
    const args = ['--import', 'tsx', pathOf('test/fuzz/probe-mutants.ts'), `${next}`, `${CASES - next}`]
    const { stdout } = spawnSync(process.execPath, args, { cwd: pathOf('.'), encoding: 'utf8', timeout: 60_000 })
    for (const line of stdout.trim().split('\n')) {
      const { number, fate }: { number: number; fate?: string } = JSON.parse(line || '{"number":-1}')
      if (fate !== undefined) fates.set(number, fate)
      next = Math.max(next, number + 1)
    }
  }
  expect(next).toBe(CASES)
  expect([...fates].filter(([, fate]) => fate.includes(' '))).toEqual([])
  // few end the runtime
  expect(fates.size).toBeGreaterThan(CASES - 10)
  expect([...fates.values()]).toEqual(expect.arrayContaining(['probed', 'runtime-failed', 'invalid-model']))
})
