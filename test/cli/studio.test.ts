/** `onnxplain studio`: one line with the address, what is served there, and the end when it is asked for. */
import { type ChildProcess, spawn } from 'node:child_process'
import { cpSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { serveStudio } from '../../src/node/studio.js'
import { ask } from '../node/ask.js'
import { failureOf, fill, remove, splitModel, TINY_LABELS, temporaryFolder, tinyModel } from '../node/support.js'
import { pathOf } from '../support/files.js'
import { built } from './built.js'
import { type Ran, run } from './command.js'

const PAGE = { 'index.html': '<!doctype html><title>studio</title>', 'assets/app.js': 'export {}' }
const id2label = { ...TINY_LABELS }
const preprocessor = { do_rescale: true, image_mean: [0.1, 0.2, 0.3], image_std: [0.5, 0.6, 0.7] }
const tiny = tinyModel()

/** The built package with a studio in it that is a page of a line. */
let home: string
beforeAll(async () => {
  home = temporaryFolder()
  cpSync(join(await built(), 'dist'), join(home, 'dist'), { recursive: true })
  remove(join(home, 'dist/studio'))
  fill(join(home, 'dist/studio'), PAGE)
  for (const name of ['models', 'node_modules']) symlinkSync(pathOf(name), join(home, name), 'junction')
})
afterAll(() => remove(home))

interface Running {
  readonly child: ChildProcess
  /** The one line that it printed. */
  readonly address: string
  /** How it ended. */
  readonly ended: Promise<Ran & { readonly signal: NodeJS.Signals | null }>
}

const MAIN = 'dist/cli/main.js'
const studio = (folder: string, ...args: readonly string[]): Promise<Ran> =>
  run(folder, process.execPath, [join(home, MAIN), 'studio', ...args])

/** Starts the command, and waits for its address. */
async function starting(folder: string, ...args: readonly string[]): Promise<Running> {
  const child = spawn(process.execPath, [join(home, MAIN), 'studio', ...args], {
    cwd: folder,
    env: { ...process.env, NODE_OPTIONS: '' },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  let [stdout, stderr] = ['', '']
  child.stderr.on('data', (data: Buffer) => {
    stderr += data.toString()
  })
  const ended = new Promise<Awaited<Running['ended']>>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr }))
  })
  const address = await new Promise<string>((resolve, reject) => {
    child.stdout.on('data', (data: Buffer) => {
      stdout += data.toString()
      if (stdout.includes('\n')) resolve(stdout.trimEnd())
    })
    ended.then(() => reject(new Error(`it ended: ${stderr}`)), reject)
  })
  return { child, address, ended }
}

/** Serves a page of a line in this process. */
async function serving(model?: string): Promise<string> {
  const served = await serveStudio({ root: fill(temporaryFolder(), PAGE), model })
  onTestFinished(() => served.close())
  return served.address
}

/** What the page gets that asks as the address tells it to. */
async function modelOf(address: string): Promise<{ readonly url: URL; readonly bytes: Uint8Array }> {
  const { hash, href } = new URL(address)
  const url = new URL(new URLSearchParams(hash.slice(1)).get('model') ?? '', href)
  const response = await fetch(url)
  expect(response.status).toBe(200)
  return { url, bytes: new Uint8Array(await response.arrayBuffer()) }
}

describe('the command', () => {
  test.each(['SIGTERM', 'SIGINT'] as const)('serves the page until %s, and ends well', async (signal) => {
    const { child, address, ended } = await starting(temporaryFolder())
    expect(address).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/$/)
    const { status, headers, body } = await ask(address, '/')
    expect([status, body.toString()]).toEqual([200, PAGE['index.html']])
    expect(headers['cross-origin-embedder-policy']).toBe('require-corp')
    // a browser keeps its connections; they do not keep the command
    const kept = await fetch(address)
    await kept.text()
    child.kill(signal)
    expect(await ended).toEqual({ code: 0, signal: null, stdout: `${address}\n`, stderr: '' })
    await expect(fetch(address)).rejects.toThrow()
  })

  test('serves a model, at a port that is asked for', async () => {
    const folder = fill(temporaryFolder(), { 'net/onnx/model.onnx': tiny, 'net/config.json': { id2label } })
    const { address: free, close } = await serveStudio({ root: fill(temporaryFolder(), PAGE) })
    await close()
    const { port } = new URL(free)
    const { child, address, ended } = await starting(folder, 'net', '--port', port)
    expect(address).toBe(`http://127.0.0.1:${port}/#model=model%2Fmodel.onnx`)
    expect((await modelOf(address)).bytes).toEqual(Uint8Array.from(tiny))
    child.kill('SIGTERM')
    expect((await ended).code).toBe(0)
  })

  test('a port in use', async () => {
    const other = createServer()
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => void other.close())
    const at = other.address()
    const port = String(typeof at === 'object' && at ? at.port : 0)
    const { code, stdout, stderr } = await studio(temporaryFolder(), '--port', port)
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toMatch(
      new RegExp(`^onnxplain: Port ${port} .*it is in use\\. Give --port .*\\[cannot-serve\\]\\n$`),
    )
  })

  test.each(['0', '65536', '-1', '80.5', 'http', ''])('"%s" is no port', async (port) => {
    const { code, stdout, stderr } = await studio(temporaryFolder(), '--port', port)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toMatch(/port/)
  })

  test.each([
    ['is text', { 'bad.onnx': 'text' }, 'invalid-model'],
    ['is missing', {}, 'cannot-read'],
    ['misses its weights', { 'bad.onnx': splitModel('bad.onnx_data').model }, 'external-data-missing'],
  ])('a model that %s: one line, and nothing is served', async (_, files, code) => {
    const ran = await studio(fill(temporaryFolder(), files), 'bad.onnx')
    expect({ code: ran.code, stdout: ran.stdout }).toEqual({ code: 1, stdout: '' })
    expect(ran.stderr).toMatch(new RegExp(`^onnxplain: .*bad\\.onnx.*\\[${code}\\]\\n$`))
  })
})

