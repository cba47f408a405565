/** Models of every kind that a page has: addresses, folders, files with what belongs to them, bytes; and what is no model. */
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { fill, remove, splitModel, TINY_LABELS, temporaryFolder, textModel, tinyModel } from '../node/support.js'
import { expectQuiet, launch, type Tab, type TestBrowser, troubleOf } from './browser.js'
import { call, type Site, serveSite, visit } from './site.js'
import type { Failure, OpenedModel, Source } from './told.js'

const split = splitModel('weights.bin')
const FILES = {
  'net.onnx': tinyModel(),
  'other.onnx': tinyModel({ weight: 3 }),
  'text.onnx': textModel(),
  'split.onnx': split.model,
  'weights.bin': split.kernel,
  'damaged.onnx': tinyModel().subarray(0, 200),
  'page.onnx': '<!doctype html><title>not found</title>',
  'empty.onnx': '',
  'labels.txt': TINY_LABELS.join('\n'),
  'hub/onnx/model.onnx': tinyModel(),
  'hub/config.json': { id2label: Object.fromEntries(TINY_LABELS.map((label, i) => [i, label])) },
  'hub/preprocessor_config.json': {
    size: 16,
    image_mean: [0.25, 0.25, 0.25],
    image_std: [0.5, 0.5, 0.5],
    do_normalize: true,
  },
  'flat/model.onnx': tinyModel(),
  'flat/config.json': { id2label: Object.fromEntries(TINY_LABELS.map((label, i) => [i, label.toUpperCase()])) },
  'none/config.json': {},
}
const CONFIG = JSON.stringify(FILES['hub/config.json'])

let browser: TestBrowser
let site: Site
/** One page for all models: they are opened in it in turn, and what goes wrong in it is kept to the last. */
let tab: Tab
const folder = fill(temporaryFolder(), FILES)
beforeAll(async () => {
  site = await serveSite(new Map(Object.keys(FILES).map((name) => [`/m/${name}`, join(folder, name)])))
  browser = await launch()
  tab = await visit(browser, site)
})
afterAll(async () => {
  await browser.close()
  await site.close()
  remove(folder)
  remove(site.folder)
})

async function opened(source: Source, options?: object) {
  const found = await call<OpenedModel | Failure>(tab, 'opens', source, options)
  const trouble = troubleOf(tab)
  // what is looked for beside a model, and is not there, is asked for in vain
  if (!('error' in found)) expectQuiet(tab, /404/)
  return { found, trouble }
}

const at = (name: string) => ({ url: `/m/${name}` })
const GOOD: Readonly<Record<string, readonly [Source, Partial<OpenedModel>]>> = {
  'an address': [
    { kind: 'address', ...at('net.onnx') },
    { name: 'net.onnx', labels: [] },
  ],
  'a URL': [{ kind: 'url', ...at('net.onnx') }, { name: 'net.onnx' }],
  'an address with its external data': [{ kind: 'address', ...at('split.onnx') }, { name: 'split.onnx' }],
  'a folder in the Hugging Face layout': [
    { kind: 'address', ...at('hub/') },
    { name: 'hub', labels: TINY_LABELS, mean: [0.25, 0.25, 0.25] },
  ],
  'the .onnx in such a folder': [
    { kind: 'address', ...at('hub/onnx/model.onnx') },
    { name: 'model.onnx', labels: TINY_LABELS, mean: [0.25, 0.25, 0.25] },
  ],
  'a folder without onnx/': [
    { kind: 'address', ...at('flat/') },
    { name: 'flat', labels: TINY_LABELS.map((l) => l.toUpperCase()) },
  ],
  bytes: [
    { kind: 'bytes', ...at('net.onnx') },
    { name: 'model', labels: [] },
  ],
  'a buffer': [{ kind: 'buffer', ...at('net.onnx') }, { name: 'model' }],
  'a blob': [{ kind: 'blob', ...at('net.onnx') }, {}],
  'a file': [{ kind: 'file', ...at('net.onnx'), name: 'mine.onnx' }, { name: 'mine.onnx' }],
  'a file with its external data': [
    { kind: 'files', files: { 'split.onnx': at('split.onnx'), 'weights.bin': at('weights.bin') } },
    { name: 'split.onnx' },
  ],
  'a file with its config.json': [
    { kind: 'files', files: { 'config.json': CONFIG, 'net.onnx': at('net.onnx') } },
    { name: 'net.onnx', labels: TINY_LABELS },
  ],
  'a file with labels in a file': [
    { kind: 'files', files: { 'net.onnx': at('net.onnx'), 'labels.txt': TINY_LABELS.join('\r\n') } },
    { labels: TINY_LABELS },
  ],
  'a folder that was dropped': [
    { kind: 'files', files: { 'my/hub/onnx/model.onnx': at('net.onnx'), 'my/hub/config.json': CONFIG } },
    { name: 'hub', labels: TINY_LABELS },
  ],
  'a folder with two models, one where the layout has it': [
    { kind: 'files', files: { 'hub/onnx/model_q4.onnx': at('other.onnx'), 'hub/onnx/model.onnx': at('net.onnx') } },
    { name: 'hub' },
  ],
}
let logit: number | undefined
test.each(Object.entries(GOOD))('%s', async (_, [source, want]) => {
  const { found } = await opened(source)
  expect(found).toMatchObject(want)
  if ('error' in found) return
  // the same network everywhere
  logit ??= found.best?.logit
  expect(found.best?.logit).toBe(logit)
  expect(found.warned).toEqual(found.notes)
  expect(found.notes.some((note) => note.startsWith('Preprocessing:'))).toBe(want.mean === undefined)
})

