/** What explanations are asked for, and how they are answered. */
import type { ExplainError } from '../core/errors.js'
import type { MethodInfo } from '../methods/method.js'
import type { Score, Target } from '../targets/target.js'
import type { ClassAnswer, Explanation } from './explanation.js'
import type { GivenOptions } from './options.js'
import type { CompileOptions } from './plan.js'
import type { ImageOptions } from './prepare.js'

export interface ExplainOptions extends ImageOptions {
  /** Method ids. Default: `grad-cam`. */
  readonly method?: string | readonly string[]
  /** Labels, indices or target objects. Default: the best answer. */
  readonly target?: string | number | Target | readonly (string | number | Target)[]
  /** What is explained of a class. Default: `logit`. */
  readonly score?: Score
  /**
   * Inputs that gradients and their like are taken of: names of inputs of floats, or `all` of those; one explanation for each. Methods that
   * explain at a layer, and occlusion, explain the picture alone. Default: the picture.
   */
  readonly wrt?: string | readonly string[] | undefined
  /** Value name of the layer for CAM methods, or several: one explanation for each. Default: the last feature map before pooling. */
  readonly layer?: string | readonly string[] | undefined
  /** The grid of the layer's tokens, `14x14` or `14x14+1`; see {@link CompileOptions}. Default: found from the graph. */
  readonly grid?: string | undefined
  /** Options of the methods, under their own names: `{ patch: 16, stride: 8 }`. */
  readonly options?: GivenOptions
  /** Pictures a run, for methods of many runs. Default: 16. */
  readonly batch?: number
  readonly signal?: AbortSignal | undefined
  /** Told after each batch of a long method. */
  readonly onProgress?: (progress: Progress) => void
}

export interface Progress {
  readonly method: string
  readonly done: number
  readonly total: number
  /** Makes explanations of the maps as they stand, one a target. */
  readonly partial: () => readonly Explanation[]
}

/** A map that this network does not allow, among several that were asked for. */
export interface Refusal {
  readonly method: MethodInfo
  /** The layer that was asked for; undefined where none was named, and for maps at the input. */
  readonly layer: string | undefined
  readonly error: ExplainError
}

/** Explanations of one picture by several methods and targets. */
export interface ExplanationSet {
  readonly answers: readonly ClassAnswer[]
  readonly explanations: readonly Explanation[]
  readonly refused: readonly Refusal[]
}
