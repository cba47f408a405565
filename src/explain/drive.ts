/** Driven methods: what they are given of a model, and what becomes of their maps. */
import { ExplainError } from '../core/errors.js'
import type { Tensor } from '../core/tensor.js'
import { type DriveContext, type DrivenMethod, methodInfo, type OptionDefinitions } from '../methods/method.js'
import type { Answer } from '../targets/answer.js'
import type { Target } from '../targets/index.js'
import { labelOf } from '../targets/labels.js'
import type { TargetForm } from '../targets/target.js'
import { askedAt, askedOf } from './asked.js'
import { changedScores } from './changed-scores.js'
import { drivenLayer } from './driven-layer.js'
import type { Explanation } from './explanation.js'
import type { PictureInput } from './input.js'
import { explainsPicture, pictureOnly } from './picture-only.js'
import type { Prepared } from './prepare.js'
import type { Making } from './provenance.js'
import type { ExplainOptions, Refusal } from './request.js'
import type { Runner } from './runner.js'
import { scoresByPictures, targetScores } from './target-scores.js'

/** Failures that say that a network does not allow a map, which others may still have. */
const REFUSALS: ReadonlySet<string> = new Set(['method-not-applicable', 'not-connected', 'unsupported-operator'])

const PLAIN: TargetForm = { kind: 'class', score: 'logit' }

/** What driven methods work on. */
export interface DriveHost {
  readonly model: {
    readonly input: PictureInput
    readonly answer: Answer
    batch(wanted: number | undefined): number
    fill(text: string): readonly number[]
    readonly labels: readonly string[]
  }
  readonly runner: Runner
  readonly prepared: Prepared
  readonly targets: readonly Target[]
}

type Raws = readonly Tensor<'float32'>[]

/** How far a method is. */
interface Standing {
  readonly done: number
  readonly total: number
  readonly maps: () => Raws
}

/** What is asked of a driven method. */
export type DriveOptions = ExplainOptions & {
  /** Explanations of raw maps, one a target. */
  readonly explained: (making: Omit<Making, 'method'>, raws: Raws) => readonly Explanation[]
}

/** What came of it. */
export interface Driven {
  readonly explanations: readonly Explanation[]
  readonly refused: readonly Refusal[]
}

/** Runs a method, at each layer where it explains at one. Of several maps that were asked for, those that the network does not allow are refused alone. */
export async function drive<O extends OptionDefinitions>(
  host: DriveHost,
  method: DrivenMethod<O>,
  values: DriveContext<O>['options'],
  options: DriveOptions,
  methods: number,
): Promise<Driven> {
  const picture = host.model.input.name
  const asked = [options.wrt ?? picture].flat()
  const others = asked.filter((name) => name !== picture && name !== 'all')
  const refuse = (layer: string | undefined, error: ExplainError): Refusal => ({
    method: methodInfo(method),
    layer,
    error,
  })
  const refused = others.length > 0 ? [refuse(undefined, pictureOnly(method, others))] : []
  if (!explainsPicture(options.wrt, picture)) return { explanations: [], refused }
  const explanations: Explanation[] = []
  const named = method.atLayer ? [...new Set([options.layer ?? []].flat())] : []
  const layers = named.length > 0 ? named : [undefined]
  for (const layer of layers)
    try {
      explanations.push(...(await driveAt(host, method, values, options, layer)))
    } catch (error) {
      const isOneOfSeveral = methods * layers.length > 1
      if (!isOneOfSeveral || !(error instanceof ExplainError) || !REFUSALS.has(error.code)) throw error
      refused.push(refuse(layer, error))
    }
  return { explanations, refused }
}

async function driveAt<O extends OptionDefinitions>(
  { model, runner, prepared, targets }: DriveHost,
  method: DrivenMethod<O>,
  values: DriveContext<O>['options'],
  options: DriveOptions,
  layer: string | undefined,
): Promise<readonly Explanation[]> {
  const { pictures, others } = prepared.feed
  const [first] = targets
  const place = { layer, grid: options.grid, form: first ? askedOf(first).form : PLAIN }
  const plan = method.atLayer ? runner.layer(place) : undefined
  const notes: string[] = [...(plan?.notes ?? [])]
  const making = { options: values, input: model.input.name, layer: plan?.layer, tokens: plan?.tokens, notes }
  const explained = (raws: Raws): readonly Explanation[] => options.explained(making, raws)
  const scores = targetScores(scoresByPictures(runner, prepared.feed), targets, model.answer)
  const changed = changedScores(scores, runner, targets, model.answer)
  let latest: Standing | undefined
  const run = method.run({
    input: pictures,
    layout: model.input.layout,
    targets: targets.length,
    batch: model.batch(options.batch),
    options: values,
    signal: options.signal,
    label: (index) => labelOf(index, model.labels),
    note: (text) => notes.push(text),
    fill: (text) => model.fill(text),
    scores,
    changed: (groups, other) => changed(prepared.feed, model.input.layout, groups, other, model.batch(options.batch)),
    gradients: (shown, t) => {
      const { form, row } = askedAt(targets, t)
      // a batch of backward passes is not faster on a processor (npm run bench), and takes memory
      return runner.gradients({ pictures: shown, others }, form, row, options.batch ?? 1)
    },
    layer: () => {
      if (plan) return drivenLayer({ runner, feed: prepared.feed, targets, place, answer: model.answer })
      throw new ExplainError('method-not-applicable', { what: `${method.id} did not say that it needs a layer` })
    },
    progress: (done, total, maps) => {
      latest = { done, total, maps }
      options.onProgress?.({ method: method.id, done, total, partial: () => explained(maps()) })
    },
  })
  const raws = await run.catch((error: unknown): Raws => {
    const isAborted = error instanceof ExplainError && error.code === 'aborted'
    if (!options.anytime || !isAborted || !latest) throw error
    notes.push(`${method.id}: aborted after ${latest.done} of ${latest.total}; the map is what they say.`)
    return latest.maps()
  })
  return explained(raws)
}
