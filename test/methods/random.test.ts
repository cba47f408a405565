/** Methods that draw random numbers, on the shipped model, against Captum and RISE's formula (scripts/random_fixtures.py). */
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { float32, type Tensor } from '../../src/core/tensor.js'
import { Model } from '../../src/explain/index.js'
import { decode } from '../../src/onnx/decode.js'
import { pathOf, readBytes, SHIPPED_MODEL } from '../support/files.js'
import { correlation } from '../support/measures.js'
import { readNpyFloat32 } from '../support/npy.js'
import { runtime } from '../support/ort.js'

interface Reference {
  readonly options: Readonly<Record<string, number>>
  /** The mean of the maps of several seeds, in blocks of 8 x 8 pixels. */
  readonly map: readonly number[]
  /** The least correlation of one seed's map with the mean of the others'. */
  readonly least: number
}

const REFERENCES: Readonly<Record<string, Reference>> = JSON.parse(
  readFileSync(pathOf('test/fixtures/golden/random.json'), 'utf8'),
)
const SIDE = 224
const BLOCK = 8

let model: Model
let picture: Tensor<'float32'>
beforeAll(async () => {
  model = await Model.load(decode(readBytes(SHIPPED_MODEL)), runtime, { name: 'efficientnet-lite0' })
  const { dims, data } = readNpyFloat32(pathOf('test/fixtures/golden/input.npy'))
  picture = float32(
    dims,
    data.map((v) => (v - 127) / 128),
  )
})
afterAll(() => model.release())

/** Means of blocks of a map on the input's pixels, as the heat map has it. */
function blocks(plane: ArrayLike<number>): number[] {
  const across = SIDE / BLOCK
  const sums = new Array<number>(across * across).fill(0)
  for (let i = 0; i < SIDE * SIDE; i++) {
    const at = Math.floor(Math.floor(i / SIDE) / BLOCK) * across + Math.floor((i % SIDE) / BLOCK)
    sums[at] = (sums[at] ?? 0) + (plane[i] ?? 0)
  }
  return sums
}

test.each(Object.entries(REFERENCES))('%s is as alike as two seeds are', async (method, { options, map, least }) => {
  const score = method === 'rise' ? 'probability' : 'logit'
  const { heatmap } = await model.explain(picture, { method, target: 967, score, options })
  const got = blocks(heatmap.data)
  expect(got).toHaveLength(map.length)
  expect(correlation(got, map)).toBeGreaterThan(least)
})
