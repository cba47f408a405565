/** How the studio looks, and how it is to those who cannot see it: screenshots held to earlier ones, and axe-core's findings. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import pixelmatch from 'pixelmatch'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, onTestFailed, test } from 'vitest'
import type { Served } from '../../src/node/serve.js'
import { serveStudio } from '../../src/node/studio.js'
import { pathOf } from '../support/files.js'
import { expectQuiet, launch, type TestBrowser } from './browser.js'
import { builtStudio } from './built-studio.js'
import { findings, keptStudio, type StudioTab, type StudioTabOptions, settled, turn } from './studio-page.js'

let browser: TestBrowser
let served: Served
beforeAll(async () => {
  const all = await serveStudio({ root: await builtStudio(), model: pathOf('models/shapes-captioner') })
  // the shipped model, where none is named
  served = { ...all, address: new URL('.', all.address).href }
  browser = await launch()
})
afterAll(async () => {
  await browser?.close()
  await served?.close()
})

const PHONE: StudioTabOptions = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true }
const COMPARED = { hash: 'view=compare&methods=grad-cam,guided-grad-cam', waitFor: 'table canvas' }

/** A model that writes, and what a word of it rests on. */
const CAPTION = {
  hash: 'model=model%2Fshapes-captioner%2Fdecoder_model.onnx&target=word%3A2-3',
  waitFor: '.chip[aria-pressed=true]',
}

interface Look {
  readonly device: StudioTabOptions
  readonly hash: string
  readonly waitFor: string
  readonly colorScheme: 'light' | 'dark'
}

const DESK: Look = { device: {}, hash: '', waitFor: '.heat canvas', colorScheme: 'light' }

/** Views. Those of one device are looked at in one tab, each in the address of the one before it; the first is opened. */
const VIEWS: readonly (readonly [string, Look])[] = [
  ['explain-dark', { ...DESK, colorScheme: 'dark' }],
  ['explain', DESK],
  ['espresso-signed', { ...DESK, hash: 'class=967&signs=both' }],
  ['compare', { ...DESK, ...COMPARED }],
  ['compare-dark', { ...DESK, ...COMPARED, colorScheme: 'dark' }],
  ['caption', { ...DESK, ...CAPTION }],
  ['live', { ...DESK, hash: 'view=live', waitFor: '.view-live button' }],
  ['phone', { ...DESK, device: PHONE }],
  ['phone-caption', { ...DESK, ...CAPTION, device: PHONE }],
  ['phone-compare', { ...DESK, ...COMPARED, device: PHONE }],
]

const tabs = new Map<StudioTabOptions, StudioTab>()
afterAll(async () => {
  for (const tab of tabs.values()) await tab.page.context().close()
})

async function view({ device, hash, waitFor, colorScheme }: Look): Promise<StudioTab> {
  const known = tabs.get(device)
  const tab = known ?? (await keptStudio(browser, served, { ...device, hash, waitFor, colorScheme }))
  tabs.set(device, tab)
  // a test that fails may have left anything behind
  onTestFailed(() => void tabs.delete(device))
  await tab.page.emulateMedia({ colorScheme })
  if (known) await turn(tab.page, hash, waitFor)
  await settled(tab.page)
  return tab
}

/** What is compared: fonts differ from machine to machine, so a screenshot is held as a small picture of itself. */
const SMALL = 320
/** Share of the pixels of the small picture that may differ, each by more than a little. */
const TOLERANCE = 0.04

async function small(png: Buffer): Promise<{ data: Buffer; width: number; height: number }> {
  const { data, info } = await sharp(png)
    .resize(SMALL, undefined, { fit: 'inside' })
    .blur(1)
    .ensureAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true })
  return { data, width: info.width, height: info.height }
}

describe.each(VIEWS)('%s', (name, look) => {
  test('looks as it did, and has no finding of axe-core', async () => {
    const tab = await view(look)
    const shot = await tab.page.screenshot({ animations: 'disabled' })
    const path = pathOf(`test/fixtures/studio/${name}.png`)
    if (process.env.ONNXPLAIN_UPDATE_SCREENSHOTS) {
      mkdirSync(pathOf('test/fixtures/studio'), { recursive: true })
      writeFileSync(
        path,
        await sharp(shot).resize(SMALL, undefined, { fit: 'inside' }).png({ palette: true }).toBuffer(),
      )
    }
    expect(existsSync(path), `${name}.png: ONNXPLAIN_UPDATE_SCREENSHOTS=1 makes it`).toBe(true)
    const [got, want] = [await small(shot), await small(readFileSync(path))]
    expect([got.width, got.height]).toEqual([want.width, want.height])
    const off = pixelmatch(got.data, want.data, undefined, got.width, got.height, { threshold: 0.25 })
    if (off > TOLERANCE * got.width * got.height) writeFileSync(path.replace('.png', '-changed.png'), shot)
    expect(off / (got.width * got.height)).toBeLessThanOrEqual(TOLERANCE)
    expect(await findings(tab.page)).toEqual([])
    expectQuiet(tab)
  })
})
