/** What a snippet runs: a compiled model with one map, by what its own model takes. */
import type { DataType } from '../core/tensor.js'
import type { PreprocessSpec } from '../image/index.js'

/** An input beside the picture, and what it is given. */
export interface SnippetInput {
  readonly name: string
  readonly type: DataType
  /** Every axis, the batch included. */
  readonly dims: readonly number[]
  /** Row-major. */
  readonly values: readonly (number | bigint)[]
}

export interface SnippetSubject {
  /** The compiled model's file; its last input takes the class, its last output is the map. */
  readonly file: string
  /** The method's title, such as `Grad-CAM`. */
  readonly method: string
  readonly picture: string
  /** The input that takes the picture. */
  readonly input: { readonly name: string; readonly type: DataType; readonly batch: number | undefined }
  readonly others: readonly SnippetInput[]
  readonly preprocessing: PreprocessSpec
  readonly target: { readonly index: number; readonly label: string }
  /** The output that holds the class scores. */
  readonly scores: string
}

/** Text that stands in a comment: on one line, nothing in it that ends one. */
export function comment(text: string): string {
  return text.replaceAll(/[\p{Cc}\u2028\u2029]+/gu, ' ').slice(0, 120)
}
