/** What our map has in common with a reference's. */
import { readFileSync } from 'node:fs'
import type { Tensor } from '../../../src/core/tensor.js'
import { float32 } from '../../../src/core/tensor.js'
import { type Explanation, Model } from '../../../src/explain/index.js'
import { decode } from '../../../src/onnx/decode.js'
import { pathOf, readBytes, SHIPPED_MODEL } from '../../support/files.js'
import { correlation, relativeL2 } from '../../support/measures.js'
import { readNpyFloat32 } from '../../support/npy.js'
import { runtime } from '../../support/ort.js'
import type { Agreement } from './agreement.js'

const BLOCK = 8
const SCALES: Readonly<Record<string, number>> = JSON.parse(
  readFileSync(pathOf('test/fixtures/golden/scales.json'), 'utf8'),
)

export interface Subject {
  readonly model: Model
  readonly picture: Tensor<'float32'>
}

/** A network with its picture, as the fixtures were made with. */
export async function subject(network: Agreement['network']): Promise<Subject> {
  const shipped = network === 'shipped'
  const file = shipped ? SHIPPED_MODEL : `test/fixtures/networks/${network}.onnx`
  const pixels = readNpyFloat32(pathOf(`test/fixtures/${shipped ? 'golden' : 'networks'}/input.npy`))
  const picture = float32(
    [1, ...pixels.dims],
    pixels.data.map((v) => (v - 127) / 128),
  )
  return { model: await Model.load(decode(readBytes(file)), runtime, { name: network }), picture }
}

/** How alike our map and the reference's are. */
export interface Measured {
  /** Pearson's correlation. */
  readonly correlation: number
  /** The relative L2 distance, where the fixture has the map's scale. */
  readonly relative: number
}

/** What stands for one question to the model: entries that differ in the method alone are asked together. */
function occasion({ target, options = {}, layer = '', score = 'logit' }: Agreement): string {
  return JSON.stringify([target, options, layer, score])
}

/** Our maps against the references', in the order of the entries, which are all of one network. */
export async function agreementsOf(
  { model, picture }: Subject,
  all: readonly Agreement[],
): Promise<readonly Measured[]> {
  const found = new Map<Agreement, Measured>()
  for (const key of new Set(all.map(occasion))) {
    const entries = all.filter((a) => occasion(a) === key)
    const [first] = entries
    if (!first) continue
    const { target, options = {}, layer, score = 'logit' } = first
    const method = [...new Set(entries.map((a) => a.method))]
    const { explanations } = await model.explainAll(picture, { method, target, options, layer, score })
    for (const a of entries) {
      const explanation = explanations.find((e) => e.method.id === a.method)
      if (explanation) found.set(a, compared(stored(explanation, a.stored), reference(a.fixture)))
    }
  }
  return all.map((a) => found.get(a) ?? { correlation: Number.NaN, relative: Number.NaN })
}

function compared(got: ArrayLike<number>, want: ArrayLike<number>): Measured {
  return { correlation: correlation(got, want), relative: relativeL2(got, want) }
}

function reference(fixture: string): Float32Array {
  const [folder, name = ''] = fixture.includes('/') ? fixture.split('/') : ['methods', fixture]
  const { data } = readNpyFloat32(pathOf(`test/fixtures/${folder}/${name}.npy`))
  return folder === 'golden' ? data.map((v) => v * (SCALES[name] ?? 1)) : data
}

/** The part of an explanation that fixtures hold. */
function stored({ raw, heatmap }: Explanation, as: Agreement['stored']): ArrayLike<number> {
  if (as === 'raw') return raw.data
  if (as === 'blocks') return blocks(heatmap.data, heatmap.width, heatmap.height)
  const [height = 0, width = 0] = raw.dims.slice(-2)
  const channels = raw.data.length / (height * width)
  const [rows, columns] = [Math.floor(height / 4), Math.floor(width / 4)]
  return Float32Array.from({ length: channels * rows * columns }, (_, i) => {
    const [c, y, x] = [Math.floor(i / (rows * columns)), Math.floor(i / columns) % rows, i % columns]
    return raw.data[(c * height + 4 * y + 2) * width + 4 * x + 2] ?? Number.NaN
  })
}

/** Means of blocks of 8 x 8 pixels. */
function blocks(plane: ArrayLike<number>, width: number, height: number): number[] {
  const [across, down] = [width / BLOCK, height / BLOCK]
  const sums = new Array<number>(across * down).fill(0)
  for (let i = 0; i < width * height; i++) {
    const at = Math.floor(Math.floor(i / width) / BLOCK) * across + Math.floor((i % width) / BLOCK)
    sums[at] = (sums[at] ?? 0) + (plane[i] ?? 0) / BLOCK ** 2
  }
  return sums
}
