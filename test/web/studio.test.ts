/** The studio in a browser, as people use it: the first second, other classes, models and pictures, what goes wrong, the address. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Served } from '../../src/node/serve.js'
import { serveFolder } from '../../src/node/serve.js'
import { serveStudio } from '../../src/node/studio.js'
import { declare } from '../../src/onnx/builder.js'
import { pathOf } from '../support/files.js'
import { modelBytes } from '../support/model.js'
import { noise } from '../support/networks.js'
import { expectQuiet, launch, type TestBrowser } from './browser.js'
import { builtStudio } from './built-studio.js'
import { drop, expectMap, mapOf, mapPixels, openStudio, PATIENCE, sharedStudio } from './studio-page.js'

const RESNET = pathOf('test/fixtures/networks/resnet.onnx')

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

describe('the first second', () => {
  test('the shipped model and an example are there, a map is drawn, the answers stand beside it', async () => {
    const tab = await studio()
    const { page } = tab
    await expectMap(page, 'Grad-CAM for Egyptian cat')
    const names = page.locator('.answer-name')
    expect(await names.nth(0).textContent()).toBe('Egyptian cat')
    expect(await names.allTextContents()).toContain('espresso')
    expect(await page.locator('.menu-facts').nth(0).textContent()).toContain('wasm x2')
    expect(await page.evaluate('crossOriginIsolated')).toBe(true)
    expectQuiet(tab)
  })

  test('another answer is explained by a click, a key, or its name', async () => {
    const tab = await studio()
    const { page } = tab
    await expectMap(page, 'Grad-CAM for Egyptian cat')
    const cat = await mapPixels(page)
    await page.getByRole('button', { name: /^espresso/ }).click()
    await expectMap(page, 'Grad-CAM for espresso')
    expect(await mapPixels(page)).not.toBe(cat)
    await page.locator('main').press('1')
    await expectMap(page, 'Grad-CAM for Egyptian cat')
    expect(await mapPixels(page)).toBe(cat)
    await page.getByRole('searchbox').fill('bulldog')
    await page.getByRole('button', { name: /^French bulldog/ }).click()
    await expectMap(page, 'Grad-CAM for French bulldog')
    await page.getByRole('searchbox').fill('')
    expectQuiet(tab)
  })

  test('other methods, layers and colours are drawn', async () => {
    const tab = await studio()
    const { page } = tab
    const seen = [await mapPixels(page)]
    const changed = async (): Promise<void> => {
      await expect.poll(async () => seen.includes(await mapPixels(page)), { timeout: PATIENCE }).toBe(false)
      seen.push(await mapPixels(page))
    }
    await page.getByRole('combobox', { name: 'Method' }).selectOption('guided-backpropagation')
    await expectMap(page, 'Guided backpropagation for Egyptian cat')
    await changed()
    await page.getByRole('combobox', { name: 'Method' }).selectOption('layer-cam')
    await expectMap(page, 'LayerCAM for Egyptian cat')
    await changed()
    await page.locator('main').press(',')
    await changed()
    await page.getByRole('combobox', { name: 'Colours' }).selectOption('magma')
    await changed()
    await page.getByRole('radio', { name: 'Signed' }).check()
    await changed()
    expectQuiet(tab)
  })
})

describe('a long method', () => {
  test('fills its map in, says how far it is, and is cancelled', async () => {
    const tab = await studio()
    const { page } = tab
    await page.getByRole('combobox', { name: 'Method' }).selectOption('occlusion')
    await page.getByText(/Occlusion sensitivity \d+ of 169 runs/).waitFor()
    await expectMap(page, 'Occlusion sensitivity for Egyptian cat')
    const before = await mapPixels(page)
    await expect.poll(async () => (await mapPixels(page)) !== before, { timeout: PATIENCE }).toBe(true)
    await page.getByRole('button', { name: 'Cancel' }).click()
    await expect.poll(() => page.locator('.progress-words').count()).toBe(0)
    await page.getByRole('combobox', { name: 'Method' }).selectOption('cam')
    await expectMap(page, 'CAM for Egyptian cat')
    expectQuiet(tab)
  })
})

describe('the address', () => {
  test('holds the view, and restores it', async () => {
    const tab = await studio()
    const { page } = tab
    await page.getByRole('button', { name: /^espresso/ }).click()
    await page.getByRole('combobox', { name: 'Method' }).selectOption('grad-cam++')
    await expectMap(page, 'Grad-CAM++ for espresso')
    await page.getByRole('radio', { name: 'Signed' }).check()
    await expect.poll(() => new URL(page.url()).hash).toMatch(/class=967.*method=grad-cam.*signs=both/)
    const pixels = await mapPixels(page)
    const other = await openStudio(browser, served, { hash: new URL(page.url()).hash.slice(1) })
    await expectMap(other.page, 'Grad-CAM++ for espresso')
    expect(await mapPixels(other.page)).toBe(pixels)
    for (const t of [tab, other]) expectQuiet(t)
  })

  test('nonsense in it is left alone', async () => {
    const tab = await openStudio(browser, served, {
      hash: 'class=-4&view=nowhere&opacity=7&colours=grue&picture=none&mean=a,b',
    })
    await expectMap(tab.page, 'Grad-CAM for Egyptian cat')
    expectQuiet(tab)
  })

  test('a layer that the model does not have is said in words', async () => {
    const tab = await openStudio(browser, served, { hash: 'layer=nowhere', waitFor: '[role=alert]' })
    expect(await tab.page.getByRole('alert').textContent()).toMatch(/nowhere.*unknown-layer/s)
    expectQuiet(tab)
  })

  test('a model of another site is not asked for', async () => {
    const tab = await openStudio(browser, served, { hash: 'model=https%3A%2F%2Fexample.org%2Fnet.onnx' })
    await tab.page
      .getByRole('alert')
      .getByText(/of another site/)
      .waitFor()
    expectQuiet(tab)
  })

  test('a model that is served beside the page', async () => {
    const own = await serveStudio({ root: await builtStudio(), model: RESNET })
    try {
      expect(own.address).toMatch(/#model=model%2Fresnet\.onnx$/)
      const tab = await openStudio(browser, own)
      expect(await tab.page.locator('.menu-title').nth(0).textContent()).toBe('resnet.onnx')
      // it has no config.json beside it, which is looked for
      expectQuiet(tab, /404/)
    } finally {
      await own.close()
    }
  })
})

/** A network with an operator that has no backward rule. */
const blocked = modelBytes({
  opset: 18,
  nodes: [
    { op: 'Conv', inputs: ['image', 'w'], outputs: ['features'] },
    { op: 'GlobalAveragePool', inputs: ['features'], outputs: ['pooled'] },
    { op: 'Flatten', inputs: ['pooled'], outputs: ['flat'] },
    { op: 'Binarizer', domain: 'ai.onnx.ml', inputs: ['flat'], outputs: ['logits'] },
  ],
  inputs: [declare('image', 'float32', [1, 3, 32, 32])],
  outputs: [declare('logits', 'float32', [1, 4])],
  initializers: { w: noise(1, 4, 3, 3, 3) },
})

