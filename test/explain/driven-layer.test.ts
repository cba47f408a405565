/** The network behind a layer, run under other features: on maps, channels last, windows, tokens with others among them, and fixed batches. */
import { describe, expect, test } from 'vitest'
import { float32, type Tensor } from '../../src/core/tensor.js'
import { drivenLayer } from '../../src/explain/driven-layer.js'
import { Model } from '../../src/explain/index.js'
import { findPictureInput } from '../../src/explain/input.js'
import { otherInputs } from '../../src/explain/others.js'
import { Runner } from '../../src/explain/runner.js'
import { decode } from '../../src/onnx/decode.js'
import type { Graph } from '../../src/onnx/ir.js'
import { lower } from '../../src/passes/lower.js'
import { probe } from '../../src/passes/probe.js'
import { findAnswer } from '../../src/targets/answer.js'
import type { ClassTarget } from '../../src/targets/index.js'
import { pathOf, readBytes } from '../support/files.js'
import { relativeL2 } from '../support/measures.js'
import { network, noise, picture } from '../support/networks.js'
import { readNpyFloat32 } from '../support/npy.js'
import { runtime } from '../support/ort.js'

const targets: readonly ClassTarget[] = [0, 2].map((index) => ({ kind: 'class', index, score: 'logit' }))

/** A layer of a network, with the logits of the targets as the whole network has them. */
async function layerOf(model: Graph, pictures: Tensor<'float32'>, layer?: string) {
  const graph = lower(model)
  const shapes = await probe(model, runtime)
  const input = findPictureInput(graph, shapes)
  const answer = findAnswer(graph, shapes)
  const others = otherInputs(graph, shapes, input, answer.logits)
  const runner = new Runner(graph, shapes, { input, answer, others, labels: [] }, runtime, 'all')
  const feed = { pictures, others: {} }
  const scores = (logits: Float32Array): Float32Array => Float32Array.from(targets, (t) => logits[t.index] ?? 0)
  const at = await drivenLayer({
    runner,
    feed,
    targets,
    place: { layer, grid: undefined, form: { kind: 'class', score: 'logit' } },
    answer,
  })
  return { at, runner, whole: (await runner.forward(feed)).map(scores) }
}

const x = readNpyFloat32(pathOf('test/fixtures/tokens/input.npy'))
const tokens = ['swin', 'convnext', 'distilled', 'mean', 'mixer', 'registers', 'sequence-first'].map(
  (name) =>
    [
      name,
      () => decode(readBytes(`test/fixtures/tokens/${name}.onnx`)),
      float32([1, ...x.dims.slice(-3)], x.data),
    ] as const,
)
const small = [
  ['a feature map', () => network(), picture(7)],
  ['a batch of one', () => network({ batch: 1 }), picture(7)],
  ['a fixed batch of two', () => network({ batch: 2 }), picture(7)],
] as const

describe.each([...tokens, ...small])('%s', (_, load, input) => {
  test('other features give the scores that the gradient foretells, whatever stands beside them in the batch', async () => {
    const { at, runner, whole } = await layerOf(load(), input)
    const { features } = at
    const size = features.data.length
    const { gradients } = await at.gradients(input, 1)
    expect(gradients.dims).toEqual(features.dims)
    const chance = noise(3, size).data
    const step = gradients.data.map((g, i) => g * (1 + 0.5 * (chance[i] ?? 0)))
    const slope = step.reduce((sum, v, i) => sum + v * (gradients.data[i] ?? 0), 0)
    const moved = (rise: number): Float32Array => features.data.map((v, i) => v + (rise / slope) * (step[i] ?? 0))
    const data = [...features.data, ...moved(0.02), ...moved(-0.02)]
    const [same, up, down] = await at.scores(float32([3, ...features.dims.slice(1)], data))
    expect(relativeL2(same ?? [], whole[0] ?? [])).toBeLessThan(1e-5)
    expect((up?.[1] ?? 0) - (down?.[1] ?? 0)).toBeGreaterThan(0.039)
    expect((up?.[1] ?? 0) - (down?.[1] ?? 0)).toBeLessThan(0.041)
    await runner.release()
  })
})

test('a layer before which the network forks is run from the picture on, too', async () => {
  const { at, runner, whole } = await layerOf(network(), picture(7), 'hidden')
  const [same] = await at.scores(at.features)
  expect(relativeL2(same ?? [], whole[0] ?? [])).toBeLessThan(1e-6)
  await runner.release()
})

test('another grid of the same tokens is another map, asked of the same model', async () => {
  const model = await Model.load(decode(readBytes('test/fixtures/networks/vit.onnx')), runtime, { name: 'vit' })
  const x = noise(5, 1, 3, 96, 96)
  for (const [grid, dims] of [
    ['6x6+1', [6, 6]],
    ['4x9+1', [4, 9]],
    ['6x6+1', [6, 6]],
  ] as const)
    for (const method of ['recipro-cam', 'smooth-grad-cam++'])
      expect(
        (await model.explain(x, { method, grid, target: 3, options: method === 'recipro-cam' ? {} : { samples: 1 } }))
          .raw.dims,
      ).toEqual(dims)
  await model.release()
})
