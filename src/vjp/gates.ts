/**
 * Gates: `y = x s` with `s = Sigmoid(x)`, as exporters write SiLU. The gradient of both nodes at once, `s + y (1 - s)`, takes four passes over the
 * activation, where the two rules one after another take six. Ramachandran, Zoph and Le 2017, section 2 (there Swish, with beta 1).
 */
import type { Builder } from '../onnx/builder.js'
import { type Node, operatorName } from '../onnx/ir.js'
import { complement } from './arithmetic.js'
import type { Override } from './rule.js'

/** What a gate is made of. */
export interface Gate {
  readonly x: string
  readonly s: string
  readonly y: string
}

/** The gate whose product a node is; undefined where it is another, or something else reads the sigmoid. */
export function gateOf(b: Builder, node: Node, override: Override | undefined): Gate | undefined {
  if (operatorName(node) !== 'Mul' || isReplaced(override)) return undefined
  const [left = '', right = ''] = node.inputs
  const [y = ''] = node.outputs
  for (const [x, s] of [
    [left, right],
    [right, left],
  ] as const) {
    const sigmoid = b.graph.producer(s)
    if (!sigmoid || operatorName(sigmoid) !== 'Sigmoid' || sigmoid.inputs[0] !== x) continue
    const isOutput = b.graph.outputs.some((o) => o.name === s)
    if (b.graph.consumers(s).length === 1 && !isOutput) return { x, s, y }
  }
  return undefined
}

/** True where another rule stands in the place of one of the two. */
function isReplaced(override: Override | undefined): boolean {
  if (!override) return false
  return override.otherwise !== undefined || ['Mul', 'Sigmoid'].some((op) => Object.hasOwn(override.rules, op))
}

/** The gradient of `x`. */
export function gateGradient(b: Builder, { s, y }: Gate, gy: string): string {
  return b.op('Mul', [gy, b.op('Add', [b.op('Mul', [y, complement(b, s)]), s])])
}
