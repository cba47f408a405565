/** A layer as driven methods have it: its features, gradients by them, and scores of the network behind it under other features. */
import { ExplainError } from '../core/errors.js'
import { float32, sizeOf, type Tensor } from '../core/tensor.js'
import type { DrivenLayer } from '../methods/method.js'
import type { Answer } from '../targets/answer.js'
import type { Target } from '../targets/index.js'
import { askedAt } from './asked.js'
import type { LayerPlan } from './compile-layer.js'
import type { Feed } from './feed.js'
import type { Runner } from './runner.js'
import type { LayerPlace } from './runs.js'
import { refuseOtherAnswers, targetScores } from './target-scores.js'

/** What a layer is read of. */
export interface LayerWork {
  readonly runner: Runner
  readonly feed: Feed
  readonly targets: readonly Target[]
  readonly place: LayerPlace
  readonly answer: Answer
}

/** Throws what `compile` throws of methods at a layer. */
export async function drivenLayer(work: LayerWork): Promise<DrivenLayer> {
  const { runner, feed, targets, place } = work
  const plan = runner.layer(place)
  const [own, view, places] = await runner.atLayer(place, feed)
  if (!own || !view || !places) throw new ExplainError('runtime-failed', { what: `"${plan.layer}" did not come out` })
  const stack = new Stack(plan, own, places, runner.batch ?? 1)
  const [, ...rest] = view.dims
  const size = sizeOf(rest)
  const copies = new Map<number, Feed>()
  const pictures = (n: number): Feed => {
    const made = copies.get(n) ?? repeated(feed, n)
    copies.set(n, made)
    return made
  }
  type Rows = Promise<readonly Float32Array[]>
  const inParts = async (given: Tensor<'float32'>, run: (own: Tensor<'float32'>, feed: Feed) => Rows): Rows => {
    const count = given.dims[0] ?? 0
    const rows: Float32Array[] = []
    // one by one where the layer has lost sight of the batch
    const step = plan.batchAxis === undefined ? 1 : Math.max(1, runner.batch ?? count)
    for (let from = 0; from < count; from += step) {
      const n = Math.min(step, count - from)
      const some = given.data.subarray(from * size, (from + n) * size)
      rows.push(...(await run(stack.with(some, n), pictures(n))))
    }
    return rows
  }
  const logits = (given: Tensor<'float32'>): Rows =>
    inParts(given, (own, copies) => runner.behindLayer(place, own, copies))
  const scores = targetScores(
    {
      logits,
      scores: (form, rows, given) =>
        inParts(given, (own, copies) => runner.scoresBehind({ ...place, form }, own, copies, rows)),
    },
    targets,
    work.answer,
  )
  return {
    value: plan.layer,
    features: float32([1, ...rest], view.data.subarray(0, size)),
    logits: (given) => {
      refuseOtherAnswers('This method', work.answer)
      return logits(given)
    },
    scores,
    gradients: (picture, t) => {
      const { form, row } = askedAt(targets, t)
      return runner.layerGradient({ ...place, form }, { ...feed, pictures: picture }, row)
    },
  }
}

/** The same picture `n` times. */
function repeated({ pictures, others }: Feed, n: number): Feed {
  const data = new Float32Array(n * pictures.data.length)
  for (let i = 0; i < n; i++) data.set(pictures.data, i * pictures.data.length)
  return { pictures: float32([n, ...pictures.dims.slice(1)], data), others }
}

/** Layers of several pictures as the graph has them, made of one's: what is no place (class tokens) stays as it is. */
class Stack {
  /** The layer of one picture. */
  readonly #one: Float32Array
  /** Where the elements of the view lie in it. */
  readonly #places: Int32Array
  readonly #dims: readonly number[]
  readonly #axis: number
  /** Elements from one step of the batch's axis, as one picture has it, to the same of the next picture. */
  readonly #inner: number
  /** Pictures of a model of fixed batch; 1 where it is free. */
  readonly #batch: number

  constructor({ batchAxis, layer }: LayerPlan, own: Tensor<'float32'>, places: Tensor<'float32'>, batch: number) {
    // float32 counts to 2^24
    if (own.data.length > 2 ** 24)
      throw new ExplainError('method-not-applicable', {
        what: `The layer "${layer}" has ${own.data.length} elements a run, more than the ${2 ** 24} that can be told apart`,
        remedy: 'Choose a later layer.',
      })
    this.#axis = batchAxis ?? 0
    this.#batch = batchAxis === undefined ? 1 : batch
    const extent = (own.dims[this.#axis] ?? 1) / this.#batch
    this.#dims = own.dims.with(this.#axis, extent)
    this.#inner = sizeOf(this.#dims.slice(this.#axis))
    const size = sizeOf(this.#dims)
    const outside = this.#inner * this.#batch
    this.#one = Float32Array.from({ length: size }, (_, i) => {
      const [o, q] = [Math.floor(i / this.#inner), i % this.#inner]
      return own.data[o * outside + q] ?? 0
    })
    const view = places.data.subarray(0, places.data.length / (places.dims[0] ?? 1))
    this.#places = Int32Array.from(view, (r) => Math.floor(r / outside) * this.#inner + (r % outside))
  }

  /** `n` pictures with other features, `[n,K,...places]`, filled up where the batch is fixed. */
  with(features: Float32Array, n: number): Tensor<'float32'> {
    const count = Math.max(n, this.#batch)
    const [one, inner, size] = [this.#one, this.#inner, this.#places.length]
    const data = new Float32Array(count * one.length)
    for (let from = 0; from < one.length; from += inner) {
      const part = one.subarray(from, from + inner)
      for (let p = 0; p < count; p++) data.set(part, from * count + p * inner)
    }
    const places = this.#places.map((i) => (i - (i % inner)) * count + (i % inner))
    for (let p = 0; p < n; p++)
      for (let k = 0; k < size; k++) data[(places[k] ?? 0) + p * inner] = features[p * size + k] ?? 0
    return float32(this.#dims.with(this.#axis, (this.#dims[this.#axis] ?? 1) * count), data)
  }
}
