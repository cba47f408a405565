/** Errors, near names and tensors. */
import { describe, expect, test } from 'vitest'
import { ERROR_CODES, ExplainError, throwIfAborted } from '../../src/core/errors.js'
import { didYouMean, nearest } from '../../src/core/nearest.js'
import { float32, int64, sizeOf, sliceFirst, tensor, zeros } from '../../src/core/tensor.js'

describe('ExplainError', () => {
  test('says what, where and what to do', () => {
    const cause = new Error('below')
    const error = new ExplainError('bad-option', {
      what: 'patch is 0',
      where: 'patch',
      remedy: 'Give 1 or more.',
      details: { value: 0 },
      cause,
    })
    expect(error.message).toBe('patch is 0 (patch). Give 1 or more.')
    expect(error).toMatchObject({
      name: 'ExplainError',
      code: 'bad-option',
      where: 'patch',
      details: { value: 0 },
      cause,
    })
  })

  test('parts may be left out', () => {
    const error = new ExplainError('aborted', { what: 'The work was aborted' })
    expect([error.message, error.where, error.remedy, error.details]).toEqual([
      'The work was aborted.',
      undefined,
      undefined,
      {},
    ])
    expect('cause' in error).toBe(false)
  })

  test('codes are unique', () => {
    expect(new Set(ERROR_CODES).size).toBe(ERROR_CODES.length)
  })

  test('throwIfAborted passes the reason on', () => {
    throwIfAborted(undefined)
    throwIfAborted(new AbortController().signal)
    expect(() => throwIfAborted(AbortSignal.abort('enough'))).toThrow(
      expect.objectContaining({ code: 'aborted', cause: 'enough' }),
    )
  })
})

describe('nearest', () => {
  const layers = ['/layer4/layer4.1/relu_1/Relu_output_0', '/layer4/layer4.0/relu/Relu_output_0', 'logits', 'features']

  test.each([
    ['features', ['features']],
    ['feature', ['features']],
    ['FEATURES', ['features']],
    ['logit', ['logits']],
    ['/layer4/layer4.1/relu_1/Relu', ['/layer4/layer4.1/relu_1/Relu_output_0', '/layer4/layer4.0/relu/Relu_output_0']],
    ['entirely different from all of them', []],
  ])('%s', (name, want) => {
    expect(nearest(name, layers)).toEqual(want)
  })

  test('at most as many as asked for, each once', () => {
    expect(nearest('a', ['ab', 'ac', 'ad', 'ab'], 2)).toHaveLength(2)
    expect(nearest('ab', ['ab', 'ab'])).toEqual(['ab'])
  })

  test('as a question', () => {
    expect(didYouMean('feature', layers)).toBe('Did you mean "features"?')
    expect(didYouMean('a', ['ab', 'ac', 'ad'])).toBe('Did you mean "ab", "ac" or "ad"?')
    expect(didYouMean('zzzzzzzz', layers)).toBe('')
  })
})

describe('tensors', () => {
  test('elements must fill the shape', () => {
    expect(() => tensor('float32', [2, 3], new Float32Array(5))).toThrow(
      expect.objectContaining({ code: 'shape-mismatch', message: expect.stringContaining('[2, 3]') }),
    )
    expect(float32([2, 3]).data).toEqual(new Float32Array(6))
    expect(int64([2], [1, 2n]).data).toEqual(BigInt64Array.of(1n, 2n))
  })

  test('a Float32Array is taken as it is', () => {
    const data = Float32Array.of(1, 2)
    expect(float32([2], data).data).toBe(data)
  })

  test('sizes', () => {
    expect([sizeOf([]), sizeOf([3, 4]), sizeOf([3, 0])]).toEqual([1, 12, 0])
  })

  test('the first axis is sliced without a copy', () => {
    const t = float32([2, 1, 3], [1, 2, 3, 4, 5, 6])
    const slice = sliceFirst(t, 1)
    expect([slice.dims, [...slice.data], slice.data.buffer === t.data.buffer]).toEqual([[1, 3], [4, 5, 6], true])
  })

  test('zeros of each kind', () => {
    expect(zeros('int64', 2)).toEqual(BigInt64Array.of(0n, 0n))
    expect(zeros('float16', 1)).toEqual(Uint16Array.of(0))
    expect(zeros('bool', 1)).toEqual(Uint8Array.of(0))
  })
})
