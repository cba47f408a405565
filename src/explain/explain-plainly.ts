/** Every target by every method, once: compiled methods in one run for each form of target, driven ones in their loops. */
import { throwIfAborted } from '../core/errors.js'
import type { Tensor } from '../core/tensor.js'
import { findMethod } from '../methods/index.js'
import { type CompiledMethod, type Method, methodInfo } from '../methods/method.js'
import type { Answer } from '../targets/answer.js'
import {
  describeTarget,
  type GivenTarget,
  readTarget,
  settleTarget,
  type Target,
  targetKey,
  targetKind,
} from '../targets/index.js'
import type { Settling } from '../targets/target.js'
import { byForm, isOfLogits, scoreOfLogits } from './asked.js'
import { type DriveHost, drive } from './drive.js'
import type { ClassAnswer, ExplainedAnswer, Explanation } from './explanation.js'
import { explanationsOf } from './explanations.js'
import { optionsFor, refuseUnknown, resolveOptions } from './options.js'
import type { PlacedModel } from './place.js'
import type { Prepared } from './prepare.js'
import type { Making, Occasion, TracedModel } from './provenance.js'
import type { ExplainOptions, ExplanationSet, Refusal } from './request.js'
import type { Runner } from './runner.js'
import type { PlanRun } from './runs.js'
import { scoresByPictures, targetScores } from './target-scores.js'

/** What explaining needs of a model. */
export interface ExplainHost {
  readonly model: PlacedModel & TracedModel & DriveHost['model']
  readonly runner: Runner
  /** What targets are read and settled by. */
  settling(prepared: Prepared, options: Pick<ExplainOptions, 'score' | 'pictures' | 'detection'>): Settling
  /** The answers of a classifier, and labels that are texts, best first; none of other models. */
  answers(prepared: Prepared, logits: Float32Array): Promise<readonly ClassAnswer[]>
  occasion(prepared: Prepared, answers: readonly ClassAnswer[]): Promise<Occasion>
}

export async function explainPlainly(
  host: ExplainHost,
  prepared: Prepared,
  options: ExplainOptions,
): Promise<ExplanationSet> {
  const { model, runner } = host
  const { answer } = model
  const methods = [options.method ?? 'grad-cam'].flat().map(findMethod)
  const given = options.options ?? {}
  refuseUnknown(methods, given)
  const settings = new Map(methods.map((m) => [m, resolveOptions(m, given)]))
  const settling = host.settling(prepared, options)
  const prompted = answer.kind === 'classes' ? [] : await host.answers(prepared, new Float32Array())
  const best: Target | undefined = prompted[0] && { kind: 'text', text: prompted[0].label }
  const wanted = [options.target ?? best].flat() as readonly (GivenTarget | undefined)[]
  const read = wanted.map((t) => readTarget(t, settling))
  throwIfAborted(options.signal)
  // the best class is found by the run that explains it
  const asked: Target[] = []
  for (const target of read) asked.push(isOfLogits(target, answer) ? target : await settleTarget(target, settling))

  const compiled = methods.filter((m): m is CompiledMethod => m.kind === 'compiled')
  const ran = compiled.length > 0 ? await runCompiled(host, compiled, prepared, asked, options) : undefined
  const plain = async (): Promise<Float32Array> => (await runner.forward(prepared.feed))[0] ?? new Float32Array()
  const logits = answer.kind === 'classes' ? (ran?.logits ?? (await plain())) : new Float32Array()
  const answers = answer.kind === 'classes' ? await host.answers(prepared, logits) : prompted
  const ranked = { ...settling, ranked: async () => answers.map((a) => a.index) }
  const targets: Target[] = []
  for (const target of asked) targets.push(await settleTarget(target, ranked))
  const scores = ran?.scores ?? (await scoresOf(host, prepared, targets))
  const answered = targets.map((target, t) =>
    answeredBy(target, { answers, logits, answer, score: scores[t], settling }),
  )

  const occasion = await host.occasion(prepared, answers)
  const about = { ...occasion, targets, answered }
  const made = new Map<Method, Explanation[]>(methods.map((m) => [m, []]))
  for (const { raws, ...map } of ran?.maps ?? [])
    made
      .get(map.method)
      ?.push(...explanationsOf(model, { ...about, ...map, options: settings.get(map.method) ?? {} }, raws))
  const refused: Refusal[] = (ran?.refused ?? []).map((r) => ({ ...r, method: methodInfo(r.method) }))
  const context: DriveHost = { model, runner, prepared, targets }
  for (const method of methods) {
    if (method.kind !== 'driven') continue
    const explained = (making: Omit<Making, 'method'>, raws: readonly Tensor<'float32'>[]): readonly Explanation[] =>
      explanationsOf(model, { ...about, ...making, method }, raws)
    const driven = await drive(context, method, settings.get(method) ?? {}, { ...options, explained }, methods.length)
    made.get(method)?.push(...driven.explanations)
    refused.push(...driven.refused)
  }
  return { answers, explanations: methods.flatMap((m) => made.get(m) ?? []), refused }
}

/** Compiled methods, one run for each form among the targets. */
async function runCompiled(
  { model, runner }: ExplainHost,
  methods: readonly CompiledMethod[],
  prepared: Prepared,
  targets: readonly Target[],
  { layer, grid, wrt, options: given = {} }: ExplainOptions,
): Promise<PlanRun> {
  const options = optionsFor(methods, given)
  const { preprocessing } = model
  let first: PlanRun | undefined
  // of each target, the run that explains it and its place there
  const ran = new Map<number, { readonly run: PlanRun; readonly at: number }>()
  for (const { form, rows, places } of byForm(targets)) {
    const run = await runner.maps({ methods, layer, grid, form, wrt, options, preprocessing }, prepared.feed, rows)
    first ??= run
    for (const [at, place] of places.entries()) ran.set(place, { run, at })
  }
  const all = targets.flatMap((_, t) => ran.get(t) ?? [])
  const { logits = new Float32Array(), refused = [], maps = [] } = first ?? {}
  return {
    logits,
    refused,
    scores: all.map(({ run, at }) => run.scores[at] ?? Number.NaN),
    maps: maps.map((map, m) => ({ ...map, raws: all.flatMap(({ run, at }) => run.maps[m]?.raws[at] ?? []) })),
  }
}

/** The scores of the unchanged picture, of targets that are not read off the logits. */
async function scoresOf(
  { model, runner }: ExplainHost,
  { feed }: Prepared,
  targets: readonly Target[],
): Promise<ArrayLike<number>> {
  const { answer } = model
  if (targets.every((t) => isOfLogits(t, answer))) return []
  const [scores = new Float32Array()] = await targetScores(
    scoresByPictures(runner, feed),
    targets,
    answer,
  )(feed.pictures)
  return scores
}

/** What a target is called, and its score. */
export function answeredBy(
  target: Target,
  of: {
    readonly answers: readonly ClassAnswer[]
    readonly logits: Float32Array
    readonly answer: Answer
    readonly score: number | undefined
    readonly settling: Settling
  },
): ExplainedAnswer {
  const kind = targetKind(target.kind)
  const index = kind.classOf(target) ?? -1
  const key = targetKey(target)
  const isClass = target.kind === 'class' || target.kind === 'answer'
  const known = isClass ? of.answers.find((a) => a.index === index) : undefined
  if (known) return { ...known, key }
  const score = isOfLogits(target, of.answer) ? scoreOfLogits(target, of.logits, of.answer) : (of.score ?? Number.NaN)
  return { index, label: describeTarget(target, of.settling), logit: score, probability: null, key }
}
