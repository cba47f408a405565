/** A model's files as a worker reads them: fetched, dropped on the page, or given as bytes. */
import { ExplainError } from '../core/errors.js'
import { ENTRIES, encoderDecoder, towers } from '../explain/entries.js'
import { type AssembledModel, assembleModel, type ModelFiles, parseLabels } from '../explain/model-files.js'
import type { LoadProgress, SentSource } from './protocol.js'

export interface FoundModel extends AssembledModel {
  readonly name: string
}

type Tell = (progress: LoadProgress) => void

/** Reads a model. Rejects with `cannot-read`, `bad-option`, and what {@link assembleModel} rejects with. */
export function readModel(source: SentSource, tell: Tell): Promise<FoundModel> {
  if (source.kind === 'files') return fromFiles(source.files)
  if (source.kind === 'bytes') return fromBytes(source.name, source.bytes)
  if (source.kind === 'shipped') return fromShipped(source, tell)
  return fromUrl(source.url, tell)
}

async function fromBytes(name: string, bytes: Uint8Array): Promise<FoundModel> {
  const nothing: ModelFiles = { read: async () => undefined, name: () => name }
  return { name, ...(await assembleModel('model.onnx', bytes, nothing)) }
}

async function fromShipped(source: SentSource & { kind: 'shipped' }, tell: Tell): Promise<FoundModel> {
  const urls: Readonly<Record<string, string>> = {
    'model.onnx': source.model,
    'config.json': source.config,
    'preprocessor_config.json': source.preprocessor,
  }
  const files: ModelFiles = {
    read: async (path) => (urls[path] === undefined ? undefined : fetched(urls[path], tell)),
    name: (path) => urls[path] ?? path,
  }
  const bytes = await there(files, 'model.onnx', source.model)
  return { name: 'efficientnet-lite0 (shipped)', ...(await assembleModel('model.onnx', bytes, files)) }
}

/** A .onnx, or a folder in the Hugging Face layout, whose address ends in `/`. */
async function fromUrl(address: string, tell: Tell): Promise<FoundModel> {
  const url = new URL(address)
  const isFolder = url.pathname.endsWith('/')
  const parts = url.pathname.split('/')
  const inOnnx = !isFolder && parts.at(-2) === 'onnx'
  const base = new URL(isFolder ? '.' : inOnnx ? '..' : '.', url)
  const own = decodeURIComponent(parts.at(-1) ?? '')
  const place = (path: string): string => {
    const target = new URL(path.split('/').map(encodeURIComponent).join('/'), base)
    target.search = url.search
    return target.href
  }
  const files: ModelFiles = {
    read: async (path) => fetched(path === entry ? url.href : place(path), tell, path.endsWith('.json')),
    name: (path) => (path === entry ? address : place(path)),
  }
  let entry = inOnnx ? `onnx/${own}` : own
  if (!isFolder) {
    const bytes = await there(files, entry, address)
    const model = await assembleModel(entry, bytes, files, { alone: isEncoder(entry) })
    // a decoder stands for both files, which are called by their folder
    const folder = decodeURIComponent(parts.at(inOnnx ? -3 : -2) ?? '')
    return { name: model.models.length > 1 && folder !== '' ? folder : own, ...model }
  }
  entry = ''
  for (const candidate of ENTRIES) {
    const bytes = await files.read(candidate)
    if (bytes) return { name: parts.at(-2) ?? 'model', ...(await assembleModel(candidate, bytes, files)) }
  }
  throw new ExplainError('cannot-read', {
    what: `The folder "${address}" holds no model: neither ${ENTRIES.slice(0, -1).join(', ')} nor ${ENTRIES.at(-1)}`,
    remedy: 'Name the .onnx file itself.',
  })
}

async function there(files: ModelFiles, path: string, name: string): Promise<Uint8Array> {
  const bytes = await files.read(path)
  if (bytes) return bytes
  throw new ExplainError('cannot-read', { what: `The model "${name}" cannot be read: it does not exist` })
}

/** True for a path that is called as an encoder is. */
function isEncoder(path: string): boolean {
  return encoderDecoder(path)?.encoder === path
}

/** True for the file that stands for two: an encoder, or the picture's tower. */
function isFirst(path: string): boolean {
  return isEncoder(path) || towers(path)?.vision === path
}

