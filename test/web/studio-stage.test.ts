/** The tools on the picture, as people use them: values, the wipe, regions, and occluding by hand. */
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import type { Explanation } from '../../src/explain/index.js'
import { open } from '../../src/node/index.js'
import type { Served } from '../../src/node/serve.js'
import { serveStudio } from '../../src/node/studio.js'
import { pathOf } from '../support/files.js'
import { expectQuiet, launch, type TestBrowser } from './browser.js'
import { builtStudio } from './built-studio.js'
import { AT_REST, openStudio, type StudioTab, type StudioTabOptions, sharedStudio } from './studio-page.js'

/** Long enough for a busy machine. */
const PATIENCE = 60_000
const SOON = { timeout: PATIENCE }
const PICTURE = { width: 640, height: 480 }
const CAT = { x: 0.3, y: 0.5 }
const COFFEE = { x: 0.65, y: 0.5 }

let browser: TestBrowser
let served: Served
beforeAll(async () => {
  served = await serveStudio({ root: await builtStudio() })
  browser = await launch()
}, 300_000)
afterAll(async () => {
  await browser?.close()
  await served?.close()
})

const studio = sharedStudio(
  () => browser,
  () => served,
  { patience: PATIENCE },
)
const PHONE: StudioTabOptions = {
  viewport: { width: 390, height: 844 },
  hasTouch: true,
  isMobile: true,
  patience: PATIENCE,
}

/** The studio that is shared, with no tool taken up and nothing pointed at. */
async function visit(hash?: string): Promise<StudioTab> {
  const tab = await studio(hash)
  const { page } = tab
  await page.mouse.move(0, 0)
  await page.locator('.surface').first().press('Escape')
  await page.evaluate('document.activeElement.blur()')
  return tab
}

interface Share {
  readonly x: number
  readonly y: number
}

/** A place of the picture, in shares of its sides, on the page. */
async function place(page: Page, { x, y }: Share): Promise<Share> {
  const box = await page.locator('.surface').first().boundingBox()
  if (!box) throw new Error('There is no picture')
  return { x: box.x + x * box.width, y: box.y + y * box.height }
}

async function hover(page: Page, at: Share): Promise<void> {
  const { x, y } = await place(page, at)
  await page.mouse.move(x, y)
}

/** The words beside the pointer, in one line. */
async function words(page: Page): Promise<string> {
  await page.locator('.readout').waitFor()
  return (await page.locator('.readout p').allTextContents()).join(' ')
}

/** The words at a place, once they tell of it. */
async function wordsAt(page: Page, at: Share): Promise<string> {
  const { width, height } = PICTURE
  const isHere = async (): Promise<boolean> => {
    const [, x = 0, y = 0] = /pixel (\d+), (\d+)/.exec(await words(page))?.map(Number) ?? []
    return Math.abs(x - at.x * width) < 2 && Math.abs(y - at.y * height) < 2
  }
  await hover(page, at)
  await expect.poll(isHere, SOON).toBe(true)
  return words(page)
}

function toolOf(page: Page, name: string): ReturnType<Page['locator']> {
  return page.locator('.segments').getByRole('button', { name, exact: true })
}

/** A number as the page prints it. */
function numberOf(text: string): number {
  return Number(/[+−]?\d[\d.]*(e−?\d+)?/.exec(text)?.[0].replaceAll('−', '-'))
}

/** How many pixels of the map on the stage are drawn, and in colour. */
async function coloured(page: Page): Promise<number> {
  return page.evaluate(`(() => {
    const canvas = document.querySelector('.heat canvas')
    const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height)
    let count = 0
    for (let i = 0; i < data.length; i += 4)
      if (data[i + 3] === 255 && Math.abs(data[i] - data[i + 2]) > 12) count++
    return count
  })()`)
}

async function explained(): Promise<Explanation> {
  const model = await open()
  onTestFinished(() => model.dispose())
  return await model.explain(pathOf('examples/cat-and-coffee.jpg'))
}

