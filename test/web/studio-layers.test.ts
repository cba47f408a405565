/** The strip of layers and channels: thumbnails, a way to every layer, what has no map, and the channels that weigh most. */
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { open } from '../../src/node/open.js'
import type { Served } from '../../src/node/serve.js'
import { serveStudio } from '../../src/node/studio.js'
import { declare } from '../../src/onnx/builder.js'
import { pathOf } from '../support/files.js'
import { modelBytes } from '../support/model.js'
import { noise } from '../support/networks.js'
import { expectQuiet, launch, type TestBrowser } from './browser.js'
import { builtStudio } from './built-studio.js'
import { drop, expectMap, mapOf, mapPixels, openStudio, PATIENCE, sharedStudio } from './studio-page.js'

let browser: TestBrowser
let served: Served
beforeAll(async () => {
  served = await serveStudio({ root: await builtStudio() })
  browser = await launch()
})
afterAll(async () => {
  await browser?.close()
  await served?.close()
})

const studio = sharedStudio(
  () => browser,
  () => served,
)

const thumb = (page: Page, name: RegExp): ReturnType<Page['locator']> => page.getByRole('button', { name })
const find = (page: Page): ReturnType<Page['locator']> =>
  page.getByRole('combobox', { name: /^Find one of \d+ layers/ })
const note = (page: Page): ReturnType<Page['locator']> => page.locator('.layers-note')

/** Waits until the thumbnails are those of what is on the stage. */
async function settled(page: Page): Promise<void> {
  await page.locator('.thumbs[aria-busy="false"] .seen-map').first().waitFor()
}

const mode = (page: Page, name: string): ReturnType<Page['locator']> => page.getByRole('button', { name, exact: true })

async function showChannels(page: Page): Promise<void> {
  await mode(page, 'Channels').click()
  await page.locator('.thumbs[aria-busy="false"] .thumb-weight').first().waitFor()
}

describe('layers', () => {
  test('thumbnails lead from edges to objects, and the default layer is marked', async () => {
    const tab = await studio()
    const { page } = tab
    await settled(page)
    const grids = await page.locator('.thumb-grid').allTextContents()
    expect(grids[0]).toBe('112 × 112')
    expect(grids.at(-1)).toBe('7 × 7')
    expect(new Set(grids)).toEqual(new Set(['112 × 112', '56 × 56', '28 × 28', '14 × 14', '7 × 7']))
    expect(await page.locator('.thumb .seen-map').count()).toBe(grids.length)
    const usual = thumb(page, /^Layer relu6_1\.Clip, 7 × 7, the default$/)
    expect(await usual.getAttribute('aria-pressed')).toBe('true')
    expect(await usual.getAttribute('title')).toContain('relu6_1.Clip (Clip, 7 × 7)')
    expect(await page.locator('.thumbs-end').textContent()).toContain('Egyptian cat')
    expectQuiet(tab)
  })

  test('a click shows a layer on the stage: the map that it has by itself', async () => {
    const tab = await studio()
    const { page } = tab
    await settled(page)
    const usual = await mapPixels(page)
    const other = thumb(page, /^Layer .*14 × 14/).last()
    const name = (await other.getAttribute('title'))?.split(' ')[0] ?? ''
    await other.click()
    await expect.poll(() => mapPixels(page), { timeout: PATIENCE }).not.toBe(usual)
    const shown = await mapPixels(page)
    expect(new URL(page.url()).hash).toBe(`#layer=${encodeURIComponent(name)}`)
    expect(await other.getAttribute('aria-pressed')).toBe('true')
    // nothing was computed again, and the same comes out where it is
    const alone = await openStudio(browser, served, { hash: `layer=${encodeURIComponent(name)}` })
    expect(await mapPixels(alone.page)).toBe(shown)
    await thumb(page, /the default$/).click()
    await expect.poll(() => mapPixels(page), { timeout: PATIENCE }).toBe(usual)
    expect(new URL(page.url()).hash).toBe('')
    expectQuiet(tab)
    expectQuiet(alone)
  })

  test('every layer is found by its name or a part of it; what is none is said', async () => {
    const tab = await studio()
    const { page } = tab
    await settled(page)
    expect(await page.locator('#all-layers option').count()).toBe(91)
    await find(page).fill('blocks.10.Add')
    await find(page).press('Enter')
    const added = thumb(page, /^Layer blocks\.10\.Add, 14 × 14$/)
    await added.waitFor()
    expect(await added.getAttribute('aria-pressed')).toBe('true')
    await expect.poll(() => page.url()).toContain('layer=blocks.10.Add')
    await find(page).fill('conv_stem')
    await find(page).press('Enter')
    await expect.poll(() => page.url()).toContain('layer=conv_stem.Conv')
    await find(page).fill('blocks')
    await find(page).press('Enter')
    await page.getByText('Several layers have “blocks” in their names.').waitFor()
    await find(page).fill('nowhere')
    await find(page).press('Enter')
    await page.getByText('No layer is called “nowhere”.').waitFor()
    expect(page.url()).toContain('layer=conv_stem.Conv')
    expectQuiet(tab)
  })

  test('another class has other thumbnails', async () => {
    const tab = await studio()
    const { page } = tab
    await settled(page)
    const pixels = (): Promise<string> =>
      page
        .locator('.thumb .seen-map')
        .nth(4)
        .evaluate((canvas) => (canvas as unknown as { toDataURL(): string }).toDataURL())
    const cat = await pixels()
    await page.getByRole('button', { name: /^espresso/ }).click()
    await expectMap(page, 'Grad-CAM for espresso')
    await expect.poll(pixels, { timeout: PATIENCE }).not.toBe(cat)
    await settled(page)
    expect(await page.locator('.thumbs-end').textContent()).toContain('espresso')
    expectQuiet(tab)
  })

  test('arrow keys go along the row', async () => {
    const tab = await studio()
    const { page } = tab
    await settled(page)
    const first = page.locator('.thumb').first()
    await first.focus()
    await first.press('ArrowRight')
    expect(await page.locator('.thumb').nth(1).and(page.locator(':focus')).count()).toBe(1)
    expectQuiet(tab)
  })
})

