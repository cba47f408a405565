/** float16 against its definition: all 65536 patterns, and the nearest value, ties to even. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { float16Bits, float16ToFloat32, float16Value } from '../../src/onnx/float16.js'

/** Every finite value that is not negative, in order: patterns count upwards as values do. */
const POSITIVE = Array.from({ length: 0x7c00 }, (_, bits) => float16Value(bits))

describe('float16', () => {
  test.each([
    [0x0000, 0],
    [0x8000, -0],
    [0x3c00, 1],
    [0xc000, -2],
    [0x3555, 0.333251953125],
    [0x0001, 2 ** -24],
    [0x03ff, 2 ** -14 - 2 ** -24],
    [0x0400, 2 ** -14],
    [0x7bff, 65504],
    [0x7c00, Number.POSITIVE_INFINITY],
    [0xfc00, Number.NEGATIVE_INFINITY],
    [0x7e00, Number.NaN],
  ])('pattern %i is %d', (bits, value) => {
    expect(float16Value(bits)).toBe(value)
    expect(float16Bits(value)).toBe(bits)
  })

  test('values count upwards with their patterns', () => {
    expect(POSITIVE.every((v, i) => i === 0 || v > (POSITIVE[i - 1] ?? Number.NaN))).toBe(true)
  })

  test('every pattern comes back', () => {
    const wrong = Array.from({ length: 65536 }, (_, bits) => bits).filter((bits) => {
      const value = float16Value(bits)
      return Number.isNaN(value) ? !Number.isNaN(float16Value(float16Bits(value))) : float16Bits(value) !== bits
    })
    expect(wrong).toEqual([])
  })

  test('the nearest value is taken, ties to even', () => {
    const between = fc
      .tuple(fc.nat(0x7bfe), fc.double({ min: 0, max: 1, noNaN: true }), fc.boolean())
      .map(([bits, share, half]) => ({ bits, share: half ? 0.5 : share }))
    fc.assert(
      fc.property(between, ({ bits, share }) => {
        const [low, high] = [POSITIVE[bits] ?? 0, POSITIVE[bits + 1] ?? 0]
        const value = Math.fround(low + (high - low) * share)
        const middle = (low + high) / 2
        const want = value < middle ? bits : value > middle ? bits + 1 : bits + (bits % 2)
        expect(float16Bits(value)).toBe(want)
        expect(float16Bits(-value)).toBe(want | 0x8000)
      }),
      { numRuns: 5000, seed: 3 },
    )
  })

  test('beyond the largest value it is infinite from half a step on', () => {
    expect([65519.99, 65520, 1e10].map(float16Bits)).toEqual([0x7bff, 0x7c00, 0x7c00])
  })

  test('arrays', () => {
    expect(float16ToFloat32(Uint16Array.of(0x3c00, 0x0001))).toEqual(Float32Array.of(1, 2 ** -24))
  })
})
