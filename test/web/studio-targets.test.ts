/** What is explained besides classes, in the studio: words of captions, answers to questions, boxes, regions, and targets as text. */
import { readFileSync } from 'node:fs'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { float32 } from '../../src/core/tensor.js'
import { loadModel, questionWords } from '../../src/explain/index.js'
import { decodePicture } from '../../src/node/codec.js'
import { resolveModel } from '../../src/node/resolve.js'
import type { Served } from '../../src/node/serve.js'
import { serveStudio } from '../../src/node/studio.js'
import { declare } from '../../src/onnx/builder.js'
import { decodeNpy } from '../../src/onnx/npy.js'
import { pathOf, readBytes } from '../support/files.js'
import { modelBytes } from '../support/model.js'
import { runtime } from '../support/ort.js'
import { expectQuiet, launch, type TestBrowser } from './browser.js'
import { builtStudio } from './built-studio.js'
import {
  type Dropped,
  drop,
  expectMap,
  findings,
  mapOf,
  openStudio,
  PATIENCE,
  type StudioTab,
  settled,
  sharedStudio,
} from './studio-page.js'

const CAPTIONER = pathOf('models/shapes-captioner')
/** `a small purple circle above a small orange star` */
const SCENE = `${CAPTIONER}/examples/11.png`
/** Left, top, right, bottom: models/shapes-captioner/examples/truth.json. */
const CIRCLE = [40, 5, 56, 21] as const

let browser: TestBrowser
let served: Served
beforeAll(async () => {
  served = await serveStudio({ root: await builtStudio(), model: CAPTIONER })
  browser = await launch()
})
afterAll(async () => {
  await browser?.close()
  await served?.close()
})

const studio = sharedStudio(
  () => browser,
  () => ({ ...served, address: new URL('.', served.address).href }),
)
const START = (): string => new URL(served.address).hash.slice(1)
const hashOf = (page: Page): URLSearchParams => new URLSearchParams(new URL(page.url()).hash.slice(1))
const chip = (page: Page, word: string) => page.getByRole('button', { name: word, exact: true })

async function open(tab: StudioTab, files: readonly Dropped[], waitFor: string): Promise<void> {
  await drop(tab.page, files)
  await tab.page.getByText(waitFor).first().waitFor()
}

/** Where the raw map on the stage is largest, in shares of the picture. */
async function peakOf(page: Page): Promise<{ readonly x: number; readonly y: number }> {
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: 'NumPy .npy' }).click(),
  ])
  const { dims, data } = decodeNpy(Uint8Array.from(readFileSync(await download.path())), 'raw.npy')
  const [height = 1, width = 1] = dims
  const values = Array.from(data as Float32Array)
  const at = values.indexOf(Math.max(...values))
  return { x: ((at % width) + 0.5) / width, y: (Math.floor(at / width) + 0.5) / height }
}

/** Clicks at a place of the picture, in shares of it. */
async function clickAt(page: Page, x: number, y: number): Promise<void> {
  const { width, height } = (await page.locator('.surface').boundingBox()) ?? { width: 0, height: 0 }
  await page.locator('.surface').click({ position: { x: x * width, y: y * height } })
}

