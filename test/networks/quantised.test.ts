/**
 * A small network in several numbers: gradients against PyTorch's own on the same numbers, where rounding is its fake_quantize (fixtures
 * of scripts/quantised_fixtures.py), and Grad-CAM against the float32 network's.
 */
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { float32 } from '../../src/core/tensor.js'
import type { Explanation } from '../../src/explain/index.js'
import { Model } from '../../src/explain/model.js'
import { decode } from '../../src/onnx/decode.js'
import { encodeSkeleton } from '../../src/onnx/encode.js'
import type { Graph } from '../../src/onnx/ir.js'
import { declaredShapes } from '../../src/onnx/shapes.js'
import { probe } from '../../src/passes/probe.js'
import { differentiate } from '../../src/vjp/differentiate.js'
import type { Override } from '../../src/vjp/rule.js'
import { pathOf, readBytes } from '../support/files.js'
import { correlation, relativeL2 } from '../support/measures.js'
import { readNpyFloat32 } from '../support/npy.js'
import { runtime } from '../support/ort.js'
import { numbers } from '../support/run.js'

const FOLDER = 'test/fixtures/quantised'
const FLOATS = ['float32', 'float16', 'float16-inside', 'bfloat16', 'int4-weights']

interface Fixture {
  readonly logits: readonly number[]
  readonly target: number
  /** Little-endian float32 in base64. */
  readonly gradient: string
}

const fixtures: Readonly<Record<string, Fixture>> = JSON.parse(readFileSync(pathOf(`${FOLDER}/fixtures.json`), 'utf8'))
const picture = readNpyFloat32(pathOf(`${FOLDER}/input.npy`))

function graphOf(form: string): Graph {
  return decode(readBytes(`${FOLDER}/${form}.onnx`))
}

function wanted({ gradient }: Fixture): Float32Array {
  return new Float32Array(Uint8Array.from(Buffer.from(gradient, 'base64')).buffer)
}

async function explain(form: string, method: string, target?: number): Promise<Explanation> {
  const loaded = await Model.load(graphOf(form), runtime, { name: form })
  try {
    return await loaded.explain(picture, { method, ...(target === undefined ? {} : { target }) })
  } finally {
    await loaded.release()
  }
}

describe.each(Object.entries(fixtures))('%s', (form, fixture) => {
  test('answers as PyTorch, and as its own file does in ONNX Runtime', async () => {
    const loaded = await Model.load(graphOf(form), runtime, { name: form })
    const answers = [...(await loaded.classify(picture, { top: 10 }))].sort((a, b) => a.index - b.index)
    await loaded.release()
    const logits = answers.map((a) => a.logit)
    expect(relativeL2(logits, fixture.logits)).toBeLessThan(1e-6)
  })

  test('goes back as PyTorch', async () => {
    const { raw } = await explain(form, 'gradient', fixture.target)
    expect(relativeL2(raw.data, wanted(fixture))).toBeLessThan(1e-6)
  })

  // a product counted in int32 is not seen to be a linear head
  test.each(form === 'dynamic' ? ['grad-cam'] : ['grad-cam', 'cam'])('%s is near that of float32', async (method) => {
    const { raw } = await explain(form, method, 0)
    const exact = await explain('float32', method, 0)
    expect(raw.dims).toEqual(exact.raw.dims)
    expect(correlation(raw.data, exact.raw.data)).toBeGreaterThan(FLOATS.includes(form) ? 0.999 : 0.99)
  })

  test('says what was done to its numbers', async () => {
    const { provenance } = await explain(form, 'gradient')
    const said = provenance.notes.filter((n) => /float16|straight/.test(n))
    if (form.startsWith('float16'))
      expect(said).toEqual([expect.stringMatching(/ float16 numbers are computed in float32/)])
    else if (form === 'bfloat16')
      expect(said).toEqual([expect.stringMatching(/ bfloat16 numbers are computed in float32/)])
    else if (FLOATS.includes(form)) expect(said).toEqual([])
    else expect(said).toEqual([expect.stringMatching(/straight through the rounding of \d+ quantised values/)])
  })

  test('a compiled model keeps the types of its inputs and outputs', async () => {
    const graph = graphOf(form)
    const loaded = await Model.load(graph, runtime, { name: form })
    const compiled = declaredShapes(loaded.compile({ method: 'grad-cam' }).graph)
    await loaded.release()
    for (const name of ['x', 'y']) expect(compiled.get(name)?.type).toBe(declaredShapes(graph).get(name)?.type)
  })
})

/** Rules that are wrong where values saturate. */
const WRONG: Readonly<Record<string, Override['rules'][string]>> = {
  'passing where values saturate': ({ gy }) => [() => gy],
  'stopping at all that is stored as 0': ({ b, gy, y: [whole = ''] }, plain) => {
    const wide = b.op('Cast', [whole], { to: 1 })
    const above = b.op('Cast', [b.op('Greater', [wide, b.op('ReduceMin', [wide], { keepdims: 1 })])], { to: 1 })
    return plain === undefined ? [] : [() => b.op('Mul', [gy, above])]
  },
}

describe.each(Object.entries(WRONG))('a rule that is wrong in %s', (name, rule) => {
  test.each(['qdq-u8s8-channel', 'qoperator-u8u8-tensor'])('would be noticed: %s', async (form) => {
    const fixture = fixtures[form]
    if (!fixture) throw new Error(`no fixture ${form}`)
    const graph = graphOf(form)
    const override = { name, rules: { QuantizeLinear: rule } }
    const gradient = differentiate(graph, { of: 'y', wrt: ['x'], shapes: await probe(graph, runtime), override })
    const session = await runtime.createSession(encodeSkeleton(gradient))
    const seed = float32([1, 10])
    seed.data[fixture.target] = 1
    const out = await session.run({ x: picture, 'gradient/y': seed })
    await session.release()
    expect(relativeL2(numbers(out['gradient/x']), wanted(fixture))).toBeGreaterThan(1e-3)
  })
})
