/** From a path to a model's parts: layouts of folders, labels, external data. */
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { float32 } from '../../src/core/tensor.js'
import { open } from '../../src/node/open.js'
import { readLabels, resolveModel } from '../../src/node/resolve.js'
import { decode } from '../../src/onnx/decode.js'
import { runtime } from '../support/ort.js'
import { failureOf, fill, splitModel, TINY_LABELS, temporaryFolder, tinyModel } from './support.js'

const tiny = tinyModel()
const id2label = Object.fromEntries(TINY_LABELS.map((l, i) => [i, l]))
const preprocessor = {
  do_resize: true,
  size: { height: 16, width: 16 },
  resample: 2,
  do_rescale: true,
  rescale_factor: 1 / 255,
  do_normalize: true,
  image_mean: [0.1, 0.2, 0.3],
  image_std: [0.5, 0.6, 0.7],
}

describe('where a model is found', () => {
  test('a folder in the Hugging Face layout', async () => {
    const folder = fill(temporaryFolder(), {
      'net/onnx/model.onnx': tiny,
      'net/config.json': { id2label },
      'net/preprocessor_config.json': preprocessor,
    })
    for (const path of [join(folder, 'net'), join(folder, 'net/onnx/model.onnx'), `${join(folder, 'net')}/`]) {
      const parts = await resolveModel(path)
      expect(parts.labels, path).toEqual(TINY_LABELS)
      expect(parts.preprocessing?.mean).toEqual([0.1, 0.2, 0.3])
      expect(parts.graph.nodes.map((n) => n.op)).toContain('Conv')
      expect(parts.name).toBe(path.endsWith('.onnx') ? 'model.onnx' : 'net')
      const companions = ['config.json', 'preprocessor_config.json'].map((name) => join(folder, 'net', name))
      expect(parts.companions).toEqual(companions)
    }
  })

  test('a flat folder', async () => {
    const folder = fill(temporaryFolder(), { 'model.onnx': tiny, 'config.json': { id2label } })
    const parts = await resolveModel(folder)
    expect(parts.labels).toEqual(TINY_LABELS)
    expect(parts.preprocessing).toBeUndefined()
  })

  test('a file of any name, with its companions beside it', async () => {
    const folder = fill(temporaryFolder(), { 'net.onnx': tiny, 'preprocessor_config.json': preprocessor })
    const parts = await resolveModel(join(folder, 'net.onnx'))
    expect(parts.name).toBe('net.onnx')
    expect(parts.labels).toBeUndefined()
    expect(parts.preprocessing?.std).toEqual([0.5, 0.6, 0.7])
    expect(parts.companions).toEqual([join(folder, 'preprocessor_config.json')])
  })

  test('the configuration of a folder above counts only for onnx/', async () => {
    const folder = fill(temporaryFolder(), { 'weights/model.onnx': tiny, 'config.json': { id2label } })
    expect((await resolveModel(join(folder, 'weights'))).labels).toBeUndefined()
  })

  test('nothing: the shipped model, with labels and preprocessing', async () => {
    const parts = await resolveModel()
    expect(parts.name).toBe('efficientnet-lite0 (shipped)')
    expect(parts.labels).toHaveLength(1000)
    expect(parts.labels?.[285]).toBe('Egyptian cat')
    expect(parts.preprocessing?.crop).toEqual({ height: 224, width: 224 })
  })

  test('a folder without a model, and no file at all', async () => {
    const folder = fill(temporaryFolder(), { 'net.onnx': tiny })
    const empty = await failureOf(resolveModel(folder))
    expect(empty.code).toBe('cannot-read')
    expect(empty.message).toContain(
      'neither onnx/model.onnx, model.onnx, onnx/encoder_model.onnx, encoder_model.onnx, onnx/vision_model.onnx nor vision_model.onnx',
    )
    const missing = await failureOf(resolveModel(join(folder, 'other.onnx')))
    expect(missing.code).toBe('cannot-read')
    expect(missing.message).toContain('it does not exist')
  })
})