describe('a captioner', () => {
  test('writes; a word, a phrase and the whole text are explained, by pointer, Shift and keys; a link restores it', async () => {
    const tab = await studio(START())
    const { page } = tab
    expect(await page.locator('.menu-title').first().textContent()).toBe('shapes-captioner')
    await drop(page, [SCENE])
    await expectMap(page, 'Grad-CAM for a small purple circle above a small orange star')
    await chip(page, 'circle').click()
    await expectMap(page, 'Grad-CAM for circle')
    const { x, y } = await peakOf(page)
    const [left, top, right, bottom] = CIRCLE
    expect(x * 96 >= left && x * 96 <= right && y * 96 >= top && y * 96 <= bottom, `${x * 96}, ${y * 96}`).toBe(true)
    expect(await chip(page, 'circle').getAttribute('aria-pressed')).toBe('true')
    await chip(page, 'purple').click({ modifiers: ['Shift'] })
    await expectMap(page, 'Grad-CAM for purple circle')
    expect(hashOf(page).get('target')).toBe('word:2-3')
    expect(await page.getByLabel('What is explained').inputValue()).toBe('word:2-3')
    await chip(page, 'circle').press('ArrowRight')
    await expectMap(page, 'Grad-CAM for above')
    await page.locator('main').press('9')
    await expectMap(page, 'Grad-CAM for star')
    await chip(page, 'all').click()
    await expectMap(page, 'Grad-CAM for a small purple circle above a small orange star')
    expect(await findings(page)).toEqual([])
    expectQuiet(tab)
  })

  test('a text of one’s own is explained instead; a word that it does not know is said beside the field', async () => {
    const tab = await studio(START())
    const { page } = tab
    await drop(page, [SCENE])
    await chip(page, 'star').waitFor()
    const field = page.getByLabel('Explain another text')
    await field.fill('a small purple cirlce')
    await field.press('Enter')
    await page.getByRole('alert').getByText('circle').waitFor()
    await field.fill('a large purple circle')
    await field.press('Enter')
    await expectMap(page, 'Grad-CAM for a large purple circle')
    expect(hashOf(page).get('caption')).toBe('a large purple circle')
    await page.getByRole('button', { name: 'The model’s own caption again' }).click()
    await chip(page, 'star').waitFor()
    expectQuiet(tab)
  })

  test('anything else is explained by its text, and what is none is said beside the field', async () => {
    const tab = await studio(START())
    const { page } = tab
    await drop(page, [SCENE])
    await chip(page, 'star').waitFor()
    const field = page.getByLabel('What is explained')
    await field.fill('neuron:nothing[0]')
    await field.press('Enter')
    await page.locator('#target-bad').getByText('nothing').waitFor()
    await field.fill('word:3')
    await field.press('Enter')
    await expectMap(page, 'Grad-CAM for circle')
    expect(await page.locator('#target-bad').count()).toBe(0)
    const hash = new URL(page.url()).hash.slice(1)
    const other = await openStudio(browser, served, { hash })
    await expect.poll(() => chip(other.page, 'all').count(), { timeout: PATIENCE }).toBe(1)
    expect(await other.page.locator('.chip[aria-pressed=true]').getAttribute('data-word')).toBe('3')
    for (const t of [tab, other]) expectQuiet(t)
  })
})

describe('a model that is asked', () => {
  test('asks, answers, and shows what each word of the question is worth', async () => {
    const tab = await studio(START())
    const { page } = tab
    await drop(page, [SCENE])
    const folder = pathOf('models/shapes-vqa')
    const files = [`${folder}/onnx/model.onnx`, `${folder}/config.json`, `${folder}/preprocessor_config.json`]
    await open(tab, files, 'Nothing is explained before a question is asked')
    const field = page.getByLabel('Question')
    await field.fill('what colour is the circle ?')
    await field.press('Enter')
    await page.locator('#question-bad').getByText('color').waitFor()
    await field.fill('what color is the circle ?')
    await field.press('Enter')
    await expectMap(page, 'Grad-CAM for purple')
    expect(hashOf(page).get('question')).toBe('what color is the circle ?')
    expect(await page.locator('.answer-name').first().textContent()).toBe('purple')
    const words = page.getByRole('list', { name: 'The words of the question' })
    await expect.poll(() => words.getAttribute('aria-busy'), { timeout: PATIENCE }).toBe('false')
    const weighed = await words.getByRole('listitem').allTextContents()
    expect(weighed.map((w) => /^[a-z?]+/.exec(w)?.[0])).toEqual(['what', 'color', 'is', 'the', 'circle', '?'])
    const worth = weighed.map((w) => Number(/[−+]?[\d.]+$/.exec(w)?.[0].replace('−', '-')))
    const model = await loadModel(await resolveModel(folder), runtime)
    const picture = await decodePicture(readBytes('models/shapes-captioner/examples/11.png'), '11.png')
    const [reference] = await questionWords(model, picture, { question: 'what color is the circle ?' })
    for (const [i, { importance }] of (reference?.words ?? []).entries()) expect(worth[i]).toBeCloseTo(importance, 2)
    expect(await findings(page)).toEqual([])
    expectQuiet(tab)
  })
})

