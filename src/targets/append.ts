/** Puts a target into the graph: the class is a run-time input, so that another class costs no new session. */
import { ExplainError } from '../core/errors.js'
import { type DataType, float32, tensor } from '../core/tensor.js'
import { Builder, declare } from '../onnx/builder.js'
import type { Graph } from '../onnx/ir.js'
import type { Shapes } from '../onnx/shapes.js'
import type { Answer } from './answer.js'
import type { Score } from './target.js'

/** The name of the input that takes class indices. */
export const TARGET_INPUT = 'target'

/** Value names of an appended target, over a batch of N pictures. */
export interface AppendedTarget {
  /** int64 `[N]`: the class of each picture, -1 replaced by the best answer. */
  readonly chosen: string
  /** `[N, classes]`: what is differentiated. */
  readonly scores: string
  /** `[N, classes]`: the gradient of the wanted score by `scores`: one-hot. */
  readonly seed: string
  /** `[N]`: the score of the chosen class. */
  readonly score: string
  /** `[N, classes]`: the logits. */
  readonly logits: string
}

/**
 * Appends the score of a class. Without a batch axis of its own the input `target` (int64 `[N]`, or `[1]` for all pictures)
 * is broadcast. `batch` is the declared extent of that input.
 */
export function appendTarget(
  graph: Graph,
  shapes: Shapes,
  answer: Answer,
  score: Score,
  batch: number | string,
): { graph: Graph; target: AppendedTarget } {
  const b = new Builder(graph, shapes)
  if (graph.producer(TARGET_INPUT) || graph.initializers.has(TARGET_INPUT))
    throw new ExplainError('method-not-applicable', {
      what: `This model has a value of its own that is called "${TARGET_INPUT}", which is the name of the input for the class`,
      remedy: 'Rename that value. Methods of many runs, such as occlusion, still work.',
    })
  return b.scope('onnxplain/target', () => {
    const logits = answer.dims.length === 2 ? answer.logits : b.op('Flatten', [answer.logits], { axis: 1 })
    const probability =
      answer.activation === 'sigmoid' ? b.op('Sigmoid', [logits]) : b.op('Softmax', [logits], { axis: 1 })
    const scores = score === 'logit' ? logits : probability
    const best = b.op('ArgMax', [logits], { axis: 1, keepdims: 0 })
    const unset = b.op('Less', [TARGET_INPUT, b.int64s([0])])
    const chosen = b.op('Where', [unset, best, TARGET_INPUT])
    const values = b.constant(onOff(b.type(answer.logits)), 'off_on')
    const seed = b.op('OneHot', [chosen, b.int64s([answer.classes]), values], { axis: 1 })
    b.know(seed, b.type(answer.logits), [batch, answer.classes])
    b.declareShape(seed)
    const column = b.op('Unsqueeze', [chosen, b.int64s([1])])
    const picked = b.op('Squeeze', [b.op('GatherElements', [scores, column], { axis: 1 }), b.int64s([1])])
    const inputs = [...graph.inputs, declare(TARGET_INPUT, 'int64', [batch])]
    const target = { chosen, scores, seed, score: picked, logits }
    return { graph: b.finish({ inputs }), target }
  })
}

function onOff(type: DataType | undefined): ReturnType<typeof tensor> {
  if (type === 'float16') return tensor('float16', [2], Uint16Array.of(0, 0x3c00))
  if (type === 'float64') return tensor('float64', [2], Float64Array.of(0, 1))
  return float32([2], [0, 1])
}
