/** A process of its own says, writes and ends as one does that ran other commands before, which most tests here use. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { filesOf, onnxplain, onnxplainAlone, tinyFolder } from './command.js'

const TINY = ['cat.jpg', '-m', 'tiny']

/** Arguments, the exit code, and what is written where. */
const COMMANDS: readonly (readonly [name: string, args: readonly string[], code: number, written?: string])[] = [
  ['a figure', [...TINY, '--method', 'grad-cam', '-o', 'map.png'], 0, 'map.png'],
  ['a result as JSON', [...TINY, '--method', 'cam', '--json'], 0],
  ['a long method', [...TINY, '--method', 'occlusion', '--stride', '1', '--raw', 'raw.npy'], 0, 'raw.npy'],
  ['a line on standard error', ['cat.jpg', '-m', join('tiny', 'model.onnx'), '--mean', '0.5', '--method', 'cam'], 2],
  ['an unknown option', [...TINY, '--colourmap', 'jet'], 2],
  ['an unknown method', [...TINY, '--method', 'gradcamm'], 2],
  ['a label that is unknown', [...TINY, '-t', 'elkk'], 1],
  ['a good picture and one that is missing', ['cat.jpg', 'none.jpg', '-m', 'tiny', '--method', 'cam', '--quiet'], 1],
  ['compile', ['compile', 'tiny', '-o', 'out.onnx', '--method', 'cam'], 0, 'out.onnx'],
  ['compile that is refused', ['compile', 'tiny', '-o', 'out.onnx', '-l', 'featurs'], 1],
  ['inspect', ['inspect', 'tiny', '--json'], 0],
]

test.each(COMMANDS)('%s', async (_, args, code, written) => {
  const [own, shared] = [tinyFolder(), tinyFolder()]
  const alone = await onnxplainAlone(own, ...args)
  expect(alone.code, alone.stderr).toBe(code)
  expect(await onnxplain(shared, ...args)).toEqual(alone)
  expect(filesOf(shared)).toEqual(filesOf(own))
  if (written !== undefined) expect(readFileSync(join(shared, written))).toEqual(readFileSync(join(own, written)))
})
