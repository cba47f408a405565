/** A process of its own says, writes and ends as one does that ran other commands before, which most tests here use. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { fill } from '../node/support.js'
import { filesOf, onnxplain, onnxplainAlone, tinyFolder } from './command.js'

const TINY = ['cat.jpg', '-m', 'tiny']

interface Command {
  readonly args: readonly string[]
  readonly code: number
  /** The file that is written. */
  readonly written?: string
}

const COMMANDS: Readonly<Record<string, Command>> = {
  'a figure': { args: [...TINY, '--method', 'grad-cam', '-o', 'map.png'], code: 0, written: 'map.png' },
  'a result as JSON': { args: [...TINY, '--method', 'cam', '--json'], code: 0 },
  'a long method': {
    args: [...TINY, '--method', 'occlusion', '--stride', '1', '-t', '0', '--raw', 'raw.npy'],
    code: 0,
    written: 'raw.npy',
  },
  'a line on standard error': {
    args: ['cat.jpg', '-m', 'tiny', '--labels', 'two.txt', '--method', 'cam', '--json'],
    code: 0,
  },
  'an unknown option': { args: [...TINY, '--colourmap', 'jet'], code: 2 },
  'an unknown method': { args: [...TINY, '--method', 'gradcamm'], code: 2 },
  'a label that is unknown': { args: [...TINY, '-t', 'elkk'], code: 1 },
  'a picture that is missing, and one that is there': {
    args: ['none.jpg', 'cat.jpg', '-m', 'tiny', '--method', 'cam', '--quiet'],
    code: 1,
    written: 'cat.onnxplain.png',
  },
  compile: { args: ['compile', 'tiny', '-o', 'out.onnx', '--method', 'cam'], code: 0, written: 'out.onnx' },
  'compile that is refused': { args: ['compile', 'tiny', '-o', 'out.onnx', '-l', 'featurs'], code: 1 },
  inspect: { args: ['inspect', 'tiny', '--json'], code: 0 },
}

test.each(Object.entries(COMMANDS))('%s', async (_, { args, code, written }) => {
  const [own, shared] = [tinyFolder(), tinyFolder()].map((folder) => fill(folder, { 'two.txt': 'one\ntwo\n' }))
  if (own === undefined || shared === undefined) throw new Error('no folders')
  const alone = await onnxplainAlone(own, ...args)
  expect(alone.code, alone.stderr).toBe(code)
  expect(await onnxplain(shared, ...args)).toEqual(alone)
  expect(filesOf(shared)).toEqual(filesOf(own))
  if (written !== undefined) expect(readFileSync(join(shared, written))).toEqual(readFileSync(join(own, written)))
})
