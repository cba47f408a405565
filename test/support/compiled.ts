/** Compiled models in tests. */
import { ExplainError } from '../../src/core/errors.js'
import { int64, type Tensor } from '../../src/core/tensor.js'
import { type CompileOptions, compile, type Plan } from '../../src/explain/index.js'
import type { Graph } from '../../src/onnx/ir.js'
import { probe } from '../../src/passes/probe.js'
import { runtime } from './ort.js'
import { run } from './run.js'

export async function planOf(graph: Graph, options: CompileOptions = {}): Promise<Plan> {
  return compile(graph, { ...options, shapes: await probe(graph, runtime) })
}

/** The outputs of one run of a compiled model. */
export async function mapsOf(
  graph: Graph,
  x: Tensor,
  targets: readonly number[],
  options: CompileOptions = {},
): Promise<Record<string, Tensor>> {
  const { graph: compiled } = await planOf(graph, options)
  return run(compiled, { x, target: int64([targets.length], targets) })
}

/** The ExplainError that some work ends in. */
export async function refusal(work: Promise<unknown> | (() => unknown)): Promise<ExplainError> {
  try {
    await (typeof work === 'function' ? work() : work)
  } catch (error) {
    if (error instanceof ExplainError) return error
    throw error
  }
  throw new Error('nothing was thrown')
}
