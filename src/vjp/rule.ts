/** What a backward rule is: the vector-Jacobian product of one operator, written as ordinary ONNX operators. */
import type { Builder } from '../onnx/builder.js'
import type { Node } from '../onnx/ir.js'

/** What a rule is given. */
export interface RuleCall {
  readonly node: Node
  /** Input value names, '' where an optional input is absent; behind them what the node's graphs capture (`captures`). */
  readonly x: readonly string[]
  /** Which of `x` need a gradient. */
  readonly wanted: readonly boolean[]
  /** Output value names. */
  readonly y: readonly string[]
  /** The gradient that arrives at the first output; zeros where only other outputs have one. */
  readonly gy: string
  /** The gradients that arrive at each output; undefined where none does. */
  readonly gys: readonly (string | undefined)[]
  readonly b: Builder
  readonly walk: Walk
}

/** The reverse walk, for operators that hold graphs: over the graph of a builder, with the same rules. */
export interface Walk {
  /** The values that depend on `wrt` through what can be differentiated, these included. */
  dependents(b: Builder, wrt: readonly string[]): ReadonlySet<string>
  /** The gradient of each of `wrt`, where `seeds` are values and the gradients that arrive at them; undefined where none arrives. */
  pull(
    b: Builder,
    seeds: readonly (readonly [value: string, gradient: string])[],
    wrt: readonly string[],
  ): readonly (string | undefined)[]
}

/** Makes the gradient of one input; called only when that input needs one. */
export type Pullback = () => string

/** One pullback for each of `x`, in order; undefined where an input has no gradient by its nature (an index, a shape). */
export type Rule = (call: RuleCall) => readonly (Pullback | undefined)[]

export interface RuleEntry {
  readonly rule: Rule
  /**
   * `broadcast`: the operator broadcasts its inputs, and the pullbacks give gradients in the shape of the output; the
   * walk sums them to each input's shape.
   */
  readonly broadcast?: true
  /** Only the first so many outputs depend smoothly on the inputs; the others are indices or masks. Default: all do. */
  readonly outputs?: number
  /** Only the first so many inputs have a gradient; the others are taken as given: indices, regions, sizes. Default: all have. */
  readonly inputs?: number
  /** What is done at ties and edges, for docs/operators.md. */
  readonly ties?: string
}

/** A group of rules by operator; keeps the operator names in the type. */
export function defineRules<const Operators extends string>(
  rules: Readonly<Record<Operators, RuleEntry>>,
): Readonly<Record<Operators, RuleEntry>> {
  return rules
}

/** The same rule with its convention at ties and edges said. */
export function atTies(ties: string, entry: RuleEntry): RuleEntry {
  return { ...entry, ties }
}

/** An operator with one differentiable input. */
export function unary(
  pullback: (call: RuleCall & { readonly in0: string; readonly out: string }) => string,
): RuleEntry {
  return { rule: (call) => [() => pullback({ ...call, in0: call.x[0] ?? '', out: call.y[0] ?? '' })] }
}

/** A pullback, undefined as in {@link Rule}, or `nothing`: what the walk brings does not go on to that input. */
export type OverridePullback = Pullback | undefined | 'nothing'

/** A rule in the place of another, which it is given. */
export type OverrideRule = (call: RuleCall, plain: Rule) => readonly OverridePullback[]

/** Alternative rules by operator: guided backpropagation, deconvnet, relevance, ... */
export interface Override {
  /** Equal for overrides that do the same. */
  readonly name: string
  /** By operator, with its domain where that is not ONNX's own. */
  readonly rules: Readonly<Record<string, OverrideRule>>
  /** The rule of operators that `rules` does not name. Default: the plain one. */
  readonly otherwise?: OverrideRule
}
