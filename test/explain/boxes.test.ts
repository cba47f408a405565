/** Detectors as models: their boxes, targets of boxes, and the levels that boxes are explained at; against PyTorch (scripts/detection_fixtures.py). */
import { readFileSync } from 'node:fs'
import { describe, expect, it, test } from 'vitest'
import { float32 } from '../../src/core/tensor.js'
import { Model } from '../../src/explain/index.js'
import { decode } from '../../src/onnx/decode.js'
import { runtime } from '../support/ort.js'

const file = (name: string): URL => new URL(`../fixtures/detections/${name}`, import.meta.url)
const open = (name: string): Promise<Model> =>
  Model.load(decode(readFileSync(file(`${name}.onnx`))), runtime, { name, optimization: 'basic' })
const fixture = (name: string) => JSON.parse(readFileSync(file(`${name}.json`), 'utf8'))

const HEIGHT = 60
const WIDTH = 72
const data = Float32Array.from(
  { length: 3 * HEIGHT * WIDTH },
  (_, i) => 0.5 + 0.5 * Math.sin(i * 0.37) * Math.cos(i * 0.0113),
)
const x = float32([1, 3, HEIGHT, WIDTH], data)

/** The sums of the fixtures. */
function signedSums(g: ArrayLike<number>): number[] {
  return Array.from({ length: 8 }, (_, row) => {
    let sum = 0
    for (let i = 0; i < g.length; i++) {
      const hash = (Math.imul(row * g.length + i, 2654435761) + 12345) >>> 0
      sum += (g[i] ?? 0) * (1 - 2 * ((hash >>> 20) & 1))
    }
    return sum
  })
}

describe.each(['retinanet', 'fcos', 'ssd', 'fasterrcnn', 'yolov5', 'yolov8', 'yolov10', 'detr'])('%s', (name) => {
  it("a box' probability is its score, with PyTorch's gradient", async () => {
    const model = await open(name)
    const { scores, boxes, gradients } = fixture(name)
    const detection = { threshold: 0.005, iou: 0.1 }
    const found = await model.detect(x, detection)
    expect(found[1]?.score).toBeCloseTo(scores[1], 4)
    expect(found[1]?.x1).toBeCloseTo(boxes[1][2], 2)
    const e = await model.explain(x, { method: 'gradient', target: 'box:1', score: 'probability', detection })
    expect(e.answer.logit).toBeCloseTo(scores[1], 4)
    const { largest, sums } = gradients[1]
    for (const [k, sum] of signedSums(e.raw.data).entries())
      expect(Math.abs(sum - sums[k]) / (largest * Math.sqrt(data.length))).toBeLessThan(1e-5)
    await model.release()
  })
})

/** Each network has 92 or 320 places for boxes, of which the first lie on its fine level. */
describe.each([
  ['a feature pyramid', 'yolov8', (element: number) => element % 92 < 72, ['8,9', '4,5'], [10, 71, 72, 91]],
  [
    'levels of which one is computed from the other',
    'ssd',
    (element: number) => element < 4 * 256,
    ['8,8', '4,4'],
    [5, 1023, 1024, 1279],
  ],
] as const)(
  'of %s a box is explained at the level that it was read from',
  (_, name, isFine, [fine, coarse], elements) => {
    it.each(['grad-cam', 'ablation-cam'])('%s', async (method) => {
      const model = await open(name)
      const target = elements.map((element, box) => ({
        kind: 'box' as const,
        box,
        index: 1,
        score: 'logit' as const,
        element,
      }))
      const { explanations } = await model.explainAll(x, { method, target })
      expect(explanations.map((e) => e.raw.dims.join())).toEqual(elements.map((e) => (isFine(e) ? fine : coarse)))
      await model.release()
    })
  },
)

test('another class of a box, and what there is not', async () => {
  const model = await open('yolov8')
  const [first] = await model.detect(x)
  const other = ((first?.index ?? 0) + 1) % 3
  const { explanations } = await model.explainAll(x, {
    method: 'gradient',
    target: ['box:0', `box:0/${other}`],
    score: 'probability',
  })
  const [own, another] = explanations
  expect(own?.answer.logit).toBeCloseTo(first?.score ?? Number.NaN, 5)
  expect(another?.answer.index).toBe(other)
  expect(another?.answer.logit).not.toBeCloseTo(first?.score ?? Number.NaN, 3)
  await expect(model.explain(x, { target: 'box:999' })).rejects.toMatchObject({ code: 'bad-option' })
  await expect(model.explain(x, { target: 'box:0/7' })).rejects.toMatchObject({ code: 'unknown-label' })
  await model.release()
})

test('what a segmentation network sees: the share of each class, as PyTorch tells it', async () => {
  const model = await open('segmenter')
  const classes = [...(fixture('segmenter').classes as string)].map(Number)
  const shares = [0, 1, 2].map((c) => classes.filter((v) => v === c).length / classes.length)
  const seen = await model.segment(x)
  expect(seen.map((s) => s.share)).toEqual([...seen.map((s) => s.share)].sort((a, b) => b - a))
  for (const { index, share } of seen) expect(share).toBeCloseTo(shares[index] ?? Number.NaN, 3)
  await expect(model.detect(x)).rejects.toMatchObject({ code: 'method-not-applicable' })
  await model.release()
})

test("how photos are fed: torchvision's detectors normalise themselves; nothing is cut off for others", async () => {
  const [ssd, yolo] = [await open('ssd'), await open('yolov8')]
  expect(ssd.preprocessing).toMatchObject({
    resize: { kind: 'exact', height: 60, width: 72 },
    mean: [0, 0, 0],
    std: [1, 1, 1],
  })
  expect(yolo.preprocessing).toMatchObject({ resize: { kind: 'exact' }, crop: undefined })
  await ssd.release()
  await yolo.release()
})