describe('what is told while it is read', () => {
  test('the bytes of a model, up to all of them, then the steps behind', async () => {
    const { progress } = await call<OpenedModel>(tab, 'opens', { kind: 'shipped' })
    const bytes = progress.filter(({ step }) => step === 'model.onnx')
    const total = bytes.at(-1)?.total
    expect(total).toBeGreaterThan(9_000_000)
    expect(bytes.at(-1)?.loaded).toBe(total)
    expect(bytes.length).toBeGreaterThan(2)
    for (const [i, { loaded }] of bytes.entries()) expect(loaded).toBeGreaterThan(bytes[i - 1]?.loaded ?? 0)
    expect(progress.slice(-2).map(({ step }) => step)).toEqual(['ONNX Runtime', 'shapes'])
  })
})

test('labels and preprocessing that are given go first', async () => {
  const { found } = await opened(
    { kind: 'address', ...at('hub/') },
    { labels: ['1', '2', '3', '4', '5'], mean: [0.75, 0.75, 0.75] },
  )
  expect(found).toMatchObject({ labels: ['1', '2', '3', '4', '5'], mean: [0.75, 0.75, 0.75] })
})

const BAD: Readonly<Record<string, readonly [Source, code: string, words: RegExp]>> = {
  'an address where nothing is': [{ kind: 'address', ...at('no.onnx') }, 'cannot-read', /does not exist/],
  'a folder without a model': [{ kind: 'address', ...at('none/') }, 'cannot-read', /neither onnx\/model\.onnx/],
  'another site that does not answer': [
    { kind: 'address', url: 'http://example.invalid/net.onnx' },
    'cannot-read',
    /not answer/,
  ],
  'no address': [{ kind: 'address', url: 'http://' }, 'cannot-read', /no address/],
  'a page in place of a model': [{ kind: 'address', ...at('page.onnx') }, 'invalid-model', /page|HTML|not/i],
  'an empty file': [{ kind: 'address', ...at('empty.onnx') }, 'invalid-model', /empty/],
  'a damaged model': [{ kind: 'file', ...at('damaged.onnx'), name: 'damaged.onnx' }, 'invalid-model', /damaged\.onnx/],
  'a model without its external data': [
    { kind: 'file', ...at('split.onnx'), name: 'split.onnx' },
    'external-data-missing',
    /weights\.bin/,
  ],
  'bytes of a model without its external data': [
    { kind: 'bytes', ...at('split.onnx') },
    'external-data-missing',
    /weights\.bin/,
  ],
  'a model that takes no picture': [{ kind: 'address', ...at('text.onnx') }, 'no-image-input', /input_ids/],
  'two models': [
    { kind: 'files', files: { 'a.onnx': at('net.onnx'), 'b.onnx': at('other.onnx') } },
    'bad-option',
    /2 \.onnx files.*a\.onnx, b\.onnx/,
  ],
  'no model': [{ kind: 'files', files: { 'config.json': CONFIG } }, 'bad-option', /no \.onnx/],
  'no files': [{ kind: 'files', files: {} }, 'bad-option', /no \.onnx/],
  'a config.json that is none': [
    { kind: 'files', files: { 'net.onnx': at('net.onnx'), 'config.json': '{' } },
    'cannot-read',
    /config\.json.*not JSON/,
  ],
}
test.each(Object.entries(BAD))('%s', async (_, [source, code, words]) => {
  const { found, trouble } = await opened(source)
  expect(found).toMatchObject({ error: { code, message: expect.stringMatching(words) } })
  // refused by the policy or not found, as the browser says itself; no error that nothing caught
  expect(trouble.filter((line) => line.startsWith('errors:'))).toEqual([])
})
