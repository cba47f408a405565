/** The shipped model's maps against PyTorch's and Captum's (fixtures of scripts/golden_fixtures.py). */
import { readFileSync } from 'node:fs'
import { beforeAll, describe, expect, test } from 'vitest'
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

/** Relative L2 at most, correlation at least. */
const LIMITS = {
  cam: { file: 'cam-raw', relative: 1e-3, correlation: 0.999 },
  'grad-cam': { file: 'gradcam-raw', relative: 1e-3, correlation: 0.999 },
  gradient: { file: 'gradient', relative: 1e-2, correlation: 0.999 },
  'guided-backpropagation': { file: 'guided', relative: 2e-2, correlation: 0.999 },
  deconvnet: { file: 'deconvnet', relative: 2e-2, correlation: 0.999 },
} as const

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

describe.each(Object.entries(CLASSES))('%s', (name, target) => {
  test.each(Object.entries(LIMITS))('%s', async (method, limit) => {
    const { raw, diagnosis } = await model.explain(picture, { method, target })
    const want = golden(`${name}-${limit.file}`)
    expect(raw.dims).toEqual(limit.file.endsWith('-raw') ? [7, 7] : [3, 224, 224])
    expect(relativeL2(raw.data, want)).toBeLessThanOrEqual(limit.relative)
    expect(correlation(raw.data, want)).toBeGreaterThanOrEqual(limit.correlation)
    expect(diagnosis).toEqual([])
  })

  test('input-x-gradient', async () => {
    const { raw } = await model.explain(picture, { method: 'input-x-gradient', target })
    const want = golden(`${name}-gradient`).map((g, i) => g * (picture.data[i] ?? Number.NaN))
    expect(relativeL2(raw.data, want)).toBeLessThanOrEqual(1e-2)
  })
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

test('the layer is the last feature map', async () => {
  const { raw, provenance } = await model.explain(picture, { method: 'grad-cam' })
  expect(raw.layer).toBe(provenance.layer)
  expect(model.graph.consumers(raw.layer ?? '').map((n) => n.op)).toEqual(['GlobalAveragePool'])
})
