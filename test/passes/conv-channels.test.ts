/** Convolutions with channels filled up: the same values, and no other convolution is touched. */
import { expect, test } from 'vitest'
import { declare } from '../../src/onnx/builder.js'
import { fillConvChannels } from '../../src/passes/conv-channels.js'
import { probe } from '../../src/passes/probe.js'
import { relativeL2 } from '../support/measures.js'
import { model } from '../support/model.js'
import { noise } from '../support/networks.js'
import { runtime } from '../support/ort.js'
import { numbers, run } from '../support/run.js'

/** `pads` for one or two axes, and what is read and made. */
function conv(read: number, made: number, group = 1, axes = 2) {
  const side = Array.from({ length: axes }, () => 6)
  return model({
    opset: 18,
    nodes: [
      { op: 'Relu', inputs: ['x'], outputs: ['r'] },
      {
        op: 'Conv',
        inputs: ['r', 'w', 'b'],
        outputs: ['y'],
        attributes: { pads: Array.from({ length: 2 * axes }, () => 1), group },
      },
    ],
    inputs: [declare('x', 'float32', ['N', read, ...side])],
    outputs: [declare('y', 'float32', ['N', made, ...side])],
    initializers: { w: noise(2, made, read / group, ...side.map(() => 3)), b: noise(3, made) },
  })
}

test.each([
  [6, 8, 1, 2, 8],
  [9, 4, 1, 2, 12],
  [18, 36, 1, 2, 20],
  [15, 4, 1, 1, 16],
  [3, 8, 1, 2, 3],
  [12, 8, 1, 2, 12],
  [8, 6, 1, 2, 8],
  [6, 6, 6, 2, 6],
])('%i channels to %i in %i groups over %i axes: read are %i', async (read, made, group, axes, want) => {
  const graph = conv(read, made, group, axes)
  const filled = fillConvChannels(graph, await probe(graph, runtime))
  const pads = filled.nodes.filter((n) => n.op === 'Pad').length
  expect(pads).toBe(want === read ? 0 : 2)
  const x = noise(1, 2, read, ...Array.from({ length: axes }, () => 6))
  const [plain, other] = [await run(graph, { x }), await run(filled, { x })]
  expect(relativeL2(numbers(other.y), numbers(plain.y))).toBeLessThanOrEqual(1e-6)
  const shapes = await probe(filled, runtime)
  const input = filled.nodes.find((n) => n.op === 'Conv')?.inputs[0] ?? ''
  expect(shapes.get(input)?.dims?.[1]).toBe(want)
})