describe('numbers', () => {
  test('nothing is explained until it is named; nothing of the model before is left', async () => {
    const tab = await studio(START())
    const { page } = tab
    const bytes = modelBytes({
      opset: 17,
      nodes: [
        { op: 'Relu', inputs: ['image'], outputs: ['features'] },
        { op: 'ReduceMean', inputs: ['features'], outputs: ['age'], attributes: { axes: [1, 2, 3], keepdims: 0 } },
      ],
      inputs: [declare('image', 'float32', [1, 3, 32, 32])],
      outputs: [declare('age', 'float32', [1])],
    })
    await open(tab, [{ name: 'age.onnx', bytes }], 'Nothing is explained until it is named')
    expect(await page.locator('.answer-pick').count()).toBe(0)
    await page.getByRole('combobox', { name: 'Method' }).selectOption('input-x-gradient')
    await page.getByRole('button', { name: 'its number' }).click()
    await expect.poll(() => mapOf(page).getAttribute('aria-label'), { timeout: PATIENCE }).toMatch(/age/)
    expect(await findings(page)).toEqual([])
    expectQuiet(tab)
  })
})

describe('a detector', () => {
  test('its boxes are listed and drawn; a click on one explains it, a slider hides the less sure', async () => {
    const tab = await studio(START())
    const { page } = tab
    await drop(page, [SCENE])
    await open(tab, [pathOf('test/fixtures/detections/yolov8.onnx')], 'What is found')
    const rows = page.locator('.answer')
    await expect.poll(() => rows.count(), { timeout: PATIENCE }).toBeGreaterThan(3)
    const all = await rows.count()
    await page.getByRole('slider', { name: 'Sure by at least' }).fill('0.95')
    await expect.poll(() => rows.count()).toBeLessThan(all)
    const some = await rows.count()
    expect(await page.locator('.found').count()).toBe(some)
    await page.locator('main').press('2')
    await expect
      .poll(() => mapOf(page).getAttribute('aria-label'), { timeout: PATIENCE })
      .toMatch(/^Grad-CAM for .*\(box 1\)$/)
    expect(hashOf(page).get('target')).toBe('box:1')
    // of the boxes around a place the smallest
    await page.getByRole('slider', { name: 'Sure by at least' }).fill('0.8')
    // what comes below the picture makes it smaller
    await settled(page)
    const frame = (await page.locator('.surface').boundingBox()) ?? { width: 1, height: 1, x: 0, y: 0 }
    const boxes: readonly Rectangle[] = await Promise.all(
      (await page.locator('.found').all()).map(async (b) => (await b.boundingBox()) ?? frame),
    )
    const around = (x: number, y: number): readonly Rectangle[] =>
      boxes
        .filter((b) => x > b.x && y > b.y && x < b.x + b.width && y < b.y + b.height)
        .sort((a, b) => areaOf(a) - areaOf(b))
    // where no edge is so near that half a pixel decides
    const isClear = (x: number, y: number): boolean =>
      boxes.every((b) => [x - b.x, x - b.x - b.width, y - b.y, y - b.y - b.height].every((d) => Math.abs(d) > 2))
    const centres = boxes.map((b) => [b.x + b.width / 2, b.y + b.height / 2] as const).filter((c) => isClear(...c))
    const [x, y] = centres.sort((a, b) => around(...b).length - around(...a).length)[0] ?? [0, 0]
    const [smallest, next] = around(x, y)
    expect(areaOf(next ?? frame)).toBeGreaterThan(areaOf(smallest ?? frame))
    await clickAt(page, (x - frame.x) / frame.width, (y - frame.y) / frame.height)
    await expect.poll(() => hashOf(page).get('target')).toBe(`box:${boxes.indexOf(smallest ?? frame)}`)
    expect(await findings(page)).toEqual([])
    expectQuiet(tab)
  })
})

