import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { normalise, type Scaling } from '../../src/render/index.js'

const anything = fc.float32Array({ minLength: 1, maxLength: 60 })
const finite = fc.float32Array({
  minLength: 1,
  maxLength: 60,
  noNaN: true,
  noDefaultInfinity: true,
  min: -(2 ** 100),
  max: 2 ** 100,
})
const scaling = fc.constantFrom<Scaling>({ kind: 'positive' }, { kind: 'signed' }, { kind: 'range', min: -2, max: 3 })
const percentile = fc.option(fc.double({ min: 0.1, max: 100, noNaN: true }), { nil: undefined })

describe('normalise', () => {
  it('gives finite values within its range for any map, and leaves the map alone', () => {
    fc.assert(
      fc.property(anything, scaling, percentile, (map, how, p) => {
        const before = map.slice()
        const { values, low, high } = normalise(map, how, how.kind === 'range' ? undefined : p)
        expect(map).toEqual(before)
        expect(values).toHaveLength(map.length)
        const floor = how.kind === 'signed' ? -1 : 0
        expect(values.every((v) => v >= floor && v <= 1)).toBe(true)
        expect(Number.isFinite(low) && Number.isFinite(high) && low <= high).toBe(true)
      }),
    )
  })

  it('does not change when the map is multiplied by a positive factor, but its ends do', () => {
    const factor = fc.constantFrom(2 ** -12, 0.5, 4, 1024)
    const tame = fc.array(fc.integer({ min: -1000, max: 1000 }), { minLength: 1, maxLength: 50 })
    fc.assert(
      fc.property(tame, factor, fc.boolean(), percentile, (list, k, signed, p) => {
        const kind = signed ? 'signed' : 'positive'
        const a = normalise(Float32Array.from(list), { kind }, p)
        const b = normalise(
          Float32Array.from(list, (v) => v * k),
          { kind },
          p,
        )
        expect(b.values).toEqual(a.values)
        expect(b.high).toBe(a.high * k)
      }),
    )
  })

  it('is the ReLU divided by the maximum for positive, and odd for signed', () => {
    fc.assert(
      fc.property(finite, (map) => {
        const positive = normalise(map, { kind: 'positive' })
        expect(positive.values).toEqual(
          normalise(
            map.map((v) => Math.max(0, v)),
            { kind: 'signed' },
          ).values,
        )
        expect(map.every((v, i) => v > 0 || positive.values[i] === 0)).toBe(true)
        const { values } = normalise(map, { kind: 'signed' })
        const mirrored = normalise(
          map.map((v) => -v),
          { kind: 'signed' },
        ).values
        expect(mirrored.every((v, i) => v === -(values[i] ?? 0))).toBe(true)
      }),
    )
  })

  it('does not stretch a narrow map to the whole scale', () => {
    const { values, low, high } = normalise(Float32Array.of(9, 10), { kind: 'positive' })
    expect([...values]).toEqual([Math.fround(0.9), 1])
    expect([low, high]).toEqual([0, 10])
  })

  it.each<[string, number[], Scaling]>([
    ['blank', [0, 0, 0], { kind: 'positive' }],
    ['blank signed', [0, -0, 0], { kind: 'signed' }],
    ['all negative', [-1, -2], { kind: 'positive' }],
    ['all NaN', [Number.NaN, Number.NaN], { kind: 'signed' }],
    ['empty', [], { kind: 'positive' }],
  ])('gives zeros and no scale for a map that is %s', (_, list, how) => {
    const { values, low, high } = normalise(Float32Array.from(list), how, 99)
    expect(values.every((v) => v === 0)).toBe(true)
    expect([low, high]).toEqual([0, 0])
  })

  it('counts NaN as 0 and infinity as the end of the scale', () => {
    const { values, high } = normalise(Float32Array.of(Number.NaN, Infinity, -Infinity, 2, -1), { kind: 'signed' })
    expect([...values]).toEqual([0, 1, -1, 1, -0.5])
    expect(high).toBe(2)
  })

  it('ends at the nearest-rank percentile, so that one pixel does not darken the rest', () => {
    const map = Float32Array.from({ length: 200 }, (_, i) => (i === 7 ? 1e6 : (i + 1) / 200))
    const sorted = [...map].sort((a, b) => a - b)
    for (const p of [0.5, 1, 50, 99, 99.5]) {
      expect(normalise(map, { kind: 'positive' }, p).high).toBe(sorted[Math.ceil((p / 100) * 200) - 1])
    }
    expect(normalise(map, { kind: 'positive' }).high).toBe(1e6)
  })

  it('does not let NaN, say outside a crop, shift the percentile', () => {
    const map = Float32Array.from({ length: 50 }, (_, i) => i)
    const padded = Float32Array.from([...map, ...Array(950).fill(Number.NaN)])
    expect(normalise(padded, { kind: 'positive' }, 90).high).toBe(normalise(map, { kind: 'positive' }, 90).high)
  })

  it('falls back on the maximum where the map is sparse', () => {
    const map = new Float32Array(1000)
    map[3] = 5
    expect(normalise(map, { kind: 'positive' }, 99).high).toBe(5)
  })

  it('maps a range to 0..1 and keeps its ends', () => {
    const { values, low, high } = normalise(Float32Array.of(-5, 1, 2, 9), { kind: 'range', min: 1, max: 3 })
    expect([...values]).toEqual([0, 0, 0.5, 1])
    expect([low, high]).toEqual([1, 3])
  })

  it.each<[Scaling, number | undefined]>([
    [{ kind: 'positive' }, 0],
    [{ kind: 'signed' }, 101],
    [{ kind: 'signed' }, Number.NaN],
    [{ kind: 'range', min: 1, max: 1 }, undefined],
    [{ kind: 'range', min: 0, max: Infinity }, undefined],
    [{ kind: 'range', min: 0, max: 1 }, 99],
  ])('refuses %j with the percentile %j', (how, p) => {
    expect(() => normalise(Float32Array.of(1), how, p)).toThrowError(expect.objectContaining({ code: 'bad-option' }))
  })
})
