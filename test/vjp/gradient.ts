/** The gradient graph of a case. */
import type { Runtime } from '../../src/core/runtime.js'
import type { Graph } from '../../src/onnx/ir.js'
import { probe } from '../../src/passes/probe.js'
import { type DifferentiateOptions, differentiate } from '../../src/vjp/differentiate.js'
import { type Case, type Declaration, modelOf } from './case.js'

/** What a gradient graph is made from. */
export interface Variant {
  readonly declaration: Declaration
  /** Whether shapes come from ORT, or only from the model. */
  readonly probed: boolean
  readonly opset: number
}

/** Other rules, or other forms of them. */
export type Rules = Pick<DifferentiateOptions, 'override' | 'lacks'>

/** The gradient graph of a case as one variant declares it. */
export async function gradientGraph(c: Case, variant: Variant, runtime: Runtime, rules: Rules = {}): Promise<Graph> {
  const graph = modelOf(c, variant.declaration, variant.opset)
  return differentiate(graph, {
    of: c.of,
    wrt: c.wrt,
    ...(variant.probed ? { shapes: await probe(graph, runtime) } : {}),
    ...rules,
  })
}
