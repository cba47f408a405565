/** The list of samples is whole. TypeScript says so too; this holds where tests run without it. */
import { expect, test } from 'vitest'
import { DECOMPOSITIONS } from '../../src/passes/decompositions/index.js'
import { RULES, ZERO_GRADIENT } from '../../src/vjp/rules/index.js'
import { readFixtures } from './fixtures.js'
import { isPinned } from './sample.js'
import { ALL_SAMPLES } from './suite.js'

test('every operator with a rule or a decomposition has a sample, and no other', () => {
  const sampled = ALL_SAMPLES.filter(([, samples]) => samples.some((s) => !isPinned(s))).map(([op]) => op)
  expect(sampled.sort()).toEqual([...Object.keys(RULES), ...Object.keys(DECOMPOSITIONS)].sort())
})

test('names are unique within an operator', () => {
  const repeated = ALL_SAMPLES.filter(([, samples]) => new Set(samples.map((s) => s.name)).size !== samples.length)
  expect(repeated.map(([op]) => op)).toEqual([])
})

test('no operator both has a rule and is listed as without gradient', () => {
  expect(
    [...Object.keys(RULES), ...Object.keys(DECOMPOSITIONS)].filter((op) => Object.hasOwn(ZERO_GRADIENT, op)),
  ).toEqual([])
})

test('there is a PyTorch fixture for every sample that PyTorch can compute, and for nothing else', () => {
  const wanted = ALL_SAMPLES.flatMap(([op, samples]) =>
    samples.filter((s) => !isPinned(s) && s.noTorch === undefined).map((s) => `${op}/${s.name}`),
  )
  expect(Object.keys(readFixtures()).sort()).toEqual(wanted.sort())
})
