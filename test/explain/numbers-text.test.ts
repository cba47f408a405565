/** Numbers as people type them. */
import { expect, test } from 'vitest'
import { parseNumbers } from '../../src/explain/index.js'
import { refusal } from '../support/compiled.js'

test.each([
  ['2', 2],
  [' 1,2, 3 ', [1, 2, 3]],
  [
    '[[1, 0], [0, 1.5]]',
    [
      [1, 0],
      [0, 1.5],
    ],
  ],
  ['true', true],
  ['-1e-3', -0.001],
])('%s', (text, want) => {
  expect(parseNumbers(text)).toEqual(want)
})

test.each([
  ['', 'neither numbers'],
  ['two', 'neither numbers'],
  ['1,,2', 'neither numbers'],
  ['[1, "a"]', 'not a number'],
  ['null', 'not a number'],
  [`[${'x'.repeat(100)}`, 'xxx ...'],
])('%s is refused in words', async (text, words) => {
  const error = await refusal(() => parseNumbers(text))
  expect(error.code).toBe('bad-option')
  expect(error.message).toContain(words)
})
