/** Preprocessing, the inputs beside the picture, and what can be taken away from the studio. */
import { readFileSync } from 'node:fs'
import type { Page } from 'playwright-core'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Served } from '../../src/node/serve.js'
import { serveStudio } from '../../src/node/studio.js'
import { declare } from '../../src/onnx/builder.js'
import { decodeNpy } from '../../src/onnx/npy.js'
import { shipped } from '../snippets/shipped.js'
import { pathOf } from '../support/files.js'
import { correlation } from '../support/measures.js'
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

const hashOf = (page: Page): URLSearchParams => new URLSearchParams(new URL(page.url()).hash.slice(1))

/** Opens what is folded, by its class. */
async function unfold(page: Page, name = 'preprocessing'): Promise<void> {
  if ((await page.locator(`.${name}[open]`).count()) === 0) await page.locator(`.${name} summary`).click()
}

/** Types a number and leaves the field. */
async function type(page: Page, label: string, text: string): Promise<void> {
  const field = page.getByLabel(label, { exact: true })
  await field.fill(text)
  await field.press('Enter')
}

async function expectOther(page: Page, pixels: string): Promise<void> {
  await expect.poll(() => mapPixels(page), { timeout: PATIENCE }).not.toBe(pixels)
}

describe('preprocessing', () => {
  test('what is done is there to read, and what the network sees to look at', async () => {
    const tab = await studio()
    const { page } = tab
    await unfold(page)
    const panel = page.locator('.preprocessing')
    const text = (await panel.textContent()) ?? ''
    expect(text).toContain('From: preprocessor_config.json')
    expect(text).toContain('224 × 224 px, fixed by the network')
    expect(text).toContain('the shorter edge to 256 px, then the centre of 224 × 224 px')
    expect(text).toContain('bicubic')
    expect(text).toContain('NCHW: of [batch, 3, 224, 224] only the second axis has 3 entries')
    expect(text).toMatch(
      /What the network sees: 224 × 224 px, fed as 3 × 224 × 224 numbers \(CHW\) from −0\.99\d* to 1/,
    )
    expect(await page.getByLabel('Mean, R', { exact: true }).inputValue()).toBe('0.498')
    expect(await page.getByLabel('What the network sees').getAttribute('width')).toBe('224')
    expectQuiet(tab)
  })

  test('changes are computed, written into the address, and taken back', async () => {
    const tab = await studio()
    const { page } = tab
    await unfold(page)
    const own = await mapPixels(page)
    await type(page, 'Mean, G', '0,7')
    await expectOther(page, own)
    expect(hashOf(page).get('mean')).toBe('0.4980392156862745,0.7,0.4980392156862745')
    const meant = await mapPixels(page)
    await page.getByRole('combobox', { name: 'Fit' }).selectOption('stretch')
    await expectOther(page, meant)
    await page.getByText('to 224 × 224 px', { exact: true }).waitFor()
    await page.getByRole('radio', { name: 'BGR' }).check()
    await expect.poll(() => hashOf(page).get('channels')).toBe('BGR')
    await page.getByLabel('Mean, B', { exact: true }).waitFor()
    await page.getByRole('button', { name: 'Back to the model’s own' }).click()
    await expect.poll(() => mapPixels(page), { timeout: PATIENCE }).toBe(own)
    expect(new URL(page.url()).hash).toBe('')
    expectQuiet(tab)
  })

  test('what is no number is said, and changes nothing', async () => {
    const tab = await studio()
    const { page } = tab
    await unfold(page)
    const own = await mapPixels(page)
    await type(page, 'Std, R', '0')
    await page.getByText('“0” is no number above 0; 0.502 stays.').waitFor()
    await type(page, 'Mean, R', 'half')
    await page.getByText('“half” is no number; 0.498 stays.').waitFor()
    expect(await page.getByLabel('Mean, R', { exact: true }).getAttribute('aria-invalid')).toBe('true')
    expect(new URL(page.url()).hash).toBe('')
    expect(await mapPixels(page)).toBe(own)
    await type(page, 'Std, R', '0.502')
    await expect.poll(() => page.getByText('is no number above 0').count()).toBe(0)
    expectQuiet(tab)
  })

  test('an address with settings that cannot be: the map is there, and words', async () => {
    const tab = await openStudio(browser, served, { hash: 'std=1,0,1' })
    const { page } = tab
    await expectMap(page, 'Grad-CAM for Egyptian cat')
    await unfold(page)
    await page.getByText('std is 1,0,1; 3 numbers are wanted').waitFor()
    expectQuiet(tab)
  })

  test('a network that takes any size is given one', async () => {
    const tab = await studio()
    const { page } = tab
    const bytes = modelBytes({
      opset: 17,
      nodes: [
        { op: 'Conv', inputs: ['image', 'kernel'], outputs: ['conv'], attributes: { pads: [1, 1, 1, 1] } },
        { op: 'Relu', inputs: ['conv'], outputs: ['features'] },
        { op: 'GlobalAveragePool', inputs: ['features'], outputs: ['pooled'] },
        { op: 'Flatten', inputs: ['pooled'], outputs: ['logits'] },
      ],
      inputs: [declare('image', 'float32', ['batch', 3, 'height', 'width'])],
      outputs: [declare('logits', 'float32', ['batch', 4])],
      initializers: { kernel: noise(1, 4, 3, 3, 3) },
    })
    await drop(page, [{ name: 'free.onnx', bytes }])
    await page.getByText('free.onnx').first().waitFor()
    await mapOf(page).waitFor()
    await unfold(page)
    await page.getByText('This network takes any size.').waitFor()
    await type(page, 'Height', '48')
    await page.getByText('What the network sees: 224 × 48 px').waitFor()
    expect(hashOf(page).get('size')).toBe('48x224')
    await type(page, 'Width', '64')
    await page.getByText('What the network sees: 64 × 48 px').waitFor()
    await type(page, 'Width', '12.5')
    await page.getByText('“12.5” is no whole number of pixels from 1 to 4096; 64 stays.').waitFor()
    expectQuiet(tab)
  })
})