/** Files that were chosen or dropped together: one .onnx, an encoder and a decoder, or two towers, and what belongs to it. */
async function fromFiles(files: readonly { readonly path: string; readonly blob: Blob }[]): Promise<FoundModel> {
  const blobs = new Map(files.map((f) => [f.path, f.blob]))
  const entry = entryOf([...blobs.keys()])
  const read = async (path: string): Promise<Uint8Array | undefined> => {
    const blob = blobs.get(path)
    return blob && bytesOf(blob, path)
  }
  const bytes = await read(entry)
  if (!bytes) throw new ExplainError('cannot-read', { what: `"${entry}" cannot be read` })
  const alone = isEncoder(entry) && !encoderDecoder(entry)?.decoders.some((path) => blobs.has(path))
  const model = await assembleModel(entry, bytes, { read, name: (path) => path || 'the files given' }, { alone })
  const labels = await looseLabels(blobs)
  return { name: nameOf(entry), ...model, labels: labels ?? model.labels }
}

/** The one .onnx among the files; of several, the one where the Hugging Face layout has it, or the encoder. */
function entryOf(paths: readonly string[]): string {
  const models = paths.filter((p) => p.toLowerCase().endsWith('.onnx'))
  const known = ENTRIES.flatMap((e) => models.filter((p) => p === e || p.endsWith(`/${e}`)))
  const found = models.length === 1 ? models[0] : (known[0] ?? models.find(isFirst))
  if (found !== undefined) return found
  throw new ExplainError('bad-option', {
    what:
      models.length === 0
        ? 'There is no .onnx file among these'
        : `There are ${models.length} .onnx files among these: ${models.slice(0, 5).join(', ')}`,
    remedy: 'Give one model at a time, with its external data and .json files.',
    details: { models },
  })
}

/** `resnet50` for `resnet50/onnx/model.onnx`, else the file's own name. */
function nameOf(entry: string): string {
  const folders = entry.split('/')
  const file = folders.pop() ?? entry
  if (folders.at(-1) === 'onnx') folders.pop()
  return file === 'model.onnx' || encoderDecoder(file) || towers(file) ? (folders.at(-1) ?? file) : file
}

/** Labels in a file of their own: a text file, or a .json whose name says so. */
async function looseLabels(blobs: ReadonlyMap<string, Blob>): Promise<readonly string[] | undefined> {
  for (const [path, blob] of blobs)
    if (/\.txt$/i.test(path) || /(label|class)[^/]*\.json$/i.test(path))
      return parseLabels(await bytesOf(blob, path), path)
  return undefined
}

export async function bytesOf(blob: Blob, name: string): Promise<Uint8Array> {
  try {
    return new Uint8Array(await blob.arrayBuffer())
  } catch (cause) {
    throw new ExplainError('cannot-read', {
      what: `"${name}" cannot be read: it was changed, is gone, or is too large for this browser`,
      cause,
    })
  }
}

/** The bytes at an address; undefined where nothing is there. A page in place of a .json is nothing: servers of one page answer so. */
async function fetched(url: string, tell: Tell, json = false): Promise<Uint8Array | undefined> {
  const bad = (why: string, cause?: unknown): ExplainError =>
    new ExplainError('cannot-read', { what: `"${url}" cannot be read: ${why}`, cause })
  const response = await fetch(url).catch((cause: unknown) => {
    throw bad('the server does not answer, or the page may not ask it', cause)
  })
  if (response.status === 404 || response.status === 410) return undefined
  if (!response.ok) throw bad(`the server answered ${response.status} ${response.statusText}`)
  if (json && response.headers.get('content-type')?.includes('html')) return undefined
  const length = Number(response.headers.get('content-length') ?? Number.NaN)
  const total = Number.isFinite(length) && !response.headers.get('content-encoding') ? length : undefined
  const step = url.slice(url.lastIndexOf('/') + 1)
  try {
    if (!response.body) return new Uint8Array(await response.arrayBuffer())
    return await collected(response.body, total, (loaded) => tell({ step, loaded, total }))
  } catch (cause) {
    throw bad('the connection broke', cause)
  }
}

async function collected(
  body: ReadableStream<Uint8Array>,
  total: number | undefined,
  tell: (loaded: number) => void,
): Promise<Uint8Array> {
  // of a known size, so that a large model is held once
  const whole = total === undefined ? undefined : new Uint8Array(total)
  const parts: Uint8Array[] = []
  let loaded = 0
  const reader = body.getReader()
  for (;;) {
    const { done, value } = await reader.read()
    if (done) break
    if (whole && loaded + value.length <= whole.length) whole.set(value, loaded)
    else parts.push(value)
    loaded += value.length
    tell(loaded)
  }
  if (whole && loaded === whole.length) return whole
  const all = whole ? [whole.subarray(0, loaded - parts.reduce((n, p) => n + p.length, 0)), ...parts] : parts
  const out = new Uint8Array(loaded)
  let at = 0
  for (const part of all) {
    out.set(part, at)
    at += part.length
  }
  return out
}
