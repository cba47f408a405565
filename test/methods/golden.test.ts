/** The shipped model's occlusion maps against Captum's, and what its maps say besides (fixtures of scripts/golden_fixtures.py). */
import { readFileSync } from 'node:fs'
import { beforeAll, expect, test } from 'vitest'
import { float32, type Tensor } from '../../src/core/tensor.js'
import { Model } from '../../src/explain/index.js'
import { decode } from '../../src/onnx/decode.js'
import { pathOf, readBytes, SHIPPED_MODEL } from '../support/files.js'
import { correlation, relativeL2 } from '../support/measures.js'
import { readNpyFloat32 } from '../support/npy.js'
import { runtime } from '../support/ort.js'

const FOLDER = 'test/fixtures/golden'
const CLASSES = { 'egyptian-cat': 285, espresso: 967 }
const SCALES: Readonly<Record<string, number>> = JSON.parse(readFileSync(pathOf(`${FOLDER}/scales.json`), 'utf8'))

function golden(name: string): Float32Array {
  return readNpyFloat32(pathOf(`${FOLDER}/${name}.npy`)).data.map((v) => v * (SCALES[name] ?? 1))
}

/** One value a square of 16 x 16 pixels, on the pixels. */
function spread(blocks: Float32Array): Float32Array {
  return Float32Array.from({ length: 224 * 224 }, (_, i) => {
    const [y, x] = [Math.floor(i / 224), i % 224]
    return blocks[Math.floor(y / 16) * 14 + Math.floor(x / 16)] ?? Number.NaN
  })
}

let model: Model
let picture: Tensor<'float32'>

beforeAll(async () => {
  model = await Model.load(decode(readBytes(SHIPPED_MODEL)), runtime, { name: 'efficientnet-lite0' })
  const pixels = readNpyFloat32(pathOf(`${FOLDER}/input.npy`))
  picture = float32(
    pixels.dims,
    pixels.data.map((v) => (v - 127) / 128),
  )
})

test('occlusion, patch 32, stride 16, filled with the mean', async () => {
  const { explanations } = await model.explainAll(picture, { method: 'occlusion', target: Object.values(CLASSES) })
  for (const [i, name] of Object.keys(CLASSES).entries()) {
    const raw = explanations[i]?.raw
    expect(raw?.dims).toEqual([224, 224])
    expect(relativeL2(raw?.data ?? [], spread(golden(`${name}-occlusion`)))).toBeLessThanOrEqual(1e-3)
  }
})

test('the maps of one class are not those of the other', async () => {
  const { raw } = await model.explain(picture, { method: 'grad-cam', target: CLASSES.espresso })
  expect(correlation(raw.data, golden('egyptian-cat-gradcam-raw'))).toBeLessThan(0.9)
})

test('the layer is the last feature map, and nothing is wrong with its map', async () => {
  const { raw, provenance, diagnosis } = await model.explain(picture, { method: 'grad-cam' })
  expect(diagnosis).toEqual([])
  expect(raw.dims).toEqual([7, 7])
  expect(raw.layer).toBe(provenance.layer)
  expect(model.graph.consumers(raw.layer ?? '').map((n) => n.op)).toEqual(['GlobalAveragePool'])
})
