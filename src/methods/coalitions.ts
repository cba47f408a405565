/** Coalitions of features and the weights by which a linear model of their scores has Shapley values (Lundberg and Lee, NeurIPS 2017). */

export interface Coalition {
  /** 1 for each feature that takes part. */
  readonly members: Uint8Array
  readonly weight: number
}

/**
 * At most `budget` coalitions, neither empty nor whole, of `n` features, as the authors' `KernelExplainer` has them: sizes from the smallest and
 * the largest on are taken whole while the budget reaches, by the kernel `(n - 1) / (C(n,s) s (n - s))`; those between are drawn by chance
 * with their complements. All of them, and so exact, where the budget reaches. The smallest and the largest size are always whole: `2 n`.
 */
export function coalitions(n: number, budget: number, chance: () => number): readonly Coalition[] {
  const half = Math.floor(n / 2)
  // total weight of the coalitions of a size and of their complements
  const weights = Array.from(
    { length: half },
    (_, i) => (n - 1) / ((i + 1) * (n - i - 1)) / (2 * (i + 1) === n ? 2 : 1),
  )
  const total = weights.reduce((a, v) => a + v, 0)
  const whole: Coalition[] = []
  let [size, rest] = [1, 1]
  for (; size <= half; size++) {
    const share = (weights[size - 1] ?? 0) / total
    const count = binomial(n, size) * (2 * size === n ? 1 : 2)
    if (size > 1 && count > ((budget - whole.length) * share) / rest + 1e-6) break
    for (const members of subsets(n, size)) {
      whole.push({ members, weight: share / count })
      if (2 * size !== n) whole.push({ members: complement(members), weight: share / count })
    }
    rest -= share
  }
  if (size > half) return whole
  const drawn = new Map<string, { readonly members: Uint8Array; times: number }>()
  const take = (members: Uint8Array): void => {
    const key = members.join('')
    const known = drawn.get(key)
    if (known) known.times++
    else if (whole.length + drawn.size < budget) drawn.set(key, { members, times: 1 })
  }
  const left = weights.slice(size - 1)
  for (let tries = 0; whole.length + drawn.size < budget && tries < 4 * budget; tries++) {
    const members = randomSubset(n, size + pick(left, chance), chance)
    take(members)
    take(complement(members))
  }
  const times = [...drawn.values()].reduce((a, d) => a + d.times, 0)
  return [...whole, ...Array.from(drawn.values(), (d) => ({ members: d.members, weight: (rest * d.times) / times }))]
}

function complement(members: Uint8Array): Uint8Array {
  return members.map((v) => 1 - v)
}

function binomial(n: number, k: number): number {
  return Array.from({ length: k }, (_, i) => (n - i) / (i + 1)).reduce((a, v) => a * v, 1)
}

/** All subsets of a size. */
function* subsets(n: number, size: number, from = 0, members = new Uint8Array(n)): Generator<Uint8Array> {
  if (size === 0) yield members.slice()
  else
    for (let i = from; i <= n - size; i++) {
      members[i] = 1
      yield* subsets(n, size - 1, i + 1, members)
      members[i] = 0
    }
}

/** An index by chance, with probability in proportion to its weight. */
function pick(weights: readonly number[], chance: () => number): number {
  let at = chance() * weights.reduce((a, v) => a + v, 0)
  return Math.max(
    0,
    weights.findIndex((w) => {
      at -= w
      return at < 0
    }),
  )
}

function randomSubset(n: number, size: number, chance: () => number): Uint8Array {
  const order = Uint32Array.from({ length: n }, (_, i) => i)
  const members = new Uint8Array(n)
  for (let i = 0; i < size; i++) {
    const j = i + Math.floor(chance() * (n - i))
    const chosen = order[j] ?? 0
    order[j] = order[i] ?? 0
    members[chosen] = 1
  }
  return members
}