// last of those that share a tab: what is dropped stays
describe('what is dropped', () => {
  test('a wrong file: said in words, and the last good map stays', async () => {
    const tab = await studio()
    const { page } = tab
    const alert = page.getByRole('alert')
    await drop(page, [{ name: 'notes.docx', bytes: Buffer.from('no model') }])
    await alert.getByText('The studio does not know what to do with notes.docx').waitFor()
    await drop(page, [{ name: 'broken.onnx', bytes: Buffer.from('no model') }])
    await alert.getByText('broken.onnx could not be opened').waitFor()
    expect(await alert.textContent()).toContain('invalid-model')
    await drop(page, [{ name: 'broken.jpg', bytes: Buffer.from('no picture'), type: 'image/jpeg' }])
    await alert.getByText('broken.jpg could not be shown').waitFor()
    await expectMap(page, 'Grad-CAM for Egyptian cat')
    expect(await page.locator('.menu-title').nth(0).textContent()).toContain('efficientnet-lite0')
    expectQuiet(tab)
  })

  test('a picture', async () => {
    const tab = await studio()
    const { page } = tab
    await drop(page, [pathOf('examples/coffee.jpg')])
    await expect.poll(() => page.locator('.menu-title').nth(1).textContent(), { timeout: PATIENCE }).toBe('coffee.jpg')
    await expectMap(page, 'Grad-CAM for espresso')
    expectQuiet(tab)
  })

  test('a model of the user', async () => {
    const tab = await studio()
    const { page } = tab
    await drop(page, [
      RESNET,
      { name: 'labels.txt', bytes: Buffer.from(Array.from({ length: 1000 }, (_, i) => `thing ${i}`).join('\n')) },
    ])
    await expect.poll(() => page.locator('.menu-title').nth(0).textContent(), { timeout: PATIENCE }).toBe('resnet.onnx')
    await expect
      .poll(() => mapOf(page).getAttribute('aria-label'), { timeout: PATIENCE })
      .toMatch(/^Grad-CAM for thing \d+$/)
    expectQuiet(tab)
  })

  test('a model that gradients cannot pass: which operator, and what still works', async () => {
    const tab = await studio()
    const { page } = tab
    await drop(page, [{ name: 'blocked.onnx', bytes: blocked }])
    const alert = page.getByRole('alert')
    await alert.getByText('Binarizer').first().waitFor()
    await alert.getByRole('button', { name: /occlusion/ }).click()
    await expect
      .poll(() => mapOf(page).getAttribute('aria-label'), { timeout: PATIENCE })
      .toMatch(/^Occlusion sensitivity for class \d$/)
    expectQuiet(tab)
  })

  test('a model that takes no photos is said so', async () => {
    const tab = await studio()
    const bands = pathOf('test/fixtures/shapes/bands.onnx')
    await drop(tab.page, [bands])
    await expect
      .poll(() => tab.page.locator('.menu-title').nth(0).textContent(), { timeout: PATIENCE })
      .toBe('bands.onnx')
    await tab.page
      .getByText(/takes no photos/)
      .first()
      .waitFor()
    expectQuiet(tab)
  })
})

