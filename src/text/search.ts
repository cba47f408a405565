/**
 * Writing a text word after word: greedily, or with several beams, as Hugging Face's `generate` does (transformers 5, generation/utils.py
 * `_sample` without sampling, and `_beam_search`). Deterministic: of equal scores the smaller number comes first.
 */
import { throwIfAborted } from '../core/errors.js'
import { process } from './processors.js'
import type { GenerationSettings } from './settings.js'

/** The scores (logits) of the token behind each of some texts, which are equally long. */
export type Next = (texts: readonly (readonly number[])[]) => Promise<readonly Float32Array[]>

export interface SearchOptions extends GenerationSettings {
  /** Tokens that end a text. */
  readonly ends: readonly number[]
  readonly signal?: AbortSignal | undefined
  /** Is told of each step: the best running text. */
  readonly onStep?: ((written: readonly number[]) => void) | undefined
}

/** One token that was written. */
export interface WrittenToken {
  readonly id: number
  /** The model's own natural log-probability of it, of all its tokens. */
  readonly logProbability: number
}

/** A text that came to its end. */
export interface Written {
  /** What it was given to begin with. */
  readonly start: readonly number[]
  /** Without these; with the token that ends it, where it was not cut off. */
  readonly tokens: readonly WrittenToken[]
  /** Of all tokens: the sum. */
  readonly logProbability: number
  /** By which beams are ordered: the sum of what is allowed to be written, divided by the length to the power of the penalty. */
  readonly score: number
}

/** A text that is being written. */
interface Beam {
  readonly ids: readonly number[]
  readonly tokens: readonly WrittenToken[]
  readonly sum: number
}

/** What a beam's score is at the start, but for the first: all would write the same. */
const LAST = -1e9

/** Writes texts behind `start`, best first: one, or as many as there are beams. Rejects with `aborted`. */
export function write(next: Next, start: readonly number[], options: SearchOptions): Promise<readonly Written[]> {
  return options.beams > 1 ? beamSearch(next, start, options) : greedy(next, start, options)
}

/** A text that is given, as if it had been written behind `start`: its tokens with the model's log-probabilities. Rejects with `aborted`. */
export async function read(
  next: Next,
  start: readonly number[],
  text: readonly number[],
  options: Pick<SearchOptions, 'lengthPenalty' | 'signal'>,
): Promise<Written> {
  let beam: Beam = { ids: start, tokens: [], sum: 0 }
  for (const id of text) {
    throwIfAborted(options.signal)
    const [logits = new Float32Array()] = await next([beam.ids])
    const logProbability = logSoftmax(logits)[id] ?? Number.NEGATIVE_INFINITY
    beam = extended(beam, id, logProbability, beam.sum + logProbability)
  }
  return finished(start, beam, options)
}

async function greedy(next: Next, start: readonly number[], options: SearchOptions): Promise<readonly Written[]> {
  let beam: Beam = { ids: start, tokens: [], sum: 0 }
  while (beam.ids.length < options.maxLength) {
    throwIfAborted(options.signal)
    const [logits = new Float32Array()] = await next([beam.ids])
    const scores = Float64Array.from(logits)
    process(scores, beam.ids, start.length, options.ends, options)
    const [best = 0] = largest(scores, 1)
    const logProbability = logSoftmax(logits)[best] ?? 0
    beam = extended(beam, best, logProbability, beam.sum + logProbability)
    options.onStep?.(beam.ids)
    if (options.ends.includes(best)) break
  }
  return [finished(start, beam, options)]
}

async function beamSearch(next: Next, start: readonly number[], options: SearchOptions): Promise<readonly Written[]> {
  const { beams, maxLength, ends, earlyStopping, lengthPenalty } = options
  const candidates = Math.max(2, 1 + ends.length) * beams
  let running = Array.from({ length: beams }, (_, i): Beam => ({ ids: start, tokens: [], sum: i === 0 ? 0 : LAST }))
  let done: readonly Written[] = []
  for (let length = start.length; length < maxLength; length++) {
    throwIfAborted(options.signal)
    const rows = (await next(running.map((b) => b.ids))).map(logSoftmax)
    const size = rows[0]?.length ?? 0
    const totals = new Float64Array(running.length * size)
    for (const [i, row] of rows.entries()) {
      const beam = running[i] as Beam
      const allowed = row.slice()
      process(allowed, beam.ids, start.length, ends, options)
      for (const [id, score] of allowed.entries()) totals[i * size + id] = score + beam.sum
    }
    const best = largest(totals, candidates).map((at) => {
      const [i, id] = [Math.floor(at / size), at % size]
      return extended(running[i] as Beam, id, rows[i]?.[id] ?? 0, totals[at] ?? 0)
    })
    const isLast = length + 1 >= maxLength
    const ended = (beam: Beam): boolean => isLast || ends.includes(beam.ids.at(-1) ?? -1)
    const fresh = best.slice(0, beams).filter(ended)
    done = [...done, ...fresh.map((b) => finished(start, b, options))].sort((a, b) => b.score - a.score).slice(0, beams)
    running = best.filter((b) => !ended(b)).slice(0, beams)
    const [leader] = running
    if (!leader) break
    options.onStep?.(leader.ids)
    if (done.length < beams) continue
    const reach = earlyStopping === 'never' && lengthPenalty > 0 ? maxLength : length + 1
    const hope = leader.sum / (reach - start.length) ** lengthPenalty
    if (earlyStopping === true || hope <= (done.at(-1)?.score ?? LAST)) break
  }
  return done
}

function extended({ ids, tokens }: Beam, id: number, logProbability: number, sum: number): Beam {
  return { ids: [...ids, id], tokens: [...tokens, { id, logProbability }], sum }
}

function finished(
  start: readonly number[],
  { tokens, sum }: Beam,
  { lengthPenalty }: Pick<SearchOptions, 'lengthPenalty'>,
): Written {
  const logProbability = tokens.reduce((total, t) => total + t.logProbability, 0)
  return { start, tokens, logProbability, score: tokens.length === 0 ? 0 : sum / tokens.length ** lengthPenalty }
}

/** Natural logarithms of softmax, in double precision. */
function logSoftmax(logits: Float32Array): Float64Array {
  const top = logits.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY)
  let sum = 0
  for (const v of logits) sum += Math.exp(v - top)
  const norm = top + Math.log(sum)
  return Float64Array.from(logits, (v) => v - norm)
}

/** The places of the `count` largest numbers, largest first. */
function largest(values: Float64Array, count: number): readonly number[] {
  const found: number[] = []
  const at = (i: number): number => values[found[i] ?? 0] ?? 0
  for (let i = 0; i < values.length; i++) {
    const v = values[i] ?? 0
    if (found.length === count && !(v > at(count - 1))) continue
    let place = found.length
    while (place > 0 && v > at(place - 1)) place--
    found.splice(place, 0, i)
    if (found.length > count) found.pop()
  }
  return found
}
