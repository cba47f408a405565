/** Gaussian smoothing of a plane `[H,W]`, mirrored at its borders, up to four deviations: as SciPy's `gaussian_filter`. Deviations down and across. */
export function smoothed(
  plane: Float64Array,
  height: number,
  width: number,
  [down, across]: readonly [number, number],
): Float64Array {
  const rows = along(plane, down, { lines: width, step: 1, length: height, stride: width })
  return along(rows, across, { lines: height, step: width, length: width, stride: 1 })
}

interface Lines {
  readonly lines: number
  readonly step: number
  readonly length: number
  readonly stride: number
}

function along(from: Float64Array, sigma: number, { lines, step, length, stride }: Lines): Float64Array {
  if (sigma === 0) return from
  const reach = Math.floor(4 * sigma + 0.5)
  const bell = Array.from({ length: 2 * reach + 1 }, (_, i) => Math.exp((-0.5 * (i - reach) ** 2) / sigma ** 2))
  const total = bell.reduce((a, w) => a + w, 0)
  const weights = bell.map((w) => w / total)
  const to = new Float64Array(from.length)
  for (let line = 0; line < lines; line++)
    for (let i = 0; i < length; i++) {
      let sum = 0
      for (let k = 0; k < weights.length; k++)
        sum += (weights[k] ?? 0) * (from[line * step + mirrored(i + k - reach, length) * stride] ?? 0)
      to[line * step + i * stride] = sum
    }
  return to
}

/** `c b a | a b c | c b a`. */
function mirrored(at: number, length: number): number {
  const around = ((at % (2 * length)) + 2 * length) % (2 * length)
  return around < length ? around : 2 * length - 1 - around
}
