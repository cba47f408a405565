/** The least and the largest value. */
export function extremes(values: ArrayLike<number>): readonly [number, number] {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
  for (let i = 0; i < values.length; i++) {
    const v = values[i] ?? 0
    if (v < low) low = v
    if (v > high) high = v
  }
  return [low, high]
}

/** How many values are NaN or infinite. */
export function countNotFinite(values: ArrayLike<number>): number {
  let count = 0
  for (let i = 0; i < values.length; i++) if (!Number.isFinite(values[i])) count++
  return count
}
