/** Which value of a network is a picture's embedding. */
import { ExplainError } from '../core/errors.js'
import type { Dim } from '../core/runtime.js'
import type { Graph } from '../onnx/ir.js'
import { printDims, type Shapes } from '../onnx/shapes.js'
import { dependents } from '../passes/dependents.js'
import { type Answer, ROUNDS, TRANSPARENT } from './answer.js'
import { linearLayer } from './linear.js'

/** A value with a row of numbers for each picture, `[N,numbers]`; axes of size 1 may come behind. */
export interface EmbeddingValue {
  readonly value: string
  /** Numbers of a row. */
  readonly size: number
}

/**
 * The embedding: the value that is wanted; else the answer, where that is one; else, of a classifier, what its last linear layer reads, which is what
 * retrieval by classifiers takes (Babenko et al., Neural Codes, ECCV 2014, arXiv 1404.1777). Throws `unknown-value`, and `method-not-applicable`
 * where there is none.
 */
export function embeddingValue(graph: Graph, shapes: Shapes, answer: Answer, wanted?: string): EmbeddingValue {
  const value = wanted ?? (answer.kind === 'classes' ? lastFeatures(graph, shapes, answer.logits) : answer.logits)
  const info = value === undefined ? undefined : shapes.get(value)
  if (wanted !== undefined && !info)
    throw new ExplainError('unknown-value', {
      what: `There is no value "${wanted}" in this model`,
      remedy: 'Name a value [N,numbers], as Netron shows it.',
    })
  const size = sizeOfRow(info?.dims)
  if (value !== undefined && size !== undefined && (wanted !== undefined || answer.kind !== 'map'))
    return { value, size }
  throw new ExplainError('method-not-applicable', {
    what:
      wanted === undefined
        ? `This model gives no embedding of a picture: its answer "${answer.output}" is ${printDims(answer.dims)}, and an embedding is [N, numbers]`
        : `"${wanted}" is ${printDims(info?.dims)}, and an embedding is [N, numbers]`,
    remedy:
      answer.kind === 'values' && answer.dims.length === 3
        ? 'It gives tokens: what pools them and projects them into the space of the texts is missing. Export the tower with its projection (CLIPVisionModelWithProjection, which gives image_embeds), or name a value: { "kind": "similarity", "to": ..., "of": "VALUE" }.'
        : 'Name a value that is: { "kind": "similarity", "to": ..., "of": "VALUE" }.',
  })
}

/** Numbers of a row of `[N,numbers]`. */
function sizeOfRow(dims: readonly Dim[] | undefined): number | undefined {
  const [, size, ...rest] = dims ?? []
  return typeof size === 'number' && rest.every((d) => d === 1) ? size : undefined
}

/** What the last linear layer before the logits reads; undefined where the network ends otherwise. */
function lastFeatures(graph: Graph, shapes: Shapes, logits: string): string | undefined {
  const computed = dependents(
    graph,
    graph.inputs.map((i) => i.name),
  )
  const isWeight = (value: string): boolean => value !== '' && !computed.has(value)
  for (let value = logits; ; ) {
    const node = graph.producer(value)
    const [first = '', second = ''] = node?.inputs ?? []
    if (node?.domain !== '') return undefined
    const linear = linearLayer(node, shapes)
    if (linear && isWeight(linear.weights.value)) return linear.input
    if (node.op === 'Add') value = isWeight(first) ? second : isWeight(second) ? first : ''
    else if (TRANSPARENT.has(node.op) || ROUNDS.has(node.op)) value = first
    else return undefined
  }
}
