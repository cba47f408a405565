/** Random numbers that are the same wherever the method runs: of a seed, never of the machine. */

/** The option `seed` of all that draws by chance. */
export const SEED = {
  kind: 'integer',
  default: 0,
  minimum: 0,
  unit: '',
  description: 'seed of the random numbers',
} as const

/** Numbers in [0, 1), the same for the same seed (mulberry32). */
export function uniform(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

/** Normal numbers of mean 0 and deviation 1 (Box and Muller). */
export function normal(next: () => number): () => number {
  let kept: number | undefined
  return () => {
    if (kept !== undefined) {
      const value = kept
      kept = undefined
      return value
    }
    const radius = Math.sqrt(-2 * Math.log(1 - next()))
    const angle = 2 * Math.PI * next()
    kept = radius * Math.sin(angle)
    return radius * Math.cos(angle)
  }
}
