/**
 * Labels as texts: which of them a picture is most like (zero-shot classification; Radford et al., CLIP, ICML 2021, arXiv 2103.00020, section 3.1.2:
 * softmax of the cosines times the learned scale).
 */
import type { Graph } from '../onnx/ir.js'
import { type Answer, isMadeFrom, softmax } from '../targets/answer.js'
import type { ClassAnswer } from './explanation.js'

/** What CLIP's learned scale is held below, and comes to in training (section 2.5): taken where the graph holds none. */
const USUAL_SCALE = 100

/** The labels by their cosines with the picture, best first. */
export function promptAnswers(
  labels: readonly string[],
  picture: Float32Array,
  texts: readonly Float32Array[],
  scale: number = USUAL_SCALE,
): readonly ClassAnswer[] {
  const logits = Float32Array.from(texts, (text) => scale * cosine(picture, text))
  const p = softmax(logits)
  return labels
    .map((label, index) => ({ index, label, logit: logits[index] ?? 0, probability: p[index] ?? 0 }))
    .sort((a, b) => b.logit - a.logit)
}

/** Of two embeddings of one length; 0 where one of them is 0. */
export function cosine(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let [dot, aa, bb] = [0, 0, 0]
  for (let i = 0; i < a.length; i++) {
    const [x, y] = [a[i] ?? 0, b[i] ?? 0]
    dot += x * y
    aa += x * x
    bb += y * y
  }
  return dot / Math.max(Math.sqrt(aa * bb), 1e-12)
}

/** Operators between the embeddings and the scores that are made of both. */
const ON_THE_WAY: ReadonlySet<string> = new Set(['Transpose', 'Cast', 'Identity', 'Add', 'Mul', 'MatMul', 'Gemm'])

/** The scale of the cosines in a graph that scores texts itself; undefined where none is found. */
export function logitScale(graph: Graph, answer: Answer): number | undefined {
  const scores = graph.outputs.map((o) => o.name).filter((name) => isMadeFrom(graph, name, answer.logits))
  const queue = [...scores]
  const seen = new Set(queue)
  for (let value = queue.shift(); value !== undefined; value = queue.shift()) {
    const node = graph.producer(value)
    if (!node || !ON_THE_WAY.has(node.op)) continue
    if (node.op === 'Mul')
      for (const input of node.inputs) {
        const scale = scalarOf(graph, input)
        if (scale !== undefined) return scale
      }
    for (const input of node.inputs)
      if (input !== answer.logits && !seen.has(input)) {
        seen.add(input)
        queue.push(input)
      }
  }
  return undefined
}

/** A number that follows from a weight alone: itself, or its exponential. */
function scalarOf(graph: Graph, value: string): number | undefined {
  const constant = graph.constant(value)
  if (constant) return constant.data.length === 1 ? Number(constant.data[0]) : undefined
  const node = graph.producer(value)
  const inner =
    node && ['Exp', 'Cast', 'Identity'].includes(node.op) ? scalarOf(graph, node.inputs[0] ?? '') : undefined
  return inner !== undefined && node?.op === 'Exp' ? Math.exp(inner) : inner
}
