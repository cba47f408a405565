/** Places of a picture that are taken away and filled smoothly from what is left: ROAD's linear imputation. */

/** Weights of the neighbours beside, above and below, and of those at the corners. */
const [SIDE, CORNER] = [1 / 6, 1 / 12]

/** Below this share of the first residual the equations are solved; the filled values are then exact to about as much. */
const ENOUGH = 1e-6

/** Sides that are not halved any more. */
const LEAST_SIDE = 8

/**
 * Each taken place is the weighted mean of its neighbours; those beyond the border do not count. The equations are symmetric and positive, and
 * solved by conjugate gradients on a plane with a margin of one place, in which all other places are 0. They start from the solution on a plane
 * of half the size, which is found likewise: so large holes take few steps.
 */
export class Imputer {
  /** The places that were taken. */
  readonly taken: Uint32Array
  readonly #height: number
  readonly #width: number
  /** Where they are on the plane with a margin. */
  readonly #at: Uint32Array
  /** The sum of the weights of the neighbours that there are. */
  readonly #diagonal: Float64Array
  readonly #kept: Uint8Array
  readonly #coarse: Imputer | undefined

  /** @param kept `[height, width]`: 0 where the place is taken away. */
  constructor(kept: Uint8Array, height: number, width: number) {
    this.#height = height
    this.#width = width
    this.taken = Uint32Array.from([...kept.keys()].filter((i) => !kept[i]))
    this.#at = this.taken.map((place) => this.#wide(place))
    const ones = this.#plane()
    for (let i = 0; i < height * width; i++) ones[this.#wide(i)] = 1
    this.#diagonal = this.#around(ones)
    this.#kept = kept
    const [h, w] = [Math.ceil(height / 2), Math.ceil(width / 2)]
    if (Math.min(height, width) >= 2 * LEAST_SIDE && this.taken.length < kept.length)
      this.#coarse = new Imputer(
        this.#halved(kept, (sum) => (sum > 0 ? 1 : 0), new Uint8Array(h * w)),
        h,
        w,
      )
  }

  /** The values of the taken places; the mean of the plane where all are taken. */
  fill(plane: ArrayLike<number>): Float64Array {
    const n = this.taken.length
    if (n === this.#height * this.#width) {
      let total = 0
      for (let i = 0; i < n; i++) total += plane[i] as number
      return new Float64Array(n).fill(total / n)
    }
    const known = this.#plane()
    for (let i = 0; i < plane.length; i++) known[this.#wide(i)] = plane[i] as number
    for (const at of this.#at) known[at] = 0
    const b = this.#around(known)
    const [x, r, p] = [this.#start(plane), b.slice(), this.#plane()]
    for (let k = 0; k < n; k++) p[this.#at[k] as number] = x[k] as number
    const ax = this.#around(p)
    for (let k = 0; k < n; k++)
      r[k] = (b[k] as number) - (this.#diagonal[k] as number) * (x[k] as number) + (ax[k] as number)
    for (let k = 0; k < n; k++) p[this.#at[k] as number] = r[k] as number
    let rr = dot(r, r)
    const enough = dot(b, b) * ENOUGH ** 2
    while (rr > enough) {
      const ap = this.#around(p)
      let pap = 0
      for (let k = 0; k < n; k++) {
        const v = p[this.#at[k] as number] as number
        const product = (this.#diagonal[k] as number) * v - (ap[k] as number)
        ap[k] = product
        pap += v * product
      }
      const alpha = rr / pap
      for (let k = 0; k < n; k++) {
        x[k] = (x[k] as number) + alpha * (p[this.#at[k] as number] as number)
        r[k] = (r[k] as number) - alpha * (ap[k] as number)
      }
      const next = dot(r, r)
      const beta = next / rr
      for (let k = 0; k < n; k++) {
        const at = this.#at[k] as number
        p[at] = (r[k] as number) + beta * (p[at] as number)
      }
      rr = next
    }
    return x
  }

  /** The solution on half the size, each place four. */
  #start(plane: ArrayLike<number>): Float64Array {
    const coarse = this.#coarse
    if (!coarse) return new Float64Array(this.taken.length)
    const kept = Float64Array.from(this.#kept, (k, i) => (k ? (plane[i] as number) : 0))
    const sums = this.#halved(
      kept,
      (sum, count) => (count > 0 ? sum / count : 0),
      new Float64Array(coarse.#kept.length),
    )
    const values = coarse.fill(sums)
    for (const [k, place] of coarse.taken.entries()) sums[place] = values[k] as number
    return Float64Array.from(this.taken, (place) => {
      const [y, x] = [Math.floor(place / this.#width), place % this.#width]
      return sums[(y >> 1) * coarse.#width + (x >> 1)] as number
    })
  }

  /** A plane of half the size: of the sum of each four places, and how many of them are kept. */
  #halved<T extends Uint8Array | Float64Array>(from: T, make: (sum: number, count: number) => number, into: T): T {
    const width = Math.ceil(this.#width / 2)
    const [sums, counts] = [new Float64Array(into.length), new Float64Array(into.length)]
    for (let i = 0; i < from.length; i++) {
      const at = (Math.floor(i / this.#width) >> 1) * width + ((i % this.#width) >> 1)
      sums[at] = (sums[at] as number) + (from[i] as number)
      counts[at] = (counts[at] as number) + (this.#kept[i] as number)
    }
    for (let i = 0; i < into.length; i++) into[i] = make(sums[i] as number, counts[i] as number)
    return into
  }

  #plane(): Float64Array {
    return new Float64Array((this.#height + 2) * (this.#width + 2))
  }

  #wide(place: number): number {
    return (Math.floor(place / this.#width) + 1) * (this.#width + 2) + (place % this.#width) + 1
  }

  /** The weighted sum of the neighbours of each taken place. */
  #around(p: Float64Array): Float64Array {
    const row = this.#width + 2
    const at = this.#at
    const out = new Float64Array(at.length)
    for (let k = 0; k < at.length; k++) {
      const i = at[k] as number
      const sides = (p[i - 1] as number) + (p[i + 1] as number) + (p[i - row] as number) + (p[i + row] as number)
      const corners =
        (p[i - row - 1] as number) +
        (p[i - row + 1] as number) +
        (p[i + row - 1] as number) +
        (p[i + row + 1] as number)
      out[k] = SIDE * sides + CORNER * corners
    }
    return out
  }
}

function dot(a: Float64Array, b: Float64Array): number {
  let s = 0
  for (let i = 0; i < a.length; i++) s += (a[i] as number) * (b[i] as number)
  return s
}
