/** What the repository promises about itself. */
import { readFileSync } from 'node:fs'
import { extname } from 'node:path'
import { describe, expect, test } from 'vitest'
import { VERSION } from '../../src/explain/index.js'
import { run } from '../cli/command.js'
import { pathOf } from '../support/files.js'

const text = (path: string): string => readFileSync(pathOf(path), 'utf8')

test('the version is the one of package.json, and the lock file knows it', () => {
  const { version } = JSON.parse(text('package.json')) as { version: string }
  expect(VERSION).toBe(version)
  const lock = JSON.parse(text('package-lock.json')) as {
    version: string
    packages: Record<string, { version: string }>
  }
  expect(lock.version).toBe(version)
  expect(lock.packages['']?.version).toBe(version)
})

test('the lock file names no registry: it installs from whichever one is set', () => {
  const lock = text('package-lock.json')
  expect(lock).not.toContain('"resolved"')
  expect(lock.match(/https?:\/\/[^"\s]*\.tgz/g)).toBeNull()
  expect(lock.match(/"integrity"/g)?.length).toBeGreaterThan(100)
})

test('the lock file has every optional package of every platform, without which npm ci refuses it', () => {
  interface Locked {
    readonly packages: Readonly<Record<string, { readonly optionalDependencies?: Readonly<Record<string, string>> }>>
  }
  const { packages } = JSON.parse(text('package-lock.json')) as Locked
  const missing = Object.entries(packages).flatMap(([path, { optionalDependencies = {} }]) =>
    Object.keys(optionalDependencies).filter(
      (name) => !packages[`node_modules/${name}`] && !packages[`${path}/node_modules/${name}`],
    ),
  )
  expect(missing).toEqual([])
})

describe('tracked files', () => {
  const BINARY = new Set(['.onnx', '.npy', '.jpg', '.png', '.webp', '.gif'])
  /** Absolute paths of one machine: somebody's home or a build folder. */
  const MACHINE = /(?:^|[\s"'`(=:])(?:\/(?:home|Users|root|work|workspace|tmp|mnt)\/[\w.-]+|[A-Z]:\\\\?Users)/m

  test('the pattern finds what it should, and nothing else', () => {
    const home = ['', 'home', 'somebody', 'model.onnx'].join('/')
    expect(`open("${home}")`).toMatch(MACHINE)
    expect('see https://example.org/home/page and ./work/here').not.toMatch(MACHINE)
  })

  test('hold no path of a machine', async () => {
    const { code, stdout } = await run(pathOf('.'), 'git', ['ls-files', '-z'])
    const files = code === 0 ? stdout.split('\0').filter((f) => f !== '' && !BINARY.has(extname(f))) : []
    if (code === 0) expect(files.length).toBeGreaterThan(100)
    const found = files.flatMap((f) => {
      const match = MACHINE.exec(text(f))
      return match ? [`${f}: ${match[0].trim()}`] : []
    })
    expect(found).toEqual([])
  })
})
