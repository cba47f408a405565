/** What names a model on a page, made what a worker can read. */
import { ExplainError } from '../core/errors.js'
import type { SentSource } from './protocol.js'

/**
 * A model: an address (of a .onnx, or, ending in `/`, of a folder in the Hugging Face layout), a file, the files of a folder or of a drop, the
 * bytes of a file, or nothing: the shipped model.
 */
export type ModelSource = string | URL | Blob | ArrayBuffer | Uint8Array | FileList | readonly File[]

export function sentSource(source: ModelSource | undefined): SentSource {
  if (source === undefined) return shipped()
  if (typeof source === 'string' || source instanceof URL) return { kind: 'url', url: absolute(source) }
  if (source instanceof ArrayBuffer) return { kind: 'bytes', name: 'model', bytes: new Uint8Array(source) }
  if (source instanceof Uint8Array) return { kind: 'bytes', name: 'model', bytes: source }
  if (source instanceof Blob)
    return { kind: 'files', files: [{ path: source instanceof File ? pathOf(source) : 'model.onnx', blob: source }] }
  return { kind: 'files', files: Array.from(source, (file) => ({ path: pathOf(file), blob: file })) }
}

/** Bundlers see these addresses, and copy the files. */
function shipped(): SentSource {
  return {
    kind: 'shipped',
    model: new URL('../../models/efficientnet-lite0/onnx/model.onnx', import.meta.url).href,
    config: new URL('../../models/efficientnet-lite0/config.json', import.meta.url).href,
    preprocessor: new URL('../../models/efficientnet-lite0/preprocessor_config.json', import.meta.url).href,
  }
}

/** An absolute address. Throws `cannot-read` for what is none. */
export function absolute(address: string | URL): string {
  try {
    return new URL(address, globalThis.document?.baseURI ?? globalThis.location.href).href
  } catch (cause) {
    throw new ExplainError('cannot-read', { what: `"${String(address)}" is no address`, cause })
  }
}

/** The path in the folder that was chosen or dropped; {@link droppedFiles} writes it where the browser does not. */
function pathOf(file: File): string {
  return file.webkitRelativePath || file.name
}

/**
 * All files of a drop or a paste, those in dropped folders included, each with its path in `webkitRelativePath`. To be called at once in the
 * event's handler: the browser forgets what was dropped afterwards.
 */
export async function droppedFiles(transfer: DataTransfer): Promise<readonly File[]> {
  const entries = Array.from(transfer.items, (item) => item.webkitGetAsEntry?.() ?? null)
  if (entries.every((e) => e === null)) return [...transfer.files]
  return (await Promise.all(entries.map((entry) => (entry ? filesUnder(entry) : [])))).flat()
}

async function filesUnder(entry: FileSystemEntry): Promise<readonly File[]> {
  if (entry.isFile) {
    const file = await new Promise<File>((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject))
    const path = entry.fullPath.replace(/^\//, '')
    if (path !== file.name) Object.defineProperty(file, 'webkitRelativePath', { value: path })
    return [file]
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader()
  const found: File[] = []
  // a reader gives a hundred at a time, and nothing at the end
  for (;;) {
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject))
    if (some.length === 0) return found
    for (const child of some) found.push(...(await filesUnder(child)))
  }
}
