/** What detectors found, and which element of the network each score is, against PyTorch's answer (scripts/detection_fixtures.py). */
import { readFileSync } from 'node:fs'
import { describe, expect, it, test } from 'vitest'
import { float32, int64, type Tensor } from '../../src/core/tensor.js'
import { declare } from '../../src/onnx/builder.js'
import { decode } from '../../src/onnx/decode.js'
import { encodeSkeleton } from '../../src/onnx/encode.js'
import type { Graph } from '../../src/onnx/ir.js'
import { declaredShapes } from '../../src/onnx/shapes.js'
import { lower } from '../../src/passes/lower.js'
import { probe } from '../../src/passes/probe.js'
import { findDetections, requireDetections } from '../../src/targets/detections/find.js'
import { allColumns, type DetectionHead, valuesOf } from '../../src/targets/detections/head.js'
import { type Element, originOf, originsOf } from '../../src/targets/detections/origins.js'
import { type Detection, readDetections } from '../../src/targets/detections/read.js'
import { suppress } from '../../src/targets/detections/suppress.js'
import { model } from '../support/model.js'
import { runtime } from '../support/ort.js'

interface Fixture {
  height: number
  width: number
  boxes: number[][]
  scores: number[]
  labels: number[]
}

const file = (name: string): URL => new URL(`../fixtures/detections/${name}`, import.meta.url)

/** The `picture` of the fixtures. */
function picture(height: number, width: number, batched: boolean): Tensor<'float32'> {
  const data = Float32Array.from(
    { length: 3 * height * width },
    (_, i) => 0.5 + 0.5 * Math.sin(i * 0.37) * Math.cos(i * 0.0113),
  )
  return float32(batched ? [1, 3, height, width] : [3, height, width], data)
}

interface Found {
  readonly graph: Graph
  readonly detections: readonly Detection[]
  readonly elements: readonly Element[]
  readonly fixture: Fixture
}

async function found(name: string): Promise<Found> {
  const graph = decode(readFileSync(file(`${name}.onnx`)))
  const fixture = JSON.parse(readFileSync(file(`${name}.json`), 'utf8')) as Fixture
  const lowered = lower(graph)
  const shapes = await probe(graph, runtime)
  const head = requireDetections(lowered, shapes)
  const scored = [head.scores, head.objectness].flatMap((c) => c?.value ?? [])
  const told = originsOf(lowered, shapes, scored)
  const origins = originsOf(lowered, shapes, scored, [...valuesOf(head), ...told.sources])
  const session = await runtime.createSession(encodeSkeleton(origins.graph), { optimization: 'basic' })
  const x = picture(
    fixture.height,
    fixture.width,
    graph.inputs[0]?.type?.value.value !== undefined && name.match(/yolo|detr/) !== null,
  )
  const outputs = await session.run({ image: x })
  await session.release()
  const detections = readDetections(head, outputs, fixture, {
    threshold: /yolo/.test(name) ? 0.25 : 0,
    // so low that it takes boxes away from among the best: at 0.5 nothing of the first twenty would change
    iou: 0.1,
  })
  const elements = detections.map(
    ({ from: [first] }) => (first && originOf(origins, outputs, first)) ?? { value: '', index: -1 },
  )
  return { graph, detections, elements, fixture }
}

const MADE_BY = {
  retinanet: 'Sigmoid',
  fcos: 'Sqrt',
  ssd: 'Softmax',
  fasterrcnn: 'Softmax',
  yolov8: 'Sigmoid',
  yolov10: 'Sigmoid',
}

describe.each(Object.keys({ ...MADE_BY, yolov5: '', detr: '' }))('%s', (name) => {
  const made = found(name)

  it('finds what PyTorch finds', async () => {
    const { detections, fixture } = await made
    expect(detections.length).toBeGreaterThanOrEqual(Math.min(6, fixture.scores.length))
    for (const [i, d] of detections.entries()) {
      expect(d.score, `${i}`).toBeCloseTo(fixture.scores[i] ?? Number.NaN, 4)
      expect(d.index, `${i}`).toBe(fixture.labels[i])
      const { x0, y0, x1, y1 } = d.box
      for (const [c, v] of [x0, y0, x1, y1].entries())
        expect(v, `${i} ${c}`).toBeCloseTo(fixture.boxes[i]?.[c] ?? Number.NaN, 2)
    }
  })

  it.runIf(Object.hasOwn(MADE_BY, name))("a box' score is one element of what the network computed", async () => {
    const { graph, elements } = await made
    const makers = new Set(elements.map((e) => graph.producer(e.value)?.op))
    expect(makers).toEqual(new Set([MADE_BY[name as keyof typeof MADE_BY]]))
  })
})

const boxed = (x0: number, y0: number, x1: number, y1: number, index: number, score: number) => ({
  box: { x0, y0, x1, y1 },
  index,
  score,
})

test('suppression goes class by class, from the best, and keeps what overlaps by just as much as is allowed', () => {
  const first = boxed(0, 0, 10, 10, 0, 0.9)
  const half = boxed(0, 0, 10, 5, 0, 0.8)
  const more = boxed(0, 0, 10, 6, 0, 0.7)
  const other = boxed(0, 0, 10, 10, 1, 0.6)
  expect(suppress([other, more, half, first], 0.5)).toEqual([first, half, other])
})

