/** Encoders and decoders as exporters write them, joined: numbers and gradients against PyTorch and differences. */
import { describe, expect, test } from 'vitest'
import { float32, int64, sizeOf, type Tensor } from '../../src/core/tensor.js'
import { decode } from '../../src/onnx/decode.js'
import { encodeSkeleton } from '../../src/onnx/encode.js'
import { toFloat32 } from '../../src/onnx/float16.js'
import type { Graph } from '../../src/onnx/ir.js'
import { decodeNpyArray } from '../../src/onnx/npy.js'
import { join } from '../../src/passes/join.js'
import { probe } from '../../src/passes/probe.js'
import { differentiate } from '../../src/vjp/differentiate.js'
import { readBytes } from '../support/files.js'
import { relativeL2 } from '../support/measures.js'
import { runtime } from '../support/ort.js'
import { random } from '../support/random.js'
import { numbers, run } from '../support/run.js'

const normal = (seed: number, ...dims: number[]): Tensor<'float32'> =>
  float32(dims, Float32Array.from({ length: sizeOf(dims) }, random(seed).normal))

describe("ViT and GPT-2 as Hugging Face's exporter writes them, against PyTorch", () => {
  const folder = 'test/fixtures/targets/vit-gpt2'
  const joined = (name: string): Graph => {
    const file = (part: string): Graph => decode(readBytes(`${folder}/${part}.onnx`))
    return join(file('encoder_model'), file(name))
  }
  const array = (name: string): Tensor => {
    const t = decodeNpyArray(readBytes(`${folder}/${name}.npy`), name)
    return t.type === 'float16' ? toFloat32(t) : t
  }
  const feeds = { pixel_values: array('pixel_values'), input_ids: array('input_ids') }
  const logits = numbers(array('output-logits'))

  test('logits, of each of its decoders', async () => {
    for (const name of ['decoder_model', 'decoder_model_merged', 'decoder_with_past_model']) {
      const graph = joined(name)
      expect(graph.inputs.map((i) => i.name)).toEqual(['pixel_values', 'input_ids'])
      expect(relativeL2(numbers((await run(encodeSkeleton(graph), feeds)).logits), logits), name).toBeLessThan(1e-5)
    }
  })

  test('gradients of a word and of a text, of the merged decoder', async () => {
    const graph = joined('decoder_model_merged')
    const shapes = await probe(graph, runtime)
    const backward = differentiate(graph, { of: 'logits', wrt: ['pixel_values'], shapes })
    const { targets } = JSON.parse(new TextDecoder().decode(readBytes(`${folder}/meta.json`)))
    const session = await runtime.createSession(encodeSkeleton(backward))
    for (const [t, { scale }] of targets.entries()) {
      const part = (name: string, by: number): Tensor<'float32'> => {
        const all = array(name)
        const [, ...dims] = all.dims
        const size = sizeOf(dims)
        const own = numbers(all).slice(t * size, (t + 1) * size)
        return float32(
          dims,
          own.map((v) => v * by),
        )
      }
      const out = await session.run({ ...feeds, 'gradient/logits': part('seed', scale.seed) })
      // kept in float16
      const want = part('grad_input', scale.input)
      expect(relativeL2(numbers(out['gradient/pixel_values']), numbers(want))).toBeLessThan(1e-3)
    }
    await session.release()
  })
})

test("a word's gradient through the shipped captioner's two files is that of differences", async () => {
  const file = (name: string): Graph => decode(readBytes(`models/shapes-captioner/onnx/${name}_model.onnx`))
  const graph = join(file('encoder'), file('decoder'))
  const pixels = normal(4, 1, 3, 96, 96)
  const words = int64([1, 4], [1, 3, 4, 14])
  const seed = float32([1, 4, 25])
  seed.data[3 * 25 + 20] = 1
  const shapes = await probe(graph, runtime)
  const gradient = differentiate(graph, { of: 'logits', wrt: ['pixel_values'], shapes })
  const out = await run(encodeSkeleton(gradient), { pixel_values: pixels, input_ids: words, 'gradient/logits': seed })
  const g = numbers(out['gradient/pixel_values'])
  const session = await runtime.createSession(encodeSkeleton(graph))
  const score = async (data: Float32Array): Promise<number> =>
    numbers((await session.run({ pixel_values: float32([1, 3, 96, 96], data), input_ids: words })).logits)[95] ?? 0
  const size = Math.hypot(...g)
  expect(size).toBeGreaterThan(1e-3)
  for (const seeded of [11, 12]) {
    const direction = Array.from(normal(seeded, g.length).data, (v, i) => v + (30 * (g[i] ?? 0)) / size)
    const step = 0.005 / Math.hypot(...direction)
    const moved = (s: number) => Float32Array.from(pixels.data, (v, i) => v + s * step * (direction[i] ?? 0))
    const slope = ((await score(moved(1))) - (await score(moved(-1)))) / (2 * step)
    const want = g.reduce((sum, v, i) => sum + v * (direction[i] ?? 0), 0)
    expect(Math.abs(slope - want) / Math.abs(want)).toBeLessThan(0.005)
  }
  await session.release()
})
