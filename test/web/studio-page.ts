/** The studio in a tab, for tests: opened, waited for, and looked at. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { basename } from 'node:path'
import type { BrowserContextOptions, Page } from 'playwright-core'
import { afterAll, expect, onTestFailed, onTestFinished } from 'vitest'
import type { Served } from '../../src/node/serve.js'
import type { Tab, TestBrowser } from './browser.js'

export interface StudioTab extends Tab {
  readonly address: string
}

export interface StudioTabOptions extends BrowserContextOptions {
  /** Behind the `#` of the address. */
  readonly hash?: string
  /** What the studio is waited for. Default: a map. */
  readonly waitFor?: string
  /** Milliseconds that the page is given for each thing that is asked of it. Default: {@link PATIENCE}. */
  readonly patience?: number
}

/** Long enough for a busy machine. */
export const PATIENCE = 20_000

/** Opens the studio and waits for its first map. The tab is closed when the test ends. */
export async function openStudio(
  browser: TestBrowser,
  served: Served,
  options: StudioTabOptions = {},
): Promise<StudioTab> {
  const tab = await keptStudio(browser, served, options)
  onTestFinished(() => tab.page.context().close())
  return tab
}

/** The same; the tab stays open. */
export async function keptStudio(
  browser: TestBrowser,
  served: Served,
  { hash = '', waitFor = '.heat canvas', patience = PATIENCE, ...context }: StudioTabOptions,
): Promise<StudioTab> {
  const address = served.address
  const tab = await browser.newPage(address, {
    viewport: { width: 1280, height: 800 },
    colorScheme: 'light',
    ...context,
  })
  tab.page.setDefaultTimeout(patience)
  try {
    await tab.page.goto(hash === '' ? address : `${new URL('.', address).href}#${hash}`)
    await tab.page.locator(waitFor).first().waitFor()
  } catch (error) {
    await tab.page.context().close()
    throw error
  }
  return { ...tab, address }
}

/** A map, and nothing that is still to come. */
export const AT_REST = 'body:has(.progress:empty) .heat canvas'

/**
 * One studio that tests use in turn, since each opening costs seconds: the first that asks opens it, for those behind it the address is changed by
 * hand. What an address holds is then as in a studio that was opened there; tools, fields and what is unfolded the tests see to themselves, and a model
 * or a picture that was dropped stays. A test that fails takes the tab with it.
 */
export function sharedStudio(
  browser: () => TestBrowser,
  served: () => Served,
  { waitFor = AT_REST, ...options }: Omit<StudioTabOptions, 'hash'> = {},
): (hash?: string) => Promise<StudioTab> {
  let tab: StudioTab | undefined
  const close = async (): Promise<void> => {
    await tab?.page.context().close()
    tab = undefined
  }
  afterAll(close)
  return async (hash = '') => {
    onTestFailed(close)
    if (tab) await turn(tab.page, hash, waitFor)
    else tab = await keptStudio(browser(), served(), { ...options, hash, waitFor })
    return tab
  }
}

/** Changes the address of a studio by hand. */
export async function turn(page: Page, hash: string, waitFor: string): Promise<void> {
  await page.evaluate(`new Promise((done) => {
    const hash = ${JSON.stringify(hash)}
    if (location.hash.slice(1) === hash) return done()
    addEventListener('hashchange', () => setTimeout(done), { once: true })
    location.hash = hash
  })`)
  await page.locator(waitFor).first().waitFor()
}

/** The map on the stage: its label says method and class. */
export function mapOf(page: Page, label?: string): ReturnType<Page['locator']> {
  return label === undefined
    ? page.locator('.heat canvas')
    : page.locator('.heat canvas').and(page.getByLabel(label, { exact: true }))
}

/** Waits for a map by its label: `Grad-CAM for espresso`. */
export async function expectMap(page: Page, label: string): Promise<void> {
  await expect.poll(() => mapOf(page).getAttribute('aria-label'), { timeout: PATIENCE }).toBe(label)
}

/** The pixels of the map, as a text that changes with them. */
export async function mapPixels(page: Page): Promise<string> {
  const url = await mapOf(page).evaluate((canvas) => (canvas as unknown as { toDataURL(): string }).toDataURL())
  return createHash('sha256').update(url).digest('hex')
}

/** What is dropped: a file of the repository, or bytes under a name. */
export type Dropped = string | { readonly name: string; readonly bytes: Uint8Array; readonly type?: string }

/** Drops files on the page, as a user does from the desktop. */
export async function drop(page: Page, files: readonly Dropped[]): Promise<void> {
  const sent = files.map((file) =>
    typeof file === 'string'
      ? { name: basename(file), type: '', data: readFileSync(file).toString('base64') }
      : { name: file.name, type: file.type ?? '', data: Buffer.from(file.bytes).toString('base64') },
  )
  await page.evaluate(`(() => {
    const transfer = new DataTransfer()
    for (const { name, type, data } of ${JSON.stringify(sent)})
      transfer.items.add(new File([Uint8Array.from(atob(data), (c) => c.charCodeAt(0))], name, { type }))
    for (const kind of ['dragover', 'drop'])
      document.body.dispatchEvent(new DragEvent(kind, { dataTransfer: transfer, bubbles: true, cancelable: true }))
  })()`)
}

/** Waits until nothing is being computed or loaded, and no map is still to come. */
export async function settled(page: Page): Promise<void> {
  const quiet = async (): Promise<boolean> =>
    (await page.locator('.progress-words').count()) === 0 && (await page.locator('[aria-busy=true]').count()) === 0
  await expect
    .poll(
      async () => {
        if (!(await quiet())) return false
        await page.waitForTimeout(400)
        return quiet()
      },
      { timeout: 2 * PATIENCE },
    )
    .toBe(true)
}

interface Finding {
  readonly id: string
  readonly impact: string | null
  readonly nodes: readonly { readonly html: string }[]
}

/** Serious and critical findings of axe-core, by WCAG 2.2 A and AA. */
export async function findings(page: Page): Promise<readonly string[]> {
  await page.evaluate(readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8'))
  const found = await page.evaluate<{ violations: readonly Finding[] }>(
    `axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'] })`,
  )
  return found.violations
    .filter((v) => v.impact === 'serious' || v.impact === 'critical')
    .flatMap((v) => v.nodes.map((n) => `${v.id}: ${n.html.slice(0, 120)}`))
}
