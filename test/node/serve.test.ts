/** The server: headers, hosts, paths that lead elsewhere, types, parts of files, and files of any size. */
import { mkdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { connect } from 'node:net'
import { networkInterfaces } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { type Served, type ServeOptions, serveFolder } from '../../src/node/serve.js'
import { type Answer, ask } from './ask.js'
import { failureOf, fill, temporaryFolder } from './support.js'

const WEIGHTS = Buffer.from(Array.from({ length: 1000 }, (_, i) => i % 251))

/** A folder with a page, beside it what must not be served, and elsewhere a file that is served by name. */
async function serving(options: ServeOptions = {}): Promise<Served & { readonly folder: string }> {
  const folder = fill(temporaryFolder(), {
    'root/index.html': '<!doctype html><title>page</title>',
    'root/assets/app.js': 'export {}',
    'root/assets/data.npy': 'numbers',
    'secret.txt': 'secret',
    'root-too/secret.txt': 'secret',
    'elsewhere/net.onnx': WEIGHTS,
    'elsewhere/secret.txt': 'secret',
  })
  const files = new Map([['/model/my net.onnx', join(folder, 'elsewhere/net.onnx')]])
  const served = await serveFolder(join(folder, 'root'), { files, ...options })
  onTestFinished(() => served.close())
  return { ...served, folder }
}

const ISOLATION = {
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-embedder-policy': 'require-corp',
}
const ALWAYS = {
  'content-security-policy': expect.stringMatching(/^default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; /),
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
}

describe('headers', () => {
  const every: Readonly<Record<string, Parameters<typeof ask> extends [string, ...infer R] ? R : never>> = {
    'the page': ['/'],
    'a file of the folder': ['/assets/app.js'],
    'a file by name': ['/model/my%20net.onnx'],
    'what is not there': ['/none'],
    'another method': ['/', { method: 'POST' }],
    'another host': ['/', { headers: { host: 'example.org' } }],
    'a range beyond the end': ['/model/my%20net.onnx', { headers: { range: 'bytes=5000-' } }],
  }
  test.each(Object.entries(every))('on every answer: %s', async (_, [path, options]) => {
    expect((await ask((await serving()).address, path, options)).headers).toMatchObject({ ...ISOLATION, ...ALWAYS })
    const { headers } = await ask((await serving({ isolated: false })).address, path, options)
    expect(headers).toMatchObject(ALWAYS)
    for (const name of Object.keys(ISOLATION)) expect(headers).not.toHaveProperty(name)
  })

  test('the policy names no other origin, and allows no script or style in the page', async () => {
    const { headers } = await ask((await serving()).address, '/')
    const policy = String(headers['content-security-policy'])
    expect(policy).not.toMatch(/https?:|\*|unsafe-inline|'unsafe-eval'/)
    for (const name of ['base-uri', 'form-action', 'frame-ancestors']) expect(policy).toContain(`${name} 'none'`)
  })

  const types: Readonly<Record<string, RegExp>> = {
    'a.mjs': /^text\/javascript\b/,
    'a.js': /^text\/javascript\b/,
    'a.css': /^text\/css\b/,
    'a.html': /^text\/html\b/,
    'a.wasm': /^application\/wasm$/,
    'a.onnx': /^application\/octet-stream$/,
    'a.onnx_data': /^application\/octet-stream$/,
    a: /^application\/octet-stream$|^$/,
    'a.json': /^application\/json\b/,
    'a.woff': /^font\/woff$/,
    'a.woff2': /^font\/woff2$/,
    'a.webp': /^image\/webp$/,
    'a.svg': /^image\/svg\+xml/,
  }
  test.each(Object.entries(types))('the type of %s, in the folder and by name', async (name, type) => {
    const folder = fill(temporaryFolder(), { [name]: 'x', [`other/${name}`]: 'y' })
    const served = await serveFolder(folder, { files: new Map([[`/named/${name}`, join(folder, 'other', name)]]) })
    onTestFinished(() => served.close())
    expect((await ask(served.address, `/${name}`)).headers['content-type']).toMatch(type)
    expect((await ask(served.address, `/named/${name}`)).headers['content-type']).toMatch(type)
  })
})

describe('who is answered', () => {
  const statusFor = async (host: string): Promise<number> =>
    (await ask((await serving()).address, '/', { headers: { host } })).status

  test.each(['127.0.0.1', '127.0.0.1:8080', 'localhost', 'LocalHost:41234'])('a request to %s', async (host) => {
    expect(await statusFor(host)).toBe(200)
  })

  test.each([
    'example.org',
    'example.org:80',
    'localhost.example.org',
    '127.0.0.1.example.org',
    'localhost:80@example.org',
    '127.0.0.1:',
    '10.0.0.1',
    '[::1]',
  ])('not one to "%s", as pages of other sites could send', async (host) => {
    expect(await statusFor(host)).toBe(403)
  })

  test('not one without a host', async () => {
    const { port } = new URL((await serving()).address)
    const socket = connect({ host: '127.0.0.1', port: Number(port) })
    socket.write('GET / HTTP/1.0\r\n\r\n')
    let answer = ''
    for await (const part of socket) answer += String(part)
    expect(answer).toMatch(/^HTTP\/1\.1 403 /)
    expect(answer).toMatch(/^Content-Security-Policy: /m)
  })

  test.each(['POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH'])('not %s', async (method) => {
    const { status, headers } = await ask((await serving()).address, '/', { method })
    expect([status, headers.allow]).toEqual([405, 'GET, HEAD'])
  })

  test('not from another address of the machine', async () => {
    const port = Number(new URL((await serving()).address).port)
    const reached = (host: string): Promise<boolean> =>
      new Promise((resolve) => {
        const socket = connect({ host, port, timeout: 3000 })
        const end = (reached: boolean): void => {
          socket.destroy()
          resolve(reached)
        }
        socket
          .on('connect', () => end(true))
          .on('error', () => end(false))
          .on('timeout', () => end(false))
      })
    expect(await reached('127.0.0.1')).toBe(true)
    const others = Object.values(networkInterfaces()).flatMap((list) => list?.map((at) => at.address) ?? [])
    for (const host of others.filter((at) => at !== '127.0.0.1')) expect(await reached(host), host).toBe(false)
  })
})

describe('paths', () => {
  test.each([
    '/../secret.txt',
    '/assets/../../secret.txt',
    '/%2e%2e/secret.txt',
    '/..%2fsecret.txt',
    '/%2e%2e%2fsecret.txt',
    '/..%5csecret.txt',
    '/..\\secret.txt',
    '/....//secret.txt',
    '/%252e%252e/secret.txt',
    '/../root-too/secret.txt',
    '/model/../../secret.txt',
    '/model/../elsewhere/secret.txt',
    '/model/%2e%2e/%2e%2e/%2e%2e/%2e%2e/%2e%2e/%2e%2e/etc/passwd',
    '/model/../../../../../../../../etc/passwd',
    '/model/secret.txt',
    '/model/',
    '/model',
    '//etc/passwd',
    '/assets',
    '/%',
    '/%00',
    '/index.html%00.js',
    'http://example.org/etc/passwd',
  ])('%s leads nowhere', async (path) => {
    const { status, body } = await ask((await serving()).address, path)
    expect(status).toBe(404)
    expect(body.toString()).toBe('Not found\n')
  })

  test('the page, its files, and a file by name whose path is encoded', async () => {
    const { address } = await serving()
    for (const path of ['/', '/?query', '/index.html']) {
      const { status, headers, body } = await ask(address, path)
      expect([status, body.toString()]).toEqual([200, '<!doctype html><title>page</title>'])
      expect(headers['content-type']).toMatch(/^text\/html;\s?charset=utf-8$/)
    }
    expect((await ask(address, '/assets/app.js')).body.toString()).toBe('export {}')
    expect((await ask(address, '/model/my%20net.onnx?again')).body).toEqual(WEIGHTS)
  })

  test('what is built meanwhile is served, and what is taken away is not', async () => {
    const { address, folder } = await serving()
    fill(folder, { 'root/index.html': 'another page', 'root/assets/new.js': 'new' })
    expect((await ask(address, '/')).body.toString()).toBe('another page')
    expect((await ask(address, '/assets/new.js')).body.toString()).toBe('new')
    rmSync(join(folder, 'root/assets'), { recursive: true })
    rmSync(join(folder, 'elsewhere/net.onnx'))
    expect((await ask(address, '/assets/app.js')).status).toBe(404)
    expect((await ask(address, '/model/my%20net.onnx')).status).toBe(404)
    mkdirSync(join(folder, 'elsewhere/net.onnx'))
    expect((await ask(address, '/model/my%20net.onnx')).status).toBe(404)
    expect((await ask(address, '/')).status).toBe(200)
  })
})

describe('parts of a file', () => {
  const part = async (range: string, more: Readonly<Record<string, string>> = {}): Promise<Answer> =>
    ask((await serving()).address, '/model/my%20net.onnx', { headers: { range, ...more } })

  test.each([
    ['bytes=0-9', 0, 9],
    ['bytes=0-0', 0, 0],
    ['bytes=990-', 990, 999],
    ['bytes=990-5000', 990, 999],
    ['bytes=-10', 990, 999],
    ['bytes=-5000', 0, 999],
  ])('%s', async (range, start, end) => {
    const { status, headers, body } = await part(range)
    expect(status).toBe(206)
    expect(headers['content-range']).toBe(`bytes ${start}-${end}/1000`)
    expect(body).toEqual(WEIGHTS.subarray(start, end + 1))
  })

  test.each(['bytes=1000-', 'bytes=1000-1001', 'bytes=-0'])('%s cannot be', async (range) => {
    const { status, headers, body } = await part(range)
    expect([status, headers['content-range'], body.length]).toEqual([416, 'bytes */1000', 0])
  })

  test.each(['bytes=9-5', 'bytes=0-1,3-4', 'bytes=-', 'bytes=a-b', 'lines=0-1'])('%s: all of it', async (range) => {
    const { status, body } = await part(range)
    expect([status, body]).toEqual([200, WEIGHTS])
  })

  test('of a file that may be another now: all of it', async () => {
    const { status, body } = await part('bytes=0-9', { 'if-range': '"older"' })
    expect([status, body]).toEqual([200, WEIGHTS])
  })

  test.each(['bytes=9-5', 'bytes=0-0', 'bytes=5000-', 'bytes=a-b'])('%s of the page: all of it', async (range) => {
    const { status, body } = await ask((await serving()).address, '/', { headers: { range } })
    expect([status, body.toString()]).toEqual([200, '<!doctype html><title>page</title>'])
  })

  test('HEAD: the headers alone', async () => {
    const { status, headers, body } = await ask((await serving()).address, '/model/my%20net.onnx', { method: 'HEAD' })
    expect([status, headers['content-length'], headers['accept-ranges'], body.length]).toEqual([
      200,
      '1000',
      'bytes',
      0,
    ])
  })

  test.each(['/', '/model/my%20net.onnx'])('%s is not sent again to who has it', async (path) => {
    const { address, folder } = await serving()
    const { headers } = await ask(address, path)
    const again = { headers: { 'if-none-match': String(headers.etag) } }
    expect(await ask(address, path, again)).toMatchObject({ status: 304, body: Buffer.alloc(0) })
    fill(folder, { 'root/index.html': 'another page', 'elsewhere/net.onnx': 'another model' })
    expect((await ask(address, path, again)).body.toString()).toMatch(/^another/)
  })

  test('an empty file', async () => {
    const { address, folder } = await serving()
    writeFileSync(join(folder, 'elsewhere/net.onnx'), '')
    const path = '/model/my%20net.onnx'
    expect(await ask(address, path)).toMatchObject({ status: 200, body: Buffer.alloc(0) })
    expect((await ask(address, path, { headers: { range: 'bytes=0-' } })).status).toBe(416)
    expect((await ask(address, path, { headers: { range: 'bytes=-5' } })).status).toBe(416)
  })

  test('beyond 4 GB, of which nothing is held', async () => {
    const { address, folder } = await serving()
    const size = 5 * 2 ** 30
    truncateSync(join(folder, 'elsewhere/net.onnx'), size)
    const before = process.memoryUsage().rss
    const path = '/model/my%20net.onnx'
    const range = `bytes=${size - 4}-`
    const end = await ask(address, path, { headers: { range } })
    expect([end.status, end.headers['content-range'], end.body.length]).toEqual([
      206,
      `bytes ${size - 4}-${size - 1}/${size}`,
      4,
    ])
    expect((await ask(address, path, { method: 'HEAD' })).headers['content-length']).toBe(String(size))
    // whoever asks for all of it and goes away leaves the server as it was
    const whole = await fetch(`${address}model/my%20net.onnx`)
    expect((await whole.body?.getReader().read())?.value?.length).toBeGreaterThan(0)
    await whole.body?.cancel().catch(() => undefined)
    expect((await ask(address, '/')).status).toBe(200)
    expect(process.memoryUsage().rss - before).toBeLessThan(500 * 2 ** 20)
  })
})

describe('starting and ending', () => {
  test('ends with the connections that are open, and its port is free then', async () => {
    const root = fill(temporaryFolder(), { 'index.html': 'page' })
    const first = await serveFolder(root)
    const port = Number(new URL(first.address).port)
    const socket = connect({ host: '127.0.0.1', port })
    await new Promise((resolve) => socket.on('connect', resolve))
    const closed = new Promise((resolve) => socket.on('error', () => undefined).on('close', resolve))
    await first.close()
    await closed
    const second = await serveFolder(root, { port })
    onTestFinished(() => second.close())
    expect(second.address).toBe(first.address)
  })

  test('a port in use', async () => {
    const other = createServer()
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => void other.close())
    const at = other.address()
    const port = typeof at === 'object' && at ? at.port : 0
    const error = await failureOf(serveFolder(temporaryFolder(), { port }))
    expect(error.code).toBe('cannot-serve')
    expect(error.message).toContain(`Port ${port} cannot be served at: it is in use`)
  })

  test('a folder that is not there', async () => {
    const error = await failureOf(serveFolder(join(temporaryFolder(), 'none')))
    expect(error.code).toBe('cannot-serve')
  })
})
