/** What Ultralytics' exporters write into a model of themselves. */
import { expect, test } from 'vitest'
import { ownParts } from '../../src/explain/index.js'
import { declare } from '../../src/onnx/builder.js'
import { decode } from '../../src/onnx/decode.js'
import { encode } from '../../src/onnx/encode.js'
import type { Graph } from '../../src/onnx/ir.js'
import { model } from '../support/model.js'

function exported(metadata: Readonly<Record<string, string>>, dims: readonly (number | string)[]): Graph {
  const graph = model({
    opset: 17,
    nodes: [{ op: 'Relu', inputs: ['images'], outputs: ['output0'] }],
    inputs: [declare('images', 'float32', dims)],
    outputs: [declare('output0')],
  })
  return decode(encode(graph.with({ metadata: new Map(Object.entries(metadata)) })))
}

const FREE = ['batch', 3, 'height', 'width']

test('a detector is letterboxed to its own size, and has its labels', () => {
  const names = `{0: 'person', 1: "driver's seat", 3: 'it\\'s'}`
  const { labels, preprocessing } = ownParts(
    exported({ stride: '32', task: 'detect', imgsz: '[480, 640]', names }, FREE),
  )
  expect(labels).toEqual(['person', "driver's seat", 'class 2', "it's"])
  expect(preprocessing).toMatchObject({
    resize: { kind: 'fit', height: 480, width: 640 },
    crop: undefined,
    pad: { height: 480, width: 640, at: 'centre', fill: 114 },
    rescale: 1 / 255,
    mean: [0, 0, 0],
    std: [1, 1, 1],
    channels: 'RGB',
  })
})

test("a fixed input's size counts for more, and needs no imgsz (YOLOv5)", () => {
  const fixed = exported({ stride: '32', names: "{0: 'a'}", imgsz: '[640, 640]' }, [1, 3, 96, 128])
  expect(ownParts(fixed).preprocessing?.pad).toMatchObject({ height: 96, width: 128 })
  expect(ownParts(exported({ stride: '32' }, FREE)).preprocessing?.pad).toMatchObject({ height: 640, width: 640 })
})

test('a classifier is cropped at the centre', () => {
  const { preprocessing } = ownParts(exported({ stride: '1', task: 'classify', imgsz: '[224, 224]' }, FREE))
  expect(preprocessing).toMatchObject({
    resize: { kind: 'shortest-edge', size: 224 },
    crop: { height: 224, width: 224 },
  })
  expect(preprocessing?.pad).toBeUndefined()
})

test('other models say nothing of themselves', () => {
  expect(ownParts(exported({ names: "{0: 'a'}", author: 'me' }, FREE))).toMatchObject({
    labels: undefined,
    preprocessing: undefined,
  })
})
