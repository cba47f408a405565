/** Live: the camera and a video, frame by frame; and that nothing of them is left running. */
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { serveStudio } from '../../src/node/studio.js'
import { expectQuiet, launch, type Tab, type TestBrowser } from './browser.js'
import { builtStudio } from './built-studio.js'

const SLOW = 240_000

let browser: TestBrowser
let served: Awaited<ReturnType<typeof serveStudio>>
beforeAll(async () => {
  served = await serveStudio({ root: await builtStudio() })
  browser = await launch({ webcam: true })
}, SLOW)
afterAll(async () => {
  await browser?.close()
  await served?.close()
})

/** Keeps every track that the page is given. */
const WATCH = `
  globalThis.tracks = []
  const { mediaDevices } = navigator
  const ask = mediaDevices.getUserMedia.bind(mediaDevices)
  mediaDevices.getUserMedia = async (wanted) => {
    const stream = await ask(wanted)
    tracks.push(...stream.getTracks())
    return stream
  }`

/** A small film of a square that moves, made by the browser itself: its bytes. */
const FILM = `(async () => {
  const canvas = document.createElement('canvas')
  Object.assign(canvas, { width: 320, height: 240 })
  const context = canvas.getContext('2d')
  const recorder = new MediaRecorder(canvas.captureStream(10), { mimeType: 'video/webm' })
  const parts = []
  recorder.ondataavailable = ({ data }) => parts.push(data)
  const ended = new Promise((resolve) => { recorder.onstop = resolve })
  recorder.start()
  for (let i = 0; i < 15; i++) {
    context.fillStyle = '#447'
    context.fillRect(0, 0, 320, 240)
    context.fillStyle = '#fb3'
    context.fillRect(15 * i, 90, 60, 60)
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  recorder.stop()
  await ended
  return [...new Uint8Array(await new Blob(parts).arrayBuffer())]
})()`

async function live(from = browser): Promise<Tab> {
  const tab = await from.newPage(served.address, { viewport: { width: 1280, height: 800 } })
  await tab.page.addInitScript(WATCH)
  await tab.page.goto(`${served.address}#view=live`)
  await expect.poll(() => start(tab.page).isEnabled(), { timeout: 60_000 }).toBe(true)
  return tab
}

const start = (page: Page) => page.getByRole('button', { name: 'Start the camera' })
const picture = (page: Page) => page.getByRole('img', { name: /on the frame of the moment$/ })
const tracks = (page: Page): Promise<readonly string[]> => page.evaluate('tracks.map((t) => t.readyState)')
const pixels = (page: Page): Promise<string> =>
  picture(page).evaluate((canvas) => (canvas as unknown as { toDataURL(): string }).toDataURL())
const pace = async (page: Page): Promise<number> =>
  Number(
    /([\d.]+) frames\/s · [\d.]+ m?s a frame/.exec((await page.locator('.live-pace').textContent()) ?? '')?.[1] ?? 0,
  )

test('the camera is asked for by a press alone, drawn frame by frame, and let go', { timeout: SLOW }, async () => {
  const tab = await live()
  const { page } = tab
  expect(await tracks(page)).toEqual([])
  await start(page).click()
  await picture(page).waitFor({ timeout: 60_000 })
  const seen = new Set<string>()
  await expect.poll(async () => seen.add(await pixels(page)).size, { timeout: 60_000 }).toBeGreaterThan(3)
  await expect.poll(() => pace(page), { timeout: 30_000 }).toBeGreaterThan(0)
  expect(await page.locator('.live-answers .answer').count()).toBe(5)
  expect(await tracks(page)).toEqual(['live'])

  await page.getByRole('button', { name: 'Pause' }).click()
  const still = await pixels(page)
  await page.waitForTimeout(600)
  expect(await pixels(page)).toBe(still)
  await page.getByRole('button', { name: 'Resume' }).click()
  await expect.poll(() => pixels(page), { timeout: 30_000 }).not.toBe(still)

  await page.getByRole('button', { name: 'Stop' }).click()
  expect(await tracks(page)).toEqual(['ended'])
  await start(page).waitFor()
  expectQuiet(tab)
})

test('a class is held, a method chosen, and a frame looked at; leaving lets the camera go', {
  timeout: SLOW,
}, async () => {
  const tab = await live()
  const { page } = tab
  await start(page).click()
  await picture(page).waitFor({ timeout: 60_000 })
  const find = page.getByRole('searchbox', { name: 'Hold to a class' })
  await find.fill('espresso')
  await find.press('Enter')
  await page.getByLabel('Method').selectOption({ label: 'HiResCAM' })
  await page.getByRole('img', { name: 'HiResCAM for espresso, on the frame' }).waitFor({ timeout: 60_000 })
  expect(await page.getByRole('button', { name: 'espresso' }).getAttribute('aria-pressed')).toBe('true')

  await page.getByRole('button', { name: 'Look at this frame' }).click()
  await page.getByRole('img', { name: 'The picture: A frame of the camera' }).waitFor()
  await page.getByRole('img', { name: 'HiResCAM for espresso' }).waitFor({ timeout: 60_000 })
  expect(await tracks(page)).toEqual(['ended'])
  expectQuiet(tab)
})

test('a video is played, and what is none says so', { timeout: SLOW }, async () => {
  const tab = await live()
  const { page } = tab
  const film = await page.evaluate<readonly number[]>(FILM)
  const open = page.locator('input[type=file][accept="video/*"]')
  await open.setInputFiles({ name: 'square.webm', mimeType: 'video/webm', buffer: Buffer.from(film) })
  await picture(page).waitFor({ timeout: 60_000 })
  const seen = new Set<string>()
  await expect.poll(async () => seen.add(await pixels(page)).size, { timeout: 60_000 }).toBeGreaterThan(2)
  expect(await tracks(page)).toEqual([])
  await page.getByRole('button', { name: 'Stop' }).click()

  await open.setInputFiles({ name: 'broken.mp4', mimeType: 'video/mp4', buffer: Buffer.from('not a video at all') })
  await expect
    .poll(() => page.getByRole('alert').textContent(), { timeout: 30_000 })
    .toContain('broken.mp4 could not be played')
  expect(await page.getByRole('alert').textContent()).toContain('cannot decode')
  expectQuiet(tab)
})

test('no camera, and none allowed: in words', { timeout: SLOW }, async () => {
  const none = await launch()
  onTestFinished(() => none.close())
  const tab = await live(none)
  await start(tab.page).click()
  await expect
    .poll(() => tab.page.getByRole('alert').textContent(), { timeout: 30_000 })
    .toMatch(/no such camera|not allowed/)
  await start(tab.page).waitFor()
  expectQuiet(tab)
})
