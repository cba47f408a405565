/** Places of a picture that are taken away and filled smoothly from what is left: ROAD's linear imputation. */

/** Neighbours and their weights: 1/6 beside, above and below, 1/12 at the corners. */
const NEIGHBOURS = [-1, 0, 1].flatMap((dy) =>
  [-1, 0, 1].flatMap((dx) => (dx || dy ? [{ dy, dx, weight: dx && dy ? 1 / 12 : 1 / 6 }] : [])),
)
const COUNT = NEIGHBOURS.length

/** Each taken place is the weighted mean of its neighbours; those beyond the border do not count. */
export class Imputer {
  readonly #height: number
  readonly #width: number
  /** The places that were taken, and the neighbours of each: the index of a taken one, `-1 - place` of one that is left, or none. */
  readonly #taken: Uint32Array
  readonly #neighbours: Int32Array
  readonly #diagonal: Float64Array

  /** @param kept `[height, width]`: 0 where the place is taken away. */
  constructor(kept: Uint8Array, height: number, width: number) {
    this.#height = height
    this.#width = width
    this.#taken = Uint32Array.from([...kept.keys()].filter((i) => !kept[i]))
    const index = new Int32Array(kept.length).fill(-1)
    for (const [k, place] of this.#taken.entries()) index[place] = k
    this.#neighbours = new Int32Array(this.#taken.length * COUNT).fill(NONE)
    this.#diagonal = new Float64Array(this.#taken.length)
    for (const [k, place] of this.#taken.entries()) {
      const [y, x] = [Math.floor(place / width), place % width]
      for (const [n, { dy, dx, weight }] of NEIGHBOURS.entries()) {
        if (y + dy < 0 || y + dy >= height || x + dx < 0 || x + dx >= width) continue
        const other = place + dy * width + dx
        const at = index[other] ?? -1
        this.#neighbours[k * COUNT + n] = at >= 0 ? at : -1 - other
        this.#diagonal[k] = (this.#diagonal[k] ?? 0) + weight
      }
    }
  }

  /** True where nothing is left to fill from. */
  get isAll(): boolean {
    return this.#taken.length === this.#height * this.#width
  }

  get taken(): Uint32Array {
    return this.#taken
  }

  /** The values of the taken places, by conjugate gradients; the mean of the plane where all are taken. */
  fill(plane: ArrayLike<number>): Float64Array {
    const n = this.#taken.length
    const x = new Float64Array(n)
    if (this.isAll) {
      let total = 0
      for (let i = 0; i < plane.length; i++) total += plane[i] ?? 0
      return x.fill(total / plane.length)
    }
    const b = new Float64Array(n)
    for (let k = 0; k < n; k++)
      for (let i = 0; i < COUNT; i++) {
        const at = this.#neighbours[k * COUNT + i] ?? NONE
        if (at < 0 && at !== NONE) b[k] = (b[k] ?? 0) + (WEIGHTS[i] ?? 0) * (plane[-1 - at] ?? 0)
      }
    const r = b.slice()
    const p = b.slice()
    let rr = dot(r, r)
    const enough = rr * 1e-18
    for (let step = 0; step < 20 * (this.#height + this.#width) && rr > enough; step++) {
      const ap = this.#times(p)
      const alpha = rr / dot(p, ap)
      for (let k = 0; k < n; k++) {
        x[k] = (x[k] ?? 0) + alpha * (p[k] ?? 0)
        r[k] = (r[k] ?? 0) - alpha * (ap[k] ?? 0)
      }
      const next = dot(r, r)
      for (let k = 0; k < n; k++) p[k] = (r[k] ?? 0) + (next / rr) * (p[k] ?? 0)
      rr = next
    }
    return x
  }

  #times(p: Float64Array): Float64Array {
    return p.map((v, k) => {
      let s = (this.#diagonal[k] ?? 0) * v
      for (let i = 0; i < COUNT; i++) {
        const at = this.#neighbours[k * COUNT + i] ?? NONE
        if (at >= 0) s -= (WEIGHTS[i] ?? 0) * (p[at] ?? 0)
      }
      return s
    })
  }
}

const NONE = -0x80000000
const WEIGHTS = Float64Array.from(NEIGHBOURS, (n) => n.weight)

function dot(a: Float64Array, b: Float64Array): number {
  let s = 0
  for (let i = 0; i < a.length; i++) s += (a[i] ?? 0) * (b[i] ?? 0)
  return s
}