test('without the headers that isolate a page it runs on one thread, and says so', async () => {
  const plain = await serveFolder(await builtStudio(), { isolated: false })
  try {
    const tab = await openStudio(browser, plain)
    expect(await tab.page.locator('.menu-facts').nth(0).textContent()).toContain('wasm x1')
    await tab.page.locator('.menu summary').nth(0).click()
    await tab.page.getByText(/on one thread, since this server does not send the headers/).waitFor()
    expectQuiet(tab)
  } finally {
    await plain.close()
  }
})

test('works without a network once it is there', async () => {
  const tab = await openStudio(browser, served)
  const { page } = tab
  // the worker of the next model is fetched soon after the first map
  const scripts = (): number => tab.seen.requests.filter((url) => /threaded.*\.wasm$/.test(url)).length
  await expect.poll(scripts, { timeout: PATIENCE }).toBe(2)
  await page.waitForLoadState('networkidle')
  await page.context().setOffline(true)
  await page.getByRole('button', { name: /^espresso/ }).click()
  await expectMap(page, 'Grad-CAM for espresso')
  await drop(page, [pathOf('examples/cat.jpg')])
  await expect.poll(() => page.locator('.menu-title').nth(1).textContent(), { timeout: PATIENCE }).toBe('cat.jpg')
  await mapOf(page).waitFor()
  await drop(page, [RESNET])
  await expect
    .poll(() => mapOf(page).getAttribute('aria-label'), { timeout: PATIENCE })
    .toMatch(/^Grad-CAM for class \d+$/)
  expectQuiet(tab)
})

test('at the width of a phone the picture comes first, and nothing hangs over the edge', async () => {
  const tab = await openStudio(browser, served, {
    viewport: { width: 390, height: 844 },
    isMobile: true,
    hasTouch: true,
  })
  const { page } = tab
  await expectMap(page, 'Grad-CAM for Egyptian cat')
  const wide = await page.evaluate('document.documentElement.scrollWidth')
  expect(wide).toBeLessThanOrEqual(390)
  const [stage, answers, side] = await Promise.all(
    ['.stage', '.answers', '.side'].map(async (part) => (await page.locator(part).boundingBox())?.y ?? Number.NaN),
  )
  expect([stage, answers, side]).toEqual([stage, answers, side].toSorted((a = 0, b = 0) => a - b))
  await page.getByRole('button', { name: /^espresso/ }).tap()
  await expectMap(page, 'Grad-CAM for espresso')
  expectQuiet(tab)
})
