/** A node of the forward pass once more, on other inputs: what it makes of positions, ones or an identity tells what it does. */
import { type AttributeValue, attributes } from '../onnx/attributes.js'
import type { Builder } from '../onnx/builder.js'
import type { Node } from '../onnx/ir.js'

/** Attributes that are set otherwise; undefined: left out. */
type Change = Readonly<Record<string, AttributeValue | undefined>>

/** The same operator on other inputs; returns its first `count` outputs. */
export function againAll(
  b: Builder,
  node: Node,
  inputs: readonly string[],
  count: number,
  change: Change = {},
): string[] {
  const outputs = Array.from({ length: count }, () => b.fresh(node.op))
  const kept = [...node.attributes].filter(([name]) => !Object.hasOwn(change, name))
  const set = Object.entries(change).flatMap(([name, v]) => (v === undefined ? [] : [[name, v] as const]))
  b.emit({
    op: node.op,
    domain: node.domain,
    name: outputs[0] ?? '',
    inputs,
    outputs,
    attributes: new Map([...kept, ...attributes(Object.fromEntries(set))]),
  })
  return outputs
}

/** The same operator on other inputs; returns its first output. */
export function again(b: Builder, node: Node, inputs: readonly string[], change: Change = {}): string {
  const [output = ''] = againAll(b, node, inputs, 1, change)
  return output
}
