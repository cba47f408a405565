/** Pictures that are read: every format, and every way of storing pixels that photographs and screenshots come in. */
import sharp from 'sharp'
import { describe, expect, test } from 'vitest'
import type { Picture } from '../../src/image/index.js'
import { decodePicture } from '../../src/node/codec.js'
import { bigEndian, png, quadrants, quadrantsImage } from './pictures.js'

/** The colour in the middle of each quadrant: top left, top right, bottom left, bottom right. */
function corners({ width, height, data }: Picture): number[][] {
  return [0.25, 0.75].flatMap((fy) =>
    [0.25, 0.75].map((fx) => {
      const at = 4 * (Math.floor(fy * height) * width + Math.floor(fx * width))
      return Array.from(data.subarray(at, at + 4))
    }),
  )
}

const RED = [255, 0, 0, 255]
const GREEN = [0, 255, 0, 255]
const BLUE = [0, 0, 255, 255]
const WHITE = [255, 255, 255, 255]

function expectCorners(picture: Picture, want: readonly number[][], tolerance: number): void {
  for (const [i, corner] of corners(picture).entries())
    for (const [c, value] of corner.entries())
      expect(
        Math.abs(value - (want[i]?.[c] ?? Number.NaN)),
        `quadrant ${i}, channel ${c}: ${value}`,
      ).toBeLessThanOrEqual(tolerance)
}

describe('lossless formats give back every pixel', () => {
  const formats = {
    png: () => quadrantsImage(12, 8).png(),
    'png with a palette': () => quadrantsImage(12, 8).png({ palette: true }),
    'png, interlaced': () => quadrantsImage(12, 8).png({ progressive: true }),
    webp: () => quadrantsImage(12, 8).webp({ lossless: true }),
    tiff: () => quadrantsImage(12, 8).tiff({ compression: 'lzw' }),
    gif: () => quadrantsImage(12, 8).gif(),
  }
  test.each(Object.entries(formats))('%s', async (_, make) => {
    const picture = await decodePicture(await make().toBuffer(), 'picture')
    expect([picture.width, picture.height]).toEqual([12, 8])
    expect(Array.from(picture.data)).toEqual(Array.from(quadrants(12, 8)))
  })
})

describe('lossy formats give colours that are near', () => {
  const formats = {
    jpeg: () => quadrantsImage(32, 32).jpeg({ quality: 95 }),
    'jpeg, progressive': () => quadrantsImage(32, 32).jpeg({ quality: 95, progressive: true }),
    webp: () => quadrantsImage(32, 32).webp({ quality: 95 }),
    avif: () => quadrantsImage(32, 32).avif({ quality: 90, effort: 0 }),
  }
  test.each(Object.entries(formats))('%s', async (_, make) => {
    const picture = await decodePicture(await make().toBuffer(), 'picture')
    expect([picture.width, picture.height]).toEqual([32, 32])
    expectCorners(picture, [RED, GREEN, BLUE, WHITE], 6)
  })
})

describe('EXIF orientation', () => {
  /** Where the stored quadrants red, green, blue, white end up on the screen. */
  const shown: Readonly<Record<number, readonly number[][]>> = {
    1: [RED, GREEN, BLUE, WHITE],
    2: [GREEN, RED, WHITE, BLUE],
    3: [WHITE, BLUE, GREEN, RED],
    4: [BLUE, WHITE, RED, GREEN],
    5: [RED, BLUE, GREEN, WHITE],
    6: [BLUE, RED, WHITE, GREEN],
    7: [WHITE, GREEN, BLUE, RED],
    8: [GREEN, WHITE, RED, BLUE],
  }
  test.each(Object.entries(shown))('%s', async (orientation, want) => {
    const stored = quadrantsImage(64, 32)
      .jpeg({ quality: 95 })
      .withMetadata({ orientation: Number(orientation) })
    const picture = await decodePicture(await stored.toBuffer(), 'photo.jpg')
    expect([picture.width, picture.height]).toEqual(Number(orientation) < 5 ? [64, 32] : [32, 64])
    expectCorners(picture, want, 6)
  })
})

