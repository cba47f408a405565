/** How maps and gradients are compared: as a whole, never by one worst pixel. */

type Numbers = ArrayLike<number>

/** `|got - want| / |want|`; infinite where the lengths differ or something is not finite. */
export function relativeL2(got: Numbers, want: Numbers): number {
  if (got.length !== want.length) return Number.POSITIVE_INFINITY
  let off = 0
  let size = 0
  for (let i = 0; i < want.length; i++) {
    const g = got[i] ?? 0
    const w = want[i] ?? 0
    off += (g - w) ** 2
    size += w ** 2
  }
  const ratio = Math.sqrt(off / size)
  return off === 0 ? 0 : Number.isFinite(ratio) ? ratio : Number.POSITIVE_INFINITY
}

/** Pearson's correlation; 0 where the lengths differ or one of both is constant. */
export function correlation(a: Numbers, b: Numbers): number {
  if (a.length !== b.length) return 0
  const mean = (v: Numbers): number => Array.from(v).reduce((s, x) => s + x, 0) / v.length
  const [ma, mb] = [mean(a), mean(b)]
  let [ab, aa, bb] = [0, 0, 0]
  for (let i = 0; i < a.length; i++) {
    const x = (a[i] ?? 0) - ma
    const y = (b[i] ?? 0) - mb
    ab += x * y
    aa += x * x
    bb += y * y
  }
  const r = ab / Math.sqrt(aa * bb)
  return Number.isFinite(r) ? r : 0
}
