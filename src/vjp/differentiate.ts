/** A graph and its backward pass as one graph. */
import type { Lack } from '../core/runtime.js'
import { Builder, declare } from '../onnx/builder.js'
import type { Graph } from '../onnx/ir.js'
import type { Shapes } from '../onnx/shapes.js'
import { ownBorders } from '../passes/borders.js'
import { lower } from '../passes/lower.js'
import { prune } from '../passes/prune.js'
import type { Override } from './rule.js'
import { pullBack } from './walk.js'

export interface DifferentiateOptions {
  /** The value to differentiate: an output, or any value in between. */
  readonly of: string
  /** The values whose gradients are wanted: inputs, initialisers or values in between. */
  readonly wrt: readonly string[]
  /** What `probe(graph, runtime)` found. Without it, shapes are read at run time wherever that is possible. */
  readonly shapes?: Shapes
  /** Alternative rules, such as those of guided backpropagation. */
  readonly override?: Override
  /** What the runtime that will run it has no kernel for: `runtime.lacks`. Default: nothing. */
  readonly lacks?: readonly Lack[] | undefined
}

/** The name of a gradient: `gradient/` and the value's name. */
export function gradientName(value: string): string {
  return `gradient/${value}`
}

/**
 * Differentiates a graph. The result has the inputs of the graph and one more, `gradient/<of>` (the gradient that arrives at
 * `of`, in its shape: one-hot for one class' logit); its outputs are `of` and `gradient/<value>` for each of `wrt`, in the shape
 * and type of that value (float32 for float16 and bfloat16, in which nothing is computed). It is an ordinary graph: `encode` it, run it, or differentiate it again.
 *
 * Throws `unknown-value`, `not-connected`, `unsupported-operator` (all nodes without a rule at once), `unsupported-opset`, `bad-option`.
 *
 * @example
 * ```ts
 * const gradient = differentiate(decode(bytes), { of: 'logits', wrt: ['pixel_values'] })
 * ```
 */
export function differentiate(graph: Graph, options: DifferentiateOptions): Graph {
  const { of, wrt } = options
  const forward = lower(graph)
  const b = new Builder(forward, options.shapes, { lacks: options.lacks })
  for (const value of [of, ...wrt]) forward.require(value, 'differentiate')
  const seed = b.fresh(gradientName(of))
  const input = declare(seed, b.type(of) ?? 'float32', b.dims(of))
  const gradients = pullBack(b, { of, seed, wrt, override: options.override })
  const outputs = wrt.map((value, i) => {
    const name = b.alias(gradients[i] ?? '', b.fresh(gradientName(value)))
    return declare(name, b.type(value), b.dims(value))
  })
  const own = forward.outputs.find((o) => o.name === of) ?? declare(of, b.type(of), b.dims(of))
  return ownBorders(prune(b.finish({ inputs: [...forward.inputs, input], outputs: [own, ...outputs] })), graph)
}