describe('other ways of storing pixels', () => {
  const grey = [0, 1, 127, 128, 254, 255]
  const levels16 = [0, 255, 256, 0x7fff, 0x8000, 0xff00, 0xffff, 0x1234, 0xabcd]
  /** 16 bit to 8: the nearest of both readings in use (high byte, or division by 257). */
  const near16 = (v: number): number[] => [v >> 8, Math.round(v / 257)]

  test('grey jpeg', async () => {
    const pixels = sharp(
      Uint8Array.from({ length: 64 }, () => 90),
      { raw: { width: 8, height: 8, channels: 1 } },
    )
    const picture = await decodePicture(await pixels.toColourspace('b-w').jpeg({ quality: 100 }).toBuffer(), 'grey.jpg')
    expect(Array.from(picture.data)).toEqual(Array.from({ length: 64 }, () => [90, 90, 90, 255]).flat())
  })

  test('grey png', async () => {
    const file = png({ width: 6, height: 1, bitDepth: 8, colourType: 0, rows: Uint8Array.from(grey) })
    const { data } = await decodePicture(file, 'grey.png')
    expect(Array.from(data)).toEqual(grey.flatMap((v) => [v, v, v, 255]))
  })

  test('one bit png', async () => {
    const file = png({ width: 8, height: 1, bitDepth: 1, colourType: 0, rows: Uint8Array.of(0b10110001) })
    const { data } = await decodePicture(file, 'bits.png')
    expect(Array.from(data).filter((_, i) => i % 4 === 0)).toEqual([255, 0, 255, 255, 0, 0, 0, 255])
  })

  test('grey png with alpha', async () => {
    const file = png({ width: 2, height: 1, bitDepth: 8, colourType: 4, rows: Uint8Array.of(200, 0, 100, 77) })
    const { data } = await decodePicture(file, 'grey-alpha.png')
    expect(Array.from(data)).toEqual([200, 200, 200, 0, 100, 100, 100, 77])
  })

  test('colours under transparency are kept, not premultiplied', async () => {
    const rows = Uint8Array.of(10, 20, 30, 0, 200, 100, 50, 128, 1, 2, 3, 255)
    const { data } = await decodePicture(png({ width: 3, height: 1, bitDepth: 8, colourType: 6, rows }), 'alpha.png')
    expect(Array.from(data)).toEqual(Array.from(rows))
  })

  test('16 bit grey png', async () => {
    const file = png({ width: 9, height: 1, bitDepth: 16, colourType: 0, rows: bigEndian(levels16) })
    const { data } = await decodePicture(file, 'grey16.png')
    for (const [i, level] of levels16.entries()) {
      const [r, g, b, a] = data.subarray(4 * i, 4 * i + 4)
      expect(near16(level), `level ${level} came out as ${r}`).toContain(r)
      expect([g, b, a]).toEqual([r, r, 255])
    }
  })

  test('16 bit RGB png', async () => {
    const file = png({ width: 3, height: 1, bitDepth: 16, colourType: 2, rows: bigEndian(levels16) })
    const { data } = await decodePicture(file, 'rgb16.png')
    const got = Array.from(data).filter((_, i) => i % 4 !== 3)
    for (const [i, level] of levels16.entries())
      expect(near16(level), `level ${level} came out as ${got[i]}`).toContain(got[i])
    expect(data[3]).toBe(255)
  })

  test('16 bit RGBA png', async () => {
    const rows = bigEndian([0xffff, 0x8000, 0, 0x4000])
    const { data } = await decodePicture(png({ width: 1, height: 1, bitDepth: 16, colourType: 6, rows }), 'rgba16.png')
    const want = [0xffff, 0x8000, 0, 0x4000].map(near16)
    for (const [i, v] of data.entries()) expect(want[i], `channel ${i} came out as ${v}`).toContain(v)
  })

  test('CMYK jpeg', async () => {
    const file = await quadrantsImage(32, 32).flatten().toColourspace('cmyk').jpeg({ quality: 100 }).toBuffer()
    expect((await sharp(file).metadata()).channels).toBe(4)
    const picture = await decodePicture(file, 'cmyk.jpg')
    const [red = [], green = [], blue = [], white = []] = corners(picture)
    const strongest = [red, green, blue].map((c) => c.slice(0, 3).indexOf(Math.max(...c.slice(0, 3))))
    expect(strongest).toEqual([0, 1, 2]) // inks are no screen colours, but which is which is beyond doubt
    expect(Math.min(...white)).toBeGreaterThan(245)
  })

  test('the first frame of a moving picture', async () => {
    const frame = (value: number) => Buffer.alloc(4 * 4 * 3, value)
    const film = sharp(Buffer.concat([frame(250), frame(10)]), {
      raw: { width: 4, height: 8, channels: 3, pageHeight: 4 },
    })
    const file = await film.gif({ delay: [100, 100] }).toBuffer()
    expect((await sharp(file, { pages: -1 }).metadata()).pages).toBe(2)
    const picture = await decodePicture(file, 'film.gif')
    expect([picture.width, picture.height]).toEqual([4, 4])
    expect(Array.from(picture.data.subarray(0, 4))).toEqual([250, 250, 250, 255])
  })
})
