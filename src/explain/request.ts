/** What explanations are asked for, and how they are answered. */
import type { ExplainError } from '../core/errors.js'
import type { MethodInfo } from '../methods/method.js'
import type { GivenTarget } from '../targets/index.js'
import type { Score } from '../targets/target.js'
import type { DetectionOptions } from './detect.js'
import type { ClassAnswer, Explanation } from './explanation.js'
import type { GivenOptions } from './options.js'
import type { CompileOptions } from './plan.js'
import type { Image, ImageOptions } from './prepare.js'

export interface ExplainOptions extends ImageOptions {
  /** Method ids. Default: `grad-cam`. */
  readonly method?: string | readonly string[]
  /**
   * What is explained: labels, indices, `kind:...` as text, or target objects; see {@link Target}. Default: what the model answers: the best class, the whole
   * caption, the largest region, the best box.
   */
  readonly target?: GivenTarget | readonly GivenTarget[]
  /** What is explained of a class. Default: `logit`; of a whole caption the log-probability. */
  readonly score?: Score | undefined
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
  /**
   * Smoothing: the mean of the raw maps of changed copies of the picture; see {@link Smoothing}. Default: none.
   */
  readonly smooth?: string | Smoothing | undefined
  /** Makes the maps of several layers one, on the model's input: `mean`, `max` or `product`; see {@link fuseLayers}. Default: one map a layer. */
  readonly fuse?: string | undefined
  /** Another library's map, to the letter, by the id of its preset: `pytorch-grad-cam`, `captum`, ...; see {@link LIBRARIES}. Default: none. */
  readonly like?: string | undefined
  /** Pictures a run, for methods of many runs. Default: 16. */
  readonly batch?: number
  /** Other pictures, by the names that targets give them: `similarity:NAME`. */
  readonly pictures?: Readonly<Record<string, Image>> | undefined
  /** Which boxes of a detector are counted; see {@link DetectionOptions}. */
  readonly detection?: DetectionOptions | undefined
  readonly signal?: AbortSignal | undefined
  /**
   * An aborted signal ends a long method with the map as it stands, if any of its work was done, and a note in the provenance says how much of it was.
   * Default: an abort rejects with `aborted`. In the browser an abort always rejects.
   */
  readonly anytime?: boolean | undefined
  /** Told after each batch of a long method. */
  readonly onProgress?: (progress: Progress) => void
}

/**
 * Which copies: `flip`, the picture and its mirror image; `augment`, both of them at 0.9, 1 and 1.1 times their preprocessed values (`aug_smooth` of
 * pytorch-grad-cam); `noise`, noisy ones (as SmoothGrad has it).
 */
export interface Smoothing {
  readonly kind: 'flip' | 'augment' | 'noise'
  /** Noisy copies. Default: 25. */
  readonly samples?: number
  /** Deviation of the noise, as a share of the preprocessed picture's range. Default: 0.15. */
  readonly noise?: number
  /** Seed of the noise. Default: 0. */
  readonly seed?: number
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
  /** Classes, best first; none where the model is no classifier. */
  readonly answers: readonly ClassAnswer[]
  readonly explanations: readonly Explanation[]
  readonly refused: readonly Refusal[]
}
