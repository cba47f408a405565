import { describe, expect, it } from 'vitest'
import { type Filter, resize, resizePlane } from '../../src/image/index.js'
import { noise, noisePicture, plain, readCases, sha256, thrownBy } from './support.js'

interface ResizeCase {
  filter: Filter
  from: [number, number]
  to: [number, number]
  sha256: string
  pixels?: string
}

interface PlaneCase {
  filter: Filter
  from: [number, number]
  to: [number, number]
  box: [number, number, number, number] | null
  values: string
}

const FILTERS: readonly Filter[] = ['nearest', 'box', 'bilinear', 'hamming', 'bicubic', 'lanczos']

describe('resize is bit-exact with Pillow', () => {
  const cases = readCases<ResizeCase>('resize.json')

  it('has cases for every filter', () => {
    expect(new Set(cases.map((c) => c.filter))).toEqual(new Set(FILTERS))
  })

  it.each(cases)('$filter $from -> $to', (c) => {
    const out = resize(noisePicture(...c.from), ...c.to, c.filter)
    expect([out.width, out.height]).toEqual(c.to)
    if (c.pixels !== undefined) expect([...out.data]).toEqual([...Buffer.from(c.pixels, 'base64')])
    expect(sha256(out.data)).toBe(c.sha256)
  })
})

describe('resize', () => {
  it.each(FILTERS)('keeps a plain opaque picture as it is: %s', (filter) => {
    for (const [width, height] of [
      [3, 2],
      [40, 31],
    ] as const)
      expect(resize(plain(17, 11, [200, 3, 255, 255]), width, height, filter)).toEqual(
        plain(width, height, [200, 3, 255, 255]),
      )
  })

  it('leaves the picture that it is given alone', () => {
    const picture = noisePicture(9, 8)
    const before = picture.data.slice()
    for (const filter of FILTERS) resize(picture, 5, 12, filter)
    expect(picture.data).toEqual(before)
  })

  it('takes pixels that lie in a larger buffer, as codecs give them', () => {
    const bytes = noise(4 * 6 * 5)
    const pool = new Uint8Array(bytes.length + 3)
    pool.set(bytes, 3)
    const inPool = { width: 6, height: 5, data: Buffer.from(pool.buffer, 3, bytes.length) }
    for (const filter of FILTERS)
      expect(resize(inPool, 4, 7, filter)).toEqual(resize({ width: 6, height: 5, data: bytes }, 4, 7, filter))
  })

  it.each([
    [0, 5],
    [5, -1],
    [2.5, 5],
    [Number.NaN, 5],
  ])('refuses the size %d x %d', (width, height) => {
    expect(thrownBy(() => resize(noisePicture(2, 2), width, height, 'bilinear')).code).toBe('bad-option')
  })

  it('refuses results beyond any picture', () => {
    expect(thrownBy(() => resize(noisePicture(2, 2), 1e6, 1e6, 'bilinear')).code).toBe('image-too-large')
  })

  it('refuses bytes that are no picture', () => {
    for (const picture of [
      { width: 2, height: 2, data: new Uint8Array(12) },
      { width: 0, height: 2, data: new Uint8Array(0) },
      { width: 1.5, height: 2, data: new Uint8Array(12) },
    ])
      expect(thrownBy(() => resize(picture, 1, 1, 'nearest')).code).toBe('invalid-image')
  })
})

describe("resizePlane is Pillow's mode F", () => {
  const plane = (count: number): Float32Array => Float32Array.from(noise(count), (v) => (v - 128) / 16)

  it.each(readCases<PlaneCase>('planes.json'))('$filter $from -> $to, box $box', (c) => {
    const [width, height] = c.from
    const box = c.box === null ? undefined : { x0: c.box[0], y0: c.box[1], x1: c.box[2], y1: c.box[3] }
    const out = resizePlane(plane(width * height), width, height, ...c.to, c.filter, box)
    const bytes = Uint8Array.from(Buffer.from(c.values, 'base64'))
    expect([...out]).toEqual([...new Float32Array(bytes.buffer)])
  })

  it('returns a new array even where nothing changes', () => {
    const values = plane(12)
    for (const filter of FILTERS) {
      const out = resizePlane(values, 4, 3, 4, 3, filter)
      expect(out).toEqual(values)
      expect(out).not.toBe(values)
    }
  })

  it.each([
    { x0: -0.5, y0: 0, x1: 4, y1: 3 },
    { x0: 0, y0: 0, x1: 4.5, y1: 3 },
    { x0: 2, y0: 0, x1: 2, y1: 3 },
    { x0: 0, y0: Number.NaN, x1: 4, y1: 3 },
  ])('refuses the box $x0, $y0, $x1, $y1', (box) => {
    expect(thrownBy(() => resizePlane(plane(12), 4, 3, 2, 2, 'box', box)).code).toBe('bad-option')
  })

  it('refuses a plane of another size', () => {
    expect(thrownBy(() => resizePlane(plane(11), 4, 3, 2, 2, 'box')).code).toBe('shape-mismatch')
  })
})
