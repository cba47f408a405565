/** `onnxplain check` and `onnxplain compare`: what they print and write, and that a comparison goes on where it was stopped. */
import { appendFileSync, copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parquetReadObjects } from 'hyparquet'
import { describe, expect, test } from 'vitest'
import { pathOf } from '../support/files.js'
import { expectDrawn, filesOf, onnxplain, pictureFolder, quietly } from './command.js'

const NETWORK = pathOf('test/fixtures/networks/resnet.onnx')
const SMALL = ['-m', NETWORK, '--size', '96']

describe('check', () => {
  test('says of each question what was found, and draws the verdict beside the map', async () => {
    const folder = pictureFolder()
    const out = quietly(await onnxplain(folder, 'check', 'cat.jpg', ...SMALL, '-o', 'check.png', '--quiet'))
    const lines = out.split('\n')
    expect(lines[0]).toMatch(/^cat\.jpg: Grad-CAM of class \d+$/)
    for (const id of [
      'deletion',
      'insertion',
      'class-sensitivity',
      'model-randomisation',
      'max-sensitivity',
      'sparseness',
    ])
      expect(lines.some((l) => new RegExp(`^ {2}(fine|unclear|SUSPICIOUS) +${id} .*\\?$`).test(l))).toBe(true)
    expect(out).toMatch(/\(\d+ passes\)\n {2}figure: check\.png\n$/)
    await expectDrawn(join(folder, 'check.png'), 'png')
  })

  test('as JSON: the report, the answer and how the map was made', async () => {
    const out = await onnxplain(
      pictureFolder(),
      'check',
      'cat.jpg',
      ...SMALL,
      '--json',
      '--quiet',
      '--passes',
      '4',
      '--method',
      'hires-cam',
    )
    const report = JSON.parse(quietly(out))
    expect(report).toMatchObject({ input: 'cat.jpg', figure: null, provenance: { method: 'hires-cam' } })
    expect(report.passes).toBeLessThanOrEqual(4)
    expect(report.checks.map((c: { verdict: string }) => c.verdict)).toContain('not-asked')
  })

  test.each([
    [['--passes', '-1'], 'passes'],
    [['--method', 'grad-cm'], 'grad-cam'],
    [['-o', 'a.bmp'], '.png'],
    [['-l', 'a', '-l', 'b'], '--layer'],
  ])('%j is refused by name', async (args, word) => {
    const { code, stderr } = await onnxplain(pictureFolder(), 'check', 'cat.jpg', ...args)
    expect(code).not.toBe(0)
    expect(stderr).toContain(word)
  })
})

test.each([
  ['check', []],
  ['compare', ['--method', 'grad-cam', '--metric', 'sparseness']],
] as const)('%s: one picture that cannot be read does not end the others', async (command, args) => {
  const more = [...SMALL, ...args, ...(command === 'check' ? ['--passes', '0'] : []), '--quiet']
  const { code, stdout, stderr } = await onnxplain(pictureFolder(), command, 'none.jpg', 'cat.jpg', ...more)
  expect(code).toBe(1)
  expect(stderr.match(/none\.jpg/g)).toHaveLength(1)
  expect(stdout).toContain(command === 'check' ? 'cat.jpg: Grad-CAM' : 'sparseness')
})

