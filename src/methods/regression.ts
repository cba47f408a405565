/** Weighted least squares of a few features, from sums that grow sample by sample, for several targets at once. */

/** Share of the mean diagonal that is added to it, so that features that nothing was seen of yet do not stop the rest. */
const TINY = 1e-10

export class Regression {
  readonly #size: number
  /** `sum of w x x^T`, row-major. */
  readonly #products: Float64Array
  /** `sum of w x`. */
  readonly #features: Float64Array
  /** By target: `sum of w x y`, `sum of w y`, `sum of w y^2`. */
  readonly #targets: readonly { readonly xy: Float64Array; y: number; yy: number }[]
  #weight = 0

  constructor(features: number, targets: number) {
    this.#size = features
    this.#products = new Float64Array(features * features)
    this.#features = new Float64Array(features)
    this.#targets = Array.from({ length: targets }, () => ({ xy: new Float64Array(features), y: 0, yy: 0 }))
  }

  /** Takes in one sample: its features, the value of each target, its weight. */
  add(x: ArrayLike<number>, y: ArrayLike<number>, weight: number): void {
    const n = this.#size
    this.#weight += weight
    for (let i = 0; i < n; i++) {
      const wx = weight * (x[i] ?? 0)
      if (wx === 0) continue
      this.#features[i] = (this.#features[i] ?? 0) + wx
      for (let j = 0; j < n; j++) this.#products[i * n + j] = (this.#products[i * n + j] ?? 0) + wx * (x[j] ?? 0)
      for (const [t, sums] of this.#targets.entries()) sums.xy[i] = (sums.xy[i] ?? 0) + wx * (y[t] ?? 0)
    }
    for (const [t, sums] of this.#targets.entries()) {
      sums.y += weight * (y[t] ?? 0)
      sums.yy += weight * (y[t] ?? 0) ** 2
    }
  }

  /**
   * Ridge regression with a free intercept, as scikit-learn's `Ridge`: least `sum of w (y - a - x b)^2 + alpha |b|^2`. By target `b`, and the share
   * of the weighted variance that it explains (R^2).
   */
  ridge(alpha: number): readonly { readonly coefficients: Float64Array; readonly explained: number }[] {
    const [n, total] = [this.#size, this.#weight]
    const mean = (i: number): number => (this.#features[i] ?? 0) / total
    const covariances = this.#products.map((v, at) => v - total * mean(Math.floor(at / n)) * mean(at % n))
    const factor = cholesky(
      covariances.map((v, at) => (Math.floor(at / n) === at % n ? v + alpha : v)),
      n,
    )
    return this.#targets.map(({ xy, y, yy }) => {
      const covariance = xy.map((v, i) => v - mean(i) * y)
      const coefficients = solved(factor, covariance)
      const variance = yy - y ** 2 / total
      const fitted = dot(
        coefficients,
        covariance.map((v, i) => 2 * v - row(covariances, coefficients, i)),
      )
      return { coefficients, explained: variance > 0 ? fitted / variance : 0 }
    })
  }

  /** Without an intercept, the coefficients of each target summing to `totals`: Lagrange's multiplier in closed form. */
  summingTo(totals: ArrayLike<number>): readonly Float64Array[] {
    const n = this.#size
    const diagonal = this.#products.reduce((sum, v, at) => (Math.floor(at / n) === at % n ? sum + v / n : sum), 0)
    const factor = cholesky(
      this.#products.map((v, at) => (Math.floor(at / n) === at % n ? v + TINY * (diagonal || 1) : v)),
      n,
    )
    const ones = solved(factor, new Float64Array(n).fill(1))
    const reach = ones.reduce((a, v) => a + v, 0)
    return this.#targets.map(({ xy }, t) => {
      const free = solved(factor, xy)
      const over = free.reduce((a, v) => a + v, 0) - (totals[t] ?? 0)
      return free.map((v, i) => v - (over / reach) * (ones[i] ?? 0))
    })
  }
}

/** The lower triangle `L` of a positive definite matrix `L L^T`, row-major. */
function cholesky(matrix: Float64Array, n: number): Float64Array {
  const lower = new Float64Array(n * n)
  for (let i = 0; i < n; i++)
    for (let j = 0; j <= i; j++) {
      let sum = matrix[i * n + j] ?? 0
      for (let k = 0; k < j; k++) sum -= (lower[i * n + k] ?? 0) * (lower[j * n + k] ?? 0)
      lower[i * n + j] = i === j ? Math.sqrt(sum) : sum / (lower[j * n + j] ?? 1)
    }
  return lower
}

/** `x` of `L L^T x = b`. */
function solved(lower: Float64Array, b: Float64Array): Float64Array {
  const n = b.length
  const x = b.slice()
  for (let i = 0; i < n; i++) {
    for (let k = 0; k < i; k++) x[i] = (x[i] ?? 0) - (lower[i * n + k] ?? 0) * (x[k] ?? 0)
    x[i] = (x[i] ?? 0) / (lower[i * n + i] ?? 1)
  }
  for (let i = n - 1; i >= 0; i--) {
    for (let k = i + 1; k < n; k++) x[i] = (x[i] ?? 0) - (lower[k * n + i] ?? 0) * (x[k] ?? 0)
    x[i] = (x[i] ?? 0) / (lower[i * n + i] ?? 1)
  }
  return x
}

function dot(a: Float64Array, b: Float64Array): number {
  return a.reduce((sum, v, i) => sum + v * (b[i] ?? 0), 0)
}

function row(matrix: Float64Array, x: Float64Array, i: number): number {
  return dot(x, matrix.subarray(i * x.length, (i + 1) * x.length))
}