describe('a closer look', () => {
  test('the pointer is told value, pixel and cell, and the words do not cover them', async () => {
    const { heatmap, raw } = await explained()
    const tab = await visit()
    const { page } = tab
    for (const at of [{ x: 0.4, y: 0.6 }, { x: 0.22, y: 0.8 }, COFFEE]) {
      const said = await wordsAt(page, at)
      const [, column = 0, row = 0] = /pixel (\d+), (\d+)/.exec(said)?.map(Number) ?? []
      const value = heatmap.data[row * heatmap.width + column] ?? Number.NaN
      const largest = Math.max(...raw.data)
      expect(Math.abs(numberOf(said) - value)).toBeLessThan(0.02 * largest)
      // the cells lie on the square that the network saw
      const { seen } = heatmap
      const cell = (v: number, from: number, to: number): number => Math.floor(((v + 0.5 - from) / (to - from)) * 7) + 1
      expect(said).toContain(
        `cell: row ${cell(row, seen.y0, seen.y1)}, column ${cell(column, seen.x0, seen.x1)} of 7 × 7`,
      )
      const [covering, pointed] = [
        await page.locator('.readout').boundingBox(),
        await page.locator('.cell').boundingBox(),
      ]
      const clear =
        covering &&
        pointed &&
        (covering.x >= pointed.x + pointed.width ||
          covering.x + covering.width <= pointed.x ||
          covering.y >= pointed.y + pointed.height ||
          covering.y + covering.height <= pointed.y)
      expect(clear).toBe(true)
    }
    expectQuiet(tab)
  })

  test('what the network did not see has no value', async () => {
    const tab = await visit()
    expect(await wordsAt(tab.page, { x: 0.05, y: 0.5 })).toContain('Outside of what the network saw')
    expect(await tab.page.locator('.cell').count()).toBe(0)
    expectQuiet(tab)
  })

  test('arrow keys move over the picture and are told aloud; single pixels with Shift; Escape leaves', async () => {
    const tab = await visit()
    const { page } = tab
    const surface = page.locator('.surface')
    await surface.focus()
    await page.keyboard.press('ArrowLeft')
    const pixel = async (): Promise<number> =>
      Number(/pixel (\d+)/.exec((await page.locator('.surface output').textContent()) ?? '')?.[1])
    const start = await pixel()
    await page.keyboard.press('ArrowLeft')
    expect(await pixel()).toBeLessThan(start - 5)
    await page.keyboard.press('Shift+ArrowRight')
    const next = await pixel()
    await page.keyboard.press('Shift+ArrowRight')
    expect(await pixel()).toBe(next + 1)
    await page.keyboard.press('Escape')
    expect(await page.locator('.readout').count()).toBe(0)
    expectQuiet(tab)
  })

  test('a tap is told on a phone', async () => {
    const tab = await openStudio(browser, served, { ...PHONE, waitFor: AT_REST })
    const { x, y } = await place(tab.page, CAT)
    await tab.page.touchscreen.tap(x, y)
    expect(await words(tab.page)).toMatch(/map .*pixel .*cell: row/)
    expectQuiet(tab)
  })

  test('pixel maps are read at the pixels that the network was fed', async () => {
    const tab = await visit('method=gradient')
    expect(await wordsAt(tab.page, CAT)).toContain('of 224 × 224')
    expectQuiet(tab)
  })
})