describe('the shapes of answers', () => {
  const head = (
    outputs: Readonly<Record<string, readonly (number | string)[]>>,
    classes?: number,
    integers: readonly string[] = [],
  ) => {
    const graph = model({
      opset: 17,
      nodes: Object.keys(outputs).flatMap((name) =>
        name.startsWith('output')
          ? [
              { op: 'Sigmoid', inputs: ['x'], outputs: [`${name}_scores`] },
              { op: 'Concat', inputs: ['x', `${name}_scores`], outputs: [name], attributes: { axis: 1 } },
            ]
          : [{ op: 'Relu', inputs: ['x'], outputs: [name] }],
      ),
      inputs: [declare('x', 'float32', ['N', 3, 8, 8])],
      outputs: Object.entries(outputs).map(([name, dims]) =>
        declare(name, integers.includes(name) ? 'int64' : 'float32', dims),
      ),
    })
    return findDetections(graph, declaredShapes(graph), { classes })
  }

  it.each([
    [
      'YOLOv8',
      { output0: ['N', 84, 8400] },
      undefined,
      { family: 'grid', scores: { along: 2, across: 1, from: 4, count: 80 }, objectness: undefined },
    ],
    ['YOLOv8 of any size', { output0: ['N', 84, 'A'] }, undefined, { scores: { along: 2, count: 80 } }],
    [
      'YOLOv8 that segments',
      { output0: ['N', 116, 8400], output1: ['N', 32, 160, 160] },
      undefined,
      { scores: { from: 4, count: 80 } },
    ],
    ['YOLOv8 with keypoints', { output0: ['N', 56, 8400] }, 1, { scores: { from: 4, count: 1 } }],
    [
      'YOLOv5',
      { output: ['N', 25200, 85] },
      undefined,
      { scores: { along: 1, across: 2, from: 5, count: 80 }, objectness: { from: 4 } },
    ],
    [
      'boxes before numbers, without objectness',
      { output: ['N', 8400, 84] },
      80,
      { scores: { along: 1, from: 4, count: 80 }, objectness: undefined },
    ],
    [
      'DETR',
      { logits: ['N', 100, 92], pred_boxes: ['N', 100, 4] },
      91,
      { family: 'queries', activation: 'softmax', background: 91, format: 'cxcywh', unit: 'parts' },
    ],
    [
      'RT-DETR',
      { logits: ['N', 300, 80], pred_boxes: ['N', 300, 4] },
      80,
      { family: 'queries', activation: 'sigmoid', background: undefined },
    ],
    [
      'DETR with four classes',
      { logits: ['N', 9, 4], pred_boxes: ['N', 9, 4] },
      3,
      { boxes: { value: 'pred_boxes' }, background: 3 },
    ],
    [
      'TensorFlow',
      { num_detections: [1], detection_boxes: [1, 100, 4], detection_classes: [1, 100], detection_scores: [1, 100] },
      undefined,
      { format: 'yxyx', unit: 'parts', labels: { value: 'detection_classes' }, scores: { value: 'detection_scores' } },
    ],
  ] as const)('%s', (_, outputs, classes, wanted) => {
    expect(head(outputs, classes)).toMatchObject(wanted)
  })

  it.each([
    ['class scores', { logits: ['N', 1000] }],
    ['maps', { out: ['N', 21, 64, 64] }],
    ['words', { logits: ['N', 'T', 'V'] }],
    ['tokens', { last_hidden_state: ['N', 197, 768] }],
  ] as const)('%s are no detections', (_, outputs) => {
    expect(head(outputs)).toBeUndefined()
  })
})

test('the answer of NonMaxSuppression alone: boxes and scores are what it reads', async () => {
  const graph = model({
    opset: 17,
    nodes: [
      { op: 'Slice', inputs: ['x', 'from0', 'to4', 'last'], outputs: ['boxes'] },
      { op: 'Slice', inputs: ['x', 'to4', 'to6', 'last'], outputs: ['s'] },
      { op: 'Transpose', inputs: ['s'], outputs: ['scores'], attributes: { perm: [0, 2, 1] } },
      { op: 'NonMaxSuppression', inputs: ['boxes', 'scores', 'many', 'iou', 'least'], outputs: ['selected'] },
    ],
    inputs: [declare('x', 'float32', [1, 3, 6])],
    outputs: [declare('selected', 'int64', ['K', 3])],
    initializers: {
      from0: int64([1], [0]),
      to4: int64([1], [4]),
      to6: int64([1], [6]),
      last: int64([1], [2]),
      many: int64([1], [10]),
      iou: float32([1], [0.5]),
      least: float32([1], [0.3]),
    },
  })
  const shapes = await probe(graph, runtime)
  const head = requireDetections(graph, shapes)
  const outputs = valuesOf(head).map((v) => declare(v))
  const session = await runtime.createSession(encodeSkeleton(graph.with({ outputs })), { optimization: 'disabled' })
  const x = float32([1, 3, 6], [0, 0, 8, 8, 0.9, 0.1, 0, 1, 8, 8, 0.8, 0.2, 20, 20, 24, 24, 0.1, 0.4])
  const found = readDetections(head, await session.run({ x }), { width: 32, height: 32 })
  await session.release()
  expect(found.map(({ index, row, from }) => [index, row, from[0]])).toEqual([
    [0, 0, { value: 'scores', index: 0 }],
    [1, 2, { value: 'scores', index: 5 }],
  ])
  expect(found[1]?.box).toEqual({ x0: 20, y0: 20, x1: 24, y1: 24 })
})

test.each([
  ['threshold', { threshold: 2 }],
  ['iou', { iou: Number.NaN }],
  ['top', { top: 0 }],
])('%s out of range is refused', async (where, options) => {
  const head = { family: 'grid', boxes: allColumns(new Map(), 'b', 1, 2) } as unknown as DetectionHead
  expect(() => readDetections(head, {}, { width: 1, height: 1 }, options)).toThrow(
    expect.objectContaining({ code: 'bad-option', where }),
  )
})
