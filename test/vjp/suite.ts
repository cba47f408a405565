/** The tests of the backward rules, shared out over several files, which vitest runs at the same time. */
import { describe, expect, test } from 'vitest'
import { operatorName } from '../../src/onnx/ir.js'
import { RULES, ZERO_GRADIENT } from '../../src/vjp/rules/index.js'
import { runtime } from '../support/ort.js'
import { DECLARATIONS, makeCase, modelOf, opsetsOf } from './case.js'
import { checkRule, mayRefuse, needsShapes } from './check.js'
import { readFixtures } from './fixtures.js'
import { gradientGraph, type Rules } from './gradient.js'
import type { Sample } from './sample.js'
import { SAMPLES } from './samples/index.js'

export const ALL_SAMPLES: readonly [string, readonly Sample[]][] = Object.entries(SAMPLES)

/** True for operators that can be differentiated, if only to zero. */
export function hasRule(name: string): boolean {
  return Object.hasOwn(RULES, name) || Object.hasOwn(ZERO_GRADIENT, name)
}

/** Tests every `count`-th operator, from `first` on. */
export function testRules(first: number, count: number): void {
  const fixtures = readFixtures()
  for (const [op, samples] of ALL_SAMPLES.filter((_, i) => i % count === first))
    describe(op, () => {
      test.each(samples.map((s) => [s.name, s] as const))('%s', async (_name, sample) => {
        expect(await checkRule(op, sample, { runtime, fixtures })).toEqual([])
      })

      test('every operator that the rule emits has a rule itself', async () => {
        const emitted = await emittedBy(op, samples)
        expect([...emitted].filter((name) => !hasRule(name))).toEqual([])
      })
    })
}

/** The operators in the gradient graphs of all samples, at all opsets and declarations, that the models did not have. */
export async function emittedBy(op: string, samples: readonly Sample[], rules: Rules = {}): Promise<Set<string>> {
  const emitted = new Set<string>()
  for (const sample of samples) {
    const c = await makeCase(op, sample, runtime)
    for (const opset of opsetsOf(sample))
      for (const declaration of DECLARATIONS)
        try {
          const own = new Set(modelOf(c, declaration, opset).nodes.flatMap((n) => n.outputs))
          const graph = await gradientGraph(c, { declaration, probed: false, opset }, runtime, rules)
          for (const node of graph.nodes) if (!own.has(node.outputs[0] ?? '')) emitted.add(operatorName(node))
        } catch (error) {
          if (!mayRefuse(op, { declaration, probed: false }) || !needsShapes(error)) throw error
        }
  }
  return emitted
}