describe('compare', () => {
  const ask = [
    '--method',
    'grad-cam',
    '--method',
    'gradient',
    '--metric',
    'deletion',
    '--metric',
    'sparseness',
    '--quiet',
  ]
  const two = [
    'compare',
    'cat.jpg',
    'second.jpg',
    ...SMALL,
    ...ask,
    '--metric-option',
    'step=922',
    '--journal',
    'run.jsonl',
  ]

  function folderOfTwo(): string {
    const folder = pictureFolder()
    copyFileSync(pathOf('examples/coffee.jpg'), join(folder, 'second.jpg'))
    return folder
  }

  test('a table with intervals as text, CSV, JSON and Parquet, rows of all pictures, and curves', async () => {
    const folder = folderOfTwo()
    const files = ['-o', 't.csv', '-o', 't.json', '-o', 't.parquet', '--rows', 'rows.csv', '--plot', 'curves.svg']
    const out = quietly(await onnxplain(folder, ...two, ...files))
    expect(out.split('\n')[0]).toMatch(/METHOD +METRIC +BETTER +PICTURES +MEAN +LOW +HIGH +DEVIATION/)
    const table = JSON.parse(readFileSync(join(folder, 't.json'), 'utf8'))
    expect(table.map((r: { method: string; metric: string }) => `${r.method} ${r.metric}`)).toEqual([
      'grad-cam deletion',
      'grad-cam sparseness',
      'gradient deletion',
      'gradient sparseness',
    ])
    for (const { pictures, mean, low, high } of table) {
      expect(pictures).toBe(2)
      expect(low).toBeLessThanOrEqual(mean)
      expect(high).toBeGreaterThanOrEqual(mean)
    }
    const bytes = readFileSync(join(folder, 't.parquet'))
    const file = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength)
    expect(await parquetReadObjects({ file })).toEqual(table)
    const csv = readFileSync(join(folder, 't.csv'), 'utf8').trim().split('\n')
    expect(csv[0]).toBe('method,metric,better,pictures,mean,low,high,deviation')
    expect(csv).toHaveLength(5)
    expect(readFileSync(join(folder, 'rows.csv'), 'utf8').trim().split('\n')).toHaveLength(1 + 2 * 2 * 2)
    const svg = readFileSync(join(folder, 'curves.svg'), 'utf8')
    expect(svg.match(/<polyline[^>]*stroke="#[0-9a-f]{6}" stroke-width="4"/g)).toHaveLength(2)
    expect(svg).toContain('aria-label="grad-cam"')
  })

  test('goes on from a journal, also one whose last line was cut off, and refuses one of other settings', async () => {
    const folder = folderOfTwo()
    const first = quietly(await onnxplain(folder, ...two))
    const journal = join(folder, 'run.jsonl')
    const whole = readFileSync(journal, 'utf8')
    const [head = '', one = '', other = ''] = whole.split('\n')
    // a value that nothing would measure shows what was taken from the journal
    writeFileSync(journal, `${head}\n${one.replace(/"value":[0-9.e-]+/, '"value":7')}\n${other.slice(0, 40)}`)
    const again = quietly(await onnxplain(folder, ...two))
    expect(again).not.toBe(first)
    expect(again).toMatch(/grad-cam +deletion +lower +2 +3\.[5-9]/)
    expect(readFileSync(journal, 'utf8').trim().split('\n')[2]).toBe(other)
    appendFileSync(journal, '')
    const { code, stderr } = await onnxplain(folder, ...two, '--metric', 'complexity')
    expect(code).not.toBe(0)
    expect(stderr).toContain('other settings')
    expect(filesOf(folder)).toEqual(['cat.jpg', 'run.jsonl', 'second.jpg'])
  })

  test('boxes for metrics of localisation come from a file; without them the metric says what it lacks', async () => {
    const folder = pictureFolder()
    writeFileSync(join(folder, 'truth.json'), JSON.stringify({ 'cat.jpg': [[0, 0, 5000, 5000]] }))
    const game = ['compare', 'cat.jpg', ...SMALL, '--method', 'grad-cam', '--metric', 'pointing-game']
    expect(quietly(await onnxplain(folder, ...game, '--truth', 'truth.json', '--quiet'))).toMatch(
      /pointing-game +higher +1 +1\b/,
    )
    const { stderr } = await onnxplain(folder, ...game, '-o', 't.txt')
    expect(stderr).toContain('boxes')
    writeFileSync(join(folder, 'bad.json'), '{"cat.jpg": [[1, 2]]}')
    const bad = await onnxplain(folder, ...game, '--truth', 'bad.json')
    expect(bad.code).not.toBe(0)
    expect(bad.stderr).toContain('[x0, y0, x1, y1]')
  })
})
