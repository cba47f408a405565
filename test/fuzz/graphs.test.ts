/** Random small graphs: their gradients against differences. A failure prints the recipe, shrunk, and fast-check's seed. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { check } from './compare.js'
import { RECIPES } from './recipe.js'
import { STEPS } from './steps.js'

const GRAPHS = 300
const SEED = 4

describe('random graphs', () => {
  const types = new Set<string | undefined>()
  let compared = 0
  let used = 0

  test('have the gradients that differences have', async () => {
    const property = fc.asyncProperty(RECIPES, async (recipe) => {
      const found = await check(recipe)
      types.add(found.type)
      if (found.compared > 0) used++
      compared += found.compared
      expect(found.fault, found.taken.join(', ')).toBeUndefined()
    })
    await fc.assert(property, { numRuns: GRAPHS, seed: SEED })
  })

  test('most of them can be compared, in both float types', () => {
    expect(used).toBeGreaterThan(GRAPHS * 0.6)
    expect(compared).toBeGreaterThan(GRAPHS * 2)
    expect([...types]).toEqual(expect.arrayContaining(['float32', 'float64']))
  })

  test('a wrong rule is found', async () => {
    const half = {
      name: 'half of the gradient',
      rules: {
        Tanh: ({ b, gy }: { b: { op(op: string, inputs: string[]): string }; gy: string }) => [() => b.op('Neg', [gy])],
      },
    }
    const tanh = STEPS.findIndex((s) => s.name === 'Tanh')
    const found = await fc.check(
      fc.asyncProperty(RECIPES, async (recipe) => {
        const steps = [...recipe.steps.slice(0, 3), { step: tanh, seed: 1 }]
        expect((await check({ ...recipe, steps }, half)).fault).toBeUndefined()
      }),
      { numRuns: 10, seed: SEED, endOnFailure: true },
    )
    expect(found.failed).toBe(true)
  })
})
