/** `onnxplain compile`: the file it writes runs in ONNX Runtime by itself, and holds the map that the API gives. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import type { Session } from '../../src/core/runtime.js'
import { float32, int64, isFloat32, type Tensor } from '../../src/core/tensor.js'
import { open } from '../../src/node/index.js'
import { decode } from '../../src/onnx/decode.js'
import { remove, temporaryFolder } from '../node/support.js'
import { pathOf, SHIPPED_MODEL } from '../support/files.js'
import { relativeL2 } from '../support/measures.js'
import { readNpyFloat32 } from '../support/npy.js'
import { runtime } from '../support/ort.js'
import { filesOf, onnxplain, quietly, tinyFolder } from './command.js'

async function load(path: string): Promise<Session> {
  return runtime.createSession({ bytes: new Uint8Array(readFileSync(path)), externalData: new Map() })
}

function floats(t: Tensor | undefined): Tensor<'float32'> {
  if (!t || !isFloat32(t)) throw new Error(`a float32 tensor is wanted, not ${t?.type}`)
  return t
}

describe('the shipped model with Grad-CAM inside', () => {
  let file: Uint8Array
  let session: Session
  let picture: Tensor<'float32'>

  beforeAll(async () => {
    const folder = temporaryFolder()
    try {
      const out = quietly(
        await onnxplain(folder, 'compile', pathOf(SHIPPED_MODEL), '-o', 'cam.onnx', '--method', 'grad-cam'),
      )
      expect(out).toContain('heatmap: grad-cam at relu6_1.Clip')
      expect(filesOf(folder)).toEqual(['cam.onnx'])
      file = new Uint8Array(readFileSync(join(folder, 'cam.onnx')))
      session = await load(join(folder, 'cam.onnx'))
    } finally {
      remove(folder)
    }
    const pixels = readNpyFloat32(pathOf('test/fixtures/golden/input.npy'))
    const data = pixels.data.map((v) => (v - 127) / 128)
    picture = float32([1, 3, 224, 224], data)
  })

  test('keeps inputs and outputs, and adds target and heatmap', () => {
    const original = decode(new Uint8Array(readFileSync(pathOf(SHIPPED_MODEL))))
    const names = (list: readonly { readonly name: string }[]): string[] => list.map((v) => v.name)
    expect(names(session.inputs)).toEqual([...names(original.inputs), 'target'])
    expect(names(session.outputs)).toEqual([...names(original.outputs), 'heatmap'])
    expect(session.inputs.at(-1)).toMatchObject({ type: 'int64' })
    expect(session.outputs.at(-1)).toMatchObject({ type: 'float32' })
    expect(session.outputs.at(-1)?.dims?.slice(1)).toEqual([7, 7])
  })

  test('gives the map of the API, and the answers of the model', async () => {
    await using model = await open()
    const out = await session.run({ pixel_values: picture, target: int64([1], [967]) })
    const { raw } = await model.explain(picture, { target: 967 })
    const [answer] = await model.classify(picture, { top: 1 })
    expect(floats(out.heatmap).dims).toEqual([1, 7, 7])
    expect(relativeL2(floats(out.heatmap).data, raw.data)).toBeLessThan(1e-4)
    const logits = floats(out.logits ?? Object.values(out)[0]).data
    expect(logits.indexOf(Math.max(...logits))).toBe(answer?.index)
  })

  test('-1 is the best answer of each picture', async () => {
    const two = float32([2, 3, 224, 224], [...picture.data, ...picture.data.map((v) => -v)])
    const best = floats((await session.run({ pixel_values: picture, target: int64([1], [-1]) })).heatmap)
    const named = floats((await session.run({ pixel_values: picture, target: int64([1], [285]) })).heatmap)
    expect(relativeL2(best.data, named.data)).toBeLessThan(1e-6)
    const batch = floats((await session.run({ pixel_values: two, target: int64([2], [-1, 967]) })).heatmap)
    expect(batch.dims).toEqual([2, 7, 7])
    expect(relativeL2(batch.data.subarray(0, 49), best.data)).toBeLessThan(1e-3)
  })

  test('uses standard operators only, carries its weights, and says what it is', () => {
    const graph = decode(file)
    expect(new Set(graph.nodes.map((n) => n.domain))).toEqual(new Set(['']))
    expect([...graph.opsets.keys()].filter((domain) => domain !== '')).toEqual([])
    const metadata = new Map(graph.origin.metadataProps.map((e) => [e.key, e.value]))
    expect(metadata.get('onnxplain.method')).toBe('grad-cam')
    expect(metadata.get('onnxplain.layer')).toBe('relu6_1.Clip')
    expect(metadata.get('onnxplain.version')).toMatch(/^\d+\.\d+\.\d+$/)
  })
})

describe('steps behind the raw map', () => {
  const image = float32(
    [1, 3, 16, 16],
    Float32Array.from({ length: 768 }, (_, i) => Math.sin(i / 7)),
  )

  async function heatmap(folder: string, ...args: readonly string[]): Promise<Tensor<'float32'>> {
    quietly(await onnxplain(folder, 'compile', 'tiny', '-o', 'out.onnx', '--method', 'grad-cam', ...args))
    const session = await load(join(folder, 'out.onnx'))
    const out = await session.run({ image, target: int64([1], [1]) })
    await session.release()
    return floats(out.heatmap)
  }

  test('--relu, --normalize and --upsample are inside, and named in the metadata', async () => {
    const folder = tinyFolder()
    const raw = await heatmap(folder)
    expect(Math.min(...raw.data)).toBeLessThan(0)
    const finished = await heatmap(folder, '--relu', '--normalize', '--upsample')
    const largest = Math.max(...raw.data)
    expect(finished.dims).toEqual([1, 16, 16])
    expect(
      relativeL2(
        finished.data,
        raw.data.map((v) => Math.max(0, v) / largest),
      ),
    ).toBeLessThan(1e-5)
    const { origin } = decode(new Uint8Array(readFileSync(join(folder, 'out.onnx'))))
    expect(origin.metadataProps.find((e) => e.key === 'onnxplain.steps')?.value).toBe('relu,upsample,normalize')
  })

  test('several methods are several outputs', async () => {
    const folder = tinyFolder()
    const out = quietly(
      await onnxplain(folder, 'compile', 'tiny', '-o', 'two.onnx', '--method', 'cam', '--method', 'gradient'),
    )
    expect(out).toContain('heatmap/cam: cam at features')
    expect(out).toContain('heatmap/gradient: gradient')
    const session = await load(join(folder, 'two.onnx'))
    const result = await session.run({ image, target: int64([1], [-1]) })
    expect(result['heatmap/cam']?.dims).toEqual([1, 16, 16])
    expect(result['heatmap/gradient']?.dims).toEqual([1, 3, 16, 16])
    await session.release()
  })

  test('another layer and score', async () => {
    const folder = tinyFolder()
    const usual = await heatmap(folder)
    const other = await heatmap(folder, '--layer', 'conv', '--score', 'probability')
    expect(relativeL2(other.data, usual.data)).toBeGreaterThan(0.01)
  })
})