interface Rectangle {
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
}

function areaOf({ width, height }: Rectangle): number {
  return width * height
}

/** Ground, red and green, by how much redder or greener than that a place is. */
function colours(): Uint8Array {
  const pick = [1, -1, 0, -1, 1, 0, 0, 0, 0]
  const weights = (outputs: readonly number[]) => float32([outputs.length / 3, 3, 1, 1], outputs)
  return modelBytes({
    opset: 17,
    nodes: [
      { op: 'Conv', inputs: ['image', 'pick'], outputs: ['differences'], attributes: { strides: [2, 2] } },
      { op: 'Relu', inputs: ['differences'], outputs: ['features'] },
      { op: 'Conv', inputs: ['features', 'sort', 'ground'], outputs: ['scores'] },
    ],
    inputs: [declare('image', 'float32', [1, 3, 48, 48])],
    outputs: [declare('scores', 'float32', [1, 3, 24, 24])],
    initializers: {
      pick: weights(pick),
      sort: weights([0, 0, 0, 1, 0, 0, 0, 1, 0]),
      ground: float32([3], [1.2, 0, 0]),
    },
  })
}

describe('a segmentation network', () => {
  test('its regions are listed and outlined; a click explains a class, the brush a region of one’s own', async () => {
    const tab = await studio(START())
    const { page } = tab
    await drop(page, [`${CAPTIONER}/examples/01.png`])
    const config = new TextEncoder().encode('{"id2label": {"0": "ground", "1": "red", "2": "green"}}')
    const files = [
      { name: 'colours.onnx', bytes: colours() },
      { name: 'config.json', bytes: config },
    ]
    await open(tab, files, 'What is seen')
    await expectMap(page, 'Grad-CAM for red')
    expect(await page.locator('.answer-name').allTextContents()).toEqual(['ground', 'red', 'green'])
    await clickAt(page, 83 / 96, 70 / 96)
    await expectMap(page, 'Grad-CAM for green')
    expect(hashOf(page).get('target')).toBe('region:2')
    await clickAt(page, 34 / 96, 32 / 96)
    await expectMap(page, 'Grad-CAM for red')
    await page.locator('main').press('p')
    const { x, y, width } = (await page.locator('.surface').boundingBox()) ?? { x: 0, y: 0, width: 0 }
    await page.mouse.move(x + (width * 80) / 96, y + (width * 70) / 96)
    await page.mouse.down()
    await page.mouse.move(x + (width * 86) / 96, y + (width * 70) / 96)
    await page.mouse.up()
    await expectMap(page, 'Grad-CAM for green')
    const painted = JSON.parse(hashOf(page).get('target') ?? '{}')
    expect(painted).toMatchObject({ kind: 'region', index: 2, mask: { height: 24, width: 24 } })
    const [before = 0, ...runs] = painted.mask.runs as readonly number[]
    // of 24 rows and columns
    expect(Math.abs(Math.floor(before / 24) - 16) <= 1 && Math.abs((before % 24) - 20) <= 2, `${before}`).toBe(true)
    expect(runs.filter((_, i) => i % 2 === 0).reduce((a, b) => a + b, 0)).toBeLessThan(20)
    await page.getByText('Explained within what is painted').waitFor()
    expect(await findings(page)).toEqual([])
    await page.getByRole('button', { name: 'Clear it' }).click()
    await expectMap(page, 'Grad-CAM for red')
    expect(hashOf(page).get('target')).toBe(null)
    await page.locator('main').press('p')
    expectQuiet(tab)
  })
})
