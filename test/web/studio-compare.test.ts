/** The comparison, as it is used: filled in, changed, opened, taken away. */
import { readFileSync } from 'node:fs'
import type { Locator, Page } from 'playwright-core'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { serveStudio } from '../../src/node/studio.js'
import { expectQuiet, launch, type TestBrowser } from './browser.js'
import { builtStudio } from './built-studio.js'
import { openStudio, type StudioTab, sharedStudio } from './studio-page.js'

const SLOW = 240_000
/** Few and large squares, so that occlusion is done soon. */
const QUICK = 'options=patch%3A96%2Cstride%3A96'

let browser: TestBrowser
let served: Awaited<ReturnType<typeof serveStudio>>
beforeAll(async () => {
  served = await serveStudio({ root: await builtStudio() })
  browser = await launch()
}, SLOW)
afterAll(async () => {
  await browser?.close()
  await served?.close()
})

const COMPARED = { waitFor: '.compare-frame', patience: 30_000 }
const studio = sharedStudio(
  () => browser,
  () => served,
  COMPARED,
)
const compare = (hash: string): Promise<StudioTab> => studio(`view=compare&${hash}`)

const cell = (page: Page, method: string, label: string): Locator =>
  page.getByRole('button', { name: new RegExp(`^${method} for ${label}: open in Explain`) })
const head = (page: Page, name: string): Locator => page.getByRole('columnheader', { name })
const row = (page: Page, name: string): Locator => page.getByRole('rowheader', { name })

/** What is used of a canvas: these tests have no DOM of their own. */
interface Canvas {
  readonly width: number
  readonly height: number
  getContext(kind: '2d'): {
    getImageData(x: number, y: number, width: number, height: number): { readonly data: Uint8ClampedArray }
  }
}

/** Colours of a cell's map: one of a blank one. */
function colours(place: Locator): Promise<number> {
  const map = place.locator('canvas').first()
  return map.evaluate((element) => {
    const canvas = element as unknown as Canvas
    const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height)
    return new Set(new Uint32Array(data.buffer)).size
  })
}

async function downloaded(page: Page, button: string): Promise<{ readonly name: string; readonly bytes: Buffer }> {
  const [file] = await Promise.all([
    page.waitForEvent('download', { timeout: 60_000 }),
    page.getByRole('button', { name: button }).click(),
  ])
  return { name: file.suggestedFilename(), bytes: readFileSync(await file.path()) }
}

test('the usual figure fills itself in, and a cell opens in Explain', { timeout: SLOW }, async () => {
  const tab = await compare(QUICK)
  const { page } = tab
  for (const label of ['Egyptian cat', 'espresso'])
    for (const method of ['CAM', 'Grad-CAM', 'Guided Grad-CAM', 'Guided backpropagation', 'Occlusion sensitivity']) {
      await cell(page, method, label).waitFor({ timeout: 120_000 })
      expect(await colours(cell(page, method, label)), `${method} for ${label}`).toBeGreaterThan(50)
    }
  await expect.poll(() => page.locator('.progress-words').count(), { timeout: 60_000 }).toBe(0)
  const heads = await page.getByRole('columnheader').allTextContents()
  expect(heads).toEqual([
    'Picture',
    'CAMrelu6_1.Clip, 7 x 7',
    'Grad-CAMrelu6_1.Clip, 7 x 7',
    'Guided Grad-CAMrelu6_1.Clip',
    'Guided backpropagation',
    'Occlusion sensitivitypatch 96, stride 96 px',
  ])

  await cell(page, 'Guided backpropagation', 'espresso').click()
  await page.getByRole('img', { name: 'Guided backpropagation for espresso' }).waitFor()
  expect(new URL(page.url()).hash).toContain('class=967')
  expect(await page.getByRole('button', { name: 'Explain' }).getAttribute('aria-current')).toBe('page')
  // the maps are still there
  await page.getByRole('button', { name: 'Compare' }).click()
  expect(await cell(page, 'Occlusion sensitivity', 'Egyptian cat').count()).toBe(1)
  expectQuiet(tab)
})

