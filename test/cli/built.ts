/**
 * The package as it is built from the sources of this moment: never from a `dist` that may be older. A build is kept under the hash of
 * what went into it, so that test files and runs share it.
 */
import { execFile } from 'node:child_process'
import { createHash, randomUUID } from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join, relative } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { promisify } from 'node:util'
import { pathOf } from '../support/files.js'

const CACHE = pathOf('node_modules/.cache/onnxplain-tests')

/** What a build is made of. */
const FOLDERS = ['src', 'studio', 'scripts', 'examples']
const FILES = [
  'tsconfig.json',
  'tsconfig.build.json',
  'tsconfig.web.json',
  'tsconfig.web.build.json',
  'package-lock.json',
]

function sourceHash(): string {
  const hash = createHash('sha256')
  const sources = FOLDERS.flatMap((folder) =>
    readdirSync(pathOf(folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && /\.(tsx?|mjs|css|html|svg|jpg)$/.test(entry.name))
      .map((entry) => relative(pathOf('.'), join(entry.parentPath, entry.name))),
  )
  for (const file of [...sources.sort(), ...FILES])
    hash
      .update(file)
      .update('\0')
      .update(readFileSync(pathOf(file)))
      .update('\0')
  return hash.digest('hex').slice(0, 16)
}

/** Builds that go on in this process, by their folder: a test that is out of time leaves one behind. */
const going = new Map<string, Promise<string>>()

/** The folder that holds `dist`, built, the studio in it; beside it `models`, as in the package. */
export async function built(): Promise<string> {
  const folder = join(CACHE, sourceHash())
  if (existsSync(folder)) return folder
  const build = going.get(folder) ?? buildOnce(folder).finally(() => going.delete(folder))
  going.set(folder, build)
  return build
}

/** Waits where another process builds the same, which it says by a file with its number. */
async function buildOnce(folder: string): Promise<string> {
  const lock = `${folder}.lock`
  mkdirSync(CACHE, { recursive: true })
  for (;;) {
    if (existsSync(folder)) return folder
    try {
      writeFileSync(lock, String(process.pid), { flag: 'wx' })
      break
    } catch {
      if (!isRunning(lock)) rmSync(lock, { force: true })
      else await setTimeout(200)
    }
  }
  try {
    return await build(folder)
  } finally {
    rmSync(lock, { force: true })
  }
}

/** True while the process that wrote a lock lives; an empty one is being written. */
function isRunning(lock: string): boolean {
  try {
    const text = readFileSync(lock, 'utf8')
    if (text !== '') process.kill(Number(text), 0)
    return true
  } catch {
    return false
  }
}

async function build(folder: string): Promise<string> {
  const trial = `${folder}.${randomUUID()}`
  mkdirSync(trial, { recursive: true })
  try {
    symlinkSync(pathOf('models'), join(trial, 'models'), 'junction')
    await promisify(execFile)(process.execPath, [pathOf('scripts/build.mjs'), join(trial, 'dist')])
    renameSync(trial, folder)
    forgetOthers(folder)
  } catch (error) {
    rmSync(trial, { recursive: true, force: true })
    if (!existsSync(folder)) throw error // another test file was first otherwise
  }
  return folder
}

/** Keeps the cache small. What is younger than an hour may be in use by another run. */
function forgetOthers(folder: string): void {
  for (const name of readdirSync(CACHE)) {
    const other = join(CACHE, name)
    if (other !== folder && Date.now() - statSync(other).mtimeMs > 3_600_000)
      rmSync(other, { recursive: true, force: true })
  }
}
