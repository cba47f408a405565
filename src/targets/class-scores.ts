/** Scores of classes in the graph, and weights of theirs. */
import { float32 } from '../core/tensor.js'
import type { Builder, Extent } from '../onnx/builder.js'
import { type Answer, probabilities } from './answer.js'
import type { AppendContext, Score, TargetForm } from './target.js'

/** The form of targets that are about classes. */
export function scoreForm(kind: string, score: Score): TargetForm {
  return { kind, score }
}

/** What a form says is explained of a class. */
export function scoreOf(form: TargetForm): Score {
  return form.score === 'probability' || form.score === 'log-probability' ? form.score : 'logit'
}

/** Logits as what is explained of them, along the axis of classes. */
export function scored(b: Builder, logits: string, answer: Answer, score: Score, axis: number): string {
  if (score === 'logit') return logits
  const like = (value: string): string => {
    b.know(value, b.type(logits), b.dims(logits))
    return value
  }
  const isLog = score === 'log-probability'
  if (answer.activation !== 'sigmoid') return like(b.op(isLog ? 'LogSoftmax' : 'Softmax', [logits], { axis }))
  // log sigmoid(x) = -softplus(-x)
  return like(isLog ? b.op('Neg', [b.op('Softplus', [b.op('Neg', [logits])])]) : b.op('Sigmoid', [logits]))
}

/** `[N, classes]`: the scores of a list of classes. */
export function classScores({ b, end, answer, batch }: AppendContext, score: Score): string {
  const flat = answer.dims.length === 2 ? end : b.op('Flatten', [end], { axis: 1 })
  if (flat !== end) b.know(flat, b.type(end), [batch, answer.classes])
  return scored(b, flat, answer, score, 1)
}

/** int64 `[N]`: the class of each row, negative ones replaced by the best answer where something is left open. */
export function chosenOf({ b, settled }: AppendContext, input: string, scores: string): string {
  if (settled) return input
  const best = b.op('ArgMax', [wide(b, scores)], { axis: 1, keepdims: 0 })
  const chosen = b.op('Where', [b.op('Less', [input, b.int64s([0])]), best, input])
  b.know(chosen, 'int64', b.dims(input))
  return chosen
}

/** `[N, count]`, float32: 1 at each row's index. An index that is not there fails at run time. */
export function hotRows(b: Builder, index: string, count: Extent): string {
  const rows = b.op('Shape', [index])
  const filled = (value: number, width: Extent): string =>
    b.op('Expand', [b.constant(float32([1, 1], [value])), b.op('Concat', [rows, b.vector([width])], { axis: 0 })])
  const column = b.op('Unsqueeze', [index, b.int64s([1])])
  return b.op('ScatterElements', [filled(0, count), column, filled(1, 1)], { axis: 1 })
}

/** A seed, of the element type of what it weighs, its shape known. */
export function asSeed({ b, batch }: AppendContext, value: string, scores: string): string {
  const type = b.type(scores) ?? 'float32'
  const seed = type === 'float32' ? value : b.op('CastLike', [value, scores])
  const dims = b.dims(scores)
  b.know(seed, type, dims && [batch, ...dims.slice(1)])
  b.declareShape(seed)
  return seed
}

/** As float32: ONNX Runtime has no ArgMax of narrower numbers everywhere. */
export function wide(b: Builder, value: string): string {
  return (b.type(value) ?? 'float32') === 'float32' ? value : b.op('Cast', [value], { to: 1 })
}

/** The score of one class, of a row of logits. */
export function scoreOfRow(logits: Float32Array, { activation }: Answer, index: number, score: Score): number {
  if (score === 'logit') return logits[index] ?? 0
  const p = probabilities(logits, activation)[index] ?? 0
  return score === 'probability' ? p : Math.log(p)
}
