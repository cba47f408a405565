/** Sizes of detectors' pictures, and what lies around them, against transformers' and Ultralytics' rules and Pillow. */
import { describe, expect, it, test } from 'vitest'
import {
  adjustPreprocessing,
  imagenetPreprocessing,
  letterboxed,
  liftToPicture,
  parsePreprocessorConfig,
  preprocess,
  type ResizeRule,
  toModel,
  toSource,
} from '../../src/image/index.js'
import { resizedSize } from '../../src/image/preprocess.js'
import { noisePicture, plain, readCases, thrownBy } from './support.js'

interface FitCase {
  source: [number, number]
  rule: ResizeRule
  scaled: [number, number]
  corner?: [number, number]
}

interface LetterboxCase {
  from: [number, number]
  to: [number, number]
  at: 'centre' | 'top-left'
  pixels: string
}

const RAW = { ...imagenetPreprocessing(8, 8), rescale: 1, mean: [0, 0, 0], std: [1, 1, 1], layout: 'NHWC' as const }

test.each(readCases<FitCase>('fits.json'))('$source becomes $scaled by $rule', ({ source, rule, scaled, corner }) => {
  const [width, height] = source
  expect(resizedSize({ width, height }, rule)).toEqual({ width: scaled[0], height: scaled[1] })
  if (!corner || rule.kind !== 'fit' || width * height > 5000) return
  const { geometry } = preprocess(plain(width, height, [7, 7, 7, 255]), letterboxed(RAW, rule))
  const at = toModel({ x: 0, y: 0 }, geometry)
  expect([at.x, at.y]).toEqual(corner.map((v) => expect.closeTo(v, 6)))
})

describe.each(readCases<LetterboxCase>('letterboxed.json'))('$from in $to, $at', ({ from, to, at, pixels }) => {
  const [width, height] = to
  const spec = letterboxed(RAW, { width, height })
  const picture = { ...noisePicture(...from) }
  for (let i = 3; i < picture.data.length; i += 4) picture.data[i] = 255
  const made = preprocess(picture, { ...spec, pad: { width, height, at, fill: 114 } })

  it('has the pixels of the reference', () => {
    expect([...made.data]).toEqual([...Buffer.from(pixels, 'base64')])
  })

  it('lays boxes and maps back on the picture, and nothing of what is around', () => {
    const corner = toModel({ x: 0, y: 0 }, made.geometry)
    const end = toModel({ x: from[0], y: from[1] }, made.geometry)
    const back = toSource(end, made.geometry)
    expect([back.x, back.y]).toEqual([expect.closeTo(from[0], 6), expect.closeTo(from[1], 6)])
    // a map that is 1 on the picture and 0 around it
    const map = Float32Array.from({ length: width * height }, (_, i) => {
      const [x, y] = [i % width, Math.floor(i / width)]
      return x >= corner.x - 1e-6 && x < end.x - 1e-6 && y >= corner.y - 1e-6 && y < end.y - 1e-6 ? 1 : 0
    })
    const lifted = liftToPicture(map, width, height, made.geometry, { filter: 'nearest' })
    expect(lifted.length).toBe(from[0] * from[1])
    expect(lifted.every((v) => v === 1)).toBe(true)
  })
})

test('a letterbox is kept, or made, in another size', () => {
  const usual = imagenetPreprocessing(224, 224)
  const made = adjustPreprocessing(usual, { fit: 'letterbox', size: { height: 48, width: 64 } })
  expect(made).toMatchObject({
    resize: { kind: 'fit', height: 48, width: 64 },
    crop: undefined,
    pad: { height: 48, width: 64, at: 'centre', fill: 114 },
  })
  expect(adjustPreprocessing(made, { size: 32 }).pad).toMatchObject({ height: 32, width: 32 })
  expect(adjustPreprocessing(made, { fit: 'stretch' }).pad).toBeUndefined()
})

test("DETR's and YOLOS' configurations, old and new", () => {
  const resize = (config: object): ResizeRule => parsePreprocessorConfig(config).resize
  const detr = { kind: 'shortest-edge', size: 800, limit: 1333 }
  expect(resize({ size: { shortest_edge: 800, longest_edge: 1333 } })).toEqual(detr)
  expect(resize({ size: 800, max_size: 1333, feature_extractor_type: 'DetrFeatureExtractor' })).toEqual(detr)
  expect(
    resize({ size: { shortest_edge: 512, longest_edge: 1333 }, image_processor_type: 'YolosImageProcessor' }),
  ).toEqual({ kind: 'shortest-edge', size: 512, limit: 1333, step: 16 })
})

test('a canvas smaller than the picture is refused', () => {
  const pad = { height: 4, width: 4, at: 'top-left', fill: 'mean' } as const
  const error = thrownBy(() =>
    preprocess(plain(6, 3, [1, 1, 1, 255]), { ...RAW, resize: { kind: 'none' }, crop: undefined, pad }),
  )
  expect(error.code).toBe('bad-option')
  expect(error.message).toContain('6 x 3 pixels')
})
