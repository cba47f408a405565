/** A gradient's elements against differences of the model's answers, with kinks told apart from faults. */
import type { Session } from '../../src/core/runtime.js'
import type { Tensor } from '../../src/core/tensor.js'
import { float16Bits, float16Value } from '../../src/onnx/float16.js'
import { type Random, random } from '../../test/support/random.js'

/** Elements of an input that are compared. */
const SAMPLE = 24

/** Steps, largest first, and the relative rounding error of one answer. */
const STEPS = {
  float16: { steps: [0.25, 0.0625], rounding: 1e-3, close: 5e-2 },
  float32: { steps: [2e-2, 5e-3, 1e-3], rounding: 3e-7, close: 1e-2 },
  float64: { steps: [1e-3, 1e-4, 1e-5], rounding: 1e-14, close: 1e-3 },
} as const

type FloatType = keyof typeof STEPS

/** The same inputs gave different answers. */
export class NotDeterministic extends Error {}

export function isFloatTensor(t: Tensor | undefined): t is Tensor<FloatType> {
  return t !== undefined && Object.hasOwn(STEPS, t.type)
}

function valuesOf(t: Tensor<FloatType>): number[] {
  return t.type === 'float16' ? Array.from(t.data, float16Value) : Array.from(t.data)
}

/** The nearest values that the type holds. */
function made(like: Tensor<FloatType>, values: readonly number[]): Tensor<FloatType> {
  if (like.type === 'float16') return { ...like, data: Uint16Array.from(values, float16Bits) }
  if (like.type === 'float32') return { ...like, data: Float32Array.from(values) }
  return { ...like, data: Float64Array.from(values) }
}

/** Normal numbers in the shape and type of `y`; 0 where `y` is infinite or NaN, which has no slope. */
export function randomLike(y: Tensor, r: Random): Tensor {
  if (!isFloatTensor(y)) return y
  return made(
    y,
    valuesOf(y).map((v) => (Number.isFinite(v) ? r.normal() : 0)),
  )
}

/** The tensors in the types that a session takes: a gradient of a model of narrower floats is computed in float32. */
export function feedsFor(session: Session, feeds: Readonly<Record<string, Tensor>>): Record<string, Tensor> {
  const types = new Map(session.inputs.map((i) => [i.name, i.type]))
  const converted = Object.entries(feeds).map(([name, t]): [string, Tensor] => {
    if (!isFloatTensor(t) || t.type !== 'float16' || types.get(name) !== 'float32') return [name, t]
    return [name, { type: 'float32', dims: t.dims, data: Float32Array.from(valuesOf(t)) }]
  })
  return Object.fromEntries(converted)
}

/** Whether two answers agree; to half precision where it is one of half precision. */
export function areClose(got: Tensor | undefined, want: Tensor): boolean {
  if (!isFloatTensor(got) || !isFloatTensor(want)) return got?.dims.join() === want.dims.join()
  const [a, b] = [valuesOf(got), valuesOf(want)]
  const close = want.type === 'float16' ? 2e-2 : 1e-3
  const agree = (v: number, w: number): boolean =>
    Object.is(v, w) || Math.abs(v - w) <= close * Math.max(1, Math.abs(w))
  return got.dims.join() === want.dims.join() && a.every((v, i) => agree(v, b[i] ?? Number.NaN))
}

export interface Comparison {
  readonly session: Session
  readonly feeds: Readonly<Record<string, Tensor>>
  readonly wrt: string
  readonly of: string
  /** The gradient that arrives at `of`. */
  readonly gy: Tensor
  /** Undefined stands for zeros. */
  readonly gradient: Tensor | undefined
  readonly seed: number
}

export interface Compared {
  readonly wrong: string[]
  readonly compared: number
  readonly skipped: number
}

/** Compares a sample of the elements. Throws {@link NotDeterministic}. */
export async function compareElements(c: Comparison): Promise<Compared> {
  const { session, feeds, wrt, of, gy, gradient, seed } = c
  const x = feeds[wrt]
  if (!isFloatTensor(x) || !isFloatTensor(gy))
    return { wrong: [`${wrt} is not a float tensor`], compared: 0, skipped: 0 }
  const weights = valuesOf(gy)
  const point = valuesOf(x)
  const got = isFloatTensor(gradient) ? valuesOf(gradient) : point.map(() => 0)
  if (gradient && gradient.dims.join() !== x.dims.join())
    return { wrong: [`a gradient of shape [${gradient.dims}], not [${x.dims}]`], compared: 0, skipped: 0 }
  const settings = STEPS[gy.type === 'float16' ? 'float16' : x.type]
  /** <gy, of>, without the terms that stay infinite or NaN, and the sum of its terms' sizes. */
  const answer = async (values: readonly number[]): Promise<{ terms: number[]; size: number }> => {
    const out = (await session.run({ ...feeds, [wrt]: made(x, values) }))[of]
    const terms = isFloatTensor(out) ? valuesOf(out).map((v, i) => v * (weights[i] ?? 0)) : []
    return { terms, size: terms.reduce((a, t) => a + (Number.isFinite(t) ? Math.abs(t) : 0), 0) }
  }
  const here = await answer(point)
  if (!same(here.terms, (await answer(point)).terms)) throw new NotDeterministic(of)
  const wrong: string[] = []
  let skipped = 0
  const chosen = random(seed).permutation(point.length).slice(0, SAMPLE)
  for (const i of chosen) {
    const slope = got[i] ?? Number.NaN
    let last = ''
    let kink = false
    let fits = false
    let before = Number.NaN
    for (const step of stepsAt(point[i] ?? 0, settings.steps)) {
      const moved = (by: number): number[] => point.map((v, j) => (j === i ? v + by : v))
      const [up, down] = [moved(step), moved(-step)].map((v) => valuesOf(made(x, v)))
      if (!up || !down) continue
      const [high, low] = [await answer(up), await answer(down)]
      const right = difference(high.terms, here.terms) / ((up[i] ?? 0) - (point[i] ?? 0))
      const left = difference(here.terms, low.terms) / ((point[i] ?? 0) - (down[i] ?? 0))
      const central = difference(high.terms, low.terms) / ((up[i] ?? 0) - (down[i] ?? 0))
      const noise = (3 * settings.rounding * here.size) / step
      const near = settings.close * Math.max(1, Math.abs(central), Math.abs(slope)) + noise
      fits = Math.abs(slope - central) <= near
      if (fits) break
      kink =
        !Number.isFinite(central + left + right) ||
        Math.abs(right - left) > 2 * near ||
        Math.abs(central) > 2 * Math.abs(before)
      before = central
      last = `[${i}] ${slope.toPrecision(5)} instead of ${central.toPrecision(5)} (left ${left.toPrecision(4)}, right ${right.toPrecision(4)})`
    }
    if (fits) continue
    if (kink) skipped++
    else wrong.push(last)
  }
  return { wrong, compared: chosen.length - skipped, skipped }
}

/** Steps relative to the number, and for large numbers the plain ones too. */
function stepsAt(at: number, steps: readonly number[]): number[] {
  const size = Math.max(1, Math.abs(at))
  return [...steps.map((s) => s * size), ...(size > 4 ? steps : [])]
}

function same(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((v, i) => Object.is(v, b[i]))
}

/** The sum of `a - b`, terms that neither side can tell left out. */
function difference(a: readonly number[], b: readonly number[]): number {
  if (a.length !== b.length) return Number.NaN
  return a.reduce((sum, v, i) => {
    const change = v - (b[i] ?? 0)
    return Object.is(v, b[i]) || Number.isNaN(v) || v === b[i] ? sum : sum + change
  }, 0)
}
