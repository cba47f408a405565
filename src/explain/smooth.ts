/** Smoothing of any method: the mean of its maps of changed copies of the picture. */
import { ExplainError, throwIfAborted } from '../core/errors.js'
import { axisOf } from '../core/layout.js'
import { didYouMean } from '../core/nearest.js'
import { float32, type Tensor } from '../core/tensor.js'
import { noisy } from '../methods/many-gradients.js'
import { mirrored } from '../methods/mirror.js'
import { targetKey } from '../targets/index.js'
import type { Explanation } from './explanation.js'
import { withMap } from './on-input.js'
import type { Prepared } from './prepare.js'
import type { ExplainOptions, ExplanationSet, Smoothing } from './request.js'

/** A copy of the picture, and how its maps are laid back on it. */
interface Copy {
  readonly change: (picture: Tensor<'float32'>) => Tensor<'float32'>
  readonly isMirrored: boolean
}

const NOISE = { samples: 25, noise: 0.15, seed: 0 }

const KINDS: Readonly<Record<Smoothing['kind'], (smoothing: Smoothing, layout: string) => readonly Copy[]>> = {
  flip: (_, layout) => [false, true].map((isMirrored) => copy(isMirrored, 1, layout)),
  augment: (_, layout) => [false, true].flatMap((isMirrored) => [0.9, 1, 1.1].map((f) => copy(isMirrored, f, layout))),
  noise: ({ samples = NOISE.samples, noise = NOISE.noise, seed = NOISE.seed }) => {
    let next: (() => Float32Array) | undefined
    const change = (picture: Tensor<'float32'>): Tensor<'float32'> => {
      next ??= noisy(picture.data, noise, seed)
      return float32(picture.dims, next())
    }
    return Array.from({ length: samples }, () => ({ change, isMirrored: false }))
  },
}

/** `flip`, `augment`, `noise`, or with what noise takes. Throws `bad-option`. */
export function parseSmoothing(given: string | Smoothing): Smoothing {
  const { kind, ...rest } = typeof given === 'string' ? { kind: given } : given
  const found = Object.keys(KINDS).find((name): name is Smoothing['kind'] => name === kind)
  if (!found) {
    const names = Object.keys(KINDS)
    throw new ExplainError('bad-option', {
      what: `There is no smoothing "${kind}"`,
      where: 'smooth',
      remedy: didYouMean(kind, names) || `Smooth by ${names.join(', ')}: --smooth flip.`,
    })
  }
  const { samples = 1, noise = 0, seed = 0 } = rest as Omit<Smoothing, 'kind'>
  const bad = (name: string, value: number, range: string): ExplainError =>
    new ExplainError('bad-option', {
      what: `${name} of the smoothing is ${value}, which is not ${range}`,
      where: `smooth.${name}`,
    })
  if (!Number.isInteger(samples) || samples < 1)
    throw bad('samples', samples, 'a whole number of at least 1, such as 25')
  if (!(noise >= 0 && noise <= 10)) throw bad('noise', noise, 'a number from 0 to 10, such as 0.15')
  if (!Number.isInteger(seed) || seed < 0) throw bad('seed', seed, 'a whole number of at least 0, such as 0')
  return { kind: found, ...rest }
}

/**
 * Explains the picture, and then its copies with the same targets; gives the means of their raw maps. Throws `method-not-applicable` where what is to be mirrored has
 * no rows and columns.
 */
export async function smoothed(
  explain: (image: Prepared, options: ExplainOptions) => Promise<ExplanationSet>,
  prepared: Prepared,
  layout: string,
  smoothing: Smoothing,
  options: ExplainOptions,
): Promise<ExplanationSet> {
  const { pictures } = prepared.feed
  if (smoothing.kind !== 'noise' && (axisOf(layout, 'H') === undefined || options.wrt !== undefined))
    throw new ExplainError('method-not-applicable', {
      what: `Smoothing by "${smoothing.kind}" mirrors pictures, volumes and clips, and what it explains is none`,
      remedy: 'Smooth by noise.',
    })
  const plain = await explain(prepared, options)
  const [first] = plain.explanations
  if (!first) return plain
  const methods = [...new Set(plain.explanations.map((e) => e.method.id))]
  const targets = distinctTargets(plain.explanations)
  const sums = new Map(plain.explanations.map((e) => [keyOf(e), new Float64Array(e.raw.data.length)]))
  const copies = KINDS[smoothing.kind](smoothing, layout)
  const means = (done: number): readonly Explanation[] =>
    plain.explanations.map((e) => {
      const sum = sums.get(keyOf(e))
      const map = float32(e.raw.dims, sum ? Float32Array.from(sum, (v) => v / done) : e.raw.data)
      const { kind, noise, seed } = smoothing
      const drawn = kind === 'noise' ? { noise: noise ?? NOISE.noise, seed: seed ?? NOISE.seed } : {}
      return withMap(e, map, { provenance: { smoothing: { kind, copies: copies.length, ...drawn } } })
    })
  for (const [i, { change, isMirrored }] of copies.entries()) {
    throwIfAborted(options.signal)
    const image = { ...prepared, feed: { ...prepared.feed, pictures: change(pictures) } }
    const { onProgress, ...quiet } = options
    const { explanations } = await explain(image, { ...quiet, method: methods, target: targets })
    for (const e of explanations) {
      const sum = sums.get(keyOf(e))
      const map = isMirrored ? mirrored(e.raw, e.data.lifting.layout) : e.raw
      if (sum) for (const [at, v] of map.data.entries()) sum[at] = (sum[at] ?? 0) + v
    }
    onProgress?.({ method: first.method.id, done: i + 1, total: copies.length, partial: () => means(i + 1) })
  }
  return { ...plain, explanations: means(copies.length) }
}

function copy(isMirrored: boolean, factor: number, layout: string): Copy {
  return {
    isMirrored,
    change: (picture) => {
      const turned = isMirrored ? mirrored(picture, layout) : picture
      return float32(
        turned.dims,
        turned.data.map((v) => v * factor),
      )
    },
  }
}

function keyOf({ method, raw, input, target }: Explanation): string {
  return JSON.stringify([method.id, raw.layer ?? null, input, target])
}

function distinctTargets(explanations: readonly Explanation[]): readonly Explanation['target'][] {
  return [...new Map(explanations.map((e) => [targetKey(e.target), e.target])).values()]
}