describe('picture and map', () => {
  test('the wipe is dragged and moved by keys, and the address keeps it', async () => {
    const tab = await visit()
    const { page } = tab
    await page.keyboard.press('w')
    const line = page.getByRole('slider', { name: 'Wipe the map away' })
    const clip = (): Promise<string> => page.evaluate(`document.querySelector('.heat').style.clipPath`)
    expect(await line.getAttribute('aria-valuetext')).toContain('50 %')
    await line.press('ArrowRight')
    expect(await line.getAttribute('aria-valuenow')).toBe('52')
    expect(await clip()).toContain('52%')
    await line.press('Home')
    expect(await line.getAttribute('aria-valuenow')).toBe('0')
    await line.press('End')
    expect(await line.getAttribute('aria-valuenow')).toBe('100')
    const [from, to] = [await place(page, { x: 1, y: 0.5 }), await place(page, { x: 0.25, y: 0.5 })]
    await page.mouse.move(from.x, from.y)
    await page.mouse.down()
    await page.mouse.move(to.x, to.y, { steps: 4 })
    await page.mouse.up()
    await expect.poll(() => line.getAttribute('aria-valuenow'), SOON).toBe('25')
    const [, kept] = /wipe=([\d.]+)/.exec(page.url()) ?? []
    expect(Number(kept)).toBeCloseTo(0.25, 1)
    const other = await openStudio(browser, served, { hash: `wipe=${kept}`, waitFor: AT_REST, patience: PATIENCE })
    const again = other.page.getByRole('slider', { name: 'Wipe the map away' })
    expect(await again.getAttribute('aria-valuenow')).toBe('25')
    await page.keyboard.press('w')
    expect(await line.count()).toBe(0)
    expect(page.url()).not.toContain('wipe')
    expectQuiet(tab)
    expectQuiet(other)
  })

  test('side by side there are two pictures of one size, and one map', async () => {
    const tab = await visit('show=beside')
    const { page } = tab
    await expect.poll(() => page.locator('.sheet').count(), SOON).toBe(2)
    expect(await page.locator('.heat').count()).toBe(1)
    const [bare, mapped] = [
      await page.locator('.sheet').first().boundingBox(),
      await page.locator('.sheet').last().boundingBox(),
    ]
    expect([bare?.width, bare?.height]).toEqual([mapped?.width, mapped?.height])
    await hover(page, CAT)
    // a place is shown on both, its words once
    expect(await page.locator('.cell').count()).toBe(2)
    expect(await page.locator('.readout').count()).toBe(1)
    await toolOf(page, 'Overlay').click()
    expect(await page.locator('.sheet').count()).toBe(1)
    expect(page.url()).not.toContain('show')
    expectQuiet(tab)
  })
})

describe('regions', () => {
  test('a place speaks for classes in order; a click explains one; a rectangle and keys ask too', async () => {
    const tab = await visit()
    const { page } = tab
    await toolOf(page, 'Region').click()
    const click = async (at: Share): Promise<void> => {
      const { x, y } = await place(page, at)
      await page.mouse.click(x, y)
    }
    const names = page.locator('.share-name')
    await click(COFFEE)
    await names.first().waitFor()
    expect(await names.count()).toBe(12)
    expect(await names.first().textContent()).toMatch(/espresso|consomme|cup|coffee mug|soup bowl/)
    const values = (await page.locator('.share-value').allTextContents()).map(numberOf)
    expect(values).toEqual(values.toSorted((a, b) => b - a))
    expect(values[0]).toBeGreaterThan(0)
    expect(values.at(-1)).toBeLessThan(0)
    expect(await page.locator('.region-list').textContent()).toMatch(/Grad-CAM at 7 × 7 cells/)
    await click({ x: 0.25, y: 0.75 })
    await expect.poll(() => names.first().textContent(), SOON).toMatch(/cat|tabby|lynx/)
    await page.locator('.share', { hasText: 'espresso' }).click()
    await page.getByLabel('Grad-CAM for espresso').waitFor()
    const [from, to] = [await place(page, { x: 0.55, y: 0.3 }), await place(page, { x: 0.8, y: 0.7 })]
    await page.mouse.move(from.x, from.y)
    await page.mouse.down()
    await page.mouse.move(to.x, to.y, { steps: 3 })
    await page.mouse.up()
    await expect.poll(() => page.locator('.region-list').textContent(), SOON).toContain('This rectangle speaks for')
    await page.locator('.surface').press('ArrowDown')
    await page.keyboard.press('Enter')
    await expect.poll(() => page.locator('.region-list').textContent(), SOON).toContain('This place speaks for')
    await click({ x: 0.03, y: 0.5 })
    await expect.poll(() => page.locator('.region-list').textContent(), SOON).toContain('did not see')
    expectQuiet(tab)
  })

  test('where a pixel map is shown, HiResCAM is asked', async () => {
    const tab = await visit('method=gradient')
    const { page } = tab
    await page.keyboard.press('r')
    const { x, y } = await place(page, CAT)
    await page.mouse.click(x, y)
    await page.locator('.share').first().waitFor()
    expect(await page.locator('.region-list').textContent()).toContain('HiResCAM')
    expectQuiet(tab)
  })
})

