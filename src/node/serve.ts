/** A web server for the browser on this machine and nobody else: a folder, files by name, headers that keep the page to itself. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { extname } from 'node:path'
import sirv from 'sirv'
import { ExplainError } from '../core/errors.js'
import { isFolder } from './files.js'
import { sendFile, typeOf } from './send.js'

/** A server that is running. */
export interface Served {
  /** Where it answers, with a slash at the end: `http://127.0.0.1:41234/`. */
  readonly address: string
  /** Ends it, with the connections that are open. */
  close(): Promise<void>
}

export interface ServeOptions {
  /** Default: any that is free. */
  readonly port?: number | undefined
  /** Whether pages are isolated from other origins, without which browsers give them no threads. Default: true. */
  readonly isolated?: boolean
  /** Files from elsewhere, by the path that they are asked for (not encoded): `/model/net.onnx`. The folder's own go first. */
  readonly files?: ReadonlyMap<string, string>
}

const HOST = '127.0.0.1'

/** Nothing but what this server has: no script that is written in the page, no other origin, no frame around it. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "worker-src 'self'",
  "connect-src 'self' blob:",
  "img-src 'self' blob: data:",
  "media-src 'self' blob:",
  "style-src 'self'",
  "font-src 'self'",
  "manifest-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

const HEADERS: Readonly<Record<string, string>> = {
  'Content-Security-Policy': POLICY,
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
}

const ISOLATION: Readonly<Record<string, string>> = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
}

/**
 * Serves a folder on 127.0.0.1: GET and HEAD, to requests that name this machine as the host (a page of another site whose name
 * resolves to 127.0.0.1 does not). Rejects with `cannot-serve`.
 */
export async function serveFolder(root: string, options: ServeOptions = {}): Promise<Served> {
  if (!(await isFolder(root))) throw new ExplainError('cannot-serve', { what: `There is no folder "${root}" to serve` })
  const headers = Object.entries({ ...HEADERS, ...(options.isolated === false ? {} : ISOLATION) })
  const answer = answering(root, options.files ?? new Map())
  // requests without a host are refused below, with the same headers as all others
  const server = createServer({ requireHostHeader: false }, (request, response) => {
    for (const [name, value] of headers) response.setHeader(name, value)
    const refused = refusal(request)
    if (refused) end(response, ...refused)
    else answer(request, response)
  })
  const port = await listen(server, options.port ?? 0)
  return { address: `http://${HOST}:${port}/`, close: () => close(server) }
}

/** Why a request is not answered: status and words. */
function refusal({ headers, method }: IncomingMessage): readonly [status: number, words: string] | undefined {
  if (!/^(127\.0\.0\.1|localhost)(:\d+)?$/i.test(headers.host ?? '')) return [403, 'Another host is asked for']
  if (method !== 'GET' && method !== 'HEAD') return [405, 'Only GET and HEAD are answered']
  return undefined
}

function answering(root: string, files: ReadonlyMap<string, string>) {
  // dev: files are looked up when they are asked for, so that a build meanwhile is neither missed nor half served
  const folder = sirv(root, { dev: true, etag: true, extensions: ['html'], setHeaders })
  return (request: IncomingMessage, response: ServerResponse): void => {
    const { range } = request.headers
    // sirv fails at ranges that end before they start; the whole file is always a right answer
    delete request.headers.range
    folder(request, response, () => {
      const path = files.get(pathnameOf(request))
      if (path === undefined) return end(response, 404, 'Not found')
      if (range !== undefined) request.headers.range = range
      sendFile(path, request, response).catch(() => end(response, 404, 'The file cannot be read any more'))
    })
  }
}

/** What a build names by its content, which never changes under that name. */
const BY_CONTENT = /^\/assets\/[^/]*-[\w-]{8}\.\w+$/

function setHeaders(response: ServerResponse, pathname: string): void {
  // of a request without an extension (`/`) sirv knows the file, and its type
  if (extname(pathname) !== '') response.setHeader('Content-Type', typeOf(pathname))
  if (BY_CONTENT.test(pathname)) response.setHeader('Cache-Control', 'public, max-age=31536000, immutable')
}

/** The path that is asked for, decoded; empty where it cannot be. */
function pathnameOf({ url = '' }: IncomingMessage): string {
  const [path = ''] = url.split('?')
  try {
    return decodeURIComponent(path)
  } catch {
    return ''
  }
}

function end(response: ServerResponse, status: number, words: string): void {
  if (response.headersSent) return
  if (status === 405) response.setHeader('Allow', 'GET, HEAD')
  response.writeHead(status, { 'Content-Type': 'text/plain; charset=utf-8' }).end(`${words}\n`)
}

function listen(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => reject(unavailable(port, cause)))
    server.listen(port, HOST, () => {
      const at = server.address()
      resolve(typeof at === 'object' && at ? at.port : port)
    })
  })
}

function unavailable(port: number, cause: NodeJS.ErrnoException): ExplainError {
  const known: Readonly<Record<string, string>> = { EADDRINUSE: 'it is in use', EACCES: 'permission is denied' }
  return new ExplainError('cannot-serve', {
    what: `Port ${port} cannot be served at: ${known[cause.code ?? ''] ?? cause.message}`,
    remedy: 'Give --port another number, or leave it out for any that is free.',
    cause,
  })
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}
