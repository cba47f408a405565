/** What is said of a model when it is loaded, and of its embeddings when they are asked for. */
import type { OptimizationLevel } from '../core/runtime.js'
import type { PreprocessSpec, Size } from '../image/index.js'
import type { Graph } from '../onnx/ir.js'
import type { ModelText } from './written.js'

export interface ModelOptions {
  /** What the model is called in messages and provenance. */
  readonly name: string
  /** Class names in class order. */
  readonly labels?: readonly string[] | undefined
  /**
   * Default: the usual ImageNet preprocessing at the model's size (224 where that is free), and `notes` says so. Models that take no photos
   * (volumes, clips, signals, other numbers of channels than 1 or 3) have none.
   */
  readonly preprocessing?: PreprocessSpec | undefined
  /** The size of picture that it was made for, where neither its graph nor its preprocessing tells. */
  readonly pictureSize?: Size | undefined
  /** How far ORT may rewrite the graph. Default: `all`. */
  readonly optimization?: OptimizationLevel
  /** The output that holds the answer. Default: found, see {@link findAnswer}. */
  readonly answer?: string | undefined
  /** The input that takes the picture. Default: found, see {@link findPictureInput}. */
  readonly pictureInput?: string | undefined
  /** What is known of the model's words. Default: nothing; tokens go by their numbers. */
  readonly text?: ModelText | undefined
  /** The tower of the texts, where it is another file. Default: the graph's own part that reads words alone. */
  readonly textTower?: (() => Promise<Graph>) | undefined
}

export interface EmbedOptions {
  /** The value that is a picture's embedding. Default: see {@link embeddingValue}. */
  readonly of?: string | undefined
}
