/** What a user may type for a target. */
import { describe, expect, test } from 'vitest'
import { probabilities, softmax } from '../../src/targets/answer.js'
import { type GivenTarget, readTarget } from '../../src/targets/index.js'
import { BEST, type TargetContext } from '../../src/targets/target.js'

const context: TargetContext = {
  labels: ['tench, Tinca tinca', 'Egyptian cat', 'tabby, tabby cat', 'espresso', '7 UP'],
  answer: {
    kind: 'classes',
    output: 'logits',
    logits: 'logits',
    dims: ['batch', 5],
    classes: 5,
    activation: 'none',
    others: [],
  },
  score: 'logit',
  values: new Map(),
  written: undefined,
}

/** The class that is read. */
const parseTarget = (given: GivenTarget, by: TargetContext) => {
  const target = readTarget(given, by)
  if (target.kind !== 'class') throw new Error(target.kind)
  return target
}

describe('readTarget of classes', () => {
  test.each([
    [3, 3],
    ['3', 3],
    [' 3 ', 3],
    ['+3', 3],
    [0, 0],
    [BEST, -1],
    ['-1', -1],
    ['espresso', 3],
    ['EGYPTIAN cat', 1],
    ['tabby', 2],
    ['Tabby Cat', 2],
    ['tinca TINCA', 0],
    ['tench, Tinca tinca', 0],
    ['7 up', 4],
    [{ kind: 'class', index: 2, score: 'probability' }, 2],
  ] as const)('%j is class %i', (text, index) => {
    expect(parseTarget(text, context).index).toBe(index)
  })

  test('the score comes from the context, or from the object', () => {
    expect(parseTarget(1, { ...context, score: 'probability' }).score).toBe('probability')
    expect(parseTarget({ kind: 'class', index: 1, score: 'probability' }, context).score).toBe('probability')
  })

  test.each([5, -2, 1.5, Number.NaN, '5', '-7'])('%s is out of range', (text) => {
    expect(() => parseTarget(text, context)).toThrow(
      expect.objectContaining({ code: 'unknown-label', message: expect.stringContaining('0 to 4') }),
    )
  })

  test('an object out of range is refused too', () => {
    expect(() => parseTarget({ kind: 'class', index: 9, score: 'logit' }, context)).toThrow(/no class 9/)
  })

  test('a label that is not there names the nearest', () => {
    expect(() => parseTarget('expresso', context)).toThrow(/"expresso".*"espresso"/)
    expect(() => parseTarget('cat', context)).toThrow(/"Egyptian cat"/)
  })

  test('a part of a label is not the label', () => {
    expect(() => parseTarget('Egyptian', context)).toThrow(expect.objectContaining({ code: 'unknown-label' }))
  })

  test('without labels the message says so', () => {
    expect(() => parseTarget('espresso', { ...context, labels: [] })).toThrow(/without labels/)
  })
})

describe('probabilities', () => {
  const logits = Float32Array.of(1, -2, 0.5)

  test('of a softmax sum to 1', () => {
    const p = softmax(logits)
    expect(p.reduce((a, v) => a + v, 0)).toBeCloseTo(1, 12)
    expect(p[0]).toBeCloseTo(Math.exp(1) / (Math.exp(1) + Math.exp(-2) + Math.exp(0.5)), 12)
  })

  test('of large logits are finite', () => {
    expect([...softmax(Float32Array.of(1000, 999, -1e30))].every(Number.isFinite)).toBe(true)
  })

  test('behind a sigmoid are independent', () => {
    expect(probabilities(logits, 'sigmoid')[1]).toBeCloseTo(1 / (1 + Math.exp(2)), 12)
    for (const activation of ['none', 'softmax', 'log-softmax'] as const)
      expect(probabilities(logits, activation)).toEqual(softmax(logits))
  })
})
