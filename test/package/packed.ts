/** The package as `npm pack` makes it of the sources of this moment. */
import { execFile } from 'node:child_process'
import { copyFileSync, cpSync, mkdirSync, readdirSync, symlinkSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { built } from '../cli/built.js'
import { run } from '../cli/command.js'
import { pathOf } from '../support/files.js'

/** npm's own warnings are not ours. */
export const NPM = {
  npm_config_onnxruntime_node_install: 'skip',
  npm_config_update_notifier: 'false',
  npm_config_loglevel: 'error',
}

export interface Packed {
  readonly filename: string
  readonly size: number
  readonly files: readonly { readonly path: string; readonly size: number }[]
}

/** Packs the repository's files around a fresh `dist` into a folder: what is left out is left out by package.json, not here. */
export async function packInto(home: string): Promise<Packed> {
  const stage = join(home, 'stage')
  for (const name of ['src', 'test', 'docs', 'scripts', 'studio', 'examples', 'models', 'README.md', 'CHANGELOG.md'])
    cpSync(pathOf(name), join(stage, name), { recursive: true })
  for (const name of ['package.json', '.npmrc', 'tsconfig.json', 'LICENSE', 'NOTICE'])
    copyFileSync(pathOf(name), join(stage, name))
  cpSync(join(await built(), 'dist'), join(stage, 'dist'), { recursive: true })
  const { code, stdout, stderr } = await run(
    stage,
    'npm',
    ['pack', '--ignore-scripts', '--json', '--pack-destination', home],
    NPM,
  )
  const [first] = code === 0 ? (JSON.parse(stdout) as Packed[]) : []
  if (!first) throw new Error(`npm packed nothing: ${stderr}`)
  return first
}

/** The package installed in a folder without npm: unpacked, with the repository's own dependencies beside it. */
export async function installInto(consumer: string, tarball: string): Promise<void> {
  const modules = join(consumer, 'node_modules')
  const own = join(modules, 'onnxplain')
  mkdirSync(own, { recursive: true })
  await promisify(execFile)('tar', ['-xzf', tarball, '-C', own, '--strip-components=1'])
  const source = pathOf('node_modules')
  for (const name of readdirSync(source).filter((n) => !n.startsWith('.')))
    for (const path of name.startsWith('@') ? readdirSync(join(source, name)).map((n) => join(name, n)) : [name]) {
      mkdirSync(dirname(join(modules, path)), { recursive: true })
      symlinkSync(join(source, path), join(modules, path), 'junction')
    }
}
