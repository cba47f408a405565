/** The worker: progress, aborts, ends, models side by side, and what runs it. */
import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { remove } from '../node/support.js'
import { pathOf } from '../support/files.js'
import { expectQuiet, launch, type TestBrowser } from './browser.js'
import { call, type Site, served, serveSite, visit } from './site.js'
import type { Worked } from './told.js'

const { files, urls } = served({
  both: pathOf('examples/cat-and-coffee.jpg'),
  cat: pathOf('examples/cat.jpg'),
  coffee: pathOf('examples/coffee.jpg'),
})
const { both = '', cat = '', coffee = '' } = urls

let browser: TestBrowser
/** As users have it, for what is measured. */
let fast: TestBrowser
let site: Site
beforeAll(async () => {
  site = await serveSite(files)
  browser = await launch()
})
afterAll(async () => {
  await browser.close()
  await site.close()
  remove(site.folder)
})

function ask<K extends keyof Worked>(name: K, ...args: readonly unknown[]): Promise<Worked[K]> {
  return askIn(browser, name, ...args)
}

async function askIn<K extends keyof Worked>(
  own: TestBrowser,
  name: K,
  ...args: readonly unknown[]
): Promise<Worked[K]> {
  const tab = await visit(own, site)
  const found = await call<Worked[K]>(tab, name, ...args)
  expectQuiet(tab)
  await tab.page.close()
  return found
}

test('progress comes with the map as it stands, up to the last run', async () => {
  const { told, dims } = await ask('progressOf', both, { patch: 56, stride: 56 })
  expect(dims).toEqual([224, 224])
  expect(told.length).toBeGreaterThan(1)
  const dones = told.map((t) => t.done)
  expect(dones).toEqual([...new Set(dones)].sort((a, b) => a - b))
  expect(told.at(-1)).toMatchObject({ done: 16, total: 16 })
  for (const { size, sum } of told) {
    expect(size).toEqual([640, 480])
    expect(sum).toBeGreaterThan(0)
  }
})

describe('aborts', () => {
  beforeAll(async () => {
    fast = await launch({ optimizing: true })
  })
  afterAll(() => fast.close())

  test('a long method rejects at once; the worker hears of it after the run that is going, and lives on', async () => {
    const { failed, rejected, answered, same, map } = await askIn(fast, 'abortOf', both)
    expect(failed).toBe('aborted')
    expect(rejected).toBeLessThan(50)
    // one run and the next question's own
    expect(answered).toBeLessThan(1000)
    expect(same).toBe(true)
    expect(map).toEqual([7, 7])
    process.stdout.write(
      `  aborted after ${rejected.toFixed(1)} ms; the next question answered after ${answered.toFixed(0)} ms\n`,
    )
  })

  test('opening, before and while it is going on', async () => {
    const { early, late, waited, next } = await askIn(fast, 'abortedOpening')
    expect([early, late]).toEqual(['aborted', 'aborted'])
    expect(waited).toBeLessThan(500)
    expect(next).toContain('efficientnet-lite0')
  })
})

test('after it is disposed of, a model rejects every question, also that which was going on; another is not touched', async () => {
  const { codes, best } = await ask('disposal', both)
  expect(new Set(Object.values(codes))).toEqual(new Set(['aborted']))
  expect(best).toBe('Egyptian cat')
})

test('a worker ends with its model', async () => {
  const tab = await visit(browser, site)
  await call(tab, 'disposal', both)
  await expect.poll(() => tab.page.workers().length, { timeout: 10_000 }).toBe(0)
})

test('two models, more pictures than a worker keeps, and other labels', async () => {
  const { answers, renamed, notes, still } = await ask('sideBySide', [both, cat, coffee, both, cat, coffee])
  const pairs = Array.from({ length: answers.length / 2 }, (_, i) => answers.slice(2 * i, 2 * i + 2))
  const [first, second, third] = pairs
  expect(first).toEqual(['Egyptian cat', 'class of 285'])
  expect(third?.[0]).toBe('espresso')
  expect(pairs).toEqual([first, second, third, first, second, third, first, second, third, first, second, third])
  expect(renamed).toBe('class 285')
  expect(notes.join()).toContain('2 labels for 1000 classes')
  expect(still).toBe('class 285')
})

