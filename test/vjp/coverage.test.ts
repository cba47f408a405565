/** docs/operators.md can be made, and says what is so: every operator of the standard is in exactly one of the engine's tables. */
import { existsSync } from 'node:fs'
import { expect, test } from 'vitest'
import { coverageOf, readStandard, samplesOf } from '../../scripts/docs/coverage.js'
import { DECOMPOSITIONS } from '../../src/passes/decompositions/index.js'
import { PASSES } from '../../src/passes/lower.js'
import { RULES, ZERO_GRADIENT } from '../../src/vjp/rules/index.js'
import { UNSUPPORTED } from '../../src/vjp/unsupported.js'

const standard = Object.keys(readStandard().operators)

test('every operator of the standard is settled', () => {
  expect(standard.filter((name) => coverageOf(name) === undefined)).toEqual([])
})

/** Operators that ONNX Runtime defines in ONNX's own domain: old ones, and one that its optimiser writes. */
const OF_THE_RUNTIME = ['Affine', 'Crop', 'ImageScaler', 'ParametricSoftplus', 'Scale', 'ScaledTanh']

test('no table knows an operator that is neither of the standard nor of a domain', () => {
  const known = [RULES, DECOMPOSITIONS, ZERO_GRADIENT, UNSUPPORTED].flatMap((table) => Object.keys(table))
  const others = known.filter((name) => !name.includes('.') && !standard.includes(name))
  expect(others.sort()).toEqual([...OF_THE_RUNTIME, 'SimplifiedLayerNormalization'])
})

test('what is differentiated is not listed as unsupported', () => {
  const states = Object.keys(UNSUPPORTED).filter((name) => coverageOf(name)?.state !== 'unsupported')
  expect(states).toEqual([])
})

test('every operator with a rule or a decomposition is tested under its own name', () => {
  const names = [...Object.keys(RULES), ...Object.keys(DECOMPOSITIONS)]
  expect(names.filter((name) => samplesOf(name).length === 0)).toEqual([])
})

test('a convention that is stated is kept by the table', () => {
  expect(coverageOf('Relu')).toEqual({ state: 'rule', says: '0 at 0' })
  expect(coverageOf('LpNormalization')).toEqual({ state: 'decomposition', says: '0 where the norm is 0' })
})

test('a pass that takes operators away names the test that shows it', () => {
  for (const pass of PASSES)
    if (pass.rewrites) expect(existsSync(new URL(`../../${pass.shownBy}`, import.meta.url))).toBe(true)
})
