/** Non-negative matrix factorisation, the way scikit-learn's NMF(init='nndsvd', solver='cd') goes. */
import { type Columns, dot, product, singular, transposedProduct } from './singular.js'

/** Share of the first iteration's violation of the optimum's conditions at which the work is done, and the most iterations. */
const TOLERANCE = 1e-4
const ITERATIONS = 200
/** What the start has below is 0. */
const NOTHING = 1e-6

export interface Factors {
  /** `[rows]` a component. */
  readonly left: Columns
  /** `[columns]` a component. */
  readonly right: Columns
  /** `|X - left right| / |X|`; 0 where X is 0. */
  readonly error: number
}

/**
 * `X = left right` as nearly as non-negative factors of `n` components can, by coordinate descent (hierarchical alternating least squares) from the
 * start of Boutsidis and Gallopoulos (NNDSVD): the parts of one sign of the singular vectors. Nothing is drawn by chance.
 *
 * @param x `[rows, columns]`, no value below 0
 */
export function factorise(x: Float64Array, rows: number, columns: number, n: number): Factors {
  const { left, right } = start(x, rows, columns, n)
  let first = 0
  for (let i = 0; i < ITERATIONS; i++) {
    const off =
      descend(left, right, product(x, rows, columns, right)) +
      descend(right, left, transposedProduct(x, rows, columns, left))
    if (i === 0) first = off
    if (off <= TOLERANCE * first) break
  }
  return { left, right, error: relativeError(x, left, right) }
}

function start(
  x: Float64Array,
  rows: number,
  columns: number,
  n: number,
): { readonly left: Columns; readonly right: Columns } {
  const found = singular(x, rows, columns, n)
  const [left, right]: [Float64Array[], Float64Array[]] = [[], []]
  for (const { value, left: u, right: v } of found) {
    const signs = left.length === 0 ? [0] : [1, -1]
    const parts = signs.map((sign) => {
      const [a, b] = [part(u, sign), part(v, sign)]
      return { a, b, size: norm(a) * norm(b) }
    })
    const best = parts.reduce((p, q) => (q.size > p.size ? q : p))
    const scale = Math.sqrt(value * best.size)
    const scaled = (w: Float64Array): Float64Array => {
      const factor = scale / (norm(w) || 1)
      return w.map((s) => (s * factor < NOTHING ? 0 : s * factor))
    }
    left.push(scaled(best.a))
    right.push(scaled(best.b))
  }
  return { left, right }
}

/** The values of one sign, without it; of both for 0. */
function part(values: Float64Array, sign: number): Float64Array {
  return values.map((v) => (sign === 0 ? Math.abs(v) : Math.max(0, sign * v)))
}

/** One round over the components of `of`, `others` as they are; returns by how much the conditions of the optimum were violated. */
function descend(of: Columns, others: Columns, crossed: Columns): number {
  const gram = others.map((a) => others.map((b) => dot(a, b)))
  let violation = 0
  for (const [t, column] of of.entries()) {
    const row = gram[t] ?? []
    const curvature = row[t] ?? 0
    const wanted = crossed[t] ?? column
    for (let i = 0; i < column.length; i++) {
      let slope = -(wanted[i] ?? 0)
      for (let r = 0; r < of.length; r++) slope += (row[r] ?? 0) * (of[r]?.[i] ?? 0)
      const v = column[i] ?? 0
      violation += Math.abs(v === 0 ? Math.min(0, slope) : slope)
      if (curvature > 0) column[i] = Math.max(0, v - slope / curvature)
    }
  }
  return violation
}

function relativeError(x: Float64Array, left: Columns, right: Columns): number {
  const columns = right[0]?.length ?? 0
  let [off, all] = [0, 0]
  for (const [i, v] of x.entries()) {
    const [r, c] = [Math.floor(i / columns), i % columns]
    let made = 0
    for (let t = 0; t < left.length; t++) made += (left[t]?.[r] ?? 0) * (right[t]?.[c] ?? 0)
    off += (v - made) ** 2
    all += v * v
  }
  return all === 0 ? 0 : Math.sqrt(off / all)
}

function norm(a: Float64Array): number {
  return Math.sqrt(dot(a, a))
}
