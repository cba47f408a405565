/** What explanations say of a model's numbers, where they are not float32 throughout. */

import type { Graph, Node } from '../onnx/ir.js'
import { operatorName } from '../onnx/ir.js'
import { declaredShapes } from '../onnx/shapes.js'
import { widenedTypes } from '../passes/widen.js'
import { QUANTIZERS } from '../vjp/rules/index.js'

/** Says of a model that it is computed in float32, where it was not written so. */
export function computedIn(model: Graph): readonly string[] {
  const types = widenedTypes(model)
  if (types.length === 0) return []
  return [
    `The model's ${types.join(' and ')} numbers are computed in float32, gradients included, so that they do not underflow.`,
  ]
}

/** Says how gradients pass a path with quantised values; undefined where it has none. */
export function straightThrough(path: readonly Node[]): string | undefined {
  const count = path.filter((n) => QUANTIZERS.has(operatorName(n))).length
  if (count === 0) return undefined
  return `Gradients pass straight through the rounding of ${count} quantised ${count === 1 ? 'value' : 'values'}, and are 0 where they saturate.`
}

/** The lowest value of an input of bytes; undefined for other inputs. */
export function lowestByte(model: Graph, input: string): 0 | -128 | undefined {
  const type = declaredShapes(model).get(input)?.type
  return type === 'uint8' ? 0 : type === 'int8' ? -128 : undefined
}
