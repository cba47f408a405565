/** Wrong usage: exit code 2, one clear line, nothing on standard output, nothing written. And what is no error at all. */
import { spawn } from 'node:child_process'
import { readFileSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { METHODS } from '../../src/methods/index.js'
import { fill, splitModel, temporaryFolder } from '../node/support.js'
import { pathOf } from '../support/files.js'
import { built } from './built.js'
import { filesOf, onnxplain, onnxplainAlone, quietly, run, tinyFolder } from './command.js'

const TINY = ['cat.jpg', '-m', 'tiny', '-o', 'map.png']

describe('refused with exit code 2', () => {
  const wrong: Readonly<Record<string, readonly [args: readonly string[], words: string | RegExp]>> = {
    'no picture': [[], 'no picture given'],
    'an unknown option': [[...TINY, '--colourmap', 'jet'], "unknown option '--colourmap'"],
    'an option without its value': [['cat.jpg', '--model'], 'argument missing'],
    'a picture and a tensor': [['cat.jpg', '--tensor', 'a.npy'], 'not both'],
    '--raw without a method': [['cat.jpg', '-m', 'tiny', '--raw', 'raw.npy'], '--raw needs one --method'],
    '--raw with two methods': [
      ['cat.jpg', '-m', 'tiny', '--raw', 'raw.npy', '--method', 'cam', '--method', 'grad-cam'],
      '--raw needs one --method',
    ],
    '--raw with two targets': [
      ['cat.jpg', '-m', 'tiny', '--raw', 'raw.npy', '--method', 'cam', '-t', '0', '-t', '1'],
      'at most one --target',
    ],
    '--raw with two pictures': [
      ['cat.jpg', 'dog.jpg', '-m', 'tiny', '--raw', 'raw.npy', '--method', 'cam'],
      'one picture',
    ],
    'an unknown method': [[...TINY, '--method', 'gradcamm'], /Did you mean .*"grad-cam".*\[unknown-method\]/],
    'a method unlike any': [[...TINY, '--method', 'zzzzzzzzzzzz'], 'The methods are: cam, grad-cam'],
    'an unknown colour map': [[...TINY, '--colormap', 'virids'], /viridis.*\[unknown-colormap\]/],
    'another score': [[...TINY, '--score', 'loss'], '--score is logit, probability or log-probability'],
    'another order of channels': [[...TINY, '--channels', 'GBR'], '--channels is RGB or BGR'],
    'opacity that is no number': [[...TINY, '--opacity', 'half'], '--opacity goes from 0 to 1'],
    'a batch of nothing': [[...TINY, '--batch', '0'], 'at least 1'],
    'means that are no numbers': [[...TINY, '--mean', '0.5,,0.5'], 'Numbers separated by commas'],
    'too few means': [[...TINY, '--mean', '0.5'], '[bad-option]'],
    "an option of another method's": [[...TINY, '--method', 'cam', '--patch', '8'], '[bad-option]'],
    'a patch of nothing': [[...TINY, '--method', 'occlusion', '--patch', '0'], 'at least 1 px'],
    'a fill that is no colour': [[...TINY, '--method', 'occlusion', '--fill', 'nocolour'], 'nor a colour'],
    'a format that is not written': [['cat.jpg', '-m', 'tiny', '-o', 'map.bmp'], '.png, .svg, .jpg'],
    'a figure over its own picture': [['cat.jpg', '-m', 'tiny', '-o', 'cat.jpg'], 'over what is read'],
    'two pictures in one figure': [
      ['cat.jpg', 'tiny/../dog.jpg', '-m', 'tiny', '-o', 'map.png'],
      'over another result',
    ],
    'two pictures whose figures have one name, beside them': [
      ['cat.jpg', 'cat.png', '-m', 'tiny'],
      /"cat\.jpg" and "cat\.png" have the same name.* one at a time/,
    ],
    'two pictures whose figures have one name, in a folder': [
      ['cat.jpg', 'other/cat.jpg', '-m', 'tiny', '-o', 'tiny'],
      'have the same name',
    ],
    'a raw map over the model': [
      ['cat.jpg', '-m', 'tiny/model.onnx', '--method', 'cam', '--raw', 'tiny/model.onnx'],
      'over what is read',
    ],
    'a command that is mistyped': [['inspct', 'tiny'], 'Did you mean the command "inspect"?'],
    'a command that is mistyped, with its options': [
      ['Compil', 'tiny', '-o', 'out.png'],
      'Did you mean the command "compile"?',
    ],
    'compile over the model': [['compile', 'tiny/model.onnx', '-o', 'tiny/model.onnx'], 'over what is read'],
    'compile over the model of a folder': [['compile', 'tiny', '-o', 'tiny/../tiny/model.onnx'], 'over what is read'],
    'compile without an output': [['compile', 'tiny'], '--output'],
    'compile without a model': [['compile', '-o', 'out.onnx'], "missing required argument 'model'"],
    'compile with an unknown method': [['compile', 'tiny', '-o', 'out.onnx', '--method', 'camm'], '[unknown-method]'],
    'a studio that is mistyped': [['studo'], 'Did you mean the command "studio"?'],
    'a studio at no port': [['studio', '--port', 'http'], 'A port from 1 to 65535'],
    'inspect with an unknown option': [['inspect', 'tiny', '--xml'], "unknown option '--xml'"],
  }
  test.each(Object.entries(wrong))('%s', async (_, [args, words]) => {
    const folder = tinyFolder()
    const before = filesOf(folder)
    const { code, stdout, stderr } = await onnxplain(folder, ...args)
    expect(stderr).toMatch(words)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(
      stderr.split('\n').filter((l) => l !== '' && !l.startsWith('(')),
      stderr,
    ).toHaveLength(1)
    expect(stderr).not.toMatch(/\n\s+at /)
    expect(filesOf(folder)).toEqual(before)
  })
})

test.each(['model.onnx', 'model.onnx_data', 'link.onnx'])('compile over its own source, %s', async (output) => {
  const { model, kernel } = splitModel('model.onnx_data')
  const folder = fill(temporaryFolder(), { 'model.onnx': model, 'model.onnx_data': kernel })
  symlinkSync(join(folder, 'model.onnx'), join(folder, 'link.onnx'))
  const args = output === 'link.onnx' ? [output, '-o', 'model.onnx'] : ['model.onnx', '-o', output]
  const { code, stdout, stderr } = await onnxplain(folder, 'compile', ...args)
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
  expect(stderr).toMatch(/over what is read.*\[bad-option\]$/m)
  expect(readFileSync(join(folder, 'model.onnx'))).toEqual(Buffer.from(model))
  expect(readFileSync(join(folder, 'model.onnx_data'))).toEqual(Buffer.from(kernel))
})

describe('no errors', () => {
  test('--version is that of the package', async () => {
    const { version } = JSON.parse(readFileSync(pathOf('package.json'), 'utf8')) as { version: string }
    expect(quietly(await onnxplainAlone(pathOf('.'), '--version'))).toBe(`${version}\n`)
  })

  test('--help lists every option of the contract, and every command', async () => {
    const help = quietly(await onnxplainAlone(pathOf('.'), '--help'))
    for (const option of [
      '-m, --model',
      '-t, --target',
      '--method',
      '-l, --layer',
      '-o, --output',
      '--raw',
      '--tensor',
      '--json',
      '--quiet',
      '--patch',
      '--stride',
      '--fill',
    ])
      expect(help).toContain(`${option} `)
    for (const command of ['inspect', 'compile', 'methods', 'studio'])
      expect(help).toMatch(new RegExp(`^ {2}${command}\\b`, 'm'))
  })

  test('methods: id, family, kind, cost and source of each', async () => {
    const lines = quietly(await onnxplainAlone(pathOf('.'), 'methods'))
      .trimEnd()
      .split('\n')
    expect(lines[0]?.trim().split(/ {2,}/)).toEqual(['ID', 'FAMILY', 'KIND', 'COST', 'SOURCE'])
    expect(lines.slice(1).map((l) => l.trim().split(/ {2,}/))).toEqual(
      METHODS.map((m) => [m.id, m.family, m.kind, m.cost, m.source]),
    )
    const json = JSON.parse(quietly(await onnxplainAlone(pathOf('.'), 'methods', '--json'))) as {
      id: string
      summary: string
    }[]
    expect(json.map((m) => m.id)).toEqual(METHODS.map((m) => m.id))
    for (const m of json) expect(m.summary.length).toBeGreaterThan(20)
  })

  test('a reader that stops reading, as "| head" does', async () => {
    const main = join(await built(), 'dist/cli/main.js')
    const child = spawn(process.execPath, [main, 'methods'], { stdio: ['ignore', 'pipe', 'pipe'] })
    child.stdout.destroy()
    let stderr = ''
    child.stderr.on('data', (data: Buffer) => {
      stderr += data.toString()
    })
    const code = await new Promise((resolve) => child.on('close', resolve))
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  })

  test('a picture named like a command, by its path', async () => {
    const folder = tinyFolder()
    const { code, stderr } = await onnxplainAlone(folder, './inspect', '-m', 'tiny')
    expect(code).toBe(1)
    expect(stderr).toContain('inspect')
    expect((await onnxplainAlone(folder, 'inspect', 'tiny')).code).toBe(0)
  })
})

describe("a fault of the program's own", () => {
  const broken = 'data:text/javascript,JSON.stringify = () => { throw new RangeError("Too much\\nof it") }'
  const faulty = async (env: Readonly<Record<string, string>>) => {
    const main = join(await built(), 'dist/cli/main.js')
    return run(pathOf('.'), process.execPath, ['--import', broken, main, 'methods', '--json'], env)
  }

  test('is one line, and exit code 1', async () => {
    const { code, stdout, stderr } = await faulty({ ONNXPLAIN_DEBUG: '' })
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toMatch(/^onnxplain: unexpected error: RangeError: Too much\. This is a fault of onnxplain; .*\n$/)
  })

  test('comes with its stack where that is asked for', async () => {
    expect((await faulty({ ONNXPLAIN_DEBUG: '1' })).stderr).toMatch(/fault of onnxplain.*\n(.*\n)+ +at /)
  })
})
