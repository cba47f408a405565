/**
 * Any model to the form that backward rules read. Requires: opset 7 or newer. Guarantees: what each pass below guarantees; the model's
 * own inputs, outputs and value names stay, so that shapes and layers can be asked for by the names in the file; inputs and outputs of
 * narrower floats become float32, until borders.ts puts the model's own types back. Run on its own result it changes nothing.
 */
import type { Graph } from '../onnx/ir.js'
import { control } from './control.js'
import { decompose } from './decompose.js'
import { distinctNames } from './distinct-names.js'
import { dropout } from './dropout.js'
import { everywhere } from './everywhere.js'
import { inlineFunctions } from './functions.js'
import { ON_REAL_NUMBERS, quantised } from './quantised.js'
import { LISTS } from './sequences.js'
import { upgrade } from './upgrade.js'
import { validate } from './validate.js'
import { widen } from './widen.js'

/** A pass, and what docs/operators.md says of it. */
export interface Pass {
  readonly run: (graph: Graph) => Graph
  /**
   * Operators that it takes out of the graph, so that they need no backward rule, and what becomes of them. Keyed `domain.Operator`
   * outside ONNX's own domain. (Decompositions are listed by their own table.)
   */
  readonly rewrites?: Readonly<Record<string, string>>
  /** The test of the rewriting. */
  readonly shownBy?: string
}

/** In order. */
export const PASSES: readonly Pass[] = [
  { run: validate },
  { run: inlineFunctions },
  {
    run: upgrade,
    rewrites: { Scatter: 'becomes ScatterElements', Upsample: 'becomes Resize' },
    shownBy: 'test/passes/upgrade.test.ts',
  },
  {
    run: everywhere(control),
    rewrites: { Loop: 'written out, or becomes Scan: where it runs to its trip count', ...LISTS },
    shownBy: 'test/passes/control.test.ts',
  },
  { run: everywhere(decompose) },
  { run: widen },
  { run: everywhere(quantised), rewrites: ON_REAL_NUMBERS, shownBy: 'test/passes/quantised.test.ts' },
  { run: everywhere(dropout) },
  { run: distinctNames },
]

/** Throws `invalid-model`, `unsupported-opset`, and `unsupported-operator` for forms that cannot be rewritten. */
export function lower(graph: Graph): Graph {
  return PASSES.reduce((g, pass) => pass.run(g), graph)
}
