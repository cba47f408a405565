/** Comparison of gradients, and what a check finds wrong. */

export interface Failure {
  readonly by: 'shape' | 'differences' | 'pytorch' | 'pin' | 'second' | 'error'
  readonly variant: string
  readonly detail: string
}

/** A failure before it is said in which variant. */
export type Finding = Omit<Failure, 'variant'>

/** Largest deviation, against the largest element. */
export function compare(
  by: Failure['by'],
  input: string,
  got: readonly number[],
  want: readonly number[],
  relative: number,
  absolute: number,
): Finding[] {
  if (got.length !== want.length) return [{ by, detail: `${input}: ${got.length} elements instead of ${want.length}` }]
  const size = Math.max(0, ...want.map(Math.abs))
  const worst = Math.max(0, ...got.map((v, i) => orInfinity(Math.abs(v - (want[i] ?? 0)))))
  if (worst <= relative * size + absolute) return []
  return [
    {
      by,
      detail: `${input}: off by ${worst.toPrecision(3)} of ${size.toPrecision(3)}: ${brief(got)} instead of ${brief(want)}`,
    },
  ]
}

/** PyTorch computes in float64, so what is left is ORT's float32 rounding. */
export function compareNorm(input: string, got: readonly number[], want: Float32Array): Finding[] {
  const norm = Math.hypot(...want)
  const off = got.length === want.length ? orInfinity(Math.hypot(...got.map((v, i) => v - (want[i] ?? 0)))) : Infinity
  if (off <= 1e-5 * norm + 2e-6) return []
  const ratio = (off / norm).toPrecision(3)
  return [{ by: 'pytorch', detail: `${input}: relative L2 ${ratio}: ${brief(got)} instead of ${brief([...want])}` }]
}

function orInfinity(v: number): number {
  return Number.isFinite(v) ? v : Infinity
}

function brief(numbers: readonly number[]): string {
  const shown = numbers.slice(0, 8).map((v) => v.toPrecision(4))
  return `[${shown.join(' ')}${numbers.length > 8 ? ' ...' : ''}]`
}
