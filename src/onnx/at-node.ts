/** Work on one node, with errors that name it. */
import { ExplainError } from '../core/errors.js'
import type { Node } from './ir.js'
import { printNode } from './print.js'

/**
 * What `work` gives. Where it fails otherwise than by an ExplainError, the node is not as its operator's definition has it (an input
 * missing, another rank): throws `invalid-model`.
 */
export function atNode<T>(node: Node, work: () => T): T {
  try {
    return work()
  } catch (cause) {
    if (cause instanceof ExplainError) throw cause
    throw new ExplainError('invalid-model', {
      what: `This ${node.op} is not as the standard has it: ${cause instanceof Error ? cause.message : cause}`,
      where: printNode(node),
      remedy: 'Where ONNX Runtime runs the model, this is a fault of onnxplain; please report it with the model.',
      cause,
    })
  }
}
