/** The options of the main command, on a tiny model that answers at once. */
import { copyFileSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { float32 } from '../../src/core/tensor.js'
import { decodeNpy, encodeNpy } from '../../src/onnx/npy.js'
import { fill, TINY_LABELS, temporaryFolder, tinyModel } from '../node/support.js'
import { relativeL2 } from '../support/measures.js'
import { expectDrawn, filesOf, onnxplain, quietly, tinyFolder } from './command.js'

interface Explained {
  readonly method: string
  readonly target: { readonly index: number; readonly score: string }
  readonly answer: { readonly label: string }
  readonly raw: { readonly dims: readonly number[]; readonly layer: string | null; readonly data: readonly number[] }
  readonly provenance: {
    readonly options: Readonly<Record<string, number | string>>
    readonly preprocessing: {
      readonly mean: readonly number[]
      readonly channels: string
      readonly crop?: object
    } | null
  }
}

/** The explanations of `cat.jpg` by the tiny model, as `--json` prints them. */
async function explained(...args: readonly string[]): Promise<readonly Explained[]> {
  const out = quietly(await onnxplain(tinyFolder(), 'cat.jpg', '-m', 'tiny', '--json', ...args))
  return (JSON.parse(out) as { readonly explanations: readonly Explained[] }).explanations
}

async function one(...args: readonly string[]): Promise<Explained> {
  const [first, ...others] = await explained(...args)
  expect(others).toEqual([])
  if (!first) throw new Error('nothing was explained')
  return first
}

describe('--model', () => {
  test('a folder, its file, and a name in the text that comes with it', async () => {
    const folder = tinyFolder()
    const byFolder = quietly(await onnxplain(folder, 'cat.jpg', '--model', 'tiny', '--method', 'cam'))
    const byFile = quietly(await onnxplain(folder, 'cat.jpg', '-m', join('tiny', 'model.onnx'), '--method', 'cam'))
    expect(byFile).toBe(byFolder)
    const labels = byFolder
      .split('\n')
      .slice(1, 6)
      .map((line) => line.trim().split(/\s+/)[1])
    expect(labels.sort()).toEqual(TINY_LABELS)
    expect(byFolder).toContain('layer: features')
  })
})

describe('--method and --target', () => {
  test('both repeat: every method of every target', async () => {
    const made = await explained('--method', 'cam', '--method', 'gradient', '-t', 'cat', '--target', '0')
    expect(made.map((e) => [e.method, e.answer.label])).toEqual([
      ['cam', 'cat'],
      ['cam', 'ant'],
      ['gradient', 'cat'],
      ['gradient', 'ant'],
    ])
  })

  test('a label in another case, and a method in another spelling', async () => {
    expect(await one('--method', 'GradCAM', '-t', 'CAT')).toMatchObject({
      method: 'grad-cam',
      answer: { label: 'cat' },
    })
  })

  test('without --target the two best answers that look elsewhere; with -1 the best', async () => {
    const two = await explained('--method', 'cam')
    expect(new Set(two.map((e) => e.target.index)).size).toBe(2)
    const best = await one('--method', 'cam', '-t', '-1')
    expect(best.target.index).toBe(two[0]?.target.index)
  })
})

describe('--layer and --score', () => {
  test('another layer', async () => {
    const made = await one('--method', 'grad-cam', '-t', '2', '--layer', 'conv')
    const usual = await one('--method', 'grad-cam', '-t', '2')
    expect(made.raw.layer).toBe('conv')
    expect(usual.raw.layer).toBe('features')
    expect(relativeL2(made.raw.data, usual.raw.data)).toBeGreaterThan(0.01)
  })

  test('the probability has another gradient than the logit', async () => {
    const logit = await one('--method', 'gradient', '-t', '2')
    const probability = await one('--method', 'gradient', '-t', '2', '--score', 'probability')
    expect([logit.target.score, probability.target.score]).toEqual(['logit', 'probability'])
    expect(relativeL2(probability.raw.data, logit.raw.data)).toBeGreaterThan(0.01)
  })
})

describe('--answer', () => {
  test('names the output; one that is none is refused with those there are', async () => {
    const named = await one('--method', 'cam', '-t', '2', '--answer', 'logits')
    expect(named.target.index).toBe(2)
    const ran = await onnxplain(tinyFolder(), 'cat.jpg', '-m', 'tiny', '--answer', 'flat')
    expect(ran).toMatchObject({ code: 1, stdout: '' })
    expect(ran.stderr).toMatch(/"flat".*logits.*\[method-not-applicable\]/)
  })
})

describe("a method's own options", () => {
  test('--patch, --stride and --fill reach occlusion and change its map', async () => {
    const args = ['--method', 'occlusion', '-t', '2', '--patch', '6', '--stride', '3']
    const mean = await one(...args)
    const white = await one(...args, '--fill', 'white')
    const small = await one('--method', 'occlusion', '-t', '2', '--patch', '2', '--stride', '2')
    expect(mean.provenance.options).toEqual({ patch: 6, stride: 3, fill: 'mean', slices: 0, order: 'raster' })
    expect(white.provenance.options).toEqual({ patch: 6, stride: 3, fill: 'white', slices: 0, order: 'raster' })
    expect(mean.raw.dims).toEqual([16, 16])
    expect(relativeL2(white.raw.data, mean.raw.data)).toBeGreaterThan(0.01)
    expect(relativeL2(small.raw.data, mean.raw.data)).toBeGreaterThan(0.01)
  })

  test('the size of a batch does not change the map', async () => {
    const args = ['--method', 'occlusion', '-t', '2', '--patch', '5', '--stride', '3']
    const [a, b] = [await one(...args, '--batch', '1'), await one(...args, '--batch', '7')]
    expect(relativeL2(b.raw.data, a.raw.data)).toBeLessThan(1e-4)
  })
})

describe('preprocessing', () => {
  test('--mean, --std, --channels and --fit', async () => {
    const args = ['--mean', '0.1,0.2,0.3', '--std', '1,1,1', '--channels', 'BGR', '--fit', 'crop']
    const { provenance } = await one('--method', 'cam', '-t', '0', ...args)
    expect(provenance.preprocessing).toMatchObject({
      mean: [0.1, 0.2, 0.3],
      std: [1, 1, 1],
      channels: 'BGR',
      resize: { kind: 'shortest-edge', size: 18 },
      crop: { height: 16, width: 16 },
    })
  })

  test('--labels for a model without', async () => {
    const folder = fill(tinyFolder(), { 'bare.onnx': tinyModel(), 'names.txt': 'one\ntwo\nthree\nfour\nfive\n' })
    const args = ['-m', 'bare.onnx', '--labels', 'names.txt', '-t', 'two', '--method', 'cam', '--quiet']
    expect(quietly(await onnxplain(folder, 'cat.jpg', ...args))).toContain('three')
  })
})

describe('--tensor', () => {
  test('[C,H,W] and [1,C,H,W] are the same, and a figure is drawn of it where one is asked for', async () => {
    const data = Float32Array.from({ length: 768 }, (_, i) => Math.sin(i / 9))
    const folder = fill(tinyFolder(), {
      'three.npy': encodeNpy(float32([3, 16, 16], data)),
      'four.npy': encodeNpy(float32([1, 3, 16, 16], data)),
    })
    for (const name of ['three', 'four']) {
      const args = ['--method', 'gradient', '-t', 'dog', '--raw', `${name}-raw.npy`, '-o', `${name}.png`]
      quietly(await onnxplain(folder, '--tensor', `${name}.npy`, '-m', 'tiny', ...args))
    }
    const [a, b] = ['three', 'four'].map((n) => decodeNpy(readFileSync(join(folder, `${n}-raw.npy`)), n))
    expect(a?.dims).toEqual([3, 16, 16])
    expect(b).toEqual(a)
    await expectDrawn(join(folder, 'three.png'), 'png')
  })
})

describe('--output', () => {
  test.each([
    ['map.svg', 'svg'],
    ['map.jpg', 'jpeg'],
    ['map.webp', 'webp'],
  ])('%s', async (name, format) => {
    const folder = tinyFolder()
    const out = quietly(await onnxplain(folder, 'cat.jpg', '-m', 'tiny', '--method', 'grad-cam', '-o', name))
    expect(out).toContain(`figure: ${name}`)
    expect(filesOf(folder)).toEqual(['cat.jpg', name, 'tiny'].sort())
    await expectDrawn(join(folder, name), format)
  })

  test('with --json the figure is drawn too, and named', async () => {
    const folder = tinyFolder()
    const args = [
      '--method',
      'cam',
      '--json',
      '-o',
      'map.png',
      '--colormap',
      'red-blue',
      '--opacity',
      '0.4',
      '--signed',
    ]
    const out = quietly(await onnxplain(folder, 'cat.jpg', '-m', 'tiny', ...args))
    expect(JSON.parse(out)).toMatchObject({ figure: 'map.png' })
    await expectDrawn(join(folder, 'map.png'), 'png')
  })

  test('a picture somewhere else: the figure goes beside it, not to where the command runs', async () => {
    const [pictures, elsewhere] = [tinyFolder(), temporaryFolder()]
    const args = [join(pictures, 'cat.jpg'), '-m', join(pictures, 'tiny'), '--method', 'cam']
    quietly(await onnxplain(elsewhere, ...args))
    expect(filesOf(elsewhere)).toEqual([])
    expect(filesOf(pictures)).toContain('cat.onnxplain.png')
  })
})

describe('standard error', () => {
  test('says what was assumed, in lines that begin with the name of the command; --quiet says nothing', async () => {
    const folder = fill(tinyFolder(), { 'bare.onnx': tinyModel() })
    const args = ['cat.jpg', '-m', 'bare.onnx', '--method', 'cam']
    const loud = await onnxplain(folder, ...args)
    const quiet = await onnxplain(folder, ...args, '--quiet')
    expect(loud.code).toBe(0)
    expect(loud.stderr).toBe('onnxplain: Preprocessing: the usual ImageNet preprocessing (assumed).\n')
    expect(quietly(quiet)).toBe(loud.stdout)
  })

  test('no progress bar where it is no terminal', async () => {
    const { stderr } = await onnxplain(
      tinyFolder(),
      'cat.jpg',
      '-m',
      'tiny',
      '--method',
      'occlusion',
      '--stride',
      '1',
      '--patch',
      '4',
    )
    expect(stderr).toBe('')
  })
})

test('two pictures of one name in different folders are two results', async () => {
  const folder = tinyFolder()
  const other = temporaryFolder()
  copyFileSync(join(folder, 'cat.jpg'), join(other, 'cat.jpg'))
  const out = quietly(await onnxplain(folder, 'cat.jpg', join(other, 'cat.jpg'), '-m', 'tiny', '--method', 'cam'))
  expect(out.match(/figure: /g)).toHaveLength(2)
  expect(filesOf(folder)).toContain('cat.onnxplain.png')
  expect(filesOf(other)).toContain('cat.onnxplain.png')
})
