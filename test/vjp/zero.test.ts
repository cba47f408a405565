/** Nothing flows back through operators whose gradient is zero by nature, and nothing stops beside them. */
import { expect, test } from 'vitest'
import { float32 } from '../../src/core/tensor.js'
import { differentiate } from '../../src/vjp/differentiate.js'
import { ZERO_GRADIENT } from '../../src/vjp/rules/index.js'
import { numbers, run } from '../support/run.js'
import { ZERO_MODELS, zeroModel } from './zero.js'

test('the models are of operators without gradient', () => {
  expect([...ZERO_MODELS].filter((op) => !Object.hasOwn(ZERO_GRADIENT, op))).toEqual([])
})

test.each([...ZERO_MODELS])('%s', async (op) => {
  const graph = zeroModel(op)
  const x = float32([2, 2], [0.4, -1.3, 2.6, 0.9])
  const gy = float32([2, 2], [1, 2, -3, 0.5])
  const sum = numbers((await run(graph, { x })).sum)[0] ?? Number.NaN
  const gradient = differentiate(graph, { of: 'y', wrt: ['x'] })
  const got = numbers((await run(gradient, { x, 'gradient/y': gy }))['gradient/x'])
  const want = Array.from(gy.data, (g) => g * sum)
  expect(got.length).toBe(4)
  for (const [i, w] of want.entries()) expect(got[i]).toBeCloseTo(w, 5)
})

test('an operator that is asked for alone is said to have no gradient', () => {
  for (const op of ZERO_MODELS)
    expect(() => differentiate(zeroModel(op), { of: 'sum', wrt: ['x'] })).toThrowError(/does not depend on "x"/)
})
