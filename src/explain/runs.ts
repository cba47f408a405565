/** What runs are asked for, and what they give. */
import { ExplainError } from '../core/errors.js'
import type { Tensor } from '../core/tensor.js'
import type { PreprocessSpec } from '../image/index.js'
import type { CompiledMethod } from '../methods/method.js'
import type { InputRows, TargetForm } from '../targets/target.js'
import type { LayerGradientPlan } from './compile-layer.js'
import type { GivenOptions } from './options.js'
import type { Plan, PlannedMap, RunnablePlan } from './plan.js'

/** What a plan is made of. */
export interface PlanRequest {
  readonly methods: readonly CompiledMethod[]
  readonly layer: string | readonly string[] | undefined
  readonly grid: string | undefined
  readonly form: TargetForm
  /** The inputs that are explained; undefined: the picture. */
  readonly wrt: string | readonly string[] | undefined
  /** Options of these methods. */
  readonly options: GivenOptions
  /** What colours among them become. */
  readonly preprocessing: PreprocessSpec | undefined
}

/** One map of a run: its raw maps, one a target, without the batch axis. */
export interface RunMap extends PlannedMap {
  readonly raws: readonly Tensor<'float32'>[]
}

/** A run of a plan on one picture. */
export interface PlanRun {
  /** Of a classifier; empty for models that answer something else. */
  readonly logits: Float32Array
  /** Of each target; of a classifier's classes they are read off the logits, and this is empty. */
  readonly scores: readonly number[]
  readonly maps: readonly RunMap[]
  readonly refused: Plan['refused']
}

/** Which layer is meant, on the way to what, and how its tokens are read. */
export interface LayerPlace {
  readonly layer: string | undefined
  readonly grid: string | undefined
  readonly form: TargetForm
}

/** A run that gives a layer's channels `[K,...places]` and their weights `[K]`. */
export interface ChannelsRun extends Pick<PlanRun, 'logits' | 'scores'> {
  readonly plan: LayerGradientPlan
  readonly features: Tensor<'float32'>
  readonly weights: Tensor<'float32'>
}

/** What is read off pictures: a classifier's logits, or the scores of targets of one form, in which nothing is left open. */
export type ReadOff = 'logits' | { readonly form: TargetForm; readonly rows: readonly InputRows[] }

/** What one run gives: raw maps by map and target. */
export interface RunPart extends Pick<PlanRun, 'logits' | 'scores'> {
  readonly raws: readonly (readonly Tensor<'float32'>[])[]
}

/** True where one map holds for all pictures of a run: that of an input without a row for each. */
export function isShared(plan: RunnablePlan, map: Pick<PlannedMap, 'input'>): boolean {
  return plan.others.some((o) => o.name === map.input && o.batch !== 'row')
}

/** The error for maps of an input that all pictures of a fixed batch share. */
export function mixedMaps(plan: Plan, batch: number): ExplainError {
  const names = plan.maps.filter((m) => isShared(plan, m)).map((m) => `"${m.input}"`)
  return new ExplainError('method-not-applicable', {
    what: `This model takes ${batch} pictures at once and one value of ${[...new Set(names)].join(', ')} for all of them, so that its gradient mixes the pictures`,
    remedy: 'Explain the picture, or export the model with a batch of 1.',
  })
}
