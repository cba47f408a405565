/** Explanations with a given map, for metrics whose answer is known. */
import { float32 } from '../../src/core/tensor.js'
import { type Explanation, explanationOf } from '../../src/explain/index.js'

/** The explanation with another map on the model's input: `[height, width]`, row-major, or `[depth, height, width]`. */
export function withMap(explanation: Explanation, dims: readonly number[], values: ArrayLike<number>): Explanation {
  const map = float32(dims, Float32Array.from(values))
  const layout = 'DHW'.slice(-dims.length)
  const { data } = explanation
  const lifting = { ...data.lifting, layout, reduction: undefined }
  return explanationOf({ ...data, map, raw: { ...map, layer: undefined }, lifting, diagnosis: [] })
}

/** A map by place. */
export function mapOf(height: number, width: number, at: (y: number, x: number) => number): Float32Array {
  return Float32Array.from({ length: height * width }, (_, i) => at(Math.floor(i / width), i % width))
}
