/** A network that answers targets' scores for pictures: what loops around runs ask for. Pure, as `compile` is. */

import { Builder, declare } from '../onnx/builder.js'
import type { Graph } from '../onnx/ir.js'
import type { Shapes } from '../onnx/shapes.js'
import type { Answer } from '../targets/answer.js'
import { appendTarget, type TargetInput } from '../targets/append.js'
import type { TargetForm } from '../targets/target.js'
import { TARGETS_AXIS } from './batch.js'
import { asFloat32 } from './map-builder.js'

export interface ScoresPlan {
  readonly graph: Graph
  /** Run-time inputs `[T,...]`: a row for each of T targets. */
  readonly targetInputs: readonly TargetInput[]
  /** The output float32 `[N,T]`; `[N,1]` for targets that have no input. */
  readonly scores: string
}

/** Adds the scores of T targets, in which nothing is left open, for each of N pictures. */
export function compileScores(
  graph: Graph,
  shapes: Shapes,
  request: { readonly answer: Answer; readonly form: TargetForm; readonly end: string },
): ScoresPlan {
  const appended = appendTarget(graph, shapes, { ...request, batch: TARGETS_AXIS, settled: true })
  const { scores, seed, inputs } = appended.target
  const b = new Builder(appended.graph, appended.shapes)
  const value = b.scope('onnxplain/scores', () => {
    const flat = (of: string): string => (b.rank(of) === 2 ? of : b.op('Flatten', [of], { axis: 1 }))
    const sums =
      inputs.length > 0
        ? b.op('MatMul', [flat(scores), b.transpose(flat(seed), [1, 0])])
        : b.reduceSum(flat(b.op('Mul', [scores, seed])), [1], true)
    return asFloat32(b, sums)
  })
  return {
    graph: b.finish({ outputs: [...appended.graph.outputs, declare(value, 'float32')] }),
    targetInputs: inputs,
    scores: value,
  }
}
