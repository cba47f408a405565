/** Seeded random numbers: the same on every machine, so that fixtures made elsewhere stay valid. */

import { uniform } from '../../src/methods/random.js'

export interface Random {
  /** Uniform in [0, 1). */
  next(): number
  /** Standard normal. */
  normal(): number
  /** `0 .. n-1` in random order. */
  permutation(n: number): number[]
}

/** FNV-1a: a seed from a name. */
export function seedOf(name: string): number {
  let h = 0x811c9dc5
  for (let i = 0; i < name.length; i++) h = Math.imul(h ^ name.charCodeAt(i), 0x01000193)
  return h >>> 0
}

export function random(seed: number): Random {
  const next = uniform(seed)
  return {
    next,
    normal: () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next()),
    permutation: (n) => {
      const order = Array.from({ length: n }, (_, i) => i)
      for (let i = n - 1; i > 0; i--) {
        const j = Math.floor(next() * (i + 1))
        const [a = 0, b = 0] = [order[i], order[j]]
        order[i] = b
        order[j] = a
      }
      return order
    },
  }
}
