/**
 * Files that today's PyTorch exporters do not write: fused by ONNX Runtime's optimisers, of old opsets, from Keras, in PaddlePaddle's
 * style. Gradients against PyTorch's and TensorFlow's (fixtures of scripts/origin_fixtures.py and scripts/keras_fixture.py).
 */
import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { float32, type Tensor } from '../../src/core/tensor.js'
import { findPictureInput } from '../../src/explain/input.js'
import { chooseLayer, networkOf } from '../../src/methods/layers.js'
import { decode } from '../../src/onnx/decode.js'
import { encodeSkeleton } from '../../src/onnx/encode.js'
import { lower } from '../../src/passes/lower.js'
import { probe } from '../../src/passes/probe.js'
import { findAnswer } from '../../src/targets/answer.js'
import { differentiate, gradientName } from '../../src/vjp/differentiate.js'
import { pathOf, readBytes } from '../support/files.js'
import { correlation, relativeL2 } from '../support/measures.js'
import { readNpyFloat32 } from '../support/npy.js'
import { runtime } from '../support/ort.js'
import { numbers } from '../support/run.js'

const FOLDER = 'test/fixtures/origins'

interface Origin {
  readonly input: string
  readonly output: string
  readonly layout: 'NCHW' | 'NHWC'
  readonly target: number
  readonly logits: readonly number[]
  /** What the file is there for. */
  readonly operators: readonly string[]
  /** The last two axes of the last map (of the tokens of a transformer) before the answer. */
  readonly layer: readonly [number, number]
}

const names = readdirSync(pathOf(FOLDER)).flatMap((file) => (file.endsWith('.json') ? [file.slice(0, -5)] : []))

function pictureFor(layout: Origin['layout']): Tensor<'float32'> {
  const picture = readNpyFloat32(pathOf(`${FOLDER}/input.npy`))
  const [n = 0, c = 0, h = 0, w = 0] = picture.dims
  if (layout === 'NCHW') return picture
  return float32(
    [n, h, w, c],
    picture.data.map((_, i) => picture.data[(i % c) * h * w + Math.floor(i / c)] ?? 0),
  )
}

test('there are files of every origin', () => {
  expect(names).toEqual(['fused-convolutions', 'fused-transformer', 'keras', 'old-10', 'old-7', 'old-9', 'paddle'])
})

describe.each(names)('%s', (name) => {
  const { input, output, layout, target, logits, operators, layer }: Origin = JSON.parse(
    readFileSync(pathOf(`${FOLDER}/${name}.json`), 'utf8'),
  )
  const graph = decode(readBytes(`${FOLDER}/${name}.onnx`))
  const found = probe(graph, runtime)

  test('has the operators that it is there for', () => {
    const present = new Set(graph.nodes.map((n) => n.op))
    expect(operators.filter((op) => !present.has(op))).toEqual([])
  })

  test.each(['all', 'disabled'] as const)(
    'has the gradient of its framework, optimisation %s',
    async (optimization) => {
      const gradient = differentiate(graph, { of: output, wrt: [input], shapes: await found })
      const session = await runtime.createSession(encodeSkeleton(gradient), { optimization })
      const seed = float32([1, logits.length])
      seed.data[target] = 1
      const out = await session.run({ [input]: pictureFor(layout), [gradientName(output)]: seed })
      await session.release()
      const want = readNpyFloat32(pathOf(`${FOLDER}/${name}.npy`))
      const got = out[gradientName(input)]
      expect(got?.dims).toEqual(want.dims)
      expect(relativeL2(numbers(out[output]), logits)).toBeLessThanOrEqual(1e-5)
      expect(relativeL2(numbers(got), want.data)).toBeLessThanOrEqual(1e-4)
      expect(correlation(numbers(got), want.data)).toBeGreaterThanOrEqual(0.99999)
    },
  )

  test('has a layer for Grad-CAM, found by itself', async () => {
    const shapes = await found
    const picture = findPictureInput(graph, shapes)
    const { logits: answer } = findAnswer(graph, shapes)
    const { value } = chooseLayer(networkOf({ graph: lower(graph), shapes, picture, logits: answer }), undefined)
    const dims = shapes.get(value)?.dims ?? []
    expect(dims.slice(-2), value).toEqual(layer)
  })
})
