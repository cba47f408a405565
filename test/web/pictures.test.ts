/** Pictures of every kind that a page has come to the same pixels; what is no picture is one clear error. */
import { join } from 'node:path'
import sharp from 'sharp'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { fill, remove, temporaryFolder } from '../node/support.js'
import { launch, type Tab, type TestBrowser, troubleOf } from './browser.js'
import { call, type Site, served, serveSite, visit } from './site.js'
import type { Failure, Look, PictureKind } from './told.js'

const [WIDTH, HEIGHT] = [40, 24]
const RED = [255, 0, 0, 255]
const BLUE = [0, 0, 255, 255]
const WHITE = [255, 255, 255, 255]

let browser: TestBrowser
let site: Site
/** One page for all pictures. */
let tab: Tab
const folder = temporaryFolder()
let urls: Readonly<Record<string, string>>

beforeAll(async () => {
  // red to the left, blue to the right
  const half = { create: { width: WIDTH / 2, height: HEIGHT, channels: 3, background: 'red' } } as const
  const halves = sharp({ create: { ...half.create, width: WIDTH, background: 'blue' } }).composite([
    { input: await sharp(half).png().toBuffer(), left: 0, top: 0 },
  ])
  const png = await halves.png().toBuffer()
  const files = {
    'halves.png': png,
    // as a camera writes it that was held upright: to be turned to the right by a quarter
    'turned.jpg': await sharp(png).withMetadata({ orientation: 6 }).jpeg({ quality: 100 }).toBuffer(),
    'clear.png': await sharp({ create: { ...half.create, channels: 4, background: { r: 9, g: 9, b: 9, alpha: 0 } } })
      .png()
      .toBuffer(),
    'empty.png': new Uint8Array(),
    'text.jpg': 'this is no picture',
    'cut.jpg': (await sharp(png).jpeg().toBuffer()).subarray(0, 200),
    'page.html': '<!doctype html>',
  }
  fill(folder, files)
  const found = served(Object.fromEntries(Object.keys(files).map((name) => [name, join(folder, name)])))
  urls = found.urls
  site = await serveSite(found.files)
  browser = await launch()
  tab = await visit(browser, site)
})
afterAll(async () => {
  await browser.close()
  await site.close()
  remove(folder)
  remove(site.folder)
})

async function look(kind: PictureKind, url: string, places: readonly (readonly [number, number])[] = []) {
  const found = await call<Look | Failure>(tab, 'looks', kind, url, places)
  return { found, trouble: troubleOf(tab) }
}

const KINDS: readonly PictureKind[] = [
  'address',
  'url',
  'blob',
  'file',
  'bitmap',
  'canvas',
  'offscreen canvas',
  'video frame',
  'image data',
  'element',
  'picture',
]
test.each(KINDS)('a picture as %s', async (kind) => {
  const { found, trouble } = await look(kind, urls['halves.png'] ?? '', [
    [2, 12],
    [37, 12],
  ])
  expect(found).toEqual({ width: WIDTH, height: HEIGHT, pixels: [RED, BLUE] })
  expect(trouble).toEqual([])
})

test.each(['address', 'file', 'element'] as const)('a photo that is to be turned, as %s', async (kind) => {
  const { found } = await look(kind, urls['turned.jpg'] ?? '', [
    [12, 2],
    [12, 37],
  ])
  expect(found).toMatchObject({ width: HEIGHT, height: WIDTH })
  const pixels = 'pixels' in found ? found.pixels : []
  for (const [i, want] of [RED, BLUE].entries())
    for (const [c, value] of want.entries()) expect(Math.abs((pixels[i]?.[c] ?? -99) - value)).toBeLessThanOrEqual(3)
})

test('what is transparent keeps its transparency: white is put under it before a model sees it', async () => {
  const { found } = await look('address', urls['clear.png'] ?? '', [[3, 3]])
  expect('pixels' in found && found.pixels[0]?.[3]).toBe(0)
  expect(await call(tab, 'firstFed', urls['clear.png'])).toEqual(WHITE.slice(0, 3))
})

const BAD: Readonly<Record<string, readonly [PictureKind, file: string, code: string, words: RegExp]>> = {
  'an empty file': ['file', 'empty.png', 'invalid-image', /empty/],
  'an empty answer': ['address', 'empty.png', 'invalid-image', /empty/],
  'text called .jpg': ['file', 'text.jpg', 'invalid-image', /not a picture/],
  'a page': ['address', 'page.html', 'invalid-image', /not a picture/],
  'nothing there': ['address', 'none.png', 'cannot-read', /does not exist/],
  'no address': ['address', 'http://', 'cannot-read', /no address/],
  'another site that does not answer': ['address', 'http://example.invalid/cat.png', 'cannot-read', /not answer/],
  'a picture that is not loaded': ['element that is not loaded', '', 'invalid-image', /no pixels yet/],
  'a video without a frame': ['video without a frame', '', 'invalid-image', /no pixels yet/],
  'a canvas of nothing': ['canvas of nothing', '', 'invalid-image', /no pixels/],
  'a canvas that is too large': ['canvas that is huge', '', 'image-too-large', /16384 x 8193/],
}
test.each(Object.entries(BAD))('%s', async (_, [kind, file, code, words]) => {
  const { found } = await look(kind, urls[file] ?? file)
  expect(found).toMatchObject({ error: { code, message: expect.stringMatching(words) } })
})

test('a JPEG that is cut short is an error, or a picture of its size where the browser shows what there is', async () => {
  const { found } = await look('file', urls['cut.jpg'] ?? '')
  expect('error' in found ? found.error.code : [found.width, found.height]).toEqual(
    'error' in found ? 'invalid-image' : [WIDTH, HEIGHT],
  )
})
