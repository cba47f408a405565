/** `onnxplain detect` and `onnxplain segment`: what they list and draw, and what they say of models that do neither. */
import { copyFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { open } from '../../src/node/open.js'
import { temporaryFolder } from '../node/support.js'
import { pathOf } from '../support/files.js'
import { expectDrawn, filesOf, onnxplain, quietly } from './command.js'

const DETECTOR = pathOf('test/fixtures/targets/yolo/model.onnx')
const SEGMENTER = pathOf('test/fixtures/targets/deeplabv3/model.onnx')
const PICTURE = pathOf('models/shapes-captioner/examples/03.png')

function pictureFolder(): string {
  const folder = temporaryFolder()
  copyFileSync(PICTURE, join(folder, 'scene.png'))
  return folder
}

describe.each([
  ['detect', DETECTOR],
  ['segment', SEGMENTER],
] as const)('%s', (command, model) => {
  test('lists what the library finds, best first, and draws it where a file is named', async () => {
    const folder = pictureFolder()
    const opened = await open(model)
    const found = await opened[command](PICTURE)
    const out = quietly(await onnxplain(folder, command, 'scene.png', '-m', model, '-o', 'parts.png', '--quiet'))
    const lines = out.trim().split('\n')
    expect(lines[0]).toBe('scene.png')
    expect(lines.slice(1, -1).map((l) => l.includes('class'))).toEqual(found.map(() => true))
    expect(lines.at(-1)).toBe('  figure: parts.png')
    expect(filesOf(folder)).toEqual(['parts.png', 'scene.png'])
    await expectDrawn(join(folder, 'parts.png'), 'png')
    await opened.model.release()
  })

  test('as JSON the same, without a figure', async () => {
    const folder = pictureFolder()
    const opened = await open(model)
    const found = await opened[command](PICTURE)
    const ran = await onnxplain(folder, command, 'scene.png', '-m', model, '--json', '--quiet')
    const told = JSON.parse(quietly(ran))
    expect(told).toMatchObject({ input: 'scene.png', figure: null })
    expect(told.found.map((f: { index: number }) => f.index)).toEqual(found.map((f) => f.index))
    expect(filesOf(folder)).toEqual(['scene.png'])
    await opened.model.release()
  })

  test('a classifier does neither', async () => {
    const ran = await onnxplain(
      pictureFolder(),
      command,
      'scene.png',
      '-m',
      pathOf('models/efficientnet-lite0'),
      '--quiet',
    )
    expect(ran.code).toBe(1)
    expect(ran.stderr).toMatch(/method-not-applicable/)
  })
})
