import { ExplainError, throwIfAborted } from '../core/errors.js'
import { float32, type Tensor } from '../core/tensor.js'
import { channelsOf } from './feature-channels.js'
import { defineMethod } from './method.js'
import { type Factors, factorise } from './nmf.js'

/**
 * Deep feature factorisation: the layer `[channels, places]`, less the least value of each channel, as a product of non-negative factors; each component is
 * a concept (a value a channel) and where it is (a value a place, 1 at most). The map is where the concept is that scores highest for the target when it
 * fills the layer. Factors are found without chance; so they are those of scikit-learn's NNDSVD start, one of several good answers.
 */
export const dff = defineMethod({
  id: 'dff',
  kind: 'driven',
  title: 'Deep Feature Factorization',
  family: 'cam',
  space: 'layer',
  atLayer: true,
  display: 'positive',
  summary: 'The part of the picture, of a few that the layer tells apart by itself, that speaks most for the class.',
  source:
    'Collins et al., ECCV 2018 (arXiv 1806.10206), section 3; scores of concepts as in pytorch-grad-cam, by the network behind the layer',
  cost: '1 forward + 1 forward of the head for each component (5 by default), and the factorisation',
  options: {
    components: {
      kind: 'integer',
      default: 5,
      minimum: 1,
      unit: 'components',
      description: 'parts that the layer is made of',
    },
  },
  run: async (context) => {
    const { targets, batch, options, signal } = context
    const { features, scores, logits, value } = await context.layer()
    throwIfAborted(signal)
    const { count, size, dims } = channelsOf(features)
    refuseMany(options.components, count, size, value)
    const { concepts, places, shares, error } = parts(features, options.components)
    const rows: Float32Array[] = []
    const best: number[] = []
    const chosen = (): number[] =>
      Array.from({ length: targets }, (_, t) => argmax(rows.map((row) => row[t] ?? Number.NEGATIVE_INFINITY)))
    const maps = (): Tensor<'float32'>[] => chosen().map((i) => float32(dims, places[i] ?? new Float32Array(size)))
    for (let done = 0; done < options.components; done += batch) {
      throwIfAborted(signal)
      const some = concepts.slice(done, done + batch)
      const data = new Float32Array(some.length * count * size)
      for (const [i, concept] of some.entries())
        for (const [k, v] of concept.entries()) data.fill(v, (i * count + k) * size, (i * count + k + 1) * size)
      const filled = float32([some.length, count, ...dims], data)
      rows.push(...(await scores(filled)))
      best.push(...(await logits(filled)).map(argmax))
      context.progress(done + some.length, options.components, maps)
    }
    const list = shares.map((share, i) => `${i + 1}: ${(100 * share).toFixed(0)} %, ${context.label(best[i] ?? 0)}`)
    const shown = chosen().map((i) => i + 1)
    context.note(
      `dff: the components (share of all, and the class that each speaks for alone) are ${list.join('; ')}. Shown ${shown.length > 1 ? `for each target: ${shown.join(', ')}` : `is ${shown[0]}`}. They leave out ${(100 * error).toFixed(0)} % of the layer's norm.`,
    )
    return maps()
  },
})

interface Parts {
  /** A value a channel. */
  readonly concepts: readonly Float32Array[]
  /** A value a place, 1 at most. */
  readonly places: readonly Float32Array[]
  /** Of the sum of what the components make up together. */
  readonly shares: readonly number[]
  readonly error: number
}

function parts(features: Tensor<'float32'>, components: number): Parts {
  const { count, size } = channelsOf(features)
  const least = Float64Array.from({ length: count }, (_, k) =>
    features.data.subarray(k * size, (k + 1) * size).reduce((a, v) => Math.min(a, v), Number.POSITIVE_INFINITY),
  )
  const x = Float64Array.from(features.data, (v, i) => v - (least[Math.floor(i / size)] ?? 0))
  const { left, right, error }: Factors = factorise(x, count, size, components)
  const sum = (v: Float64Array): number => v.reduce((a, b) => a + b, 0)
  const tops = right.map((v) => v.reduce((a, b) => Math.max(a, b), 0))
  const sums = left.map((w, i) => sum(w) * sum(right[i] ?? w))
  const total = sums.reduce((a, b) => a + b, 0) || 1
  return {
    concepts: left.map((w, i) => Float32Array.from(w, (v, k) => v * (tops[i] ?? 0) + (least[k] ?? 0))),
    places: right.map((v, i) => Float32Array.from(v, (h) => h / (tops[i] || 1))),
    shares: sums.map((s) => s / total),
    error,
  }
}

function argmax(values: ArrayLike<number>): number {
  let best = 0
  for (let i = 1; i < values.length; i++) if ((values[i] ?? 0) > (values[best] ?? 0)) best = i
  return best
}

function refuseMany(components: number, channels: number, places: number, layer: string): void {
  const most = Math.min(channels, places)
  if (components <= most) return
  throw new ExplainError('bad-option', {
    what: `components is ${components}, and the layer "${layer}" with ${channels} channels and ${places} places has at most ${most}`,
    where: 'components',
    remedy: `Give a number from 1 to ${most}, ${Math.min(5, most)} say, or choose a larger layer.`,
  })
}