describe('what is compared', () => {
  test('classes and methods come and go', { timeout: SLOW }, async () => {
    const tab = await compare('methods=grad-cam')
    const { page } = tab
    await cell(page, 'Grad-CAM', 'espresso').waitFor({ timeout: 120_000 })
    const find = page.getByRole('searchbox', { name: 'Add a class' })
    await find.fill('coffee mug')
    await find.press('Enter')
    await cell(page, 'Grad-CAM', 'coffee mug').waitFor({ timeout: 60_000 })
    expect(new URL(page.url()).hash).toContain('classes=285%2C967%2C504')

    await page.getByRole('checkbox', { name: 'HiResCAM' }).check()
    for (const label of ['Egyptian cat', 'espresso', 'coffee mug'])
      await cell(page, 'HiResCAM', label).waitFor({ timeout: 60_000 })
    await page.getByRole('checkbox', { name: 'Grad-CAM', exact: true }).uncheck()
    expect(await head(page, 'Grad-CAM').count()).toBe(0)

    await page.getByRole('button', { name: 'Remove espresso from the comparison' }).click()
    expect(await row(page, 'espresso').count()).toBe(0)
    await page.getByRole('button', { name: 'Remove Egyptian cat from the comparison' }).click()
    // the last one stays
    expect(await page.getByRole('button', { name: /^Remove/ }).count()).toBe(0)
    expectQuiet(tab)
  })

  test('a method that this network does not allow says why in its cells', { timeout: SLOW }, async () => {
    const tab = await compare('methods=cam,grad-cam&classes=285&layer=blocks.2.relu6.Clip')
    const { page } = tab
    await cell(page, 'Grad-CAM', 'Egyptian cat').waitFor({ timeout: 120_000 })
    const refused = page.locator('.compare-blank.refused')
    expect(await refused.count()).toBe(1)
    expect(await refused.textContent()).toMatch(/CAM/i)
    expectQuiet(tab)
  })

  test('a layer that is not there is said in every cell', { timeout: SLOW }, async () => {
    const tab = await compare('methods=cam,grad-cam&classes=285&layer=no-such-layer')
    const refused = tab.page.locator('.compare-blank.refused')
    await expect.poll(() => refused.count(), { timeout: 120_000 }).toBe(2)
    expect(await refused.first().textContent()).toContain('no-such-layer')
    expectQuiet(tab)
  })

  test('on a phone the table scrolls in itself, and the classes stay in sight', { timeout: SLOW }, async () => {
    const tab = await openStudio(browser, served, {
      ...COMPARED,
      hash: 'view=compare&methods=grad-cam,cam&classes=285',
      viewport: { width: 390, height: 844 },
    })
    const { page } = tab
    await cell(page, 'CAM', 'Egyptian cat').waitFor({ timeout: 120_000 })
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(390)
    await page.locator('.compare-frame').evaluate((frame) => Object.assign(frame, { scrollLeft: 1000 }) && undefined)
    expect((await row(page, 'Egyptian cat').boundingBox())?.x).toBeGreaterThanOrEqual(-9)
    expectQuiet(tab)
  })
})

test('occlusion is cancelled, and taken up again', { timeout: SLOW }, async () => {
  const tab = await compare('methods=grad-cam,occlusion&classes=285&options=patch%3A16%2Cstride%3A8')
  const { page } = tab
  const column = head(page, 'Occlusion sensitivity')
  await page.getByRole('button', { name: 'Cancel Occlusion sensitivity' }).waitFor({ timeout: 120_000 })
  expect(await cell(page, 'Grad-CAM', 'Egyptian cat').count()).toBe(1)
  // the map as it stands
  await cell(page, 'Occlusion sensitivity', 'Egyptian cat').waitFor({ timeout: 60_000 })
  await page.getByRole('button', { name: 'Cancel Occlusion sensitivity' }).click()
  await expect.poll(() => column.textContent()).toContain('Cancelled')
  expect(await cell(page, 'Occlusion sensitivity', 'Egyptian cat').count()).toBe(0)
  expect(await page.locator('.progress-words').count()).toBe(0)
  await page.getByRole('button', { name: 'Compute Occlusion sensitivity' }).click()
  await expect.poll(() => column.textContent(), { timeout: 60_000 }).toMatch(/\d+ of \d+ runs/)
  expectQuiet(tab)
})

test('the figure and the numbers are taken away', { timeout: SLOW }, async () => {
  const tab = await compare('methods=grad-cam,input-x-gradient&colours=viridis')
  const { page } = tab
  for (const label of ['Egyptian cat', 'espresso'])
    for (const method of ['Grad-CAM', 'Input x gradient']) await cell(page, method, label).waitFor({ timeout: 120_000 })

  const png = await downloaded(page, 'Save as PNG (2x)')
  expect(png.name).toBe('A cat and a coffee.onnxplain.png')
  const svg = await downloaded(page, 'Save as SVG')
  const words = svg.bytes.toString()
  const { width = 0, height = 0 } = await sharp(png.bytes).metadata()
  // both are the layout at twice its size: three cells of 300 pixels, gaps and margins
  expect(words).toContain(`viewBox="0 0 ${width} ${height}"`)
  expect(width).toBeGreaterThan(2 * (3 * 300 + 2 * 28 + 2 * 14))
  const { channels } = await sharp(png.bytes).stats()
  expect(Math.min(...channels.slice(0, 3).map((c) => c.stdev))).toBeGreaterThan(20)
  for (const text of ['Egyptian cat', 'espresso', 'Grad-CAM', 'maps of logits']) expect(words).toContain(text)

  const json = await downloaded(page, 'Save as JSON')
  expect(json.name).toBe('A cat and a coffee.onnxplain.json')
  const result = JSON.parse(json.bytes.toString())
  expect(result.answers).toHaveLength(1000)
  expect(result.explanations).toHaveLength(4)
  const [first] = result.explanations
  expect(first).toMatchObject({ method: 'grad-cam', answer: { label: 'Egyptian cat' }, raw: { dims: [7, 7] } })
  expect(first.raw.data).toHaveLength(49)
  expect(first.provenance.model.sha256).toMatch(/^[0-9a-f]{64}$/)
  expectQuiet(tab)
})
