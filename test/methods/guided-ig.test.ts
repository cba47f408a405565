/** Guided IG against PAIR saliency on a small function (scripts/guided_ig_fixture.py). */
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { float32 } from '../../src/core/tensor.js'
import { Model } from '../../src/explain/index.js'
import { declare } from '../../src/onnx/builder.js'
import { pathOf } from '../support/files.js'
import { relativeL2 } from '../support/measures.js'
import { model } from '../support/model.js'
import { runtime } from '../support/ort.js'

interface Fixture {
  readonly x: readonly number[]
  readonly w: readonly number[]
  readonly v: readonly number[]
  readonly cases: readonly { readonly options: Readonly<Record<string, number>>; readonly map: readonly number[] }[]
}

const { x, w, v, cases }: Fixture = JSON.parse(readFileSync(pathOf('test/fixtures/guided-ig.json'), 'utf8'))
const SIDE = 6

/** The sum of `w x + v x^2`; another class has nothing. */
function graph() {
  const rows = (values: readonly number[]) => float32([2, x.length], [...values, ...values.map(() => 0)])
  return model({
    opset: 18,
    nodes: [
      { op: 'Flatten', inputs: ['x'], outputs: ['flat'] },
      { op: 'Mul', inputs: ['flat', 'flat'], outputs: ['square'] },
      { op: 'Gemm', inputs: ['flat', 'w'], outputs: ['linear'], attributes: { transB: 1 } },
      { op: 'Gemm', inputs: ['square', 'v', 'linear'], outputs: ['logits'], attributes: { transB: 1 } },
    ],
    inputs: [declare('x', 'float32', ['N', 1, SIDE, SIDE])],
    outputs: [declare('logits', 'float32', ['N', 2])],
    initializers: { w: rows(w), v: rows(v) },
  })
}

test.each(cases)('$options', async ({ options, map }) => {
  const loaded = await Model.load(graph(), runtime, { name: 'test' })
  const picture = float32([1, 1, SIDE, SIDE], x)
  const set = await loaded.explainAll(picture, { method: 'guided-ig', target: [0, 1], options })
  const [own, none] = set.explanations.map((e) => e.raw)
  expect(own?.dims).toEqual([1, SIDE, SIDE])
  expect(relativeL2(own?.data ?? [], map)).toBeLessThan(1e-4)
  expect(none?.data.every((value) => value === 0)).toBe(true)
  await loaded.release()
})