describe('broken files', () => {
  test.each([
    ['text', Buffer.from('version https://git-lfs.github.com/spec/v1\n')],
    ['an empty file', new Uint8Array()],
    ['a model that is cut short', tiny.subarray(0, tiny.length / 2)],
  ])('%s in place of a model', async (_, bytes) => {
    const folder = fill(temporaryFolder(), { 'model.onnx': bytes })
    const error = await failureOf(resolveModel(folder))
    expect(error.code).toBe('invalid-model')
    expect(error.message).toContain(join(folder, 'model.onnx'))
  })

  test.each(['config.json', 'preprocessor_config.json'])('%s that is not JSON is named', async (name) => {
    const folder = fill(temporaryFolder(), { 'model.onnx': tiny, [name]: '{"id2label": ' })
    const error = await failureOf(resolveModel(folder))
    expect(error.message).toContain(join(folder, name))
    expect(error.message).toContain('is not JSON')
  })

  test.each([{}, { id2label: {} }, { id2label: null }, { id2label: { ant: 0 } }, { model_type: 'resnet' }])(
    'config.json without labels (%j): a model without labels',
    async (config) => {
      const folder = fill(temporaryFolder(), { 'model.onnx': tiny, 'config.json': config })
      expect((await resolveModel(folder)).labels).toBeUndefined()
    },
  )
})

describe('labels', () => {
  const forms: Readonly<Record<string, string | object>> = {
    'one a line': `${TINY_LABELS.join('\n')}\n`,
    'one a line, as Windows writes them': TINY_LABELS.join('\r\n'),
    'a JSON list': TINY_LABELS,
    'a JSON object by index': id2label,
    'a JSON object by index, in another order': { '4': 'elk', '2': 'cat', '0': 'ant', '3': 'dog', '1': 'bee' },
    'a config.json': { model_type: 'resnet', id2label },
  }
  test.each(Object.entries(forms))('%s', async (_, content) => {
    const folder = fill(temporaryFolder(), { labels: content })
    expect(await readLabels(join(folder, 'labels'))).toEqual(TINY_LABELS)
  })

  test('a gap is filled with the class number', async () => {
    const folder = fill(temporaryFolder(), { labels: { '0': 'ant', '2': 'cat' } })
    expect(await readLabels(join(folder, 'labels'))).toEqual(['ant', 'class 1', 'cat'])
  })

  test.each([
    ['broken JSON', '["ant", "bee"', 'is not JSON'],
    ['JSON of something else', '{"ant": 0}', 'holds no labels'],
  ])('%s', async (_, content, words) => {
    const path = join(fill(temporaryFolder(), { labels: content }), 'labels')
    const error = await failureOf(readLabels(path))
    expect(error.code).toBe('cannot-read')
    expect(error.message).toContain(path)
    expect(error.message).toContain(words)
  })
})

describe('external data', () => {
  test.each(['model.onnx_data', 'weights/kernel.bin', './kernel.bin', '..data'])('at %s', async (location) => {
    const { model, kernel } = splitModel(location)
    const folder = fill(temporaryFolder(), { 'model.onnx': model, [location]: kernel })
    const { graph, files } = await resolveModel(folder)
    expect(graph.constant('kernel')?.data).toEqual(decode(tiny).constant('kernel')?.data)
    expect(files).toEqual([join(folder, 'model.onnx'), join(folder, location)])
  })

  test('missing: the file and the folder are named', async () => {
    const folder = fill(temporaryFolder(), { 'model.onnx': splitModel('model.onnx_data').model })
    const error = await failureOf(resolveModel(folder))
    expect(error.code).toBe('external-data-missing')
    expect(error.message).toContain('"model.onnx_data"')
    expect(error.message).toContain(folder)
  })

  test.each(['../secret.bin', 'a/../../secret.bin', '/etc/hostname'])(
    'outside the folder (%s): not read',
    async (at) => {
      const { model, kernel } = splitModel(at)
      const folder = fill(temporaryFolder(), { 'net/model.onnx': model, 'secret.bin': kernel })
      const error = await failureOf(resolveModel(join(folder, 'net')))
      expect(error.code).toBe('external-data-missing')
      expect(error.message).toContain(`"${at}"`)
    },
  )

  test('cut short: the file is named, not what the runtime makes of it', async () => {
    const { model, kernel } = splitModel('model.onnx_data')
    const folder = fill(temporaryFolder(), { 'model.onnx': model, 'model.onnx_data': kernel.subarray(4) })
    const error = await failureOf(resolveModel(folder))
    expect(error.code).toBe('external-data-missing')
    expect(error.message).toContain('"model.onnx_data" is too short: 432 bytes wanted, 428 there')
  })

  test('a model of two files is opened and explained', async () => {
    const { model, kernel } = splitModel('model.onnx_data')
    const folder = fill(temporaryFolder(), { 'model.onnx': model, 'model.onnx_data': kernel })
    const image = float32(
      [3, 16, 16],
      Float32Array.from({ length: 768 }, (_, i) => Math.sin(i)),
    )
    await using two = await open(folder, { runtime })
    await using one = await open(tiny, { runtime })
    const want = (await one.explain(image)).raw.data
    expect(want.some((v) => v !== 0)).toBe(true)
    expect((await two.explain(image)).raw.data).toEqual(want)
  })
})
