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
  'hires-cam': { file: 'hirescam-raw', relative: 1e-3, correlation: 0.999 },
  'layer-cam': { file: 'layercam-raw', relative: 1e-3, correlation: 0.999 },
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

  test('integrated-gradients, every fourth pixel', async () => {
    const { raw } = await model.explain(picture, { method: 'integrated-gradients', target, options: { steps: 64 } })
    const want = golden(`${name}-integrated`)
    const got = Array.from({ length: want.length }, (_, i) => {
      const [c, y, x] = [Math.floor(i / 56 ** 2), Math.floor(i / 56) % 56, i % 56]
      return raw.data[(c * 224 + 4 * y + 2) * 224 + 4 * x + 2] ?? Number.NaN
    })
    expect(relativeL2(got, want)).toBeLessThanOrEqual(2e-2)
    expect(correlation(got, want)).toBeGreaterThanOrEqual(0.999)
  })

  test('input-x-gradient', async () => {
    const { raw } = await model.explain(picture, { method: 'input-x-gradient', target })
    const want = golden(`${name}-gradient`).map((g, i) => g * (picture.data[i] ?? Number.NaN))
    expect(relativeL2(raw.data, want)).toBeLessThanOrEqual(1e-2)
  })
})

/** As pytorch-grad-cam shows a map: the positive part, scaled to 0..1, resized bilinearly, scaled again; every eighth pixel from the fifth on. */
function shown(raw: Float32Array): number[] {
  const cells = scaled(raw.map((v) => Math.max(v, 0)))
  const at = (y: number, x: number): number => cells[y * 7 + x] ?? Number.NaN
  const between = (pixel: number): readonly [number, number, number] => {
    const place = Math.min(Math.max((pixel + 0.5) / 32 - 0.5, 0), 6)
    return [Math.floor(place), Math.min(Math.floor(place) + 1, 6), place - Math.floor(place)]
  }
  const fine = Float32Array.from({ length: 224 * 224 }, (_, i) => {
    const [y0, y1, v] = between(Math.floor(i / 224))
    const [x0, x1, u] = between(i % 224)
    return (at(y0, x0) * (1 - u) + at(y0, x1) * u) * (1 - v) + (at(y1, x0) * (1 - u) + at(y1, x1) * u) * v
  })
  const whole = scaled(fine)
  return Array.from({ length: 28 * 28 }, (_, i) => whole[(4 + 8 * Math.floor(i / 28)) * 224 + 4 + 8 * (i % 28)] ?? 0)
}

function scaled(map: Float32Array): Float32Array {
  const low = map.reduce((a, v) => Math.min(a, v), Number.POSITIVE_INFINITY)
  const high = map.reduce((a, v) => Math.max(a, v), Number.NEGATIVE_INFINITY)
  return map.map((v) => (v - low) / (high - low))
}

const BY_PYTORCH_GRAD_CAM = { 'grad-cam++': 'gradcampp', 'xgrad-cam': 'xgradcam', 'eigen-cam': 'eigencam' }
const maps = Object.entries(CLASSES).flatMap(([name, target]) =>
  Object.entries(BY_PYTORCH_GRAD_CAM).map(([method, file]) => [name, target, method, file] as const),
)

test.each(maps)('%s (%i): %s is that of pytorch-grad-cam', async (name, target, method, file) => {
  const { raw } = await model.explain(picture, { method, target })
  // that library leaves an eigenvector's sign to chance
  const signs = method === 'eigen-cam' ? [1, -1] : [1]
  const off = signs.map((sign) => relativeL2(shown(raw.data.map((v) => sign * v)), golden(`${name}-${file}`)))
  expect(Math.min(...off)).toBeLessThanOrEqual(1e-3)
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
