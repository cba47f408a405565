/** The Chromium that the browser tests run in: one that is there, or on Debian as root one that is installed. */
import { execFile } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'

const start = promisify(execFile)

const NAMES = ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome']
const FOLDERS = ['/usr/bin', '/usr/local/bin', '/snap/bin', '/opt/google/chrome']
const MAC = ['Chromium', 'Google Chrome', 'Google Chrome for Testing'].map(
  (name) => `/Applications/${name}.app/Contents/MacOS/${name}`,
)
/** Where it is set by hand, the first that is set. */
const VARIABLES = ['ONNXPLAIN_CHROMIUM', 'CHROME_PATH']
const SET_IT = `set ONNXPLAIN_CHROMIUM to the program of a Chromium or Chrome`

/** What the search depends on, for its own tests. */
export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly home: string
  /** Lines of os-release; empty where there is none. */
  readonly system: string
  readonly root: boolean
  /** Runs a program; rejects where it cannot be, or ends in an error. */
  readonly run: (program: string, args: readonly string[]) => Promise<string>
  readonly folders: readonly string[]
  readonly say: (line: string) => void
}

function here(): Surroundings {
  return {
    env: process.env,
    home: homedir(),
    system: textOf('/etc/os-release'),
    root: process.getuid?.() === 0,
    run: async (program, args) => {
      const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
      const limit = args.includes('--version') ? 30_000 : 900_000
      return (await start(program, [...args], { env, timeout: limit, maxBuffer: 2 ** 26 })).stdout
    },
    folders: FOLDERS,
    say: (line) => void process.stderr.write(`${line}\n`),
  }
}

/**
 * The path of a Chromium (or Chrome) that starts. Each is tried by its `--version`: a file of the right name may be a stub, as Ubuntu's is.
 * Rejects with one line that says what to install or set.
 */
export async function findChromium(around: Surroundings = here()): Promise<string> {
  for (const variable of VARIABLES) {
    const path = around.env[variable]
    if (path === undefined || path === '') continue
    if (await starts(path, around)) return path
    throw new Error(`${variable} names "${path}", which is no Chromium that starts`)
  }
  const found = await firstThatStarts(around)
  if (found !== undefined) return found
  if (/^ID=ubuntu$/m.test(around.system))
    throw new Error(
      `No Chromium was found, and Ubuntu's package is a snap, which containers do not run: run "npx playwright-core install --with-deps chromium", or ${SET_IT}`,
    )
  const debian = /^ID(_LIKE)?=.*\bdebian\b/m.test(around.system)
  if (!debian) throw new Error(`No Chromium was found: install Chromium or Chrome, or ${SET_IT}`)
  if (!around.root) throw new Error(`No Chromium was found: run "apt-get install chromium" as root, or ${SET_IT}`)
  return installed(around)
}

async function installed(around: Surroundings): Promise<string> {
  around.say('Installing Chromium for the browser tests (apt-get install chromium fonts-dejavu-core)')
  try {
    await around.run('apt-get', ['update'])
    await around.run('apt-get', ['install', '-y', '--no-install-recommends', 'chromium', 'fonts-dejavu-core'])
  } catch (cause) {
    const [why = ''] = /^E: .*$/m.exec(cause instanceof Error ? cause.message : '') ?? []
    throw new Error(`No Chromium was found, and apt-get could not install it (${why}): install it, or ${SET_IT}`, {
      cause,
    })
  }
  const found = await firstThatStarts(around)
  if (found !== undefined) return found
  throw new Error(`apt-get installed a Chromium that does not start: ${SET_IT}`)
}

async function firstThatStarts(around: Surroundings): Promise<string | undefined> {
  for (const path of candidates(around)) if (await starts(path, around)) return path
  return undefined
}

async function starts(path: string, { run }: Surroundings): Promise<boolean> {
  try {
    return /chrom(e|ium)/i.test(await run(path, ['--version']))
  } catch {
    return false
  }
}

/** Every place that one may be, the likely ones first, as paths. */
function candidates({ env, home, folders }: Surroundings): readonly string[] {
  const searched = [...new Set([...(env.PATH ?? '').split(delimiter).filter((f) => f !== ''), ...folders])]
  const named = NAMES.flatMap((name) => searched.map((folder) => join(folder, name)))
  const mac = MAC.flatMap((path) => [path, join(home, path)])
  return [...named, ...mac, ...ofPlaywright(env.PLAYWRIGHT_BROWSERS_PATH, home)]
}

/** What Playwright has downloaded, the newest first; how its folders are called differs by version. */
function ofPlaywright(set: string | undefined, home: string): readonly string[] {
  const caches = [...(set ? [set] : []), join(home, '.cache/ms-playwright'), join(home, 'Library/Caches/ms-playwright')]
  return caches.flatMap((cache) =>
    namesIn(cache)
      .filter((name) => /^chromium(_headless_shell)?-\d+$/.test(name))
      .sort((a, b) => Number(/\d+$/.exec(b)) - Number(/\d+$/.exec(a)))
      .flatMap((name) => namesIn(join(cache, name)).map((inner) => join(cache, name, inner)))
      .flatMap((folder) => [
        join(folder, 'chrome'),
        join(folder, 'headless_shell'),
        join(folder, 'chrome-headless-shell'),
        ...MAC.map((path) => join(folder, path.replace('/Applications/', ''))),
      ]),
  )
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
