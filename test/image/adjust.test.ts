/** Parts of a model's preprocessing replaced by hand. */
import { describe, expect, test } from 'vitest'
import { ExplainError } from '../../src/core/errors.js'
import { adjustPreprocessing, imagenetPreprocessing, type PreprocessSpec } from '../../src/image/index.js'

const usual = imagenetPreprocessing(224, 224)

test('nothing given: the very same preprocessing', () => {
  expect(adjustPreprocessing(usual, {})).toBe(usual)
  expect(adjustPreprocessing(usual, { mean: undefined, size: undefined })).toBe(usual)
})

test('colours: only what is named changes, and the source says what', () => {
  const made = adjustPreprocessing(usual, { mean: [0.5, 0.5, 0.5], channels: 'BGR' })
  expect(made).toEqual({
    ...usual,
    mean: [0.5, 0.5, 0.5],
    channels: 'BGR',
    source: `${usual.source}, with mean, channels as given`,
  })
  expect(adjustPreprocessing(usual, { std: [1, 2, 3] }).std).toEqual([1, 2, 3])
})

describe('geometry', () => {
  const crop = (size: number, edge: number): Partial<PreprocessSpec> => ({
    resize: { kind: 'shortest-edge', size: edge },
    crop: { height: size, width: size },
  })
  test('another size keeps the way of fitting', () => {
    expect(adjustPreprocessing(usual, { size: 299 })).toMatchObject(crop(299, 342))
    const squeezed: PreprocessSpec = { ...usual, resize: { kind: 'exact', height: 64, width: 96 }, crop: undefined }
    const made = adjustPreprocessing(squeezed, { size: 128 })
    expect(made.resize).toEqual({ kind: 'exact', height: 128, width: 128 })
    expect(made.crop).toBeUndefined()
  })

  test('stretch: the whole picture at the same size', () => {
    const made = adjustPreprocessing(usual, { fit: 'stretch' })
    expect(made.resize).toEqual({ kind: 'exact', height: 224, width: 224 })
    expect(made.crop).toBeUndefined()
  })

  test('crop: 256/224 of the size, then the centre', () => {
    const squeezed: PreprocessSpec = { ...usual, resize: { kind: 'exact', height: 96, width: 96 }, crop: undefined }
    expect(adjustPreprocessing(squeezed, { fit: 'crop' })).toMatchObject(crop(96, 110))
    expect(adjustPreprocessing(usual, { fit: 'crop', size: 448 })).toMatchObject(crop(448, 512))
  })
})

test('letterboxing stays until another fit or size takes its place', () => {
  const pad = { height: 96, width: 128, at: 'centre', fill: 114 } as const
  const letterboxed = { ...usual, resize: { kind: 'longest-edge', size: 128 }, crop: undefined, pad } as const
  expect(adjustPreprocessing(letterboxed, { mean: [0, 0, 0] }).pad).toEqual(pad)
  const stretched = adjustPreprocessing(letterboxed, { fit: 'stretch' })
  expect(stretched).toMatchObject({ resize: { kind: 'exact', height: 96, width: 128 }, crop: undefined })
  expect(stretched.pad).toBeUndefined()
  expect(adjustPreprocessing(letterboxed, { fit: 'crop' })).toMatchObject({ crop: { height: 96, width: 128 } })
})

describe('refused, with the option named', () => {
  test.each([
    ['mean', { mean: [0.5] }],
    ['mean', { mean: [0.5, 0.5, Number.NaN] }],
    ['std', { std: [1, 1, 1, 1] }],
    ['std', { std: [1, 0, 1] }],
    ['std', { std: [1, -1, 1] }],
    ['size', { size: 0 }],
    ['size', { size: 12.5 }],
  ])('%s %j', (where, options) => {
    let thrown: unknown
    try {
      adjustPreprocessing(usual, options)
    } catch (error) {
      thrown = error
    }
    expect(thrown).toBeInstanceOf(ExplainError)
    expect(thrown).toMatchObject({ code: 'bad-option', where })
  })

  test('a mean of 0 and a negative mean are fine', () => {
    expect(adjustPreprocessing(usual, { mean: [0, -1, 0.5] }).mean).toEqual([0, -1, 0.5])
  })
})
