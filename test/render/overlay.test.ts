import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { colorise, overlay, type Pixels, pixelAttribution, signedAttribution } from '../../src/render/index.js'

const plain = (width: number, height: number, colour: readonly number[]): Pixels => ({
  width,
  height,
  data: Uint8Array.from({ length: width * height * 4 }, (_, i) => colour[i % 4] ?? 0),
})
const pixel = (pixels: Pixels, i: number) => [...pixels.data.subarray(i * 4, i * 4 + 4)]
const distance = (a: readonly number[], b: readonly number[]) => Math.hypot(...a.map((v, i) => v - (b[i] ?? 0)))

describe('overlay', () => {
  it('leaves the picture where the map is 0, and covers it the more the higher the value', () => {
    const values = Float32Array.from({ length: 101 }, (_, i) => i / 100)
    const picture = plain(101, 1, [128, 128, 128, 255])
    const colours = colorise(values, 101, 1, 'viridis')
    const blended = overlay(picture, values, { colormap: 'viridis', opacity: 1 })
    expect(pixel(blended, 0)).toEqual([128, 128, 128, 255])
    let before = -1
    for (let i = 0; i < 101; i++) {
      const colour = pixel(colours, i)
      const alpha = 1 - distance(pixel(blended, i), colour) / distance([128, 128, 128, 255], colour)
      expect(alpha).toBeGreaterThan(before - 0.02)
      before = alpha
    }
    expect(pixel(blended, 100)).toEqual(pixel(colours, 100))
  })

  it('mixes by the opacity alone when constant', () => {
    const blended = overlay(plain(1, 1, [200, 100, 0, 255]), Float32Array.of(1), {
      colormap: 'jet',
      opacity: 0.5,
      alpha: 'constant',
    })
    expect(pixel(blended, 0)).toEqual([164, 50, 0, 255])
  })

  it('puts a transparent picture on white and is opaque', () => {
    const blended = overlay(plain(1, 1, [0, 0, 0, 0]), Float32Array.of(0))
    expect(pixel(blended, 0)).toEqual([255, 255, 255, 255])
  })

  it('takes the colours of the picture away under a diverging map only', () => {
    const picture = plain(1, 1, [255, 0, 0, 255])
    expect(pixel(overlay(picture, Float32Array.of(0), { colormap: 'red-blue' }), 0)).toEqual([76, 76, 76, 255])
    expect(pixel(overlay(picture, Float32Array.of(0), { colormap: 'turbo' }), 0)).toEqual([255, 0, 0, 255])
  })

  it('veils what the model did not see, and colours nothing there', () => {
    const picture = plain(4, 1, [0, 0, 0, 255])
    const seen = { x: 1, y: 0, width: 2, height: 1 }
    const blended = overlay(picture, new Float32Array(4).fill(1), { opacity: 1, seen })
    const plainColours = overlay(picture, new Float32Array(4).fill(1), { opacity: 1 })
    expect([0, 3].map((i) => pixel(blended, i))).toEqual(Array(2).fill([153, 153, 153, 255]))
    expect([1, 2].map((i) => pixel(blended, i))).toEqual([1, 2].map((i) => pixel(plainColours, i)))
  })

  it('changes neither picture nor map, and refuses what does not fit', () => {
    const picture = plain(2, 2, [1, 2, 3, 255])
    const values = Float32Array.of(0, 0.5, 1, 2)
    overlay(picture, values)
    expect(picture).toEqual(plain(2, 2, [1, 2, 3, 255]))
    expect(values).toEqual(Float32Array.of(0, 0.5, 1, 2))
    expect(() => overlay(picture, new Float32Array(3))).toThrowError(
      expect.objectContaining({ code: 'shape-mismatch' }),
    )
    expect(() => overlay(picture, values, { opacity: 2 })).toThrowError(expect.objectContaining({ code: 'bad-option' }))
  })
})

describe('attributions per pixel', () => {
  it('prints zero as mid grey, each channel by its own sign, one scale for all', () => {
    const rgb = Float32Array.of(0, 1, -1, /* green */ 0, 0.5, 0, /* blue */ 0, 0, -0.5)
    const picture = pixelAttribution(rgb, 3, 1, 100)
    expect([0, 1, 2].map((i) => pixel(picture, i))).toEqual([
      [128, 128, 128, 255],
      [255, 192, 128, 255],
      [1, 128, 65, 255],
    ])
    expect([picture.low, picture.high]).toEqual([-1, 1])
  })

  it('prints a grey model in grey, and a blank map as plain grey', () => {
    const rgb = pixelAttribution(Float32Array.of(1, -1), 2, 1)
    expect(pixel(rgb, 0)).toEqual([255, 255, 255, 255])
    expect(pixel(pixelAttribution(new Float32Array(3).fill(Number.NaN), 1, 1), 0)).toEqual([128, 128, 128, 255])
  })

  it('does not depend on the unit of the map', () => {
    const map = fc.array(fc.integer({ min: -99, max: 99 }), { minLength: 12, maxLength: 12 })
    fc.assert(
      fc.property(map, (list) => {
        const one = pixelAttribution(Float32Array.from(list), 2, 2)
        const eight = pixelAttribution(
          Float32Array.from(list, (v) => v * 8),
          2,
          2,
        )
        expect(eight.data).toEqual(one.data)
        expect(eight.high).toBe(one.high * 8)
      }),
    )
  })

  it('prints a signed map with one value a pixel in red, white and blue', () => {
    const picture = signedAttribution(Float32Array.of(-2, 0, 2), 3, 1)
    expect([0, 1, 2].map((i) => pixel(picture, i).slice(0, 3))).toEqual([
      [5, 48, 97],
      [255, 255, 255],
      [103, 0, 31],
    ])
    expect(() => pixelAttribution(new Float32Array(5), 2, 2)).toThrowError(
      expect.objectContaining({ code: 'shape-mismatch' }),
    )
  })
})