describe('channels', () => {
  test('those that weigh most, as onnxplain in Node finds them', async () => {
    const tab = await studio('class=967')
    const { page } = tab
    await showChannels(page)
    await using model = await open()
    const want = await model.channels(pathOf('examples/cat-and-coffee.jpg'), { target: 967, top: 8 })
    const got = await page.locator('.thumb-grid').allTextContents()
    // decoders of JPEG differ by single bytes: those at the end may change places
    expect(got.slice(0, 4)).toEqual(want.channels.slice(0, 4).map((c) => `#${c.index}`))
    const [share] = await page.locator('.thumb-share').allTextContents()
    const percent = (100 * (want.channels[0]?.share ?? 0)) / want.total
    expect(Math.abs(Number(share?.replace('−', '-').replace(' %', '')) - percent)).toBeLessThan(0.2)
    expect(await note(page).textContent()).toContain('8 of the 1280 channels of relu6_1.Clip')
    await mode(page, 'Layers').click()
    expectQuiet(tab)
  })

  test('one is shown large, with its neighbours a key away', async () => {
    const tab = await studio()
    const { page } = tab
    await showChannels(page)
    const names = await page.locator('.thumb-grid').allTextContents()
    const large = page.getByRole('dialog', { name: /^Channel/ })
    const title = (index: number): string => `Channel ${names[index]?.slice(1)} of relu6_1.Clip`
    await page.locator('.thumb').first().click()
    await large.getByRole('heading', { name: title(0) }).waitFor()
    expect(await large.textContent()).toContain('the mean gradient of Egyptian cat’s logit by this channel')
    await large.press('ArrowRight')
    await large.getByRole('heading', { name: title(1) }).waitFor()
    await large.getByRole('button', { name: 'Previous' }).click()
    await large.getByRole('heading', { name: title(0) }).waitFor()
    await page.keyboard.press('Escape')
    await large.waitFor({ state: 'hidden' })
    await mode(page, 'Layers').click()
    expectQuiet(tab)
  })
})

describe('methods that have no maps at the layers', () => {
  test('of the pixels: the strip is of Grad-CAM, says so, and a click shows it', async () => {
    const tab = await studio('method=gradient')
    const { page } = tab
    await settled(page)
    expect(await note(page).textContent()).toContain('These are maps of Grad-CAM')
    await thumb(page, /the default$/).click()
    await expectMap(page, 'Grad-CAM for Egyptian cat')
    await expect.poll(() => note(page).count()).toBe(0)
    expectQuiet(tab)
  })

  test('of the last layer alone', async () => {
    const tab = await studio('method=cam')
    const { page } = tab
    await settled(page)
    expect(await note(page).textContent()).toContain('has no maps at inner layers: these are of Grad-CAM.')
    expectQuiet(tab)
  })

  test('a network without feature maps', async () => {
    const tab = await studio()
    const { page } = tab
    const bytes = modelBytes({
      opset: 17,
      nodes: [
        { op: 'Flatten', inputs: ['x'], outputs: ['flat'] },
        { op: 'Gemm', inputs: ['flat', 'w'], outputs: ['logits'] },
      ],
      inputs: [declare('x', 'float32', ['N', 3, 8, 8])],
      outputs: [declare('logits', 'float32', ['N', 4])],
      initializers: { w: noise(1, 192, 4) },
    })
    await drop(page, [{ name: 'linear.onnx', bytes }])
    await page.getByText('This network has no feature maps').waitFor()
    await page.getByRole('combobox', { name: 'Method' }).selectOption('gradient')
    await mapOf(page).waitFor()
    expectQuiet(tab)
  })
})
