/** Whole networks, differentiated to the input, against PyTorch's autograd (fixtures of scripts/network_fixtures.py). */
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import type { OptimizationLevel } from '../../src/core/runtime.js'
import { float32, sizeOf } from '../../src/core/tensor.js'
import { decode } from '../../src/onnx/decode.js'
import { encodeSkeleton } from '../../src/onnx/encode.js'
import type { Graph } from '../../src/onnx/ir.js'
import type { Shapes } from '../../src/onnx/shapes.js'
import { probe } from '../../src/passes/probe.js'
import { differentiate } from '../../src/vjp/differentiate.js'
import { pathOf, readBytes } from '../support/files.js'
import { correlation, relativeL2 } from '../support/measures.js'
import { readNpyFloat32 } from '../support/npy.js'
import { runtime } from '../support/ort.js'
import { numbers } from '../support/run.js'

const FOLDER = 'test/fixtures/networks'

interface Network {
  readonly name: string
  readonly opset: number
  readonly classes: readonly number[]
  readonly scales: readonly number[]
  readonly logits: readonly number[]
}

const { networks }: { networks: readonly Network[] } = JSON.parse(
  readFileSync(pathOf(`${FOLDER}/networks.json`), 'utf8'),
)
const pixels = readNpyFloat32(pathOf(`${FOLDER}/input.npy`))
const picture = float32(
  [1, ...pixels.dims],
  pixels.data.map((v) => (v - 127) / 128),
)

/** Compares the gradients of all stored classes; returns the worst. */
async function check(network: Network, graph: Graph, optimization: OptimizationLevel, shapes?: Shapes) {
  const { name, classes, scales, logits } = network
  const wanted = readNpyFloat32(pathOf(`${FOLDER}/${name}.npy`))
  const size = sizeOf(picture.dims)
  const gradient = differentiate(graph, { of: 'logits', wrt: ['input'], ...(shapes ? { shapes } : {}) })
  const session = await runtime.createSession(encodeSkeleton(gradient), { optimization })
  const worst = { relativeL2: 0, correlation: 1, logits: 0 }
  for (const [i, c] of classes.entries()) {
    const seed = float32([1, logits.length])
    seed.data[c] = 1
    const out = await session.run({ input: picture, 'gradient/logits': seed })
    const got = numbers(out['gradient/input'])
    const want = wanted.data.subarray(i * size, (i + 1) * size).map((v) => v * (scales[i] ?? 0))
    worst.relativeL2 = Math.max(worst.relativeL2, relativeL2(got, want))
    worst.correlation = Math.min(worst.correlation, correlation(got, want))
    worst.logits = Math.max(worst.logits, relativeL2(numbers(out.logits), logits))
  }
  await session.release()
  return worst
}

function expectClose(found: Awaited<ReturnType<typeof check>>): void {
  expect(found.logits).toBeLessThanOrEqual(1e-4)
  expect(found.relativeL2).toBeLessThanOrEqual(4e-2)
  expect(found.correlation).toBeGreaterThanOrEqual(0.999)
}

describe.each(networks.map((n) => [n.name, n] as const))('%s', (_name, network) => {
  const graph = decode(readBytes(`${FOLDER}/${network.name}.onnx`))

  test('is in the opset it was exported with', () => {
    expect(graph.opset).toBe(network.opset)
  })

  test.each(['all', 'disabled'] as const)('with shapes, optimisation %s', async (optimization) => {
    expectClose(await check(network, graph, optimization, await probe(graph, runtime)))
  })
})

// without the ranks that only ORT can tell, rules must either read shapes at run time or refuse; these must not refuse
describe.each(['resnet', 'byobnet'])('%s without shapes', (name) => {
  test.each(['all', 'disabled'] as const)('optimisation %s', async (optimization) => {
    const network = networks.find((n) => n.name === name)
    if (!network) throw new Error(`no fixture of ${name}`)
    expectClose(await check(network, decode(readBytes(`${FOLDER}/${name}.onnx`)), optimization))
  })
})
