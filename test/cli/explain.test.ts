/** `onnxplain PICTURE...` with the shipped model: what it prints, and what it writes. */
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import sharp from 'sharp'
import { describe, expect, test } from 'vitest'
import { open } from '../../src/node/index.js'
import { decodeNpy, encodeNpy } from '../../src/onnx/npy.js'
import { temporaryFolder } from '../node/support.js'
import { pathOf } from '../support/files.js'
import { relativeL2 } from '../support/measures.js'
import { readNpyFloat32 } from '../support/npy.js'
import { expectDrawn, filesOf, onnxplain, onnxplainAlone, pictureFolder, quietly } from './command.js'

interface Printed {
  readonly input: string
  readonly figure: string | null
  readonly answers: readonly { index: number; label: string; logit: number; probability: number }[]
  readonly explanations: readonly {
    method: string
    target: { kind: string; index: number; score: string }
    answer: { label: string }
    raw: { dims: number[]; layer: string | null; data: number[] }
    heatmap: { width: number; height: number; seen: { x0: number; y0: number; x1: number; y1: number } }
    diagnosis: readonly object[]
    provenance: { runtime: string; model: { sha256: string }; method: string }
  }[]
  readonly refused: readonly object[]
}

describe('a picture alone', () => {
  test('prints the five best answers and where the figure is; the figure compares methods', async () => {
    const folder = pictureFolder()
    const out = quietly(await onnxplainAlone(folder, 'cat.jpg'))
    const lines = out.split('\n')
    expect(lines[0]).toBe('cat.jpg')
    expect(lines[1]).toMatch(/^ +285 {2}Egyptian cat +0\.\d{3} {2}logit \d+\.\d\d$/)
    for (const line of lines.slice(1, 6)) expect(line).toMatch(/^ +\d+ {2}\S.* 0\.\d{3} {2}logit -?\d+\.\d\d$/)
    expect(lines.slice(6)).toEqual(['  layer: relu6_1.Clip', '  figure: cat.onnxplain.png', ''])
    expect(filesOf(folder)).toEqual(['cat.jpg', 'cat.onnxplain.png'])
    await expectDrawn(join(folder, 'cat.onnxplain.png'), 'png')
    const { width = 0, height = 0 } = await sharp(join(folder, 'cat.onnxplain.png')).metadata()
    expect(width).toBeGreaterThan(1.5 * height) // two rows of six columns
  })

  test('one method and one target make a smaller figure', async () => {
    const folder = pictureFolder()
    const out = quietly(await onnxplain(folder, 'cat.jpg', '--method', 'grad-cam', '-t', 'espresso', '-o', 'one.png'))
    expect(out).toContain('figure: one.png')
    expect(filesOf(folder)).toEqual(['cat.jpg', 'one.png'])
    await expectDrawn(join(folder, 'one.png'), 'png')
  })

  test('several pictures, each with its answers and its figure in a folder', async () => {
    const folder = pictureFolder()
    copyFileSync(pathOf('examples/coffee.jpg'), join(folder, 'coffee.jpg'))
    mkdirSync(join(folder, 'out'))
    const args = ['cat.jpg', 'coffee.jpg', '--method', 'cam', '--output', 'out']
    const out = quietly(await onnxplain(folder, ...args))
    expect(out.match(/^\S.*$/gm)).toEqual(['cat.jpg', 'coffee.jpg'])
    expect(out).toContain(`figure: ${join('out', 'cat.onnxplain.png')}`)
    expect(filesOf(join(folder, 'out'))).toEqual(['cat.onnxplain.png', 'coffee.onnxplain.png'])
    const [a, b] = filesOf(join(folder, 'out')).map((f) => readFileSync(join(folder, 'out', f)))
    expect(a?.equals(b ?? Buffer.alloc(0))).toBe(false)
  })
})

