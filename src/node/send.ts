/** One file as the answer to a request: read while it is sent, or the part of it that is asked for. */
import { open } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { extname } from 'node:path'
import { pipeline } from 'node:stream/promises'

const TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.ico': 'image/x-icon',
  '.jpeg': 'image/jpeg',
  '.jpg': 'image/jpeg',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json',
  '.map': 'application/json',
  '.md': 'text/plain; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
  '.mp4': 'video/mp4',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
  '.txt': 'text/plain; charset=utf-8',
  '.wasm': 'application/wasm',
  '.webm': 'video/webm',
  '.webmanifest': 'application/manifest+json',
  '.webp': 'image/webp',
  '.woff': 'font/woff',
  '.woff2': 'font/woff2',
}

/** The media type of a file by its name; `application/octet-stream` for models, weights, and what is not known. */
export function typeOf(path: string): string {
  return TYPES[extname(path).toLowerCase()] ?? 'application/octet-stream'
}

/**
 * Answers GET or HEAD with a file. Nothing of it is held but the piece under way, so that it may have any size; a browser that has it
 * already is told so. Rejects where the file cannot be read, before anything is sent.
 */
export async function sendFile(path: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const file = await open(path)
  try {
    const stats = await file.stat()
    if (!stats.isFile()) throw new Error(`"${path}" is not a file`)
    const { size, mtime } = stats
    const tag = `W/"${size}-${mtime.getTime()}"`
    response.setHeader('ETag', tag)
    response.setHeader('Cache-Control', 'no-cache')
    response.setHeader('Accept-Ranges', 'bytes')
    if (request.headers['if-none-match'] === tag) return void response.writeHead(304).end()
    const part = partOf(request, size)
    if (part === 'none') return void response.writeHead(416, { 'Content-Range': `bytes */${size}` }).end()
    const { start, end } = part ?? { start: 0, end: size - 1 }
    response.setHeader('Content-Type', typeOf(path))
    response.setHeader('Content-Length', end - start + 1)
    if (part) response.setHeader('Content-Range', `bytes ${start}-${end}/${size}`)
    response.writeHead(part ? 206 : 200)
    if (request.method === 'HEAD' || size === 0) return void response.end()
    // who asked may go away meanwhile: the pipeline then closes the file, and there is nobody to tell
    await pipeline(file.createReadStream({ start, end }), response).catch(() => undefined)
  } finally {
    await file.close()
  }
}

/** First and last byte that are asked for; undefined for all of them: also where several ranges are, or one of an older file. */
function partOf(
  { headers }: IncomingMessage,
  size: number,
): { readonly start: number; readonly end: number } | 'none' | undefined {
  const [, first = '', last = ''] = /^bytes=(\d*)-(\d*)$/.exec(headers.range ?? '') ?? []
  if ((first === '' && last === '') || headers['if-range'] !== undefined) return undefined
  if (first === '')
    return Number(last) === 0 || size === 0 ? 'none' : { start: Math.max(0, size - Number(last)), end: size - 1 }
  const [start, end] = [Number(first), last === '' ? size - 1 : Math.min(Number(last), size - 1)]
  if (last !== '' && Number(last) < start) return undefined
  return start < size ? { start, end } : 'none'
}
