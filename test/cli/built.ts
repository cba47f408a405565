/**
 * The package as it is built from the sources of this moment: never from a `dist` that may be older. A build is kept under the hash of
 * what went into it, so that test files and runs share it.
 */
import { execFile } from 'node:child_process'
import { createHash, randomUUID } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { pathOf } from '../support/files.js'

const CACHE = pathOf('node_modules/.cache/onnxplain-tests')
/** What a build of anything depends on beside its own sources. */
const SETTINGS = ['tsconfig.json', 'tsconfig.build.json', 'package-lock.json']
const WEB_SETTINGS = [...SETTINGS, 'tsconfig.web.json', 'tsconfig.web.build.json', 'scripts/build-web.mjs']

/** The folder that holds `dist` for Node, built; beside it `models`, as in the package. */
export function built(): Promise<string> {
  return kept('node', ['src'], SETTINGS, async (folder) => {
    await tsc('tsconfig.build.json', folder)
    symlinkSync(pathOf('models'), join(folder, 'models'), 'junction')
  })
}

/** The folder that holds `dist/browser` and the types of `onnxplain/web`, built; beside it `models`. */
export function builtWeb(): Promise<string> {
  return kept('web', ['src'], WEB_SETTINGS, async (folder) => {
    await node('scripts/build-web.mjs', join(folder, 'dist/browser'))
    await tsc('tsconfig.web.build.json', folder)
    symlinkSync(pathOf('models'), join(folder, 'models'), 'junction')
  })
}

/** The folder that holds `dist/studio`, built on {@link builtWeb}. */
export async function builtStudio(): Promise<string> {
  const web = await builtWeb()
  return kept('studio', ['src', 'studio', 'examples'], WEB_SETTINGS, async (folder) => {
    const { build } = await import('vite')
    await build({
      configFile: pathOf('studio/vite.config.ts'),
      configLoader: 'runner',
      logLevel: 'error',
      resolve: { alias: { 'onnxplain/web': join(web, 'dist/browser/index.js') } },
      build: { outDir: join(folder, 'dist/studio') },
    })
  })
}

/** Makes what is not there yet, or returns it. */
async function kept(
  name: string,
  folders: readonly string[],
  files: readonly string[],
  make: (folder: string) => Promise<void>,
): Promise<string> {
  const folder = join(CACHE, `${name}-${hashOf(folders, files)}`)
  if (existsSync(folder)) return folder
  const trial = `${folder}.${randomUUID()}`
  mkdirSync(trial, { recursive: true })
  try {
    await make(trial)
    renameSync(trial, folder)
    forgetOthers(folder, name)
  } catch (error) {
    rmSync(trial, { recursive: true, force: true })
    if (!existsSync(folder)) throw error // another test file was first otherwise
  }
  return folder
}

function hashOf(folders: readonly string[], files: readonly string[]): string {
  const hash = createHash('sha256')
  const sources = folders.flatMap((folder) =>
    readdirSync(pathOf(folder), { recursive: true, encoding: 'utf8' })
      .map((f) => `${folder}/${f}`)
      .filter((f) => /\.(tsx?|css|html|svg|jpg)$/.test(f) && !/node_modules|[/\\]dist[/\\]/.test(f)),
  )
  for (const file of [...sources.sort(), ...files])
    hash
      .update(file)
      .update('\0')
      .update(readFileSync(pathOf(file)))
      .update('\0')
  return hash.digest('hex').slice(0, 16)
}

/** Compiles a project into a folder's `dist`. */
function tsc(project: string, folder: string): Promise<unknown> {
  return node('node_modules/typescript/bin/tsc', '-p', pathOf(project), '--outDir', join(folder, 'dist'))
}

function node(script: string, ...args: readonly string[]): Promise<unknown> {
  return promisify(execFile)(process.execPath, [pathOf(script), ...args], { cwd: pathOf('.') })
}

/** Keeps the cache small. What is younger than an hour may be in use by another run. */
function forgetOthers(folder: string, name: string): void {
  for (const other of readdirSync(CACHE)
    .filter((o) => o.startsWith(name))
    .map((o) => join(CACHE, o)))
    if (other !== folder && Date.now() - statSync(other).mtimeMs > 3_600_000)
      rmSync(other, { recursive: true, force: true })
}
