/** What our map has in common with a reference's. */
import type { Tensor } from '../../../src/core/tensor.js'
import { float32 } from '../../../src/core/tensor.js'
import { type Explanation, Model } from '../../../src/explain/index.js'
import { decode } from '../../../src/onnx/decode.js'
import { pathOf, readBytes, SHIPPED_MODEL } from '../../support/files.js'
import { correlation } from '../../support/measures.js'
import { readNpyFloat32 } from '../../support/npy.js'
import { runtime } from '../../support/ort.js'
import type { Agreement } from './agreement.js'

const BLOCK = 8

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

/** Pearson's correlation of our map with the reference's. */
export async function agreementOf({ model, picture }: Subject, a: Agreement): Promise<number> {
  const { method, target, options = {}, layer, score = 'logit' } = a
  const explanation = await model.explain(picture, { method, target, options, layer, score })
  const want = readNpyFloat32(pathOf(`test/fixtures/methods/${a.fixture}.npy`))
  return correlation(stored(explanation, a.stored), want.data)
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
