/**
 * Gradients of gradients: the gradient graph of a whole network is an ordinary graph, so it is differentiated again, and compared with
 * PyTorch's double backward (fixtures of scripts/network_fixtures.py). With g the gradient of a logit by the picture and v[i] = sin(i):
 * the gradient of <g, v> by the picture, a Hessian-vector product, and by the weights of the first convolution.
 */
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { float32, sizeOf } from '../../src/core/tensor.js'
import { decode } from '../../src/onnx/decode.js'
import { encodeSkeleton } from '../../src/onnx/encode.js'
import { probe } from '../../src/passes/probe.js'
import { differentiate } from '../../src/vjp/differentiate.js'
import { pathOf, readBytes } from '../support/files.js'
import { correlation, relativeL2 } from '../support/measures.js'
import { readNpyFloat32 } from '../support/npy.js'
import { runtime } from '../support/ort.js'
import { numbers, run } from '../support/run.js'

/** Networks without kinks: rounding alone separates the two. */
const SMOOTH = new Set(['efficientnet', 'convnext', 'vit'])
const FOLDER = 'test/fixtures/networks'

interface Network {
  readonly name: string
  readonly classes: readonly number[]
  readonly logits: readonly number[]
  readonly curvature?: { readonly weight: string; readonly scales: readonly number[] }
}

const { networks }: { networks: readonly Network[] } = JSON.parse(
  readFileSync(pathOf(`${FOLDER}/networks.json`), 'utf8'),
)
const curved = networks.flatMap(({ curvature, ...n }) => (curvature ? [{ ...n, ...curvature }] : []))
const pixels = readNpyFloat32(pathOf(`${FOLDER}/input.npy`))
const picture = float32(
  [1, ...pixels.dims],
  pixels.data.map((v) => (v - 127) / 128),
)
const direction = float32(
  picture.dims,
  Array.from(picture.data, (_, i) => Math.sin(i)),
)

test.each(curved)('$name', async ({ name, classes, logits, weight, scales }) => {
  const graph = decode(readBytes(`${FOLDER}/${name}.onnx`))
  const once = differentiate(graph, { of: 'logits', wrt: ['input'], shapes: await probe(graph, runtime) })
  const of = 'gradient/input'
  const seed = float32([1, logits.length])
  seed.data[classes[0] ?? 0] = 1
  const found = readNpyFloat32(pathOf(`${FOLDER}/${name}.curvature.npy`)).data
  const size = sizeOf(picture.dims)
  const parts = [found.subarray(0, size), found.subarray(size)]
  const wanted = ['input', weight].map((value, i) => ({ value, data: parts[i] ?? [], scale: scales[i] ?? 0 }))
  // a network of Relu and Conv is linear wherever it is smooth
  const bent = wanted.filter((w) => w.scale > 0)
  expect(bent.length).toBeGreaterThan(0)
  const twice = differentiate(once, { of, wrt: bent.map((w) => w.value), shapes: await probe(once, runtime) })
  const names = twice.outputs.slice(1).map((o) => o.name)
  const out = await run(encodeSkeleton(twice), {
    input: picture,
    'gradient/logits': seed,
    [`gradient/${of}`]: direction,
  })
  for (const [i, { value, data, scale }] of bent.entries()) {
    const got = numbers(out[names[i] ?? ''])
    const want = Array.from(data, (v) => v * scale)
    expect(correlation(got, want), value).toBeGreaterThanOrEqual(0.999)
    expect(relativeL2(got, want), value).toBeLessThanOrEqual(SMOOTH.has(name) ? 1e-3 : 4e-2)
  }
})
