/** `onnxplain inspect`: what it says of a model, as text and as JSON. */
import { describe, expect, test } from 'vitest'
import { float32 } from '../../src/core/tensor.js'
import type { Inspection } from '../../src/explain/index.js'
import { declare } from '../../src/onnx/builder.js'
import { fill, temporaryFolder, textModel } from '../node/support.js'
import { pathOf, SHIPPED_MODEL } from '../support/files.js'
import { modelBytes } from '../support/model.js'
import { onnxplain, quietly, tinyFolder } from './command.js'

type Printed = Inspection & { readonly model: string }

async function inspected(folder: string, ...args: readonly string[]): Promise<Printed> {
  return JSON.parse(quietly(await onnxplain(folder, 'inspect', ...args, '--json'))) as Printed
}

describe('a small model', () => {
  test('as text', async () => {
    expect(quietly(await onnxplain(tinyFolder(), 'inspect', 'tiny'))).toBe(
      [
        'tiny',
        '  opset 17, 5 nodes, 0.00 M weights, 0.0 MB',
        'inputs',
        '  image  float32  [batch, 3, 16, 16]',
        'outputs',
        '  logits  float32  [batch, 5]',
        'layers',
        '  conv      Conv  [batch, 4, 16, 16]',
        '  features  Relu  [batch, 4, 16, 16]  (default)',
        '',
      ].join('\n'),
    )
  })

  test('as JSON', async () => {
    const printed = await inspected(tinyFolder(), 'tiny')
    expect(printed).toMatchObject({
      model: 'tiny',
      opset: 17,
      nodes: 5,
      parameters: 4 * 27 + 20,
      bytes: 4 * (4 * 27 + 20),
      inputs: [{ name: 'image', type: 'float32', dims: ['batch', 3, 16, 16] }],
      outputs: [{ name: 'logits', type: 'float32', dims: ['batch', 5] }],
      withoutRule: [],
      problems: [],
    })
    expect(printed.layers.filter((l) => l.default).map((l) => l.name)).toEqual(['features'])
  })
})

test('the shipped model: its default layer is the one that explaining takes', async () => {
  const printed = await inspected(temporaryFolder())
  expect(printed.model).toBe('efficientnet-lite0 (shipped)')
  expect(printed.layers.length).toBeGreaterThan(20)
  expect(printed.layers.filter((l) => l.default).map((l) => [l.name, l.dims?.slice(1)])).toEqual([
    ['relu6_1.Clip', [1280, 7, 7]],
  ])
  expect(printed.parameters).toBeGreaterThan(4.5e6)
  expect((await inspected(temporaryFolder(), pathOf(SHIPPED_MODEL))).layers).toEqual(printed.layers)
})

describe('a model that cannot be explained', () => {
  test('one that takes no picture is described all the same, with the reason', async () => {
    const folder = fill(temporaryFolder(), { 'text.onnx': textModel() })
    const text = quietly(await onnxplain(folder, 'inspect', 'text.onnx'))
    expect(text).toContain('input_ids  int64  [batch, 8]')
    expect(text).toMatch(/^note: This model takes no picture/m)
    expect((await inspected(folder, 'text.onnx')).problems[0]).toContain('input_ids')
  })

  test('an operator without a backward rule is named with its node; what needs no gradient still works', async () => {
    const bytes = modelBytes({
      opset: 17,
      nodes: [
        { op: 'Binarizer', domain: 'ai.onnx.ml', inputs: ['image'], outputs: ['rest'] },
        { op: 'GlobalAveragePool', inputs: ['rest'], outputs: ['pooled'] },
        { op: 'Flatten', inputs: ['pooled'], outputs: ['flat'] },
        { op: 'MatMul', inputs: ['flat', 'head'], outputs: ['logits'] },
      ],
      inputs: [declare('image', 'float32', ['batch', 3, 16, 16])],
      outputs: [declare('logits', 'float32', ['batch', 2])],
      initializers: { head: float32([3, 2], [1, -1, 2, -2, 3, -3]) },
    })
    const folder = fill(tinyFolder(), { 'odd.onnx': bytes })
    const text = quietly(await onnxplain(folder, 'inspect', 'odd.onnx'))
    expect(text).toMatch(/^operators without a backward rule .*\n {2}ai\.onnx\.ml\.Binarizer +1 +Binarizer_rest$/m)
    expect((await inspected(folder, 'odd.onnx')).withoutRule).toEqual([
      { op: 'ai.onnx.ml.Binarizer', nodes: ['Binarizer_rest'] },
    ])
    const args = ['cat.jpg', '-m', 'odd.onnx', '-t', '0', '--quiet']
    const refused = await onnxplain(folder, ...args, '--method', 'gradient', '-o', 'map.png')
    expect(refused).toMatchObject({ code: 1, stdout: '' })
    expect(refused.stderr).toMatch(/Binarizer_rest.*occlusion.*\[unsupported-operator\]\n$/)
    quietly(
      await onnxplain(folder, ...args, '--method', 'occlusion', '--patch', '8', '--stride', '8', '--raw', 'r.npy'),
    )
  })
})
