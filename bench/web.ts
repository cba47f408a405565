// Speed and memory in Chromium: `npm run build && npm run bench:web [-- MODEL.onnx ...] [--runs N] [--changes N]`.
//
// A Grad-CAM map through the public API, the model in its worker, against a plain forward pass in a worker of its own, interleaved in one run on
// one page, the best of N each; from the studio's address to its first map; and the memory of the page after many models were opened, asked and
// disposed of. The shipped model, a ResNet-18, and those that are named. Writes bench/results/web.json.
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { cpus, tmpdir } from 'node:os'
import { basename, dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { type Browser, chromium, type Page } from 'playwright-core'
import { VERSION } from '../src/explain/index.js'
import { serveFolder } from '../src/node/serve.js'
import { findChromium } from '../test/web/chromium.js'
import { resnet18 } from './resnet18.js'

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { runs: { type: 'string', default: '15' }, changes: { type: 'string', default: '50' } },
})
const [RUNS, CHANGES] = [Number(values.runs), Number(values.changes)]
const at = (path: string): string => fileURLToPath(new URL(`../${path}`, import.meta.url))
if (!existsSync(at('dist/browser/index.js')) || !existsSync(at('dist/studio/index.html')))
  throw new Error('There is nothing to measure: run "npm run build" first')

function under(place: string, folder: string, names: RegExp): readonly (readonly [string, string])[] {
  return readdirSync(folder)
    .filter((name) => names.test(name))
    .map((name) => [`${place}/${name}`, join(folder, name)])
}

const ort = dirname(createRequire(import.meta.url).resolve('onnxruntime-web/ort-wasm-simd-threaded.wasm'))
const RUNTIME = /^(ort\.wasm\.min|ort-wasm-simd-threaded)\.(mjs|wasm)$/
const SHIPPED = 'models/efficientnet-lite0'
const folder = mkdtempSync(join(tmpdir(), 'onnxplain-bench-'))
const resnet = join(folder, 'resnet18.onnx')
writeFileSync(resnet, resnet18())
const models = [resnet, ...positionals].map((path, i) => [`/model/${i}/${basename(path)}`, resolve(path)] as const)
const served = await serveFolder(at('bench/page'), {
  files: new Map([
    ...under('/onnxplain/dist/browser', at('dist/browser'), /\.js$/),
    ...under('/onnxplain/dist/browser/onnxruntime-web', ort, RUNTIME),
    ...under('/ort', ort, RUNTIME),
    ...['onnx/model.onnx', 'config.json', 'preprocessor_config.json'].map(
      (name) => [`/onnxplain/${SHIPPED}/${name}`, at(`${SHIPPED}/${name}`)] as const,
    ),
    ['/cat.jpg', at('examples/cat.jpg')],
    ...models,
  ]),
})

interface Speed {
  readonly ms: Readonly<Record<string, number>>
  readonly runtime: string
}

const browser = await chromium.launch({
  executablePath: await findChromium(),
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic'],
})

async function opened(): Promise<Page> {
  const page = await browser.newPage()
  await page.goto(served.address)
  await page.waitForFunction('globalThis.bench')
  return page
}

async function speedOf(address: string | undefined): Promise<Speed> {
  const page = await opened()
  const file = address ?? `/onnxplain/${SHIPPED}/onnx/model.onnx`
  const args = [address, new URL(file, served.address).href, '/cat.jpg', RUNS].map(
    (a) => JSON.stringify(a) ?? 'undefined',
  )
  const speed = await page.evaluate<Speed>(`bench.speed(${args.join(', ')})`)
  await page.close()
  return speed
}

/** Megabytes that all renderers hold. */
async function memoryOf(of: Browser, page: Page): Promise<number> {
  const cdp = await page.context().newCDPSession(page)
  await cdp.send('HeapProfiler.collectGarbage')
  // the ends of workers are not waited for by the page
  await page.waitForTimeout(1500)
  const session = await of.newBrowserCDPSession()
  const { processInfo } = await session.send('SystemInfo.getProcessInfo')
  const kilobytes = processInfo
    .filter(({ type }) => type === 'renderer')
    .map(({ id }) => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${id}/status`, 'utf8'))?.[1] ?? 0))
  return kilobytes.reduce((a, b) => a + b, 0) / 1024
}

/** Megabytes after every ten changes of the model. */
async function memory(): Promise<readonly number[]> {
  const page = await opened()
  const held: number[] = []
  for (let done = 0; done < CHANGES; done += 10) {
    await page.evaluate("bench.change(undefined, '/cat.jpg', 10)")
    held.push(await memoryOf(browser, page))
  }
  await page.close()
  return held
}

/** Milliseconds from the studio's address to its first map, in a browser that knows nothing of it. */
async function firstMap(): Promise<number> {
  const { serveStudio } = (await import(at('dist/node/studio.js'))) as typeof import('../src/node/studio.js')
  const studio = await serveStudio()
  const ms: number[] = []
  for (let i = 0; i < 3; i++) {
    const context = await browser.newContext()
    const page = await context.newPage()
    const start = performance.now()
    await page.goto(studio.address)
    await page.waitForSelector('.heat canvas')
    ms.push(performance.now() - start)
    await context.close()
  }
  await studio.close()
  return Math.min(...ms)
}

try {
  const chromiumVersion = browser.version()
  const rows: (readonly [string, Speed])[] = [['shipped model', await speedOf(undefined)]]
  for (const [url, path] of models) rows.push([basename(path), await speedOf(url)])
  console.log(
    `onnxplain ${VERSION}, ${rows[0]?.[1].runtime}, Chromium ${chromiumVersion}, ${cpus().length} x ${cpus()[0]?.model.trim()}, best of ${RUNS}\n`,
  )
  const columns = Object.keys(rows[0]?.[1].ms ?? {})
  console.log(`| model | ${columns.map((c) => `${c} ms`).join(' | ')} | file in, map out / forward |`)
  console.log(`|${'---|'.repeat(columns.length + 2)}`)
  const ratio = ({ ms }: Speed): number => (ms['file in, map out'] ?? Number.NaN) / (ms.forward ?? Number.NaN)
  for (const [name, speed] of rows)
    console.log(`| ${name} | ${columns.map((c) => speed.ms[c]?.toFixed(1)).join(' | ')} | ${ratio(speed).toFixed(2)} |`)
  const first = await firstMap()
  console.log(`\nFrom the studio's address to its first map: ${first.toFixed(0)} ms (best of 3)`)
  const held = await memory()
  console.log(
    `Memory of the page, MB, after every 10 changes of the model: ${held.map((mb) => mb.toFixed(0)).join(', ')}`,
  )
  mkdirSync(at('bench/results'), { recursive: true })
  const results = {
    version: VERSION,
    chromium: chromiumVersion,
    speed: Object.fromEntries(rows),
    firstMapMs: first,
    memoryMb: held,
  }
  writeFileSync(at('bench/results/web.json'), `${JSON.stringify(results, null, 2)}\n`)
} finally {
  await browser.close()
  await served.close()
  rmSync(folder, { recursive: true })
}