test('--json holds the whole result, one line a picture, and draws nothing', async () => {
  const folder = pictureFolder()
  const args = ['--method', 'grad-cam', '--method', 'occlusion', '--patch', '112', '--stride', '56', '-t', 'espresso']
  const out = quietly(await onnxplain(folder, 'cat.jpg', '--json', ...args))
  expect(out.trimEnd().split('\n')).toHaveLength(1)
  expect(filesOf(folder)).toEqual(['cat.jpg'])
  const printed = JSON.parse(out) as Printed
  const { width, height } = await sharp(join(folder, 'cat.jpg')).metadata()
  expect(printed).toMatchObject({ input: 'cat.jpg', figure: null, refused: [] })
  expect(printed.answers).toHaveLength(1000)
  expect(printed.answers[0]).toMatchObject({ index: 285, label: 'Egyptian cat' })
  expect(printed.explanations.map((e) => e.method)).toEqual(['grad-cam', 'occlusion'])
  expect(printed.explanations.map((e) => e.raw.dims)).toEqual([
    [7, 7],
    [224, 224],
  ])
  for (const e of printed.explanations) {
    expect(e.target).toEqual({ kind: 'class', index: 967, score: 'logit' })
    expect(e.answer.label).toBe('espresso')
    expect(e.raw.data).toHaveLength(e.raw.dims.reduce((a, b) => a * b, 1))
    // its values follow from the raw map and where that lies, and would be too many
    expect(Object.keys(e.heatmap)).toEqual(['width', 'height', 'depth', 'seen'])
    expect(e.heatmap).toMatchObject({ width, height })
    const { x0, y0, x1, y1 } = e.heatmap.seen
    for (const off of [x0 + x1 - (width ?? 0), y0 + y1 - (height ?? 0)]) expect(Math.abs(off)).toBeLessThan(3) // the centre
    expect(e.provenance.model.sha256).toMatch(/^[0-9a-f]{64}$/)
    expect(e.diagnosis).toEqual([])
  }
  expect(printed.explanations[1]?.provenance).toMatchObject({ options: { patch: 112, stride: 56, fill: 'mean' } })
})

describe('--raw', () => {
  test('of a preprocessed tensor is what the API gives', async () => {
    const pixels = readNpyFloat32(pathOf('test/fixtures/golden/input.npy'))
    const tensor = {
      ...pixels,
      data: pixels.data.map((v) => (v - 127) / 128),
    }
    const folder = temporaryFolder()
    const input = join(folder, 'input.npy')
    writeFileSync(input, encodeNpy(tensor))
    const args = ['--method', 'grad-cam', '--target', '967', '--raw', 'raw.npy']
    const out = quietly(await onnxplain(folder, '--tensor', 'input.npy', ...args))
    expect(out).toContain('raw: raw.npy')
    expect(filesOf(folder)).toEqual(['input.npy', 'raw.npy'])
    await using model = await open()
    const { raw } = await model.explain(tensor, { method: 'grad-cam', target: 967 })
    const written = decodeNpy(readFileSync(join(folder, 'raw.npy')), 'raw.npy')
    expect(written.dims).toEqual([7, 7])
    expect(relativeL2(written.data, raw.data)).toBeLessThan(1e-6)
    expect(Math.min(...written.data)).toBeLessThan(0) // signed: nothing was clipped
  })

  test('of a picture is what the API gives for the picture', async () => {
    const folder = pictureFolder()
    quietly(await onnxplain(folder, 'cat.jpg', '--method', 'gradient', '-t', 'espresso', '--raw', 'raw.npy'))
    expect(filesOf(folder)).toEqual(['cat.jpg', 'raw.npy'])
    await using model = await open()
    const { raw } = await model.explain(join(folder, 'cat.jpg'), { method: 'gradient', target: 'espresso' })
    const written = decodeNpy(readFileSync(join(folder, 'raw.npy')), 'raw.npy')
    expect(written.dims).toEqual([3, 224, 224])
    expect(relativeL2(written.data, raw.data)).toBeLessThan(1e-6)
  })
})
