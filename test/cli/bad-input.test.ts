/** Input that is broken: one line with its code, exit code 1, nothing on standard output, and no file left behind. */
import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { float32 } from '../../src/core/tensor.js'
import { encodeNpy } from '../../src/onnx/npy.js'
import { bomb } from '../node/pictures.js'
import { fill, splitModel, textModel, tinyModel } from '../node/support.js'
import { pathOf } from '../support/files.js'
import { filesOf, onnxplain, tinyFolder } from './command.js'

const photo = readFileSync(pathOf('examples/cat-and-coffee.jpg'))
const tiny = tinyModel()

interface Case {
  readonly code: string
  readonly words: readonly string[]
  readonly files?: Readonly<Record<string, Uint8Array | string>>
  /** Default: cat.jpg by the tiny model to map.png. */
  readonly args?: readonly string[]
  readonly skip?: boolean
}

const picture = (content: Uint8Array | string): Pick<Case, 'files' | 'args'> => ({
  files: { 'bad.jpg': content },
  args: ['bad.jpg', '-m', 'tiny', '-o', 'map.png'],
})
const model = (content: Uint8Array | string): Pick<Case, 'files' | 'args'> => ({
  files: { 'bad.onnx': content },
  args: ['cat.jpg', '-m', 'bad.onnx', '-o', 'map.png', '--quiet'],
})
const tinyWith = (...more: readonly string[]): Pick<Case, 'args'> => ({
  args: ['cat.jpg', '-m', 'tiny', '-o', 'map.png', ...more],
})

const CASES: Readonly<Record<string, Case>> = {
  'a picture that is text': { code: 'invalid-image', words: ['bad.jpg'], ...picture('this is text') },
  'a picture of 0 bytes': { code: 'invalid-image', words: ['bad.jpg', 'empty'], ...picture('') },
  'a JPEG cut short': {
    code: 'invalid-image',
    words: ['bad.jpg', 'cut short'],
    ...picture(photo.subarray(0, photo.length / 2)),
  },
  'a picture of 30000 x 30000 pixels': { code: 'image-too-large', words: ['30000 x 30000'], ...picture(bomb()) },
  'a picture that is missing': {
    code: 'cannot-read',
    words: ['none.jpg', 'does not exist'],
    args: ['none.jpg', '-m', 'tiny', '-o', 'map.png'],
  },
  'a picture that is a folder': {
    code: 'cannot-read',
    words: ['folder'],
    args: ['tiny', '-m', 'tiny', '-o', 'map.png'],
  },
  'a tensor that is none': {
    code: 'invalid-tensor',
    words: ['bad.npy', 'not a .npy file'],
    files: { 'bad.npy': 'text and more text' },
    args: ['--tensor', 'bad.npy', '-m', 'tiny', '-o', 'map.png'],
  },
  'a tensor of another size': {
    code: 'shape-mismatch',
    words: ['[3, 16, 16]', '[3, 8, 8]'],
    files: { 'small.npy': encodeNpy(float32([3, 8, 8])) },
    args: ['--tensor', 'small.npy', '-m', 'tiny', '-o', 'map.png'],
  },
  'a model that is text': { code: 'invalid-model', words: ['bad.onnx'], ...model('<!doctype html>') },
  'a model of 0 bytes': { code: 'invalid-model', words: ['bad.onnx', 'empty'], ...model('') },
  'a model cut short': { code: 'invalid-model', words: ['bad.onnx'], ...model(tiny.subarray(0, tiny.length - 100)) },
  'a model that is missing': {
    code: 'cannot-read',
    words: ['none.onnx', 'does not exist'],
    args: ['cat.jpg', '-m', 'none.onnx', '-o', 'map.png'],
  },
  'external data that is missing': {
    code: 'external-data-missing',
    words: ['"bad.onnx_data"', 'beside the .onnx'],
    ...model(splitModel('bad.onnx_data').model),
  },
  'a model of text': { code: 'no-image-input', words: ['input_ids', 'int64'], ...model(textModel()) },
  'a weight that is NaN': {
    code: 'not-finite-weight',
    words: ['kernel', '1 of its weights'],
    ...model(tinyModel({ weight: Number.NaN })),
  },
  'a label that is unknown': {
    code: 'unknown-label',
    words: ['"elkk"', 'Did you mean "elk"?'],
    ...tinyWith('-t', 'elkk'),
  },
  'an index that is too large': { code: 'unknown-label', words: ['class 5', '0 to 4'], ...tinyWith('-t', '5') },
  'a label for a model without': {
    code: 'unknown-label',
    words: ['without labels', 'index'],
    files: { 'bare.onnx': tiny },
    args: ['cat.jpg', '-m', 'bare.onnx', '-t', 'cat', '-o', 'map.png', '--quiet'],
  },
  'a layer that is unknown': {
    code: 'unknown-layer',
    words: ['"featurs"', '"features"', 'inspect'],
    ...tinyWith('-l', 'featurs'),
  },
  'a layer that is no feature map': { code: 'unknown-layer', words: ['logits'], ...tinyWith('-l', 'logits') },
  'an output in a folder that is missing': {
    code: 'cannot-write',
    words: ['none'],
    args: ['cat.jpg', '-m', 'tiny', '-o', 'none/map.png'],
  },
  'an output where nobody can write (needs /proc)': {
    code: 'cannot-write',
    words: ['/proc/map.png'],
    args: ['cat.jpg', '-m', 'tiny', '-o', '/proc/map.png'],
    skip: !existsSync('/proc/self'),
  },
  'inspect: a model that is text': {
    code: 'invalid-model',
    words: ['bad.onnx'],
    files: { 'bad.onnx': 'text' },
    args: ['inspect', 'bad.onnx'],
  },
  'compile: a layer that is unknown': {
    code: 'unknown-layer',
    words: ['"features"'],
    args: ['compile', 'tiny', '-o', 'out.onnx', '-l', 'featurs'],
  },
  'compile: a method that is a loop': {
    code: 'method-not-applicable',
    words: ['occlusion', 'onnxplain methods'],
    args: ['compile', 'tiny', '-o', 'out.onnx', '--method', 'occlusion'],
  },
  'compile: a folder that is missing': {
    code: 'cannot-write',
    words: ['none'],
    args: ['compile', 'tiny', '-o', 'none/out.onnx'],
  },
  'compile: a model that takes no picture': {
    code: 'no-image-input',
    words: ['input_ids'],
    files: { 'text.onnx': textModel() },
    args: ['compile', 'text.onnx', '-o', 'out.onnx'],
  },
}

