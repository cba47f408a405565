/** The discrete Fourier transform of complex lines whose length is a power of two (Cooley and Tukey 1965), in place. */
export class Fourier {
  readonly size: number
  readonly #cos: Float64Array
  readonly #sin: Float64Array
  readonly #reversed: Uint32Array

  /** For lines of at least `least` numbers. */
  constructor(least: number) {
    const bits = Math.ceil(Math.log2(Math.max(2, least)))
    this.size = 2 ** bits
    const half = this.size / 2
    this.#cos = Float64Array.from({ length: half }, (_, i) => Math.cos((Math.PI * i) / half))
    this.#sin = Float64Array.from({ length: half }, (_, i) => Math.sin((Math.PI * i) / half))
    this.#reversed = new Uint32Array(this.size)
    for (let i = 1; i < this.size; i++)
      this.#reversed[i] = ((this.#reversed[i >> 1] as number) >> 1) | ((i & 1) << (bits - 1))
  }

  /** `sum over k of x[k] exp(-2 pi i j k / size)` for each j. With `re` and `im` swapped it goes back, times `size`. */
  transform(re: Float64Array, im: Float64Array): void {
    const { size } = this
    const cos = this.#cos
    const sin = this.#sin
    for (let i = 0; i < size; i++) {
      const j = this.#reversed[i] as number
      if (j <= i) continue
      swap(re, i, j)
      swap(im, i, j)
    }
    for (let half = 1; half < size; half *= 2) {
      const step = size / (2 * half)
      for (let block = 0; block < size; block += 2 * half)
        for (let k = 0; k < half; k++) {
          const c = cos[k * step] as number
          const s = sin[k * step] as number
          const i = block + k
          const j = i + half
          const x = re[j] as number
          const y = im[j] as number
          const tr = c * x + s * y
          const ti = c * y - s * x
          re[j] = (re[i] as number) - tr
          im[j] = (im[i] as number) - ti
          re[i] = (re[i] as number) + tr
          im[i] = (im[i] as number) + ti
        }
    }
  }
}

function swap(values: Float64Array, i: number, j: number): void {
  const kept = values[i] as number
  values[i] = values[j] as number
  values[j] = kept
}
