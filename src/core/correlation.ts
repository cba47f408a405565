/** Pearson's correlation of two lists; undefined where one of both is the same everywhere. */
export function correlation(a: ArrayLike<number>, b: ArrayLike<number>): number | undefined {
  const n = a.length
  let [ma, mb] = [0, 0]
  for (let i = 0; i < n; i++) {
    ma += (a[i] ?? 0) / n
    mb += (b[i] ?? 0) / n
  }
  let [ab, aa, bb] = [0, 0, 0]
  for (let i = 0; i < n; i++) {
    const x = (a[i] ?? 0) - ma
    const y = (b[i] ?? 0) - mb
    ab += x * y
    aa += x * x
    bb += y * y
  }
  // what rounding leaves of a constant is no variation
  const tiny = (square: number, centre: number): boolean => square <= n * (1e-12 * centre) ** 2
  if (tiny(aa, ma) || tiny(bb, mb)) return undefined
  return ab / Math.sqrt(aa * bb)
}