describe('broken input', () => {
  for (const [name, { code, words, files = {}, args = [], skip = false }] of Object.entries(CASES))
    test.skipIf(skip)(name, async () => {
      const folder = fill(tinyFolder(), files)
      const before = filesOf(folder)
      const ran = await onnxplain(folder, ...args)
      for (const word of words) expect(ran.stderr).toContain(word)
      expect(ran.stderr.trimEnd().split('\n'), 'one line').toHaveLength(1)
      expect(ran.stderr).toMatch(/^onnxplain: \S/)
      expect(ran.stderr.trimEnd().endsWith(`[${code}]`), ran.stderr).toBe(true)
      expect({ code: ran.code, stdout: ran.stdout }).toEqual({ code: 1, stdout: '' })
      expect(filesOf(folder)).toEqual(before)
    })

  test('bad pictures among good ones: each is named in a line, and the good ones are done', async () => {
    const folder = fill(tinyFolder(), { 'bad.jpg': 'text', 'bomb.png': bomb(), 'good.jpg': photo })
    const pictures = ['bad.jpg', 'cat.jpg', 'bomb.png', 'none.jpg', 'good.jpg']
    const ran = await onnxplain(folder, ...pictures, '-m', 'tiny', '--method', 'cam', '--quiet')
    expect(ran.code).toBe(1)
    expect(ran.stdout.match(/^\S.*$/gm)).toEqual(['cat.jpg', 'good.jpg'])
    const lines = ran.stderr.trimEnd().split('\n')
    expect(lines).toHaveLength(3)
    expect(lines[0]).toMatch(/^onnxplain: .*bad\.jpg.*\[invalid-image\]$/)
    expect(lines[1]).toMatch(/^onnxplain: .*bomb\.png.*\[image-too-large\]$/)
    expect(lines[2]).toMatch(/^onnxplain: .*none\.jpg.*\[cannot-read\]$/)
    const figures = filesOf(folder).filter((f) => f.endsWith('.onnxplain.png'))
    expect(figures).toEqual(['cat.onnxplain.png', 'good.onnxplain.png'])
  })

  test('what is wrong for every picture is said once', async () => {
    const folder = fill(tinyFolder(), { 'good.jpg': photo })
    const ran = await onnxplain(folder, 'cat.jpg', 'good.jpg', '-m', 'tiny', '-t', 'elkk')
    expect({ code: ran.code, lines: ran.stderr.trimEnd().split('\n').length }).toEqual({ code: 1, lines: 1 })
  })

  test('a bad second picture: the first is done, the second is named', async () => {
    const folder = fill(tinyFolder(), { 'bad.jpg': 'text' })
    const ran = await onnxplain(folder, 'cat.jpg', 'bad.jpg', '-m', 'tiny', '--method', 'cam')
    expect(ran.code).toBe(1)
    expect(ran.stdout).toContain('figure: cat.onnxplain.png')
    expect(ran.stderr).toContain('bad.jpg')
    expect(filesOf(folder)).toContain('cat.onnxplain.png')
    expect(filesOf(folder)).not.toContain('bad.onnxplain.png')
  })
})
