/** The largest singular values of a matrix, and their vectors. */
import { normal, uniform } from './random.js'

/** Vectors of one length. */
export type Columns = readonly Float64Array[]

/** More vectors than are wanted, so that the wanted ones settle soon. */
const SPARE = 8
const ROUNDS = 16
const SWEEPS = 30

export interface Triplet {
  readonly value: number
  readonly left: Float64Array
  readonly right: Float64Array
}

/**
 * The `n` largest singular values of `x` `[rows, columns]`, largest first: orthogonal iteration, and the small problem that is left by Jacobi's
 * rotations. Its start is drawn by chance, always the same; what it comes to is not.
 */
export function singular(x: Float64Array, rows: number, columns: number, n: number): readonly Triplet[] {
  const next = normal(uniform(0))
  const size = Math.min(n + SPARE, rows, columns)
  let right: Float64Array[] = Array.from({ length: size }, () => Float64Array.from({ length: columns }, next))
  let left: Float64Array[] = []
  for (let i = 0; i < ROUNDS; i++) {
    left = orthogonal(product(x, rows, columns, orthogonal(right)))
    right = transposedProduct(x, rows, columns, left)
  }
  const { values, vectors } = symmetric(right.map((a) => right.map((b) => dot(a, b))))
  const order = [...values.keys()].sort((a, b) => (values[b] ?? 0) - (values[a] ?? 0)).slice(0, n)
  return order.map((k) => {
    const value = Math.sqrt(Math.max(0, values[k] ?? 0))
    const mix = (of: Columns): Float64Array => combined(of, vectors[k] ?? [])
    return { value, left: mix(left), right: mix(right).map((v) => (value > 0 ? v / value : 0)) }
  })
}

/** `X` times each of the vectors of length `columns`. */
export function product(x: Float64Array, rows: number, columns: number, by: Columns): Float64Array[] {
  return by.map((v) =>
    Float64Array.from({ length: rows }, (_, r) => {
      let sum = 0
      for (let c = 0, at = r * columns; c < columns; c++, at++) sum += (x[at] ?? 0) * (v[c] ?? 0)
      return sum
    }),
  )
}

/** The transpose of `X` times each of the vectors of length `rows`. */
export function transposedProduct(x: Float64Array, rows: number, columns: number, by: Columns): Float64Array[] {
  return by.map((v) => {
    const out = new Float64Array(columns)
    for (let r = 0, at = 0; r < rows; r++) {
      const factor = v[r] ?? 0
      for (let c = 0; c < columns; c++, at++) out[c] = (out[c] ?? 0) + factor * (x[at] ?? 0)
    }
    return out
  })
}

/** The vectors made orthonormal one after another (Gram and Schmidt, twice); what depends on those before becomes 0. */
function orthogonal(vectors: Columns): Float64Array[] {
  const done: Float64Array[] = []
  for (const given of vectors) {
    const length = Math.sqrt(dot(given, given))
    const v = given.slice()
    for (const other of [...done, ...done]) {
      const along = dot(v, other)
      for (let i = 0; i < v.length; i++) v[i] = (v[i] ?? 0) - along * (other[i] ?? 0)
    }
    const rest = Math.sqrt(dot(v, v))
    done.push(v.map((s) => (rest > 1e-12 * length ? s / rest : 0)))
  }
  return done
}

/** Eigenvalues of a small symmetric matrix and their vectors, by Jacobi's rotations. */
function symmetric(matrix: readonly (readonly number[])[]): {
  readonly values: readonly number[]
  readonly vectors: readonly (readonly number[])[]
} {
  const a = matrix.map((row) => [...row])
  const vectors = a.map((_, i) => a.map((__, j) => (i === j ? 1 : 0)))
  const at = (m: readonly (readonly number[])[], i: number, j: number): number => m[i]?.[j] ?? 0
  const rotate = (m: number[][], p: number, q: number, c: number, s: number): void => {
    const [rowP = [], rowQ = []] = [m[p], m[q]]
    for (let k = 0; k < a.length; k++) {
      const [u, v] = [rowP[k] ?? 0, rowQ[k] ?? 0]
      rowP[k] = c * u - s * v
      rowQ[k] = s * u + c * v
    }
  }
  for (let sweep = 0; sweep < SWEEPS; sweep++)
    for (let p = 0; p < a.length; p++)
      for (let q = p + 1; q < a.length; q++) {
        const off = at(a, p, q)
        if (off === 0) continue
        const theta = (at(a, q, q) - at(a, p, p)) / (2 * off)
        const t = (theta < 0 ? -1 : 1) / (Math.abs(theta) + Math.hypot(theta, 1))
        const c = 1 / Math.hypot(t, 1)
        rotate(a, p, q, c, t * c)
        for (const row of a) {
          const [u, v] = [row[p] ?? 0, row[q] ?? 0]
          row[p] = c * u - t * c * v
          row[q] = t * c * u + c * v
        }
        rotate(vectors, p, q, c, t * c)
      }
  return { values: a.map((row, i) => row[i] ?? 0), vectors }
}

function combined(vectors: Columns, by: readonly number[]): Float64Array {
  const out = new Float64Array(vectors[0]?.length ?? 0)
  for (const [k, v] of vectors.entries())
    for (let i = 0; i < v.length; i++) out[i] = (out[i] ?? 0) + (by[k] ?? 0) * (v[i] ?? 0)
  return out
}

/** The sum of products. */
export function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += (a[i] ?? 0) * (b[i] ?? 0)
  return sum
}
