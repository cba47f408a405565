/** A browser for tests, and pages in it that are watched: what they ask for, and what goes wrong in them. */
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { expect, inject } from 'vitest'
import './setup.js'

export interface LaunchOptions {
  /** WebGPU, computed by the processor where there is no card. */
  readonly webgpu?: boolean
  /** A camera that shows a test picture, and consent to use it. */
  readonly webcam?: boolean
  /** WebAssembly compiled as users have it: slower to start, faster to run. Default: false, since tests open models more often than they run them. */
  readonly optimizing?: boolean
  /** More switches of Chromium's. */
  readonly args?: readonly string[]
}

/** What happened in a page and its workers. */
export interface Seen {
  /** The server's own origin. */
  readonly origin: string
  /** Every address asked for over the network, also those that were refused. */
  readonly requests: string[]
  /** Origins of requests that are not the server's. */
  readonly elsewhere: Set<string>
  /** Errors that nothing caught. */
  readonly errors: Set<string>
  /** What the page, its workers or the browser wrote on the console as an error. */
  readonly console: Set<string>
  /** Requests that were not answered well: `404 http://...`. */
  readonly failures: Set<string>
  /** What the Content-Security-Policy forbade, in the browser's words. */
  readonly violations: Set<string>
}

export interface Tab {
  readonly page: Page
  readonly seen: Seen
}

export interface TestBrowser {
  readonly browser: Browser
  /** A page of its own, without cookies or files of others, at nothing yet. It belongs to the server at `address`. */
  newPage(address: string, options?: BrowserContextOptions): Promise<Tab>
  close(): Promise<void>
}

const SWITCHES = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  // names lead nowhere, so that nothing leaves the machine even where a test fails
  '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1',
]
const WEBGPU = ['--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader', '--enable-features=Vulkan']
const BASELINE = ['--js-flags=--liftoff-only']
const WEBCAM = ['--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream']

/** Starts Chromium without a window. */
export async function launch(options: LaunchOptions = {}): Promise<TestBrowser> {
  const { webgpu = false, webcam = false, optimizing = false, args = [] } = options
  const browser = await chromium.launch({
    executablePath: inject('chromium'),
    headless: true,
    args: [...SWITCHES, ...(webgpu ? WEBGPU : []), ...(webcam ? WEBCAM : []), ...(optimizing ? [] : BASELINE), ...args],
  })
  return {
    browser,
    newPage: async (address, context = {}) => {
      const page = await (await browser.newContext(context)).newPage()
      return { page, seen: await watch(page, new URL(address).origin) }
    },
    close: () => browser.close(),
  }
}

async function watch(page: Page, origin: string): Promise<Seen> {
  const seen: Seen = {
    origin,
    requests: [],
    elsewhere: new Set(),
    errors: new Set(),
    console: new Set(),
    failures: new Set(),
    violations: new Set(),
  }
  const context = page.context()
  context.on('request', (request) => {
    const { protocol, origin: asked } = new URL(request.url())
    if (protocol === 'data:' || protocol === 'blob:') return
    seen.requests.push(request.url())
    if (asked !== origin) seen.elsewhere.add(asked)
  })
  context.on('response', (response) => {
    if (response.status() >= 400) seen.failures.add(`${response.status()} ${response.url()}`)
  })
  context.on('requestfailed', (request) => {
    const why = request.failure()?.errorText ?? ''
    // what a page lets go itself, by leaving or by an AbortSignal
    if (why !== 'net::ERR_ABORTED') seen.failures.add(`${why} ${request.url()}`)
  })
  context.on('weberror', (error) => seen.errors.add(String(error.error())))
  const note = (text: string, url = ''): void => {
    const kind = /Content Security Policy/.test(text) ? seen.violations : seen.console
    kind.add(`${text} (${url})`)
  }
  context.on('console', (message) => {
    if (message.type() === 'error') note(message.text(), message.location().url)
  })
  // what the browser itself says of workers, which Playwright leaves out: there the policy's refusals are
  const session = await context.newCDPSession(page)
  session.on('Log.entryAdded', ({ entry }) => {
    if (entry.level === 'error') note(entry.text, entry.url)
  })
  await session.send('Log.enable')
  return seen
}

/** All that went wrong, a line each; none where the page is quiet. */
export function troubleOf({ seen }: Tab): readonly string[] {
  const { elsewhere, errors, console, failures, violations } = seen
  return Object.entries({ elsewhere, errors, console, failures, violations }).flatMap(([kind, lines]) =>
    [...lines].map((line) => `${kind}: ${line}`),
  )
}

/**
 * Nothing went wrong in the page and its workers, and nothing was asked of anyone but its server. `expected` are troubles that the test
 * brings about itself, by their lines in {@link troubleOf}.
 */
export function expectQuiet(tab: Tab, expected?: RegExp): void {
  const lines = troubleOf(tab).filter((line) => !expected?.test(line))
  expect(lines, lines.join('\n')).toEqual([])
}
