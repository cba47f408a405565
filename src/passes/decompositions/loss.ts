/** Losses, which models that were exported for training end with. */
import { intOf, stringOf } from '../../onnx/attributes.js'
import type { Builder } from '../../onnx/builder.js'
import type { Node } from '../../onnx/ir.js'
import { defineDecompositions } from './decomposition.js'

/**
 * `-weights[t] logs[n, t]` for each target `t`, 0 where it is `ignore_index`; as they are, summed, or divided by the sum of the weights.
 * `logs` is `[N, C, ...]`, `targets` `[N, ...]`, `weights` `[C]` or ''.
 */
function likelihood(b: Builder, node: Node, logs: string, targets: string, weights: string): string {
  const ignored = intOf(node, 'ignore_index', undefined)
  const kept =
    ignored === undefined
      ? undefined
      : b.op('Not', [b.op('Equal', [targets, b.op('CastLike', [b.int64s([ignored]), targets])])])
  const zero = b.op('CastLike', [b.int64s([0]), targets])
  const valid = kept === undefined ? targets : b.op('Where', [kept, targets, zero])
  const axis = b.int64s([1])
  const picked = b.op('GatherElements', [logs, b.op('Unsqueeze', [valid, axis])], { axis: 1 })
  const own = b.op('Neg', [b.op('Squeeze', [picked, axis])])
  const given = weights ? b.op('Gather', [weights, valid], { axis: 0 }) : undefined
  const counted = kept && b.op('Where', [kept, given ?? b.scalar(1, logs), b.scalar(0, logs)])
  const weight = counted ?? given
  const losses = weight ? b.op('Mul', [own, weight]) : own
  const reduction = stringOf(node, 'reduction', 'mean')
  if (reduction === 'none') return losses
  const sum = (value: string): string => b.op('ReduceSum', [value], { keepdims: 0 })
  if (reduction === 'sum') return sum(losses)
  return weight ? b.op('Div', [sum(losses), sum(weight)]) : b.op('ReduceMean', [losses], { keepdims: 0 })
}

export const loss = defineDecompositions({
  NegativeLogLikelihoodLoss: (node, b) => {
    const [logs = '', targets = '', weights = ''] = node.inputs
    return [likelihood(b, node, logs, targets, weights)]
  },
  /** The same of `log softmax(scores)` over the classes, which is the second output. */
  SoftmaxCrossEntropyLoss: (node, b) => {
    const [scores = '', targets = '', weights = ''] = node.inputs
    const logs = b.op('LogSoftmax', [scores], { axis: 1 })
    return [likelihood(b, node, logs, targets, weights), logs]
  },
})
