/** Models of several inputs, volumes and many bands, on the command line. */
import { copyFileSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import sharp from 'sharp'
import { describe, expect, test } from 'vitest'
import { float32 } from '../../src/core/tensor.js'
import { declare } from '../../src/onnx/builder.js'
import { decodeNpy, encodeNpy } from '../../src/onnx/npy.js'
import { fill } from '../node/support.js'
import { pathOf } from '../support/files.js'
import { modelBytes } from '../support/model.js'
import { noise } from '../support/networks.js'
import { expectDrawn, filesOf, onnxplain, pictureFolder, quietly } from './command.js'

const SIDE = 16

/** A picture times a mask, and a score that grows with a count; five classes. */
function maskedModel(): Uint8Array {
  return modelBytes({
    opset: 17,
    nodes: [
      { op: 'Mul', inputs: ['image', 'mask'], outputs: ['masked'] },
      { op: 'Conv', inputs: ['masked', 'kernel'], outputs: ['conv'], attributes: { pads: [1, 1, 1, 1] } },
      { op: 'Relu', inputs: ['conv'], outputs: ['features'] },
      { op: 'GlobalAveragePool', inputs: ['features'], outputs: ['pooled'] },
      { op: 'Flatten', inputs: ['pooled'], outputs: ['flat'] },
      { op: 'Gemm', inputs: ['flat', 'head'], outputs: ['plain'] },
      { op: 'Cast', inputs: ['count'], outputs: ['number'], attributes: { to: 1 } },
      { op: 'Mul', inputs: ['plain', 'number'], outputs: ['logits'] },
    ],
    inputs: [
      declare('image', 'float32', ['batch', 3, SIDE, SIDE]),
      declare('mask', 'float32', ['batch', 1, SIDE, SIDE]),
      declare('count', 'int64', []),
    ],
    outputs: [declare('logits', 'float32', ['batch', 5])],
    initializers: { kernel: noise(1, 4, 3, 3, 3), head: noise(2, 4, 5) },
  })
}

function maskedFolder(): string {
  const mask = Float32Array.from({ length: SIDE * SIDE }, (_, i) => (i % SIDE) / SIDE)
  return fill(pictureFolder(), {
    'masked.onnx': maskedModel(),
    'mask.npy': encodeNpy(float32([SIDE, SIDE], mask)),
  })
}

const MASKED = ['cat.jpg', '-m', 'masked.onnx', '--quiet']
const GIVEN = ['--input', 'mask=mask.npy', '--input', 'count=2']

describe('several inputs', () => {
  test('the figure, of the picture alone', async () => {
    const folder = maskedFolder()
    quietly(await onnxplain(folder, ...MASKED, ...GIVEN, '--patch', '8', '--stride', '8', '-o', 'map.png'))
    await expectDrawn(join(folder, 'map.png'), 'png')
  })

  test('maps of all of them: a figure for each that is a picture, JSON for all', async () => {
    const folder = maskedFolder()
    const args = [...MASKED, ...GIVEN, '--method', 'gradient', '-t', '1', '--explain', 'all', '--json', '-o', 'map.png']
    const printed = JSON.parse(quietly(await onnxplain(folder, ...args)))
    expect(printed.explanations.map((e: { input: string; raw: { dims: number[] } }) => [e.input, e.raw.dims])).toEqual([
      ['image', [3, SIDE, SIDE]],
      ['mask', [1, SIDE, SIDE]],
    ])
    expect(printed.explanations[0].provenance.inputs.count).toEqual({
      type: 'int64',
      dims: [],
      values: ['2'],
      sha256: null,
    })
    expect(filesOf(folder).filter((f) => f.startsWith('map'))).toEqual(['map.mask.png', 'map.png'])
    await expectDrawn(join(folder, 'map.mask.png'), 'png')
  })

  test('--explain and --raw: the map of another input', async () => {
    const folder = maskedFolder()
    const args = ['--method', 'input-x-gradient', '-t', '1', '--explain', 'mask', '--raw', 'map.npy']
    quietly(await onnxplain(folder, ...MASKED, ...GIVEN, ...args))
    const raw = decodeNpy(readFileSync(join(folder, 'map.npy')), 'map.npy')
    expect(raw.dims).toEqual([1, SIDE, SIDE])
    // the mask is 0 in the first column
    expect(raw.data.filter((_, i) => i % SIDE === 0).every((v) => v === 0)).toBe(true)
    expect(raw.data.some((v) => v !== 0)).toBe(true)
  })

  test('inspect says which takes the picture; compile keeps all', async () => {
    const folder = maskedFolder()
    expect(quietly(await onnxplain(folder, 'inspect', 'masked.onnx'))).toContain('[batch, 3, 16, 16]  (picture)')
    const args = ['--method', 'gradient', '--explain', 'all', '-o', 'out.onnx']
    const text = quietly(await onnxplain(folder, 'compile', 'masked.onnx', ...args))
    expect(text).toContain('heatmap: gradient\n  heatmap/mask: gradient of mask\n')
    const again = quietly(await onnxplain(folder, 'inspect', 'out.onnx'))
    for (const name of ['image', 'mask', 'count', 'target', 'heatmap']) expect(again).toContain(`  ${name} `)
  })

  test.each([
    ['missing', ['--input', 'count=2'], 1, ['missing-input', 'mask float32[batch, 1, 16, 16]', '--input mask=VALUE']],
    ['a word', ['--input', 'mask=mask.npy', '--input', 'count=two'], 2, ['bad-option', 'neither numbers nor']],
    ['no value', ['--input', 'count'], 2, ['bad-option', 'not NAME=VALUE']],
    ['given twice', [...GIVEN, '--input', 'count=3'], 2, ['bad-option', 'given twice']],
    [
      'a fraction',
      ['--input', 'mask=mask.npy', '--input', 'count=1.5'],
      1,
      ['invalid-tensor', '1.5 is no whole number'],
    ],
    ['another shape', ['--input', 'mask=[[1,2],[3,4]]', '--input', 'count=1'], 1, ['shape-mismatch', 'given [2, 2]']],
    ['a file that is not there', ['--input', 'mask=none.npy'], 1, ['cannot-read', 'none.npy']],
    ['no gradient', [...GIVEN, '--method', 'gradient', '--explain', 'count'], 1, ['method-not-applicable', 'int64']],
    ['another name', [...GIVEN, '--picture-input', 'imagee'], 1, ['no-image-input', 'Did you mean "image"']],
  ] as const)('%s: one line with its code', async (_, args, code, words) => {
    const folder = maskedFolder()
    const before = filesOf(folder)
    const ran = await onnxplain(folder, ...MASKED, ...args)
    expect([ran.code, ran.stdout]).toEqual([code, ''])
    for (const word of words) expect(ran.stderr).toContain(word)
    expect(ran.stderr.trim().split('\n')).toHaveLength(1)
    expect(filesOf(folder)).toEqual(before)
  })
})

describe('tensors', () => {
  const folderOf = (name: string): string => {
    const folder = pictureFolder()
    copyFileSync(pathOf(`test/fixtures/shapes/${name}.onnx`), join(folder, 'model.onnx'))
    copyFileSync(pathOf(`test/fixtures/shapes/${name}.input.npy`), join(folder, 'input.npy'))
    return folder
  }
  const args = ['--tensor', 'input.npy', '-m', 'model.onnx']

  test('a volume: a sheet of slices, a row for each method', async () => {
    const folder = folderOf('volume')
    const methods = ['--method', 'grad-cam', '--method', 'occlusion', '--patch', '8', '--stride', '8', '--slices', '4']
    quietly(await onnxplain(folder, ...args, ...methods, '-t', '1', '-o', 'map.png'))
    await expectDrawn(join(folder, 'map.png'), 'png')
    const { width = 0, height = 0 } = await sharp(join(folder, 'map.png')).metadata()
    expect(width / height).toBeGreaterThan(1.8) // six slices wide, three rows high
  })

  test('many bands: a false-colour picture; a photo is refused', async () => {
    const folder = folderOf('bands')
    quietly(await onnxplain(folder, ...args, '--patch', '8', '--stride', '8', '-o', 'map.png'))
    await expectDrawn(join(folder, 'map.png'), 'png')
    const ran = await onnxplain(folder, 'cat.jpg', '-m', 'model.onnx', '-o', 'photo.png')
    expect(ran).toMatchObject({ code: 1, stdout: '' })
    expect(ran.stderr).toMatch(/takes no photos.*12 channels.*--tensor FILE.npy.*no-image-input/)
    const mean = await onnxplain(folder, ...args, '--mean', '0,0,0')
    expect(mean).toMatchObject({ code: 2, stdout: '' })
    expect(mean.stderr).toContain('mean is about photos')
  })

  test('a signal: the raw map, and no figure', async () => {
    const folder = folderOf('signal')
    const ran = await onnxplain(folder, ...args, '--method', 'gradient', '-t', '0', '--raw', 'map.npy')
    expect(decodeNpy(readFileSync(join(folder, 'map.npy')), 'map.npy').dims).toEqual([12, 64])
    expect([ran.code, ran.stderr]).toEqual([0, ''])
    const drawn = await onnxplain(folder, ...args, '--method', 'gradient', '-t', '0')
    expect(drawn.code).toBe(0)
    expect(drawn.stderr).toContain('lies on no picture, and is not drawn')
  })
})

describe('several outputs', () => {
  test('--answer chooses; one that is not there is refused with those that are', async () => {
    const folder = fill(pictureFolder(), {
      'two.onnx': modelBytes({
        opset: 17,
        nodes: [
          { op: 'Conv', inputs: ['image', 'kernel'], outputs: ['features'], attributes: { pads: [1, 1, 1, 1] } },
          { op: 'GlobalAveragePool', inputs: ['features'], outputs: ['pooled'] },
          { op: 'Flatten', inputs: ['pooled'], outputs: ['kinds'] },
          { op: 'Gemm', inputs: ['kinds', 'head'], outputs: ['colours'] },
        ],
        inputs: [declare('image', 'float32', ['batch', 3, SIDE, SIDE])],
        outputs: [declare('kinds', 'float32', ['batch', 4]), declare('colours', 'float32', ['batch', 6])],
        initializers: { kernel: noise(1, 4, 3, 3, 3), head: noise(2, 4, 6) },
      }),
    })
    const args = ['cat.jpg', '-m', 'two.onnx', '--quiet', '--method', 'gradient', '-t', '3', '--json']
    const answers = async (...more: readonly string[]): Promise<number> =>
      JSON.parse(quietly(await onnxplain(folder, ...args, ...more))).answers.length
    expect([await answers(), await answers('--answer', 'kinds')]).toEqual([6, 4])
    const ran = await onnxplain(folder, ...args, '--answer', 'kind')
    expect([ran.code, ran.stdout]).toEqual([1, ''])
    expect(ran.stderr).toMatch(/There is no output "kind".*Explained can be: kinds, colours.*method-not-applicable/)
  })
})

describe('a network that takes any size', () => {
  test('--size 32x48 and the like', async () => {
    const folder = fill(pictureFolder(), {
      'free.onnx': modelBytes({
        opset: 17,
        nodes: [
          { op: 'Conv', inputs: ['image', 'kernel'], outputs: ['features'], attributes: { pads: [1, 1, 1, 1] } },
          { op: 'GlobalAveragePool', inputs: ['features'], outputs: ['pooled'] },
          { op: 'Flatten', inputs: ['pooled'], outputs: ['logits'] },
        ],
        inputs: [declare('image', 'float32', ['batch', 3, 'height', 'width'])],
        outputs: [declare('logits', 'float32', ['batch', 4])],
        initializers: { kernel: noise(1, 4, 3, 3, 3) },
      }),
    })
    for (const [size, dims] of [
      ['32x48', [3, 32, 48]],
      ['40', [3, 40, 40]],
    ] as const) {
      const args = [
        'cat.jpg',
        '-m',
        'free.onnx',
        '--quiet',
        '--method',
        'gradient',
        '-t',
        '0',
        '--json',
        '--size',
        size,
      ]
      const printed = JSON.parse(quietly(await onnxplain(folder, ...args)))
      expect(printed.explanations[0].raw.dims).toEqual(dims)
    }
    const bad = await onnxplain(folder, 'cat.jpg', '-m', 'free.onnx', '--size', '32x')
    expect(bad.code).toBe(2)
    expect(bad.stderr).toContain('HEIGHTxWIDTH')
  })
})
