/** Models in two files, and what their folders say of words: on a disk, and dropped on a page. */
import { readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { resolveModel } from '../../src/node/resolve.js'
import { readModel } from '../../src/web/files.js'
import { pathOf } from '../support/files.js'
import { failureOf, fill, temporaryFolder } from './support.js'

const at = (name: string): Uint8Array => Uint8Array.from(readFileSync(pathOf(`models/shapes-captioner/${name}`)))
const encoder = at('onnx/encoder_model.onnx')
const decoder = at('onnx/decoder_model.onnx')
const config = JSON.parse(new TextDecoder().decode(at('config.json')))
const outputs = (parts: { graph: { outputs: readonly { name: string }[] } }) => parts.graph.outputs.map((o) => o.name)

describe('an encoder and a decoder', () => {
  const folder = () =>
    fill(temporaryFolder(), {
      'net/onnx/encoder_model.onnx': encoder,
      'net/onnx/decoder_model.onnx': decoder,
      'net/config.json': { ...config, id2label: { 0: 'LABEL_0', 1: 'LABEL_1' } },
      'net/generation_config.json': { num_beams: 4, max_length: 15 },
    })

  test('a folder, its onnx/, or the decoder stand for both', async () => {
    const net = join(folder(), 'net')
    for (const path of [net, join(net, 'onnx'), join(net, 'onnx/decoder_model.onnx')]) {
      const parts = await resolveModel(path)
      expect(outputs(parts), path).toEqual(['logits', 'last_hidden_state'])
      expect(parts.files.map((f) => basename(f))).toEqual(['encoder_model.onnx', 'decoder_model.onnx'])
      expect(basename(parts.entry)).toBe('decoder_model.onnx')
      expect(parts.companions.map((f) => basename(f))).toEqual(['config.json', 'generation_config.json'])
      expect(parts.text).toMatchObject({ eos: [2], start: 1, pad: 0, generation: { beams: 4, maxLength: 15 } })
      expect(parts.text?.vocabulary?.[20]).toBe('circle')
      // a decoder's answers are words
      expect(parts.labels).toBeUndefined()
    }
  })

  test("an encoder's file is a model by itself", async () => {
    const parts = await resolveModel(join(folder(), 'net/onnx/encoder_model.onnx'))
    expect(outputs(parts)).toEqual(['last_hidden_state'])
    expect([parts.files.length, parts.text]).toEqual([1, undefined])
  })

  test('other versions of a model go together; one file comes before two', async () => {
    const both = fill(temporaryFolder(), { 'encoder_model_q.onnx': encoder, 'decoder_model_q.onnx': decoder })
    expect(outputs(await resolveModel(join(both, 'decoder_model_q.onnx')))).toContain('logits')
    const whole = fill(folder(), { 'net/model.onnx': encoder })
    expect(outputs(await resolveModel(join(whole, 'net')))).toEqual(['last_hidden_state'])
  })

  test('a half that is missing, and halves of two models', async () => {
    const one = fill(temporaryFolder(), { 'encoder_model.onnx': encoder, 'config.json': config })
    const error = await failureOf(resolveModel(one))
    expect(error.code).toBe('cannot-read')
    expect(error.message).toContain(
      'there is no decoder_model.onnx, no decoder_model_merged.onnx, no decoder_with_past',
    )
    const other = fill(temporaryFolder(), { 'decoder_model.onnx': decoder })
    const lonely = await failureOf(resolveModel(join(other, 'decoder_model.onnx')))
    expect(lonely.message).toContain('"decoder_model.onnx" is one half of a model')
    const wrong = fill(temporaryFolder(), { 'encoder_model.onnx': encoder, 'decoder_model.onnx': encoder })
    expect((await failureOf(resolveModel(wrong))).code).toBe('not-connected')
  })

  test('settings that are none are named', async () => {
    const bad = fill(folder(), { 'net/config.json': { ...config, eos_token_id: 'end' } })
    expect((await failureOf(resolveModel(join(bad, 'net')))).message).toContain('"eos_token_id" is "end"')
    // a list of words goes first: with one, tokenizer.json is not read
    const { vocabulary: _, ...wordless } = config
    const broken = fill(folder(), { 'net/config.json': wordless, 'net/tokenizer.json': '{' })
    expect((await failureOf(resolveModel(join(broken, 'net')))).message).toContain('tokenizer.json" is not JSON')
  })
})

describe('dropped together', () => {
  const file = (path: string, content: Uint8Array | object) => ({
    path,
    blob: new Blob([content instanceof Uint8Array ? (content as Uint8Array<ArrayBuffer>) : JSON.stringify(content)]),
  })
  const dropped = (...files: ReturnType<typeof file>[]) => readModel({ kind: 'files', files }, () => {})

  test('two files, or their folder', async () => {
    const loose = await dropped(
      file('encoder_model.onnx', encoder),
      file('config.json', config),
      file('decoder_model.onnx', decoder),
    )
    expect([outputs(loose), loose.text?.eos]).toEqual([['logits', 'last_hidden_state'], [2]])
    const inside = await dropped(
      file('net/onnx/encoder_model.onnx', encoder),
      file('net/onnx/decoder_model.onnx', decoder),
      file('net/config.json', config),
    )
    expect([inside.name, inside.models.length, inside.text?.start]).toEqual(['net', 2, 1])
  })

  test('one of them', async () => {
    expect(outputs(await dropped(file('encoder_model.onnx', encoder)))).toEqual(['last_hidden_state'])
    const error = await failureOf(dropped(file('decoder_model.onnx', decoder)))
    expect(error.message).toContain('its other half is missing: there is no encoder_model.onnx')
  })
})
