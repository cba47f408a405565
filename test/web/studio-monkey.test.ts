/** A hundred things done at random, one upon the other: models and pictures dropped, maps asked for and given up. Nothing breaks, nothing hangs. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Served } from '../../src/node/serve.js'
import { serveStudio } from '../../src/node/studio.js'
import { pathOf } from '../support/files.js'
import { random } from '../support/random.js'
import { expectQuiet, launch, type TestBrowser } from './browser.js'
import { builtStudio } from './built-studio.js'
import { drop, mapOf, openStudio, PATIENCE, type StudioTab } from './studio-page.js'

const STEPS = 100
const SEED = 20261125

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

const network = (name: string): string => pathOf(`test/fixtures/networks/${name}.onnx`)
const MODELS = ['resnet', 'vit', 'densenet', 'shufflenet'].map(network)
const PICTURES = ['cat', 'coffee'].map((name) => pathOf(`examples/${name}.jpg`))
const METHODS = ['grad-cam', 'cam', 'gradient', 'guided-backpropagation', 'occlusion', 'layer-cam', 'guided-grad-cam']

type Step = (tab: StudioTab, pick: <T>(list: readonly T[]) => T) => Promise<void>

/** Clicks what is there; what is gone by the time is left. */
async function click(tab: StudioTab, selector: string, index: number): Promise<void> {
  const found = tab.page.locator(selector)
  const count = await found.count()
  if (count > 0)
    await found
      .nth(index % count)
      .click({ timeout: 1000, force: true })
      .catch(() => undefined)
}

const STEP: Readonly<Record<string, Step>> = {
  'drop a model': ({ page }, pick) => drop(page, [pick(MODELS)]),
  'drop a picture': ({ page }, pick) => drop(page, [pick(PICTURES)]),
  'drop nonsense': ({ page }, pick) =>
    drop(page, [{ name: pick(['a.onnx', 'b.png', 'c.json', 'd.xyz']), bytes: Buffer.from('nonsense') }]),
  'choose a method': async ({ page }, pick) => {
    const box = page.getByRole('combobox', { name: 'Method' })
    if (await box.count()) await box.selectOption(pick(METHODS), { timeout: 1000 }).catch(() => undefined)
  },
  'choose a class': (tab, pick) => click(tab, '.answer-pick', pick([0, 1, 2, 3, 4, 5])),
  cancel: (tab) => click(tab, '.progress-words button', 0),
  'press a key': async ({ page }, pick) => {
    await page
      .locator('main')
      .press(pick([...'123[],.wocbr']), { timeout: 1000 })
      .catch(() => undefined)
  },
  'look elsewhere': (tab, pick) => click(tab, '.tab', pick([0, 0, 1, 2])),
  wait: async ({ page }, pick) => page.waitForTimeout(pick([0, 30, 200, 600])),
}

test('a hundred steps', { timeout: 300_000 }, async () => {
  const tab = await openStudio(browser, served)
  const { page } = tab
  const r = random(SEED)
  const pick = <T>(list: readonly T[]): T => list[Math.floor(r.next() * list.length)] as T
  const done: string[] = []
  for (let i = 0; i < STEPS; i++) {
    const name = pick(Object.keys(STEP))
    done.push(name)
    await STEP[name]?.(tab, pick)
  }
  // whatever happened, the page does what it is asked next
  await page.locator('.tab').nth(0).click()
  await drop(page, [network('resnet')])
  await expect
    .poll(() => page.locator('.menu-title').nth(0).textContent(), { timeout: PATIENCE, message: done.join(', ') })
    .toBe('resnet.onnx')
  await page.getByRole('combobox', { name: 'Method' }).selectOption('grad-cam')
  await drop(page, [pathOf('examples/cat.jpg')])
  await expect
    .poll(() => mapOf(page).first().getAttribute('aria-label'), { timeout: PATIENCE, message: done.join(', ') })
    .toMatch(/^Grad-CAM for class \d+/)
  // a camera that is not there is said so by the browser
  expectQuiet(tab, /NotFoundError/)
})