test('figures in every kind of file', async () => {
  const { files, bad } = await ask('figures', both)
  expect(files.map(({ type, start }) => [type, start.slice(0, 4)])).toEqual([
    ['image/png', expect.stringMatching(/PNG$/)],
    ['image/jpeg', expect.stringMatching(/^ÿØÿ/)],
    ['image/webp', 'RIFF'],
    ['image/svg+xml', '<svg'],
  ])
  for (const { width } of files.slice(0, 3)) expect(width).toBeGreaterThan(300)
  expect(bad).toBe('bad-option')
})

describe('what runs a model', () => {
  test.each([
    ['auto', 2, /wasm x2/, 2],
    ['wasm', 1, /wasm x1/, 1],
    ['wasm', undefined, /wasm x\d/, undefined],
  ] as const)('%s, %s threads', async (backend, threads, runtime, count) => {
    const found = await ask('choice', both, backend, threads)
    expect(found).toMatchObject({ runtime: expect.stringMatching(runtime), dims: [7, 7] })
    if (count !== undefined) expect(found).toMatchObject({ threads: count })
  })

  test('WebGPU where there is none is refused in words', async () => {
    const found = await ask('choice', both, 'webgpu')
    expect(found).toMatchObject({ error: { code: 'no-runtime', message: expect.stringContaining('WebGPU') } })
  })

  test('auto takes WebAssembly where a graphics card is but computed by the processor', async () => {
    const own = await launch({ webgpu: true })
    onTestFinished(() => own.close())
    const tab = await visit(own, site)
    expect(await tab.page.evaluate('navigator.gpu.requestAdapter().then((a) => a !== null)')).toBe(true)
    expect(await call(tab, 'choice', both, 'auto')).toMatchObject({ runtime: expect.stringContaining('wasm') })
    expectQuiet(tab)
  })

  test('a browser that has WebGPU and no adapter for it says nothing as an error', async () => {
    const own = await launch({ args: ['--enable-unsafe-webgpu', '--disable-gpu', '--disable-software-rasterizer'] })
    onTestFinished(() => own.close())
    const tab = await visit(own, site)
    expect(await call(tab, 'choice', both, 'auto')).toMatchObject({ runtime: expect.stringContaining('wasm') })
    expectQuiet(tab)
  })
})

test('a page that is not secure has no hash of the model, says so, and is the same otherwise', async () => {
  const { address } = await forwarding(site.address)
  // a name that is not this machine's to the browser, and leads to it all the same
  const own = await launch({ args: ['--host-resolver-rules=MAP lan.test 127.0.0.1, MAP * ~NOTFOUND'] })
  onTestFinished(() => own.close())
  const tab = await visit(own, { address: address.replace('127.0.0.1', 'lan.test') })
  expect(await tab.page.evaluate('[isSecureContext, typeof crypto.subtle]')).toEqual([false, 'undefined'])
  const found = await call<Worked['choice']>(tab, 'choice', both, 'auto')
  expect(found).toMatchObject({ threads: 1, dims: [7, 7], sha256: null })
  expect('notes' in found && found.notes.join()).toMatch(/SHA-256 of the model is not known/)
})

/** A server that answers to any name what the one at `address` answers to its own. */
async function forwarding(address: string): Promise<{ readonly address: string }> {
  const { host } = new URL(address)
  const server = createServer(({ url = '/', method }, response) => {
    request(new URL(url, address), { method, headers: { host } }, (answer) => {
      response.writeHead(answer.statusCode ?? 500, answer.headers)
      answer.pipe(response)
    }).end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  const { port } = server.address() as AddressInfo
  return { address: `http://127.0.0.1:${port}/` }
}
