/** Gaussian smoothing of a plane `[H,W]`, mirrored at its borders, up to four deviations: as SciPy's `gaussian_filter`. */
export function smoothed(plane: Float64Array, height: number, width: number, sigma: number): Float64Array {
  const reach = Math.floor(4 * sigma + 0.5)
  const weights = Array.from({ length: 2 * reach + 1 }, (_, i) => Math.exp((-0.5 * (i - reach) ** 2) / sigma ** 2))
  const total = weights.reduce((a, w) => a + w, 0)
  const rows = along(plane, { lines: width, step: 1, length: height, stride: width })
  return along(rows, { lines: height, step: width, length: width, stride: 1 })

  function along(from: Float64Array, { lines, step, length, stride }: Lines): Float64Array {
    const to = new Float64Array(from.length)
    for (let line = 0; line < lines; line++)
      for (let i = 0; i < length; i++) {
        let sum = 0
        for (const [k, w] of weights.entries())
          sum += (w / total) * (from[line * step + mirrored(i + k - reach, length) * stride] ?? 0)
        to[line * step + i * stride] = sum
      }
    return to
  }
}

interface Lines {
  readonly lines: number
  readonly step: number
  readonly length: number
  readonly stride: number
}

/** `c b a | a b c | c b a`. */
function mirrored(at: number, length: number): number {
  const around = ((at % (2 * length)) + 2 * length) % (2 * length)
  return around < length ? around : 2 * length - 1 - around
}
