/** What a decomposition is: one operator written as others. */
import type { Builder } from '../../onnx/builder.js'
import type { Node } from '../../onnx/ir.js'

/**
 * Writes one node out: adds nodes that compute the same, and returns the value of each output in order (undefined or '' for outputs
 * that the node leaves out). Values that it makes itself are renamed to the node's outputs.
 */
export interface Decompose {
  (node: Node, b: Builder): readonly (string | undefined)[]
  /** What is done at ties and edges, for docs/operators.md. */
  readonly ties?: string
}

/** The same decomposition with its convention at ties and edges said. */
export function atTies(ties: string, decomposition: Decompose): Decompose {
  return Object.assign((...given: Parameters<Decompose>) => decomposition(...given), { ties })
}

/** A group of decompositions by operator (`domain.Operator` outside ONNX's own domain); keeps the names in the type. */
export function defineDecompositions<const Operators extends string>(
  decompositions: Readonly<Record<Operators, Decompose>>,
): Readonly<Record<Operators, Decompose>> {
  return decompositions
}

/** Another operator of ONNX's own domain with this node's attributes, but for those named; returns its output. */
export function withAttributesOf(
  b: Builder,
  node: Node,
  op: string,
  inputs: readonly string[],
  except: readonly string[],
): string {
  const output = b.fresh(op)
  const attributes = new Map([...node.attributes].filter(([name]) => !except.includes(name)))
  b.emit({ op, domain: '', name: output, inputs, outputs: [output], attributes })
  b.know(output, b.type(inputs[0] ?? ''), undefined)
  return output
}
