/** The command as a user runs it: in a folder of its own, in another process than the tests'. */
import { spawn } from 'node:child_process'
import { copyFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import sharp from 'sharp'
import { expect } from 'vitest'
import { fill, TINY_LABELS, TINY_SIDE, temporaryFolder, tinyModel } from '../node/support.js'
import { pathOf } from '../support/files.js'
import { built } from './built.js'
import { type Host, startHost } from './host.js'

export interface Ran {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

let host: Host | undefined

/**
 * Runs `onnxplain` with arguments in a folder; neither output is a terminal. The process is one that ran other commands before, which
 * `process.test.ts` holds to one of its own.
 */
export async function onnxplain(folder: string, ...args: readonly string[]): Promise<Ran> {
  if (!host?.alive) host = startHost(join(await built(), 'dist/cli/main.js'))
  return host.run(folder, args)
}

/** The same, in a process of its own. */
export async function onnxplainAlone(folder: string, ...args: readonly string[]): Promise<Ran> {
  const main = join(await built(), 'dist/cli/main.js')
  return run(folder, process.execPath, [main, ...args])
}

export function run(
  folder: string,
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: folder,
      env: { ...process.env, NODE_OPTIONS: '', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const [out, err]: [Buffer[], Buffer[]] = [[], []]
    child.stdout.on('data', (data: Buffer) => out.push(data))
    child.stderr.on('data', (data: Buffer) => err.push(data))
    child.on('error', reject)
    child.on('close', (code) =>
      resolve({ code, stdout: Buffer.concat(out).toString(), stderr: Buffer.concat(err).toString() }),
    )
  })
}

/** A folder with the picture of a cat and a coffee, `cat.jpg`. */
export function pictureFolder(): string {
  const folder = temporaryFolder()
  copyFileSync(pathOf('examples/cat-and-coffee.jpg'), join(folder, 'cat.jpg'))
  return folder
}

/** The same, with a tiny model in the folder `tiny`: quick, with labels and preprocessing of its own. */
export function tinyFolder(): string {
  return fill(pictureFolder(), {
    'tiny/model.onnx': tinyModel(),
    'tiny/config.json': { id2label: { ...TINY_LABELS } },
    'tiny/preprocessor_config.json': {
      do_resize: true,
      size: { height: TINY_SIDE, width: TINY_SIDE },
      do_rescale: true,
      rescale_factor: 1 / 255,
      do_normalize: true,
      image_mean: [0.5, 0.5, 0.5],
      image_std: [0.5, 0.5, 0.5],
    },
  })
}

/** All went well: exit code 0, nothing on standard error. Returns standard output. */
export function quietly(ran: Ran): string {
  expect(ran).toMatchObject({ code: 0, stderr: '' })
  return ran.stdout
}

/** Files of a folder, sorted. */
export function filesOf(folder: string): readonly string[] {
  return readdirSync(folder).sort()
}

/** A drawn picture: its format, and a size and spread of colours that no blank page has. */
export async function expectDrawn(path: string, format: string): Promise<void> {
  const meta = await sharp(path).metadata()
  expect(meta.format).toBe(format)
  expect(meta.width).toBeGreaterThan(600)
  expect(meta.height).toBeGreaterThan(200)
  const { channels } = await sharp(path).flatten({ background: 'white' }).stats()
  for (const c of channels.slice(0, 3)) expect(c.stdev).toBeGreaterThan(20)
}
