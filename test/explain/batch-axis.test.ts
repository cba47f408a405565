/** Pictures without a batch axis are given one, and nothing else changes. */
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { float32, type Tensor } from '../../src/core/tensor.js'
import { addBatchAxis } from '../../src/explain/batch-axis.js'
import { findPictureInput } from '../../src/explain/input.js'
import { decode } from '../../src/onnx/decode.js'
import { encodeSkeleton } from '../../src/onnx/encode.js'
import type { Graph } from '../../src/onnx/ir.js'
import { probe } from '../../src/passes/probe.js'
import { network } from '../support/networks.js'
import { runtime } from '../support/ort.js'

async function run(graph: Graph, image: Tensor): Promise<Record<string, Tensor>> {
  const session = await runtime.createSession(encodeSkeleton(graph), { optimization: 'basic' })
  const out = await session.run({ image })
  await session.release()
  return out
}

test("torchvision's detectors take a picture with a batch axis of one, and find the same", async () => {
  const graph = decode(readFileSync(new URL('../fixtures/detections/ssd.onnx', import.meta.url)))
  const shapes = await probe(graph, runtime)
  const batched = addBatchAxis(graph, shapes)
  expect(findPictureInput(batched.graph, batched.shapes)).toMatchObject({
    name: 'image',
    layout: 'NCHW',
    batch: 1,
    channels: 3,
    height: 60,
    width: 72,
  })
  const data = Float32Array.from({ length: 3 * 60 * 72 }, (_, i) => 0.5 + 0.5 * Math.sin(i * 0.37))
  expect(await run(batched.graph, float32([1, 3, 60, 72], data))).toEqual(await run(graph, float32([3, 60, 72], data)))
  // once is enough
  expect(addBatchAxis(batched.graph, batched.shapes).graph).toBe(batched.graph)
})

test('a model that has the axis stays as it is', async () => {
  const graph = network()
  const shapes = await probe(graph, runtime)
  expect(addBatchAxis(graph, shapes)).toEqual({ graph, shapes })
})