const SIDE = 16

/** A picture times a mask, and a score that grows with a count. */
const masked = (): Uint8Array =>
  modelBytes({
    opset: 17,
    nodes: [
      { op: 'Mul', inputs: ['image', 'mask'], outputs: ['masked'] },
      { op: 'Conv', inputs: ['masked', 'kernel'], outputs: ['conv'], attributes: { pads: [1, 1, 1, 1] } },
      { op: 'Relu', inputs: ['conv'], outputs: ['features'] },
      { op: 'GlobalAveragePool', inputs: ['features'], outputs: ['pooled'] },
      { op: 'Flatten', inputs: ['pooled'], outputs: ['flat'] },
      { op: 'Cast', inputs: ['count'], outputs: ['number'], attributes: { to: 1 } },
      { op: 'Mul', inputs: ['flat', 'number'], outputs: ['logits'] },
    ],
    inputs: [
      declare('image', 'float32', ['batch', 3, SIDE, SIDE]),
      declare('mask', 'float32', ['batch', 1, 1, 1]),
      declare('count', 'int64', []),
    ],
    outputs: [declare('logits', 'float32', ['batch', 4])],
    initializers: { kernel: noise(1, 4, 3, 3, 3) },
  })

describe('inputs beside the picture', () => {
  test('are asked for, checked in words, and computed with when all are there', async () => {
    const tab = await studio()
    const { page } = tab
    await drop(page, [{ name: 'masked.onnx', bytes: masked() }])
    await page.getByText('Nothing is computed until mask and count have values: none is assumed.').waitFor()
    await page.getByText('int64 []').waitFor()
    expect(await mapOf(page).count()).toBe(0)
    await type(page, 'count int64 []', 'two')
    await page.getByText('"two" is neither numbers nor lists of them').waitFor()
    await type(page, 'count int64 []', '1.5')
    await page.getByText('1.5 is no whole number').waitFor()
    await type(page, 'count int64 []', '2')
    await page.getByText('Nothing is computed until mask has a value: none is assumed.').waitFor()
    await type(page, 'mask float32 [batch, 1, 1, 1]', '1, 2, 3')
    await page.getByText('but is given [3]').waitFor()
    await type(page, 'mask float32 [batch, 1, 1, 1]', '0.5')
    await mapOf(page).waitFor()
    await page.getByText('The picture goes to image.').waitFor()
    expectQuiet(tab)
  })

  test('a model that takes no photos: what it takes is said', async () => {
    const tab = await studio()
    const { page } = tab
    await drop(page, [pathOf('test/fixtures/shapes/volume.onnx')])
    await page.getByRole('heading', { name: 'This model takes no photos' }).waitFor()
    await page.getByText(/a volume or a clip of \d+ channels?, axes N/).waitFor()
    expectQuiet(tab)
  })
})

