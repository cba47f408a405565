/**
 * Captioners and answerers, exported by PyTorch with free batch and length: the gradient of one logit by the feature map against PyTorch's
 * (fixtures of scripts/sequence_fixtures.py).
 */
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { float32, int64, sizeOf } from '../../src/core/tensor.js'
import { decode } from '../../src/onnx/decode.js'
import { encodeSkeleton } from '../../src/onnx/encode.js'
import { probe } from '../../src/passes/probe.js'
import { differentiate } from '../../src/vjp/differentiate.js'
import { pathOf, readBytes } from '../support/files.js'
import { relativeL2 } from '../support/measures.js'
import { runtime } from '../support/ort.js'
import { numbers } from '../support/run.js'

const FOLDER = 'test/fixtures/sequences'

interface Run {
  readonly batch: number
  readonly length: number
  readonly words: readonly number[]
  /** float32 `[batch, 49, 8]` in base64. */
  readonly features: string
  /** The logit that is differentiated: its place in the answer, whose shape `dims` is. */
  readonly place: readonly number[]
  readonly dims: readonly number[]
  readonly gradient: string
}

const file: {
  readonly features: readonly number[]
  readonly networks: readonly { readonly name: string; readonly runs: readonly Run[] }[]
} = JSON.parse(readFileSync(pathOf(`${FOLDER}/sequences.json`), 'utf8'))

function floats(text: string): Float32Array {
  return new Float32Array(Uint8Array.from(Buffer.from(text, 'base64')).buffer)
}

/** The position of a place in a row-major tensor. */
function offset(dims: readonly number[], place: readonly number[]): number {
  return dims.reduce((at, size, axis) => at * size + (place[axis] ?? 0), 0)
}

describe.each(file.networks.map((n) => [n.name, n.runs] as const))('%s', (name, runs) => {
  test.each(['all', 'disabled'] as const)('optimisation %s', async (optimization) => {
    const graph = decode(readBytes(`${FOLDER}/${name}.onnx`))
    const shapes = await probe(graph, runtime)
    const gradient = differentiate(graph, { of: 'logits', wrt: ['features'], shapes })
    const session = await runtime.createSession(encodeSkeleton(gradient), { optimization })
    for (const { batch, length, words, features, place, dims, gradient: wanted } of runs) {
      const seed = float32(
        dims,
        Array.from({ length: sizeOf(dims) }, (_, i) => (i === offset(dims, place) ? 1 : 0)),
      )
      const out = await session.run({
        words: int64([batch, length], words),
        features: float32([batch, ...file.features], floats(features)),
        'gradient/logits': seed,
      })
      const got = numbers(out['gradient/features'])
      expect(got.every(Number.isFinite)).toBe(true)
      expect(relativeL2(got, Array.from(floats(wanted)))).toBeLessThanOrEqual(1e-5)
    }
    await session.release()
  })
})
