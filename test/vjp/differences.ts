/** Central differences, computed by running the model in ORT: knows nothing of backward rules. */
import type { Session } from '../../src/core/runtime.js'
import type { Tensor } from '../../src/core/tensor.js'
import { type FloatTensor, isFloat } from './case.js'

/** Balances rounding (float32's 6e-8 over the step) against curvature (the step squared). */
const STEP = { float32: 1e-2, float64: 1e-4 } as const

/** A copy of a tensor with other elements. */
export function withData(t: FloatTensor, change: (v: number, i: number) => number): FloatTensor {
  return t.type === 'float32' ? { ...t, data: t.data.map(change) } : { ...t, data: t.data.map(change) }
}

export function dot(a: Tensor | undefined, b: Tensor | undefined): number {
  if (!isFloat(a) || !isFloat(b) || a.data.length !== b.data.length) throw new Error('no dot product of these')
  let sum = 0
  for (let i = 0; i < a.data.length; i++) sum += (a.data[i] ?? 0) * (b.data[i] ?? 0)
  return sum
}

/** d <gy, of(feeds)> / d feeds[input], by one pair of runs for each element. */
export async function differences(
  session: Session,
  feeds: Readonly<Record<string, Tensor>>,
  input: string,
  of: string,
  gy: Tensor,
): Promise<number[]> {
  const x = feeds[input]
  if (!isFloat(x)) throw new Error(`${input} is not a float input`)
  const gradient: number[] = []
  for (let i = 0; i < x.data.length; i++) {
    const step = STEP[x.type]
    const up = withData(x, (v, j) => (j === i ? v + step : v))
    const down = withData(x, (v, j) => (j === i ? v - step : v))
    const high = await session.run({ ...feeds, [input]: up })
    const low = await session.run({ ...feeds, [input]: down })
    const width = (up.data[i] ?? 0) - (down.data[i] ?? 0)
    gradient.push((dot(gy, high[of]) - dot(gy, low[of])) / width)
  }
  return gradient
}

/** The change of `of` per unit step of all inputs along `directions`: a Jacobian-vector product. */
export async function along(
  session: Session,
  feeds: Readonly<Record<string, Tensor>>,
  directions: Readonly<Record<string, FloatTensor>>,
  of: string,
): Promise<number[]> {
  const step = 1e-2
  const shifted = (sign: number): Record<string, Tensor> => {
    const moved = Object.entries(directions).map(([name, d]) => {
      const x = feeds[name]
      if (!isFloat(x)) throw new Error(`${name} is not a float input`)
      return [name, withData(x, (v, i) => v + sign * step * (d.data[i] ?? 0))]
    })
    return { ...feeds, ...Object.fromEntries(moved) }
  }
  const high = (await session.run(shifted(1)))[of]
  const low = (await session.run(shifted(-1)))[of]
  if (!isFloat(high) || !isFloat(low)) throw new Error(`${of} is not a float output`)
  return Array.from(high.data, (v, i) => (v - (low.data[i] ?? 0)) / (2 * step))
}
