import { gaussian, reflected, scipyBlur } from '../blur.js'

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
  const { radius: reach } = scipyBlur(sigma)
  const half = gaussian(sigma, reach)
  const weights = Float64Array.from({ length: 2 * reach + 1 }, (_, i) => half[Math.abs(i - reach)] ?? 0)
  const to = new Float64Array(from.length)
  for (let line = 0; line < lines; line++)
    for (let i = 0; i < length; i++) {
      let sum = 0
      for (let k = 0; k < weights.length; k++)
        sum += (weights[k] ?? 0) * (from[line * step + reflected(i + k - reach, length) * stride] ?? 0)
      to[line * step + i * stride] = sum
    }
  return to
}
