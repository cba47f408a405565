/** Pictures that are refused: with a code, a name and a remedy, never half decoded. */
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { decodePicture } from '../../src/node/codec.js'
import { pathOf } from '../support/files.js'
import { bomb, quadrantsImage } from './pictures.js'
import { failureOf } from './support.js'

const photo = readFileSync(pathOf('examples/cat-and-coffee.jpg'))
const cut = (bytes: Uint8Array, share: number): Uint8Array => bytes.subarray(0, Math.floor(bytes.length * share))
const text = (content: string): Uint8Array => Buffer.from(content)

const DAMAGED: Readonly<Record<string, () => Uint8Array | Promise<Uint8Array>>> = {
  'an empty file': () => new Uint8Array(),
  text: () => text('this is no picture, although it ends in .jpg\n'),
  'a web page': () => text('<!doctype html><html><body>404 Not Found</body></html>'),
  'an SVG': () =>
    text('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><rect width="9" height="9"/></svg>'),
  'a PDF': () => text('%PDF-1.7\n1 0 obj\n<< /Type /Catalog >>\nendobj\n%%EOF\n'),
  'the signature of a JPEG and nothing else': () => photo.subarray(0, 4),
  'a JPEG cut at 5 %': () => cut(photo, 0.05),
  'a JPEG cut at 50 %': () => cut(photo, 0.5),
  'a JPEG cut at 95 %': () => cut(photo, 0.95),
  'a PNG cut at 50 %': async () => cut(await quadrantsImage(200, 200).png({ compressionLevel: 0 }).toBuffer(), 0.5),
  'a WebP cut at 50 %': async () => cut(await quadrantsImage(200, 200).webp({ quality: 100 }).toBuffer(), 0.5),
}

test.each(Object.entries(DAMAGED))('%s is no picture', async (_, make) => {
  const error = await failureOf(decodePicture(await make(), 'holiday.jpg'))
  expect(error.code).toBe('invalid-image')
  expect(error.message).toContain('holiday.jpg')
  expect(error.message).toContain('Give a whole JPEG, PNG, WebP, AVIF, TIFF or GIF file.')
  expect(error.message).not.toContain('\n')
})

test('the whole photograph is read, so that the cuts above are what is refused', async () => {
  const picture = await decodePicture(photo, 'cat-and-coffee.jpg')
  expect(picture.data.length).toBe(4 * picture.width * picture.height)
})

describe('a picture of 30000 x 30000 pixels in a small file', () => {
  const file = bomb()

  test('is refused before it is decoded', async () => {
    expect(file.length).toBeLessThan(2 ** 20)
    const memory = process.memoryUsage().rss
    const start = performance.now()
    const error = await failureOf(decodePicture(file, 'bomb.png'))
    expect(performance.now() - start).toBeLessThan(2000)
    expect(process.memoryUsage().rss - memory).toBeLessThan(200 * 2 ** 20)
    expect(error.code).toBe('image-too-large')
    expect(error.message).toContain('30000 x 30000')
    expect(error.message).toContain('bomb.png')
  })
})