/** Downloads by a click on a button. */
async function downloaded(page: Page, button: string): Promise<{ readonly name: string; readonly bytes: Uint8Array }> {
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: button, exact: true }).click(),
  ])
  return { name: download.suggestedFilename(), bytes: readFileSync(await download.path()) }
}

describe('what can be taken away', () => {
  const studio = sharedStudio(
    () => browser,
    () => served,
    { permissions: ['clipboard-read', 'clipboard-write'] },
  )

  test('the picture with its map, as PNG, SVG and JPEG', async () => {
    const tab = await studio('class=967')
    const { page } = tab
    await expectMap(page, 'Grad-CAM for espresso')
    const png = await downloaded(page, 'PNG')
    expect(png.name).toBe('cat-and-coffee.grad-cam.espresso.png')
    expect((await sharp(png.bytes).metadata()).format).toBe('png')
    const svg = await downloaded(page, 'SVG')
    expect(Buffer.from(svg.bytes).toString()).toMatch(/^<svg/)
    const jpeg = await downloaded(page, 'JPEG')
    expect(jpeg.name).toBe('cat-and-coffee.grad-cam.espresso.jpg')
    expect((await sharp(jpeg.bytes).metadata()).format).toBe('jpeg')
    await page.getByText('Saved cat-and-coffee.grad-cam.espresso.jpg.').waitFor()
    expectQuiet(tab)
  })

  test('the raw map, the compiled model, and the programs that were run', async () => {
    const tab = await studio('class=967')
    const { page } = tab
    await expectMap(page, 'Grad-CAM for espresso')
    const { explanation, file } = await shipped()
    const npy = await downloaded(page, 'NumPy .npy')
    const raw = decodeNpy(npy.bytes, npy.name)
    expect(raw.dims).toEqual(explanation.raw.dims)
    expect(correlation(raw.data, explanation.raw.data)).toBeGreaterThan(0.999)
    const onnx = await downloaded(page, 'Compiled .onnx')
    expect(onnx.name).toBe('efficientnet-lite0.grad-cam.onnx')
    expect(Buffer.compare(onnx.bytes, file)).toBe(0)
    await unfold(page, 'code')
    const program = page.locator('.code-text')
    expect(await program.textContent()).toBe(readFileSync(pathOf('test/fixtures/studio/snippet.py'), 'utf8'))
    await page.getByRole('radio', { name: 'TypeScript' }).check()
    await expect.poll(() => program.textContent()).toContain("from 'onnxruntime-node'")
    await page.getByRole('radio', { name: 'Python' }).check()
    expectQuiet(tab)
  })

  test('by the clipboard', async () => {
    const tab = await studio()
    const { page } = tab
    await page.getByRole('button', { name: 'Copy', exact: true }).click()
    await page.getByText('The picture is on the clipboard.').waitFor()
    const kinds = await page.evaluate('navigator.clipboard.read().then((items) => items.flatMap((i) => i.types))')
    expect(kinds).toEqual(['image/png'])
    await unfold(page, 'code')
    await page.getByRole('button', { name: 'Copy the program' }).click()
    await page.getByText('Copied.', { exact: true }).waitFor()
    expect(await page.evaluate('navigator.clipboard.readText()')).toContain('import onnxruntime as ort')
    expectQuiet(tab)
  })

  test('a method of many runs cannot be compiled, which is said', async () => {
    const tab = await studio('method=occlusion&options=patch:112,stride:112')
    const { page } = tab
    await page.getByText('is a loop of many runs, and cannot be compiled into a model').waitFor()
    expect(await page.getByRole('button', { name: 'Compiled .onnx' }).isDisabled()).toBe(true)
    expect(await page.locator('.code').count()).toBe(0)
    expectQuiet(tab)
  })
})

test('on a phone nothing is wider than the page', async () => {
  const tab = await openStudio(browser, served, { viewport: { width: 390, height: 844 } })
  const { page } = tab
  await unfold(page)
  await unfold(page, 'code')
  await page.getByRole('button', { name: 'Channels', exact: true }).click()
  await page.locator('.thumb-weight').first().waitFor()
  expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(390)
  expectQuiet(tab)
})
