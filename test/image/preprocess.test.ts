import { fileURLToPath } from 'node:url'
import sharp from 'sharp'
import { describe, expect, it } from 'vitest'
import {
  imagenetPreprocessing,
  type Picture,
  type PreprocessSpec,
  parsePreprocessorConfig,
  preprocess,
  toModel,
} from '../../src/image/index.js'
import { noisePicture, plain, readCases, sha256, thrownBy } from './support.js'

interface SizeCase {
  source: [number, number]
  shortest_edge: number
  crop: number
  scaled: [number, number]
  corner: [number, number]
}

interface Preprocessed {
  dims: number[]
  pixels_sha256: string
  step: number
  values: number[]
}

/** What models/efficientnet-lite0 says. */
const SHIPPED = {
  do_resize: true,
  size: { shortest_edge: 256 },
  resample: 3,
  do_center_crop: true,
  crop_size: { height: 224, width: 224 },
  do_rescale: true,
  rescale_factor: 0.00392156862745098,
  do_normalize: true,
  image_mean: [0.4980392156862745, 0.4980392156862745, 0.4980392156862745],
  image_std: [0.5019607843137255, 0.5019607843137255, 0.5019607843137255],
}

/** Pixel values as they are. */
const RAW: PreprocessSpec = {
  resize: { kind: 'none' },
  filter: 'nearest',
  crop: undefined,
  rescale: 1,
  mean: [0, 0, 0],
  std: [1, 1, 1],
  channels: 'RGB',
  layout: 'NCHW',
  source: 'a test',
}

const opaque = (width: number, height: number): Picture => {
  const picture = noisePicture(width, height)
  for (let i = 3; i < picture.data.length; i += 4) picture.data[i] = 255
  return picture
}

