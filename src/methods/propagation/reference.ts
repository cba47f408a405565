/** The forward pass once more, of a plain picture: what the network makes of nothing, in the same graph. */
import { ExplainError } from '../../core/errors.js'
import type { Builder } from '../../onnx/builder.js'
import { captures, describe, type Node, reads } from '../../onnx/ir.js'
import { sorted } from '../../passes/prune.js'
import { againAll } from '../../vjp/again.js'

/** What the network does with the reference. */
export interface Reference {
  /** What a value is for the reference; itself where it does not depend on the picture. */
  of(value: string): string
  /** The node that does the same for the reference. */
  node(node: Node): Node
}

const SHAPES: ReadonlySet<string> = new Set(['Shape', 'Size'])

/** Adds the nodes that lead from `input` to `end` a second time, for `instead`, a value of the shape of `input`. */
export function referencePass(b: Builder, input: string, end: string, instead: string): Reference {
  const values = new Map([[input, instead]])
  const nodes = new Map<Node, Node>()
  b.scope('reference', () => {
    for (const node of between(b, input, end)) {
      if (captures(node).size > 0) throw refuse(node)
      const inputs = node.inputs.map((x) => values.get(x) ?? x)
      const outputs = againAll(b, node, inputs, node.outputs.length)
      for (const [i, y] of node.outputs.entries()) {
        const copy = outputs[i] ?? ''
        if (y === '') continue
        b.know(copy, b.type(y), b.dims(y))
        b.declareShape(copy)
        values.set(y, copy)
      }
      nodes.set(node, { ...node, name: outputs[0] ?? '', inputs, outputs })
    }
  })
  return { of: (value) => values.get(value) ?? value, node: (node) => nodes.get(node) ?? node }
}

/** The nodes that depend on `input`, but for its shape, and that `end` depends on, in order. */
function between(b: Builder, input: string, end: string): readonly Node[] {
  const dependent = new Set([input])
  const behind = sorted(b.graph).filter((node) => {
    if (SHAPES.has(node.op) || ![...reads(node)].some((x) => dependent.has(x))) return false
    for (const y of node.outputs) dependent.add(y)
    return true
  })
  const needed = new Set([end])
  const path = [...behind].reverse().filter((node) => {
    if (!node.outputs.some((y) => y !== '' && needed.has(y))) return false
    for (const x of reads(node)) needed.add(x)
    return true
  })
  return path.reverse()
}

function refuse(node: Node): ExplainError {
  return new ExplainError('unsupported-operator', {
    what: `${describe(node)} holds a graph, which is not computed a second time for another picture`,
    where: describe(node),
    remedy: 'Integrated gradients explain the same change of the score.',
    details: { nodes: [{ name: node.name, op: node.op, domain: node.domain }] },
  })
}