describe('occluding by hand', () => {
  test('a square on the cat takes the cat away; its trail stays; leaving the tool restores everything', async () => {
    const tab = await visit('options=patch:112')
    const { page } = tab
    const cat = page.locator('.answer', { hasText: 'Egyptian cat' })
    const before = (await cat.locator('.answer-share').textContent()) ?? ''
    await page.keyboard.press('o')
    await hover(page, CAT)
    await cat.locator('strong').waitFor()
    const share = (await cat.locator('.answer-share').textContent()) ?? ''
    const [was, is] = share.split('→').map(numberOf)
    expect(was).toBe(numberOf(before))
    expect(is).toBeLessThan((was ?? 0) - 5)
    expect(await words(page)).toMatch(/Egyptian cat −[\d.]+ points, logit −/)
    expect(await cat.locator('.answer-before').count()).toBe(1)
    const trail = (): Promise<string | null> => page.locator('.heat canvas').getAttribute('aria-label')
    for (const [i, x] of [0.4, 0.5, 0.65].entries()) {
      await hover(page, { x, y: 0.5 })
      await expect.poll(trail, SOON).toMatch(`at ${i + 2} places, for Egyptian cat`)
    }
    // where it has been it is told at once, and is counted once
    const espresso = async (): Promise<string | null> =>
      page.locator('.answer', { hasText: 'espresso' }).locator('.answer-share').textContent()
    const there = await espresso()
    await hover(page, { x: 0.4, y: 0.5 })
    await expect.poll(espresso, SOON).not.toBe(there)
    await hover(page, { x: 0.65, y: 0.5 })
    await expect.poll(espresso, SOON).toBe(there)
    expect(await trail()).toMatch('at 4 places')
    expect(await coloured(page)).toBeGreaterThan(2000)
    expect(await page.locator('.colour-bar').textContent()).toContain('Occluded by hand')
    await page.keyboard.press('o')
    await page.getByLabel('Grad-CAM for Egyptian cat').waitFor()
    expect(await cat.locator('.answer-share').textContent()).toBe(before)
    expect(await page.locator('.answer-before, .square, .readout .readout-first', { hasText: '→' }).count()).toBe(0)
    expectQuiet(tab)
  })

  test('keys move the square and change its size, which is that of the method', async () => {
    const tab = await visit()
    const { page } = tab
    await page.keyboard.press('o')
    await page.keyboard.press('ArrowRight')
    const square = page.locator('.square')
    const before = await square.boundingBox()
    await page.keyboard.press('+')
    await expect.poll(async () => (await square.boundingBox())?.width, SOON).toBeGreaterThan(before?.width ?? 0)
    expect(page.url()).toContain('patch%3A40')
    await page.keyboard.press('-')
    expect(page.url()).toContain('patch%3A32')
    await page.keyboard.press('ArrowRight')
    expect((await square.boundingBox())?.x).toBeGreaterThan(before?.x ?? 0)
    await expect.poll(() => page.locator('.surface output').textContent(), SOON).toMatch(/% → .*points, logit/)
    await page.keyboard.press('Escape')
    expectQuiet(tab)
  })

  test('a finger moves it', async () => {
    const tab = await openStudio(browser, served, { ...PHONE, hash: 'options=patch:112', waitFor: AT_REST })
    const { page } = tab
    await toolOf(page, 'Occlude').tap()
    const { x, y } = await place(page, CAT)
    await page.touchscreen.tap(x, y)
    await expect.poll(() => words(page), SOON).toContain('→')
    expectQuiet(tab)
  })

  test('the whole picture is swept, square by square, and the sweep is cancelled', async () => {
    const tab = await visit()
    const { page } = tab
    await toolOf(page, 'Occlude').click()
    await page.getByRole('button', { name: 'Sweep the whole picture' }).click()
    await page.getByLabel('Occlusion sensitivity for Egyptian cat').waitFor()
    await expect.poll(() => page.locator('.progress-words').textContent(), SOON).toMatch(/\d+ of 169 runs/)
    await page.getByRole('button', { name: 'Cancel' }).click()
    await page.locator('.progress-words').waitFor({ state: 'detached' })
    expect(await coloured(page)).toBeGreaterThan(0)
    expect(await page.locator('.notice').count()).toBe(0)
    expectQuiet(tab)
  })
})