describe('preprocess', () => {
  it('gives the shipped model the input of the Python reference', async () => {
    const file = fileURLToPath(new URL('../../examples/cat-and-coffee.jpg', import.meta.url))
    const { data, info } = await sharp(file).ensureAlpha().raw().toBuffer({ resolveWithObject: true })
    const picture = { width: info.width, height: info.height, data }
    const out = preprocess(picture, parsePreprocessorConfig(SHIPPED))
    const [reference] = readCases<Preprocessed>('preprocessed.json')
    if (!reference) throw new Error('the fixture is empty')
    expect(out.dims).toEqual(reference.dims)
    expect(sha256(Uint8Array.from(out.data, (v) => Math.round(v * 128 + 127)))).toBe(reference.pixels_sha256)
    reference.values.forEach((v, i) => {
      expect(Math.abs((out.data[i * reference.step] ?? Number.NaN) - v)).toBeLessThanOrEqual(1e-6)
    })
  })

  it.each(readCases<SizeCase>('sizes.json'))('scales and crops $source to $scaled as transformers does', (c) => {
    const [width, height] = c.source
    const spec: PreprocessSpec = {
      ...RAW,
      resize: { kind: 'shortest-edge', size: c.shortest_edge },
      crop: { height: c.crop, width: c.crop },
    }
    const { geometry, dims, data } = preprocess(plain(width, height, [7, 7, 7, 255]), spec)
    expect(dims).toEqual([3, c.crop, c.crop])
    const corner = toModel({ x: 0, y: 0 }, geometry)
    expect(corner.x).toBeCloseTo(-c.corner[0], 6)
    expect(corner.y).toBeCloseTo(-c.corner[1], 6)
    const end = toModel({ x: width, y: height }, geometry)
    expect(end.x).toBeCloseTo(c.scaled[0] - c.corner[0], 6)
    expect(end.y).toBeCloseTo(c.scaled[1] - c.corner[1], 6)
    // Black exactly where the crop leaves the picture.
    const inside = (i: number, at: number, size: number): boolean => i >= -at && i < size - at
    for (let i = 0; i < c.crop * c.crop; i++) {
      const x = i % c.crop
      const y = Math.floor(i / c.crop)
      const seen = inside(x, c.corner[0], c.scaled[0]) && inside(y, c.corner[1], c.scaled[1])
      if (data[i] !== (seen ? 7 : 0)) expect(`${x}, ${y}: ${data[i]}`).toBe(seen ? 7 : 0)
    }
  })

  it('orders channels and axes', () => {
    const picture = { width: 2, height: 1, data: Uint8Array.of(1, 2, 3, 255, 4, 5, 6, 255) }
    const values = (spec: Partial<PreprocessSpec>): [number[], number[]] => {
      const { data, dims } = preprocess(picture, { ...RAW, ...spec })
      return [dims, [...data]]
    }
    expect(values({})).toEqual([
      [3, 1, 2],
      [1, 4, 2, 5, 3, 6],
    ])
    expect(values({ layout: 'NHWC' })).toEqual([
      [1, 2, 3],
      [1, 2, 3, 4, 5, 6],
    ])
    expect(values({ channels: 'BGR', mean: [3, 0, 0] })).toEqual([
      [3, 1, 2],
      [0, 3, 2, 5, 1, 4],
    ])
    expect(values({ channels: 'L', mean: [0], std: [2] })).toEqual([
      [1, 1, 2],
      [1, 2.5],
    ])
  })

  it('puts transparent pictures on white', () => {
    const { data } = preprocess(plain(1, 1, [0, 0, 0, 0]), RAW)
    expect([...data]).toEqual([255, 255, 255])
  })

  it('letterboxes, and says so in the geometry', () => {
    const spec: PreprocessSpec = {
      ...RAW,
      resize: { kind: 'longest-edge', size: 8 },
      pad: { height: 8, width: 8, at: 'centre', fill: 114 },
    }
    const { data, dims, geometry } = preprocess(plain(16, 10, [9, 9, 9, 255]), spec)
    expect(dims).toEqual([3, 8, 8])
    const rows = Array.from({ length: 8 }, (_, y) => data[y * 8 + 3])
    expect(rows).toEqual([114, 9, 9, 9, 9, 9, 114, 114])
    expect(geometry.seen).toEqual({ x0: 0, y0: -2, x1: 16, y1: 14 })
  })

  it('fills with the mean where asked', () => {
    const pad = { height: 2, width: 2, at: 'top-left', fill: 'mean' } as const
    const { data } = preprocess(plain(1, 1, [9, 9, 9, 255]), { ...RAW, mean: [5, 5, 5], pad })
    expect([...data.subarray(0, 4)]).toEqual([4, 0, 0, 0])
  })

  it.each([
    [{ mean: [0.5] }, 'mean'],
    [{ std: [1, 1, 0] }, 'std'],
    [{ std: [1, Number.NaN, 1] }, 'std'],
    [{ rescale: Number.POSITIVE_INFINITY }, 'rescale'],
    [{ crop: { height: 1, width: 1 }, pad: { height: 1, width: 1, at: 'centre', fill: 0 } }, 'crop'],
    [{ resize: { kind: 'exact', height: 0, width: 3 } }, '3 x 0'],
  ] as [Partial<PreprocessSpec>, string][])('refuses %j', (part, named) => {
    const error = thrownBy(() => preprocess(opaque(2, 2), { ...RAW, ...part }))
    expect(error.code).toBe('bad-option')
    expect(error.message).toContain(named)
  })

  it('survives JSON', () => {
    const spec = imagenetPreprocessing(8, 8)
    expect(preprocess(opaque(20, 13), JSON.parse(JSON.stringify(spec)))).toEqual(preprocess(opaque(20, 13), spec))
  })
})

describe('imagenetPreprocessing', () => {
  it.each([
    [224, 256],
    [299, 342],
    [32, 37],
  ])('for an input of %d scales the shorter edge to %d', (size, edge) => {
    const spec = imagenetPreprocessing(size, size)
    expect(spec.resize).toEqual({ kind: 'shortest-edge', size: edge })
    expect(spec.crop).toEqual({ height: size, width: size })
    expect(spec.source).toContain('assumed')
  })

  it.each([
    [640, 480],
    [480, 640],
    [100, 1000],
  ])('fills an input that is not square from a picture of %d x %d', (width, height) => {
    const { dims, geometry } = preprocess(opaque(width, height), imagenetPreprocessing(112, 224))
    expect(dims).toEqual([3, 112, 224])
    expect(geometry.seen.x0).toBeGreaterThanOrEqual(0)
    expect(geometry.seen.y0).toBeGreaterThanOrEqual(0)
    expect(geometry.seen.x1).toBeLessThanOrEqual(width)
    expect(geometry.seen.y1).toBeLessThanOrEqual(height)
    const ratio = (geometry.seen.x1 - geometry.seen.x0) / (geometry.seen.y1 - geometry.seen.y0)
    expect(Math.abs(ratio / 2 - 1)).toBeLessThan(0.01)
  })

  it('makes one channel of luma', () => {
    expect(preprocess(opaque(9, 9), imagenetPreprocessing(4, 4, 1)).dims).toEqual([1, 4, 4])
  })

  it('refuses sizes that are none', () => {
    expect(thrownBy(() => imagenetPreprocessing(0, 224)).code).toBe('bad-option')
  })
})
