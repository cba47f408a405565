/** Whether a map deserves belief: a few metrics of it, each with what it means, in words. */
import { ExplainError } from '../core/errors.js'
import { float32 } from '../core/tensor.js'
import type { Explanation, Image, Model } from '../explain/index.js'
import { withMap } from '../explain/on-input.js'
import { uniform } from '../methods/random.js'
import { CHECKS, type CheckDefinition, type Finding, type Verdict } from './checks.js'
import { costOf, type MeasureOptions, measure } from './measure.js'

/** One thing that was looked at; plain data. */
export interface Check {
  readonly id: string
  /** What is asked, as a question. */
  readonly question: string
  readonly verdict: Verdict
  /** The metric's value; null where it was not asked. */
  readonly value: number | null
  /** The same of a map of random numbers of the same size; null where there is nothing to compare with. */
  readonly random: number | null
  /** What was found and what it means. */
  readonly says: string
  /** What would be suspicious. */
  readonly suspicious: string
}

export interface CheckReport {
  readonly verdict: Exclude<Verdict, 'not-asked'>
  /** One sentence. */
  readonly summary: string
  readonly checks: readonly Check[]
  /** Forward passes that it took, a backward pass counted as one, too. */
  readonly passes: number
}

export interface CheckOptions extends Omit<MeasureOptions, 'options' | 'truth' | 'onProgress'> {
  /** The most passes to spend; checks that do not fit into what is left are not asked. Default: 60. */
  readonly passes?: number
  /** Seed of what is drawn by chance. Default: 0. */
  readonly seed?: number
  /** Told before each check. */
  readonly onProgress?: (progress: { readonly check: string; readonly done: number; readonly total: number }) => void
}

/** What a map costs: a forward and a backward pass. */
const PASSES_A_MAP = 2

/**
 * Checks a map of the picture that it explains. Maps of driven methods are not made again, unless `passes` is infinite: each takes many runs.
 * Rejects with what {@link measure} rejects with, and `bad-option`.
 *
 * @example
 * ```ts
 * const explanation = await model.explain(picture, { method: 'grad-cam' })
 * const { verdict, summary, checks } = await check(model, picture, explanation)
 * ```
 */
export async function check(
  model: Model,
  image: Image,
  explanation: Explanation,
  options: CheckOptions = {},
): Promise<CheckReport> {
  const { passes: most = 60, seed = 0, onProgress, ...rest } = options
  if (!(most >= 0))
    throw new ExplainError('bad-option', {
      what: `passes is ${most}, which is not a number of forward passes of at least 0`,
      where: 'passes',
      remedy: 'Give a number, such as 60.',
    })
  const prepared = model.prepare(image, rest)
  const random = randomMap(explanation, seed)
  const checks: Check[] = []
  let passes = 0
  for (const [i, definition] of CHECKS.entries()) {
    onProgress?.({ check: definition.id, done: i, total: CHECKS.length })
    const own = definition.options(explanation)
    const { forwards, maps, models } = costOf(model, prepared, definition.metric, { ...rest, options: own })
    const cost = (definition.againstRandom ? 2 : 1) * forwards + maps * PASSES_A_MAP + models
    const isDear = maps > 0 && explanation.method.kind === 'driven' && Number.isFinite(most)
    if (isDear || passes + cost > most) {
      checks.push(notAsked(definition, isDear ? 'its map takes many runs to make' : `it takes ${cost} passes`))
      continue
    }
    const ask = async (map: Explanation): Promise<number> =>
      (await measure(model, prepared, map, definition.metric, { ...rest, options: own })).value
    try {
      const value = await ask(explanation)
      const chance = definition.againstRandom ? await ask(random) : null
      checks.push(judged(definition, value, chance, definition.judge(value, chance ?? 0)))
      passes += cost
    } catch (error) {
      if (!(error instanceof ExplainError) || error.code !== 'method-not-applicable') throw error
      checks.push(notAsked(definition, error.what))
    }
  }
  onProgress?.({ check: '', done: CHECKS.length, total: CHECKS.length })
  return { ...conclusion(checks), checks, passes }
}

function judged(
  { id, question, suspicious }: CheckDefinition,
  value: number,
  random: number | null,
  { verdict, says }: Finding,
): Check {
  return { id, question, verdict, value, random, says, suspicious }
}

function notAsked({ id, question, suspicious }: CheckDefinition, why: string): Check {
  return { id, question, verdict: 'not-asked', value: null, random: null, says: `Not asked: ${why}.`, suspicious }
}

function conclusion(checks: readonly Check[]): Pick<CheckReport, 'verdict' | 'summary'> {
  const of = (verdict: Verdict): readonly Check[] => checks.filter((c) => c.verdict === verdict)
  const names = (list: readonly Check[]): string => list.map((c) => c.id).join(', ')
  const [bad, unclear, fine] = [of('suspicious'), of('unclear'), of('fine')]
  if (bad.length > 0)
    return {
      verdict: 'suspicious',
      summary: `Do not rely on this map alone: ${names(bad)} ${bad.length > 1 ? 'speak' : 'speaks'} against it.`,
    }
  if (fine.length === 0) return { verdict: 'unclear', summary: 'Nothing was found for or against this map.' }
  if (unclear.length > 0)
    return {
      verdict: 'unclear',
      summary: `Nothing speaks against this map, but ${names(unclear)} ${unclear.length > 1 ? 'leave' : 'leaves'} it open.`,
    }
  return { verdict: 'fine', summary: 'Nothing that was looked at speaks against this map.' }
}

/** A map of random numbers in the shape of the raw one. */
function randomMap(explanation: Explanation, seed: number): Explanation {
  const chance = uniform(seed)
  const { dims, data } = explanation.data.map
  return withMap(
    explanation,
    float32(
      dims,
      Float32Array.from(data, () => chance()),
    ),
    { provenance: {} },
  )
}
