// Measures what docs/methods.md tells of methods, and writes scripts/docs/agreement.json: how alike maps are to the reference libraries' (the entries of
// test/methods/agreement), and what they cost on the shipped model, in forward passes. With --costs or --maps only one of the two is measured again.
import { readFileSync, writeFileSync } from 'node:fs'
import { performance } from 'node:perf_hooks'
import { METHODS } from '../src/methods/index.js'
import type { Method } from '../src/methods/method.js'
import { AGREEMENTS } from '../test/methods/agreement/index.js'
import { agreementsOf, type Subject, subject } from '../test/methods/agreement/measure.js'
import { type Agreements, keyOf } from './docs/agreement.js'

const FILE = new URL('docs/agreement.json', import.meta.url)
const ROUNDS = 3
/** Milliseconds after which a loop is broken off. */
const LONG = 10_000

async function measuredMaps(): Promise<Agreements['maps']> {
  const found: Agreements['maps'][number][] = []
  for (const network of new Set(AGREEMENTS.map((a) => a.network))) {
    const entries = AGREEMENTS.filter((a) => a.network === network)
    const on = await subject(network)
    const measured = await agreementsOf(on, entries)
    await on.model.release()
    for (const [i, a] of entries.entries())
      found.push({ ...keyOf(a), correlation: Number((measured[i]?.correlation ?? Number.NaN).toFixed(4)) })
    console.log(network, entries.length)
  }
  return found
}

/** The shortest of several runs, in milliseconds; the first of all makes the session and does not count. */
async function shortest(rounds: number, run: () => Promise<unknown>): Promise<number> {
  await run()
  let least = Number.POSITIVE_INFINITY
  for (let i = 0; i < rounds; i++) {
    const start = performance.now()
    await run()
    least = Math.min(least, performance.now() - start)
  }
  return least
}

async function cost({ model, picture }: Subject, method: Method, forward: number): Promise<number> {
  const asked = { method: method.id, target: 0 }
  if (method.kind === 'compiled') return (await shortest(ROUNDS, () => model.explain(picture, asked))) / forward
  // of long loops the first part is measured: the rest takes as long a step
  const stop = new AbortController()
  const start = performance.now()
  let whole: number | undefined
  const onProgress = ({ done, total }: { readonly done: number; readonly total: number }): void => {
    const spent = performance.now() - start
    if (spent < LONG || done === 0) return
    whole ??= (spent * total) / done
    stop.abort()
  }
  try {
    await model.explain(picture, { ...asked, signal: stop.signal, onProgress })
  } catch (error) {
    if (whole === undefined) throw error
  }
  return (whole ?? performance.now() - start) / forward
}

async function measuredCosts(): Promise<Agreements['costs']> {
  const costs: [string, number][] = []
  // networks of convolutions have no attention
  for (const network of ['shipped', 'vit'] as const) {
    const on = await subject(network)
    const forward = await shortest(3 * ROUNDS, () => on.model.classify(on.picture))
    for (const method of METHODS.filter((m) => (m.family === 'attention') === (network === 'vit'))) {
      const ratio = await cost(on, method, forward)
      costs.push([method.id, Number(ratio.toPrecision(2))])
      console.log(method.id, ratio.toFixed(2))
    }
    await on.model.release()
  }
  return Object.fromEntries(costs)
}

const only = process.argv.slice(2)
const before: Agreements = JSON.parse(readFileSync(FILE, 'utf8'))
const maps = only.includes('--costs') ? before.maps : await measuredMaps()
const costs = only.includes('--maps') ? before.costs : await measuredCosts()
const lines = maps.map((m) => `  ${JSON.stringify(m)}`).join(',\n')
writeFileSync(FILE, `{\n"maps": [\n${lines}\n],\n"costs": ${JSON.stringify(costs, undefined, 2)}\n}\n`)
