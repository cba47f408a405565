/** The harness itself: a page that is isolated or not, and that each kind of trouble in a page or its workers is seen. */
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { serveFolder } from '../../src/node/serve.js'
import { fill, temporaryFolder } from '../node/support.js'
import { expectQuiet, launch, type Tab, type TestBrowser } from './browser.js'

let browser: TestBrowser
beforeAll(async () => {
  browser = await launch()
})
afterAll(() => browser.close())

const PLACES = ['page', 'worker', 'inner'] as const
type Scripts = Partial<Readonly<Record<(typeof PLACES)[number], string>>>

/** A page with a worker that has a worker, each with a script of its own to run first; visited until all are done. */
async function visit(scripts: Scripts, isolated = true): Promise<Tab> {
  const { page = '', worker = '', inner = '' } = scripts
  const root = fill(temporaryFolder(), {
    'index.html':
      '<!doctype html><title>waiting</title><link rel="icon" href="data:,"><body><script type="module" src="page.js"></script>',
    'page.js': `${page}
      const worker = new Worker('worker.js', { type: 'module' })
      worker.onmessage = ({ data }) => { document.title = data }`,
    'worker.js': `${worker}
      const worker = new Worker('inner.js', { type: 'module' })
      worker.onmessage = ({ data }) => postMessage(data)`,
    'inner.js': `${inner}
      postMessage(self.crossOriginIsolated ? 'done, isolated' : 'done')`,
  })
  const served = await serveFolder(root, { isolated })
  onTestFinished(() => served.close())
  const tab = await browser.newPage(served.address)
  await tab.page.goto(served.address)
  await expect.poll(() => tab.page.title(), { timeout: 20_000 }).toMatch(/^done/)
  return tab
}

describe('a page that behaves', () => {
  test('is isolated, as are its workers, and has threads', async () => {
    const tab = await visit({})
    expect(await tab.page.evaluate('crossOriginIsolated && typeof SharedArrayBuffer')).toBe('function')
    expect(await tab.page.title()).toBe('done, isolated')
    const paths = tab.seen.requests.map((url) => new URL(url).pathname)
    expect(paths).toEqual(['/', '/page.js', '/worker.js', '/inner.js'])
    expectQuiet(tab)
  })

  test('is not isolated where it is served without the headers', async () => {
    const tab = await visit({}, false)
    expect(await tab.page.evaluate('crossOriginIsolated')).toBe(false)
    expect(await tab.page.title()).toBe('done')
    expectQuiet(tab)
  })
})

describe.each(PLACES)('what is seen of the %s', (place) => {
  const after = 'await new Promise((resolve) => setTimeout(resolve, 200))'

  test('another origin is asked: the policy forbids it', async () => {
    const tab = await visit({
      [place]: `await fetch('http://example.invalid/secret').catch(() => undefined); ${after}`,
    })
    expect([...tab.seen.violations].join()).toMatch(/example\.invalid\/secret.*connect-src/)
    expect(() => expectQuiet(tab)).toThrow('example.invalid')
  })

  test('an error that nothing catches', async () => {
    const tab = await visit({ [place]: `setTimeout(() => { throw new Error('unseen') }); ${after}` })
    expect([...tab.seen.errors].join()).toContain('unseen')
    expect(() => expectQuiet(tab)).toThrow('unseen')
    expectQuiet(tab, /unseen|: null$/)
  })

  test('an error on the console, and a file that is missing', async () => {
    const tab = await visit({ [place]: `console.error('it is bad'); await fetch('missing.json'); ${after}` })
    expect([...tab.seen.console].join()).toContain('it is bad')
    expect([...tab.seen.failures].join()).toMatch(/404 \S*\/missing\.json/)
    expect(() => expectQuiet(tab)).toThrow('missing.json')
    expectQuiet(tab, /it is bad|missing\.json/)
  })

  test('text is not run as a script', async () => {
    const tab = await visit({ [place]: `try { eval('1') } catch { console.error('no eval') }; ${after}` })
    expect([...tab.seen.console].join()).toContain('no eval')
    expect(() => expectQuiet(tab)).toThrow()
  })
})

test('a request to another origin is recorded even where no policy forbids it', async () => {
  const tab = await visit({})
  await tab.page.goto('http://example.invalid/').catch(() => undefined)
  expect([...tab.seen.elsewhere]).toEqual(['http://example.invalid'])
  expect(() => expectQuiet(tab)).toThrow('example.invalid')
})

test('scripts written in the page do not run', async () => {
  const tab = await visit({ page: `document.body.innerHTML = '<img src="none.png" onerror="boom()">'` })
  await expect.poll(() => [...tab.seen.violations].join()).toMatch(/inline event handler/i)
})

test('a camera and a graphics card are there where they are asked for, and only there', async () => {
  const camera = `navigator.mediaDevices.getUserMedia({ video: true }).then((s) => s.getVideoTracks().length, () => 0)`
  const card = `navigator.gpu ? navigator.gpu.requestAdapter().then((a) => (a ? 1 : 0)) : 0`
  const served = await serveFolder(
    fill(temporaryFolder(), { 'index.html': '<!doctype html><link rel="icon" href="data:,">' }),
  )
  onTestFinished(() => served.close())
  for (const there of [true, false]) {
    const own = await launch({ webcam: there, webgpu: there })
    onTestFinished(() => own.close())
    const tab = await own.newPage(served.address)
    await tab.page.goto(served.address)
    expect([await tab.page.evaluate(camera), await tab.page.evaluate(card)]).toEqual(there ? [1, 1] : [0, 0])
    expectQuiet(tab)
  }
})
