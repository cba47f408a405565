/** Files: read with clear errors, written whole or not at all. */
import { randomBytes } from 'node:crypto'
import { access, constants, readFile, realpath, rename, rm, stat, writeFile } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { ExplainError } from '../core/errors.js'

function codeOf(cause: unknown): string {
  return cause instanceof Error && 'code' in cause ? String(cause.code) : ''
}

function reason(cause: unknown): string {
  const known: Readonly<Record<string, string>> = {
    ENOENT: 'it does not exist',
    EACCES: 'permission is denied',
    EISDIR: 'it is a folder',
    ENOTDIR: 'part of its path is not a folder',
    EROFS: 'the file system is read-only',
    ERR_FS_FILE_TOO_LARGE: 'it is larger than 2 GiB',
  }
  return known[codeOf(cause)] ?? (cause instanceof Error ? cause.message : String(cause))
}

/** The bytes of a file. Rejects with `cannot-read`. */
export async function readBytes(path: string, what: string): Promise<Uint8Array> {
  try {
    const buffer = await readFile(path)
    return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength)
  } catch (cause) {
    throw new ExplainError('cannot-read', { what: `${what} "${path}" cannot be read: ${reason(cause)}`, cause })
  }
}

/** The file's bytes, or undefined where there is no such file. */
export async function readIfThere(path: string, what: string): Promise<Uint8Array | undefined> {
  try {
    await access(path)
  } catch {
    return undefined
  }
  return readBytes(path, what)
}

export async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory()
  } catch {
    return false
  }
}

export async function isFile(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isFile()
  } catch {
    return false
  }
}

/** Throws `cannot-write` before work is spent on what could not be kept. */
export async function refuseUnwritable(path: string): Promise<void> {
  const folder = dirname(resolve(path))
  const fail = (why: string, cause?: unknown): ExplainError =>
    new ExplainError('cannot-write', {
      what: `"${path}" cannot be written: ${why}`,
      remedy: 'Choose another place with --output.',
      cause,
    })
  if (await isFolder(path)) throw fail('it is a folder')
  if (!(await isFolder(folder))) throw fail(`there is no folder "${folder}"`)
  // as root, access() allows what the file system then refuses: try it
  const trial = join(folder, `.${basename(path)}.${randomBytes(4).toString('hex')}`)
  try {
    await access(folder, constants.W_OK)
    await writeFile(trial, '')
  } catch (cause) {
    // the folder is there, and still a file "does not exist": the system makes none in it
    throw fail(codeOf(cause) === 'ENOENT' ? 'no file can be made in its folder' : reason(cause), cause)
  } finally {
    await rm(trial, { force: true }).catch(() => undefined)
  }
}

/** Where a file lies, however its folder is named: links are followed, but for one at the file itself, which a write replaces. */
export async function placeOf(path: string): Promise<string> {
  const folder = dirname(resolve(path))
  return join(await realpath(folder).catch(() => folder), basename(resolve(path)))
}

/** Throws `bad-option` where a file would be written twice, or over one that is read. */
export async function refuseOverwriting(
  read: readonly string[],
  written: readonly string[],
  remedy: string,
): Promise<void> {
  const sources = new Set<string>()
  for (const path of read) sources.add(await placeOf(path)).add(await realpath(path).catch(() => resolve(path)))
  const results = new Set<string>()
  for (const path of written) {
    const place = await placeOf(path)
    if (sources.has(place) || results.has(place))
      throw new ExplainError('bad-option', {
        what: `"${path}" would be written over ${sources.has(place) ? 'what is read' : 'another result'}`,
        remedy,
      })
    results.add(place)
  }
}

/** Writes a file whole: beside its place first, then moved there. Rejects with `cannot-write`, leaving nothing behind. */
export async function writeWhole(path: string, bytes: Uint8Array | string): Promise<void> {
  const trial = join(dirname(resolve(path)), `.${basename(path)}.${randomBytes(4).toString('hex')}`)
  try {
    await writeFile(trial, bytes)
    await rename(trial, path)
  } catch (cause) {
    await rm(trial, { force: true }).catch(() => undefined)
    throw new ExplainError('cannot-write', {
      what: `"${path}" cannot be written: ${reason(cause)}`,
      remedy: 'Choose another place with --output.',
      cause,
    })
  }
}