describe('what is served', () => {
  test('a studio that is not built: what to run', async () => {
    const error = await failureOf(serveStudio({ root: temporaryFolder() }))
    expect(error.code).toBe('cannot-serve')
    expect(error.message).toContain('npm run build')
  })

  test("ONNX Runtime's files for browsers, those that are needed and no others", async () => {
    const address = await serving()
    const types = { mjs: 'text/javascript; charset=utf-8', wasm: 'application/wasm' }
    for (const name of ['ort-wasm-simd-threaded', 'ort-wasm-simd-threaded.asyncify'])
      for (const [extension, type] of Object.entries(types)) {
        const path = `${name}.${extension}`
        const { status, headers, body } = await ask(address, `/onnxruntime-web/${path}`)
        expect([status, headers['content-type']]).toEqual([200, type])
        expect(body.equals(readFileSync(pathOf(`node_modules/onnxruntime-web/dist/${path}`)))).toBe(true)
      }
    for (const path of ['ort.all.min.mjs', 'ort-wasm-simd-threaded.jsep.wasm', '../package.json', 'package.json', ''])
      expect((await ask(address, `/onnxruntime-web/${path}`)).status, path).toBe(404)
  })

  test('the shipped model', async () => {
    const address = await serving()
    const folder = 'models/efficientnet-lite0'
    for (const path of ['onnx/model.onnx', 'config.json', 'preprocessor_config.json']) {
      const { status, body } = await ask(address, `/${folder}/${path}`)
      expect(status).toBe(200)
      expect(body.equals(readFileSync(pathOf(`${folder}/${path}`)))).toBe(true)
    }
    for (const path of ['/models/', '/models/efficientnet-lite0/onnx', '/models/../package.json', '/model/model.onnx'])
      expect((await ask(address, path)).status, path).toBe(404)
  })

  test("the studio's own copies go before those", async () => {
    const root = fill(temporaryFolder(), { ...PAGE, 'onnxruntime-web/ort-wasm-simd-threaded.wasm': 'own' })
    const served = await serveStudio({ root })
    onTestFinished(() => served.close())
    const { body } = await ask(served.address, '/onnxruntime-web/ort-wasm-simd-threaded.wasm')
    expect(body.toString()).toBe('own')
  })
})

describe('a model', () => {
  test('of a folder in the Hugging Face layout: its companions are beside it', async () => {
    const folder = fill(temporaryFolder(), {
      'net/onnx/model.onnx': tiny,
      'net/onnx/model_fp16.onnx': 'another',
      'net/config.json': { id2label },
      'net/preprocessor_config.json': preprocessor,
      'net/README.md': 'not asked for',
    })
    const address = await serving(join(folder, 'net'))
    const { url, bytes } = await modelOf(address)
    expect(url.pathname).toBe('/model/model.onnx')
    expect(bytes).toEqual(Uint8Array.from(tiny))
    expect(await (await fetch(new URL('config.json', url))).json()).toEqual({ id2label })
    expect(await (await fetch(new URL('preprocessor_config.json', url))).json()).toEqual(preprocessor)
    for (const path of ['README.md', 'model_fp16.onnx', 'onnx/model.onnx', '../model/README.md', '../../net/README.md'])
      expect((await ask(address, `/model/${path}`)).status, path).toBe(404)
  })

  test.each(['net.onnx_data', 'weights/kernel.bin', './kernel.bin', 'my weights.bin'])(
    'with external data at %s',
    async (location) => {
      const { model, kernel } = splitModel(location)
      const folder = fill(temporaryFolder(), { 'net.onnx': model, [location]: kernel, 'other.bin': 'not its own' })
      const address = await serving(join(folder, 'net.onnx'))
      const { url } = await modelOf(address)
      const data = await fetch(new URL(location, url))
      expect(data.headers.get('content-type')).toBe('application/octet-stream')
      expect(new Uint8Array(await data.arrayBuffer())).toEqual(kernel)
      for (const path of ['other.bin', 'config.json']) expect((await ask(address, `/model/${path}`)).status).toBe(404)
    },
  )

  test.each(['net v2.onnx', 'net#1.onnx', 'net%41.onnx', 'net?.onnx', 'Netz für Bilder.onnx', 'a&b=c+d.onnx'])(
    'called %s',
    async (name) => {
      const folder = fill(temporaryFolder(), { [name]: tiny })
      expect((await modelOf(await serving(join(folder, name)))).bytes).toEqual(Uint8Array.from(tiny))
    },
  )

  test('by a path from here, through a link', async () => {
    const folder = fill(temporaryFolder(), { 'blobs/abc': tiny })
    mkdirSync(join(folder, 'snapshot'))
    symlinkSync('../blobs/abc', join(folder, 'snapshot/model.onnx'))
    expect((await modelOf(await serving(join(folder, 'snapshot')))).bytes).toEqual(Uint8Array.from(tiny))
  })
})
