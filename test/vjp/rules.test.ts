/** Every backward rule on every sample: against central differences, PyTorch, and itself differentiated again. */
import { describe, expect, test } from 'vitest'
import { RULES, ZERO_GRADIENT } from '../../src/vjp/rules/index.js'
import { ruleName } from '../../src/vjp/walk.js'
import { runtime } from '../support/ort.js'
import { DECLARATIONS, makeCase, modelOf, opsetsOf } from './case.js'
import { checkRule, needsShapes } from './check.js'
import { readFixtures } from './fixtures.js'
import { gradientGraph } from './gradient.js'
import type { Sample } from './sample.js'
import { SAMPLES } from './samples/index.js'

const fixtures = readFixtures()
const all: [string, readonly Sample[]][] = Object.entries(SAMPLES)

describe('the list of samples', () => {
  test('has at least one sample for every operator with a rule, and none for others', () => {
    expect(
      all
        .filter(([, samples]) => samples.length > 0)
        .map(([op]) => op)
        .sort(),
    ).toEqual(Object.keys(RULES).sort())
  })

  test.each(all)('%s: names are unique', (_op, samples) => {
    expect(new Set(samples.map((s) => s.name)).size).toBe(samples.length)
  })

  test('no operator both has a rule and is without gradient', () => {
    expect(Object.keys(RULES).filter((op) => Object.hasOwn(ZERO_GRADIENT, op))).toEqual([])
  })
})

for (const [op, samples] of all)
  describe(op, () => {
    test.each(samples.map((s) => [s.name, s] as const))('%s', async (_name, sample) => {
      expect(await checkRule(op, sample, { runtime, fixtures })).toEqual([])
    })
  })

describe('closure', () => {
  test.each(all)('every operator that the rule of %s emits has a rule itself', async (op, samples) => {
    const emitted = new Set<string>()
    for (const sample of samples) {
      const c = await makeCase(op, sample, runtime)
      for (const opset of opsetsOf(sample))
        for (const declaration of DECLARATIONS)
          try {
            const own = new Set(modelOf(c, declaration, opset).nodes.flatMap((n) => n.outputs))
            const graph = await gradientGraph(c, { declaration, probed: false, opset }, runtime)
            for (const node of graph.nodes) if (!own.has(node.outputs[0] ?? '')) emitted.add(ruleName(node))
          } catch (error) {
            if (!needsShapes(error)) throw error
          }
    }
    expect([...emitted].filter((name) => !Object.hasOwn(RULES, name) && !Object.hasOwn(ZERO_GRADIENT, name))).toEqual(
      [],
    )
  })
})
