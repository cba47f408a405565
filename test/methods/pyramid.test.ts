/** The levels that detectors' heads read. */
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { addBatchAxis } from '../../src/explain/batch-axis.js'
import { findPictureInput } from '../../src/explain/input.js'
import { networkOf } from '../../src/methods/layers.js'
import { pyramidLayers } from '../../src/methods/pyramid.js'
import { decode } from '../../src/onnx/decode.js'
import { lower } from '../../src/passes/lower.js'
import { probe } from '../../src/passes/probe.js'
import { requireDetections } from '../../src/targets/detections/find.js'
import { handsOnTo } from '../../src/vjp/walk.js'
import { runtime } from '../support/ort.js'

describe.each([
  // FCOS' scores are made of two heads, of which one is that of the boxes: what both read is the level
  ['fcos', ['8,12', '4,6'], /fpn\/layer_blocks\.\d\/.*Conv/],
  ['ssd', ['8,8', '4,4'], /backbone\/blocks\.\d\/.*Relu/],
  ['yolov8', ['8,9', '4,5'], /fpn\/layer_blocks\.\d\/.*Conv/],
  ['fasterrcnn', ['8,12', '4,6'], /fpn\/layer_blocks\.\d\/.*Conv/],
])('%s', (name, sizes, values) => {
  const made = (async () => {
    const bytes = decode(readFileSync(new URL(`../fixtures/detections/${name}.onnx`, import.meta.url)))
    const { graph, shapes } = addBatchAxis(lower(bytes), await probe(bytes, runtime))
    const { boxes, scores } = requireDetections(graph, shapes)
    const { layout, name: picture } = findPictureInput(graph, shapes)
    const network = networkOf({ graph, shapes, picture: { name: picture, layout }, logits: scores.value })
    return { graph, shapes, scores, picture, layers: pyramidLayers(network, [scores.value], [boxes.value]) }
  })()

  it('reads these maps, the finest first', async () => {
    const { layers } = await made
    expect(layers.map((l) => l.form.sizes.join())).toEqual(sizes)
    for (const l of layers) expect(l.value).toMatch(values)
  })

  it('leaves no way from the scores to the picture that passes them by', async () => {
    const { graph, shapes, scores, picture, layers } = await made
    const seen = new Set(layers.map((l) => l.value))
    const queue = [scores.value]
    for (let value = queue.pop(); value !== undefined; value = queue.pop()) {
      expect(value).not.toBe(picture)
      const node = graph.producer(value)
      for (const x of node ? handsOnTo(node) : [])
        if (shapes.get(x)?.type === 'float32' && !seen.has(x) && seen.add(x)) queue.push(x)
    }
  })
})
