/** The scores of several targets, of whatever forms, for batches of pictures. */
import { ExplainError } from '../core/errors.js'
import type { Tensor } from '../core/tensor.js'
import type { Answer } from '../targets/answer.js'
import type { Target } from '../targets/index.js'
import type { InputRows, TargetForm } from '../targets/target.js'
import { byForm, isOfLogits, scoreOfLogits } from './asked.js'
import type { Feed } from './feed.js'
import type { Runner } from './runner.js'

/** What answers: a whole network, or the part of it behind a layer. */
export interface ScoreSource {
  /** The logits of a classifier, a row for each picture. */
  logits(pictures: Tensor<'float32'>): Promise<readonly Float32Array[]>
  /** Scores `[pictures][targets]` of targets of one form. */
  scores(form: TargetForm, rows: readonly InputRows[], pictures: Tensor<'float32'>): Promise<readonly Float32Array[]>
}

/** The whole network, with what its other inputs are given. */
export function scoresByPictures(
  runner: Pick<Runner, 'forward' | 'scores'>,
  { others }: Pick<Feed, 'others'>,
): ScoreSource {
  return {
    logits: (pictures) => runner.forward({ pictures, others }),
    scores: (form, rows, pictures) => runner.scores(form, rows, { pictures, others }),
  }
}

/** Makes `[pictures][targets]` of pictures. What is read off a classifier's logits shares one run; each other form takes one. */
export function targetScores(
  source: ScoreSource,
  targets: readonly Target[],
  answer: Answer,
): (pictures: Tensor<'float32'>) => Promise<readonly Float32Array[]> {
  const isPlain = targets.map((t) => isOfLogits(t, answer))
  const places = targets.flatMap((_, i) => (isPlain[i] ? [] : [i]))
  const forms = byForm(places.flatMap((i) => targets[i] ?? []))
  return async (pictures) => {
    const count = pictures.dims[0] ?? 0
    const out = Array.from({ length: count }, () => new Float32Array(targets.length))
    if (isPlain.includes(true))
      for (const [p, logits] of (await source.logits(pictures)).entries())
        for (const [t, target] of targets.entries())
          if (isPlain[t]) out[p]?.set([scoreOfLogits(target, logits, answer)], t)
    for (const { form, rows, places: own } of forms)
      for (const [p, scores] of (await source.scores(form, rows, pictures)).entries())
        for (const [i, place] of own.entries()) out[p]?.set([scores[i] ?? 0], places[place] ?? 0)
    return out
  }
}

/** Throws `method-not-applicable` where a method asks a model that is no classifier for the scores of all classes. */
export function refuseOtherAnswers(what: string, { kind }: Answer): void {
  if (kind === 'classes') return
  throw new ExplainError('method-not-applicable', {
    what: `${what} needs the scores of all classes of a classifier, and this model is none`,
    remedy: 'Use grad-cam, gradient or occlusion.',
  })
}
