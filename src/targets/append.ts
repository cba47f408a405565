/** Puts a target into the graph: the class is a run-time input, so that another class costs no new session. */
import { float32 } from '../core/tensor.js'
import { Builder, declare } from '../onnx/builder.js'
import type { Graph } from '../onnx/ir.js'
import type { Shapes } from '../onnx/shapes.js'
import { protoType } from '../onnx/tensors.js'
import type { Answer } from './answer.js'
import type { Score } from './target.js'

/** The name of the input that takes class indices in this graph: `target`, or the next free name where the model has that. */
export function targetInput(graph: Graph): string {
  let name = 'target'
  for (let n = 1; graph.has(name); n++) name = `target_${n}`
  return name
}

/** Value names of an appended target, over a batch of N pictures. */
export interface AppendedTarget {
  /** The input: int64 `[N]`. */
  readonly input: string
  /** int64 `[N]`: the class of each picture, negative ones replaced by the best answer. */
  readonly chosen: string
  /** `[N, classes]`: what is differentiated. */
  readonly scores: string
  /** `[N, classes]`: the gradient of the wanted score by `scores`: one-hot. A class that is not there fails at run time. */
  readonly seed: string
}

/**
 * Appends the score of a class. The input `input` (int64 `[N]`, or `[1]` for all pictures) is broadcast; `batch` is its declared
 * extent.
 */
export function appendTarget(
  graph: Graph,
  shapes: Shapes,
  answer: Answer,
  score: Score,
  request: { readonly input: string; readonly batch: number | string },
): { graph: Graph; target: AppendedTarget } {
  const { input, batch } = request
  const b = new Builder(graph, shapes)
  return b.scope('onnxplain/target', () => {
    const logits = answer.dims.length === 2 ? answer.logits : b.op('Flatten', [answer.logits], { axis: 1 })
    const scores = score === 'logit' ? logits : probability(b, logits, answer)
    const narrow = (b.type(answer.logits) ?? 'float32') !== 'float32'
    const wide = narrow ? b.op('Cast', [logits], { to: protoType('float32') }) : logits
    const best = b.op('ArgMax', [wide], { axis: 1, keepdims: 0 })
    const chosen = b.op('Where', [b.op('Less', [input, b.int64s([0])]), best, input])
    const count = b.op('Shape', [chosen])
    const filled = (value: number, width: number): string =>
      b.op('Expand', [b.constant(float32([1, 1], [value])), b.op('Concat', [count, b.int64s([width])], { axis: 0 })])
    const column = b.op('Unsqueeze', [chosen, b.int64s([1])])
    const hot = b.op('ScatterElements', [filled(0, answer.classes), column, filled(1, 1)], { axis: 1 })
    const seed = narrow ? b.op('CastLike', [hot, logits]) : hot
    b.know(seed, b.type(answer.logits), [batch, answer.classes])
    b.declareShape(seed)
    return {
      graph: b.finish({ inputs: [...graph.inputs, declare(input, 'int64', [batch])] }),
      target: { input, chosen, scores, seed },
    }
  })
}

function probability(b: Builder, logits: string, answer: Answer): string {
  return answer.activation === 'sigmoid' ? b.op('Sigmoid', [logits]) : b.op('Softmax', [logits], { axis: 1 })
}
