/** What a model is run on. */
import type { Tensor } from '../core/tensor.js'

/** What one run is fed: the picture, or several, and what the other inputs are given, one row each. */
export interface Feed {
  readonly pictures: Tensor<'float32'>
  readonly others: Readonly<Record<string, Tensor>>
}
