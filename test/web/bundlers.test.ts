/** The packed package on pages: an app that Vite builds, and one without a bundler. Both draw a map, on threads, and ask nobody else. */
import { cpSync, mkdtempSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { serveFolder } from '../../src/node/serve.js'
import { run } from '../cli/command.js'
import { remove } from '../node/support.js'
import { installInto, packInto } from '../package/packed.js'
import { pathOf } from '../support/files.js'
import { expectQuiet, launch, type TestBrowser } from './browser.js'

let home: string
let browser: TestBrowser
const app = (): string => join(home, 'app')
const plain = (): string => join(home, 'plain')
/** The package's own scripts. */
const scripts = (): string => join(app(), 'node_modules/onnxplain/dist/browser')

beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'onnxplain-bundlers-'))
  const { filename } = await packInto(home)
  cpSync(pathOf('examples/vite'), app(), { recursive: true })
  await installInto(app(), join(home, filename))
  cpSync(pathOf('examples/plain-page'), plain(), { recursive: true })
  browser = await launch()
}, 300_000)
afterAll(async () => {
  await browser.close()
  remove(home)
})

/** Opens a page, gives it a picture, and waits for the map. */
async function expectMap(folder: string, isolated: boolean, threads: number): Promise<readonly string[]> {
  const served = await serveFolder(folder, { isolated })
  onTestFinished(() => served.close())
  const tab = await browser.newPage(served.address)
  await tab.page.goto(served.address)
  const state = tab.page.getByRole('status')
  await expect.poll(() => state.textContent(), { timeout: 60_000 }).toMatch(`(wasm x${threads})`)
  await tab.page.getByLabel('A picture:').setInputFiles(pathOf('examples/cat.jpg'))
  await expect.poll(() => state.textContent(), { timeout: 60_000 }).toMatch(/cat: \d+\.\d %|tabby: \d+\.\d %/)
  const map = tab.page.locator('#map')
  await expect.poll(() => map.evaluate((image: { naturalWidth: number }) => image.naturalWidth)).toBeGreaterThan(300)
  expect(await map.getAttribute('alt')).toMatch(/^What speaks for /)
  expectQuiet(tab)
  return tab.seen.requests.map((url) => new URL(url).pathname)
}

describe('an app that Vite builds', () => {
  beforeAll(async () => {
    const tsc = await run(app(), process.execPath, [pathOf('node_modules/typescript/bin/tsc'), '-p', '.'])
    expect(tsc.stdout).toBe('')
    const ran = await run(app(), process.execPath, [join(app(), 'node_modules/vite/bin/vite.js'), 'build'])
    expect(ran.code, ran.stderr).toBe(0)
    // what it cannot find it leaves as it is, and warns
    expect(ran.stderr).not.toMatch(/warn|doesn't exist/i)
  })

  test.each([
    ['with threads', true, 2],
    ['without isolation, on one thread', false, 1],
  ] as const)('draws a map %s', async (_, isolated, threads) => {
    const requests = await expectMap(join(app(), 'dist'), isolated, threads)
    // of ONNX Runtime one build, and that once; fonts and what reads them with the figure
    expect(requests.filter((path) => path.endsWith('.wasm'))).toHaveLength(1)
    expect(requests.filter((path) => path.endsWith('.woff'))).toHaveLength(4)
  })

  test('its parts hold no code of Node', async () => {
    for (const file of filesUnder(join(app(), 'dist/assets')).filter((f) => f.endsWith('.js'))) await expectNoNode(file)
  })
})

describe('a page without a bundler', () => {
  beforeAll(async () => {
    const ran = await run(plain(), process.execPath, ['copy.mjs', join(app(), 'node_modules')])
    expect(ran).toMatchObject({ code: 0, stderr: '' })
  })

  test.each([
    ['with threads', true, 2],
    ['without isolation, on one thread', false, 1],
  ] as const)('draws a map %s', async (_, isolated, threads) => {
    await expectMap(plain(), isolated, threads)
  })
})

/** Kilobytes after gzip; a tenth more than what they were when this was written. */
const BUDGET: Readonly<Record<string, number>> = {
  // what a page waits for
  index: 48,
  // what it loads with its first figure, which is opentype.js
  fonts: 76,
  chunk: 1,
  worker: 249,
  'worker-webgpu': 254,
  // what it loads with the first tokenizer.json
  tokenizers: 13,
}

describe("the package's own scripts", () => {
  const files = (): readonly string[] => filesUnder(scripts()).filter((f) => f.endsWith('.js'))

  test('are small', () => {
    const sizes = files().map((file) => {
      const name = file.slice(scripts().length + 1).replace(/(-[A-Z0-9]{8})?\.js$/, '')
      return [name, gzipSync(readFileSync(file), { level: 9 }).length / 1024] as const
    })
    expect([...new Set(sizes.map(([name]) => name))].sort()).toEqual(Object.keys(BUDGET).sort())
    for (const [name, size] of sizes) expect(size, name).toBeLessThan(BUDGET[name] ?? 0)
  })

  test('hold no code of Node', async () => {
    for (const file of files()) await expectNoNode(file)
  })
})

function filesUnder(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).isFile())
}

/** What a page cannot load, by what the parser takes for an import: a word in a message, or code that is shown, is none. */
async function expectNoNode(file: string): Promise<void> {
  const used = 'SOMETHING_OF_NODE'
  const { metafile, outputFiles } = await build({
    entryPoints: [file],
    write: false,
    bundle: true,
    format: 'esm',
    external: ['*'],
    define: { 'process.argv': used, 'process.stdout': used },
    metafile: true,
    logLevel: 'silent',
  })
  const imports = Object.values(metafile.inputs).flatMap((input) => input.imports)
  expect(
    imports.map(({ path }) => path).filter((path) => !/^(\.{0,2}\/|<runtime>$)/.test(path)),
    file,
  ).toEqual([])
  expect(
    outputFiles.some(({ text }) => text.includes(used)),
    file,
  ).toBe(false)
}
