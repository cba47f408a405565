/**
 * Any model to the form that backward rules read. Requires: opset 7 or newer. Guarantees: what each pass below guarantees; the model's
 * own inputs, outputs and value names stay, so that shapes and layers can be asked for by the names in the file. Run on its own result
 * it changes nothing.
 */
import type { Graph } from '../onnx/ir.js'
import { decompose } from './decompose.js'
import { dropout } from './dropout.js'
import { upgrade } from './upgrade.js'

/** In order. */
const PASSES: readonly ((graph: Graph) => Graph)[] = [upgrade, decompose, dropout]

/** Throws `unsupported-opset`, and `unsupported-operator` for forms that cannot be rewritten. */
export function lower(graph: Graph): Graph {
  return PASSES.reduce((g, pass) => pass(g), graph)
}
