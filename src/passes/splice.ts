/** The nodes of a graph inside put into the graph around, in the place of the node that held it. */
import type { Builder } from '../onnx/builder.js'
import type { Graph, Node } from '../onnx/ir.js'
import { ownValues, renameValues } from '../onnx/subgraphs.js'
import { readTensor } from '../onnx/tensors.js'

/**
 * Hands each node of `body` to `emit`, its values renamed: inputs to what is `given` ('' for one that is absent), outputs to what is
 * `wanted` ('' for one that nobody reads), all others to names that are free. What the body captures keeps its name.
 */
export function splice(
  b: Builder,
  body: Graph,
  given: readonly string[],
  wanted: readonly string[],
  emit: (node: Node) => void,
): void {
  const names = new Map(body.inputs.map((input, i) => [input.name, given[i] ?? '']))
  for (const [name, t] of body.initializers) names.set(name, b.constant(readTensor(t, body.externalData), name))
  const own = ownValues(body)
  const handed: [string, string][] = []
  for (const [i, { name }] of body.outputs.entries()) {
    const output = wanted[i] ?? ''
    if (output === '') continue
    // what a graph hands on as it got it, or gives twice, is made by no node of its own
    if (names.has(name) || !own.has(name)) handed.push([name, output])
    else names.set(name, output)
  }
  const rename = (name: string): string => {
    const known = names.get(name)
    if (known !== undefined || !own.has(name)) return known ?? name
    const made = b.fresh(name)
    names.set(name, made)
    return made
  }
  for (const node of body.nodes) emit({ ...renameValues(node, rename), name: b.fresh(node.name || node.op) })
  for (const [name, output] of handed)
    emit({
      op: 'Identity',
      domain: '',
      name: b.fresh(output),
      inputs: [rename(name)],
      outputs: [output],
      attributes: new Map(),
    })
}
