/** Interleaved timing: the machine is shared, so that compared things are run in turn and the least disturbed run of each counts. */

/** Something that is timed again and again. */
export interface Timed {
  readonly name: string
  /** Runs once; milliseconds that it tells itself (another process), or nothing, where the clock here counts. */
  readonly run: () => Promise<number | undefined>
  readonly ms: number[]
}

export function timed(name: string, run: () => Promise<unknown>): Timed {
  return {
    name,
    ms: [],
    run: async () => {
      await run()
      return undefined
    },
  }
}

/** The same by processor time, which other work on the machine hardly lengthens; only for what runs on this thread alone. */
export function byProcessor(name: string, run: () => Promise<unknown>): Timed {
  return {
    name,
    ms: [],
    run: async () => {
      const before = process.cpuUsage()
      await run()
      const { user, system } = process.cpuUsage(before)
      return (user + system) / 1000
    },
  }
}

const WARM_UP = 2
/** Milliseconds before each run: threads of what ran before (OpenMP's, say) go on looking for work for a while. */
const PAUSE = 20

/** a b c a b c ..., with a pause before each. */
export async function interleave(all: readonly Timed[], runs: number): Promise<void> {
  for (let i = -WARM_UP; i < runs; i++)
    for (const t of all) {
      await new Promise((resolve) => setTimeout(resolve, PAUSE))
      const start = performance.now()
      const told = await t.run()
      if (i >= 0) t.ms.push(told ?? performance.now() - start)
    }
}

/** Milliseconds: the best run, and the middle half of all. */
export interface Spread {
  readonly best: number
  readonly low: number
  readonly high: number
}

function quantile(values: readonly number[], q: number): number {
  return [...values].sort((a, b) => a - b)[Math.floor(q * (values.length - 1))] ?? Number.NaN
}

export function spread(values: readonly number[]): Spread {
  return { best: round(Math.min(...values)), low: round(quantile(values, 0.25)), high: round(quantile(values, 0.75)) }
}

/** The best run against the best run, and the middle half of the ratios run by run. */
export function ratio(of: Timed, to: Timed): Spread {
  const each = of.ms.map((v, i) => v / (to.ms[i] ?? Number.NaN))
  const best = Math.min(...of.ms) / Math.min(...to.ms)
  return { best: round(best), low: round(quantile(each, 0.25)), high: round(quantile(each, 0.75)) }
}

/** To three digits behind the point. */
export function round(v: number): number {
  return Math.round(v * 1000) / 1000
}

/** Milliseconds of one piece of work, and what came of it. */
export async function once<T>(work: () => T | Promise<T>): Promise<readonly [value: T, ms: number]> {
  const start = performance.now()
  const value = await work()
  return [value, performance.now() - start]
}
