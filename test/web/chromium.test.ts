/** Which Chromium is taken, and what is said where there is none. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { temporaryFolder } from '../node/support.js'
import { findChromium, type Surroundings } from './chromium.js'

const DEBIAN = 'PRETTY_NAME="Debian GNU/Linux 12"\nID=debian\n'
const UBUNTU = 'NAME="Ubuntu"\nID=ubuntu\nID_LIKE=debian\n'

/** A machine on which the programs given start; `apt-get install` adds `installs`. What was run is kept in `ran`. */
function machine(
  starting: readonly string[],
  more: Partial<Surroundings> & { readonly installs?: string; readonly aptFails?: string } = {},
): { readonly around: Surroundings; readonly ran: string[]; readonly said: string[] } {
  const { installs, aptFails, ...rest } = more
  const there = new Set(starting)
  const [ran, said]: [string[], string[]] = [[], []]
  const run = async (program: string, args: readonly string[]): Promise<string> => {
    ran.push([program, ...args].join(' '))
    if (program === 'apt-get') {
      if (aptFails !== undefined) throw new Error(`Command failed: apt-get\n${aptFails}\n`)
      if (installs !== undefined && args[0] === 'install') there.add(installs)
      return ''
    }
    if (!there.has(program)) throw new Error(`${program} is a stub`)
    return 'Chromium 156.0.8078.108\n'
  }
  const around = { env: {}, home: '/nowhere', system: DEBIAN, root: true, run, folders: ['/usr/bin'], ...rest }
  return { around: { ...around, say: (line) => said.push(line) }, ran, said }
}

test('the one that is set by hand goes before all others', async () => {
  const env = { ONNXPLAIN_CHROMIUM: '/own/chrome', CHROME_PATH: '/other/chrome' }
  expect(await findChromium(machine(['/own/chrome', '/usr/bin/chromium'], { env }).around)).toBe('/own/chrome')
})

test('one that is set by hand and does not start is an error, not a reason to take another', async () => {
  const { around } = machine(['/usr/bin/chromium'], { env: { CHROME_PATH: '/other/chrome' } })
  await expect(findChromium(around)).rejects.toThrow('CHROME_PATH names "/other/chrome"')
})

test('a stub of the right name is passed over', async () => {
  const { around, ran } = machine(['/usr/bin/google-chrome'])
  expect(await findChromium(around)).toBe('/usr/bin/google-chrome')
  expect(ran[0]).toBe('/usr/bin/chromium --version')
  expect(ran.some((line) => line.startsWith('apt-get'))).toBe(false)
})

test('folders of PATH are searched', async () => {
  const { around } = machine(['/elsewhere/bin/chromium'], { env: { PATH: '/elsewhere/bin' } })
  expect(await findChromium(around)).toBe('/elsewhere/bin/chromium')
})

test("Playwright's newest download is found", async () => {
  const home = temporaryFolder()
  const paths = ['chromium-999/chrome-linux/chrome', 'chromium-1200/chrome-linux64/chrome'].map((path) =>
    join(home, '.cache/ms-playwright', path),
  )
  for (const path of paths) {
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, '')
  }
  expect(await findChromium(machine(paths, { home }).around)).toBe(paths[1])
})

test('on Debian as root it is installed, once, with a line that says so', async () => {
  const { around, ran, said } = machine([], { installs: '/usr/bin/chromium' })
  expect(await findChromium(around)).toBe('/usr/bin/chromium')
  expect(ran.filter((line) => line.startsWith('apt-get'))).toEqual([
    'apt-get update',
    'apt-get install -y --no-install-recommends chromium fonts-dejavu-core',
  ])
  expect(said).toHaveLength(1)
})

const WITHOUT: Readonly<Record<string, readonly [Parameters<typeof machine>[1], words: string]>> = {
  'Debian, not as root': [{ root: false }, 'apt-get install chromium'],
  'Debian, where apt-get fails': [{ aptFails: 'E: Unable to locate package chromium' }, 'E: Unable to locate package'],
  'Ubuntu, whose package is a snap': [{ system: UBUNTU }, 'npx playwright-core install --with-deps chromium'],
  'another system': [{ system: 'ID=fedora\n' }, 'install Chromium or Chrome'],
  'no Linux': [{ system: '' }, 'install Chromium or Chrome'],
}
test.each(Object.entries(WITHOUT))('none on %s: one line that says what to do', async (_, [more, words]) => {
  const { around, ran } = machine([], more)
  const error: unknown = await findChromium(around).catch((cause: unknown) => cause)
  const message = error instanceof Error ? error.message : ''
  expect(message).toContain(words)
  expect(message).toContain('ONNXPLAIN_CHROMIUM')
  expect(message.split('\n')).toHaveLength(1)
  expect(ran.some((line) => line.startsWith('apt-get'))).toBe(more?.aptFails !== undefined)
})
