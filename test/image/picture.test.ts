import { describe, expect, it } from 'vitest'
import { crop, flatten, greyscale, MAX_PIXELS } from '../../src/image/index.js'
import { noisePicture, plain, thrownBy } from './support.js'

describe('flatten', () => {
  it('returns an opaque picture as it is', () => {
    const picture = plain(3, 2, [1, 2, 3, 255])
    expect(flatten(picture)).toBe(picture)
  })

  it('shows white where the picture is transparent, and mixes in between', () => {
    expect(flatten(plain(1, 1, [0, 0, 0, 0]))).toEqual(plain(1, 1, [255, 255, 255, 255]))
    expect(flatten(plain(1, 1, [0, 100, 255, 51]))).toEqual(plain(1, 1, [204, 224, 255, 255]))
  })

  it('takes another background', () => {
    expect(flatten(plain(1, 1, [9, 9, 9, 0]), [10, 20, 30])).toEqual(plain(1, 1, [10, 20, 30, 255]))
  })
})

describe('greyscale', () => {
  it("is Pillow's luma", () => {
    expect(greyscale(plain(1, 1, [255, 0, 0, 255])).data[0]).toBe(76)
    expect(greyscale(plain(1, 1, [0, 255, 0, 255])).data[1]).toBe(150)
    expect(greyscale(plain(1, 1, [0, 0, 255, 255])).data[2]).toBe(29)
    expect(greyscale(plain(1, 1, [255, 255, 255, 7]))).toEqual(plain(1, 1, [255, 255, 255, 7]))
  })

  it('does not write into the bytes of a Node buffer', () => {
    const data = Buffer.from([255, 0, 0, 255])
    greyscale({ width: 1, height: 1, data })
    expect([...data]).toEqual([255, 0, 0, 255])
  })
})

describe('crop', () => {
  const picture = noisePicture(5, 4)
  const pixel = (p: { width: number; data: Uint8Array }, x: number, y: number): number[] => [
    ...p.data.subarray(4 * (y * p.width + x), 4 * (y * p.width + x) + 4),
  ]

  it('takes a window', () => {
    const out = crop(picture, 1, 2, 3, 2)
    for (let y = 0; y < 2; y++)
      for (let x = 0; x < 3; x++) expect(pixel(out, x, y)).toEqual(pixel(picture, x + 1, y + 2))
  })

  it('adds opaque black outside', () => {
    const out = crop(picture, -2, -1, 9, 7)
    for (let y = 0; y < 7; y++)
      for (let x = 0; x < 9; x++) {
        const inside = x >= 2 && x < 7 && y >= 1 && y < 5
        expect(pixel(out, x, y)).toEqual(inside ? pixel(picture, x - 2, y - 1) : [0, 0, 0, 255])
      }
    expect(crop(picture, 50, 0, 2, 2)).toEqual(plain(2, 2, [0, 0, 0, 255]))
  })

  it('refuses broken corners and sizes', () => {
    expect(thrownBy(() => crop(picture, 0.5, 0, 2, 2)).code).toBe('bad-option')
    expect(thrownBy(() => crop(picture, 0, 0, 0, 2)).code).toBe('bad-option')
    expect(thrownBy(() => crop(picture, 0, 0, MAX_PIXELS, 2)).code).toBe('image-too-large')
  })
})
