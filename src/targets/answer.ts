/** Where a classifier's answer lies in the graph: the logits, and what the model puts behind them. */
import { ExplainError } from '../core/errors.js'
import type { Dim } from '../core/runtime.js'
import type { Graph } from '../onnx/ir.js'
import type { Shapes } from '../onnx/shapes.js'

/** What turns logits into the model's own output. */
export type FinalActivation = 'none' | 'softmax' | 'log-softmax' | 'sigmoid'

export interface Answer {
  /** The graph output that holds the answer. */
  readonly output: string
  /** The value before the final activation: the output itself where there is none. */
  readonly logits: string
  /** The shape of `logits`: `[N, classes]`, perhaps with axes of size 1 behind. */
  readonly dims: readonly Dim[]
  readonly classes: number
  readonly activation: FinalActivation
  /** Other outputs that could be the answer. */
  readonly others: readonly string[]
}

const ACTIVATIONS: ReadonlyMap<string, FinalActivation> = new Map([
  ['Softmax', 'softmax'],
  ['LogSoftmax', 'log-softmax'],
  ['Sigmoid', 'sigmoid'],
])
/** Operators that only rearrange or relabel: what lies before them is looked for through them. */
export const TRANSPARENT: ReadonlySet<string> = new Set([
  'Identity',
  'Flatten',
  'Reshape',
  'Squeeze',
  'Unsqueeze',
  'Cast',
  'Dropout',
])

/** Operators that round to fewer numbers, and back: what lies before them is looked for through them too. */
export const ROUNDS: ReadonlySet<string> = new Set(['QuantizeLinear', 'DequantizeLinear'])

/**
 * Finds the answer of a classifier: the wanted output, or the first one of shape `[N, classes]` (or `[N, classes, 1, 1]`) that no other
 * such output is made from; and the logits behind its final activation. Throws `method-not-applicable` where no output, or not the
 * wanted one, has that shape.
 */
export function findAnswer(graph: Graph, shapes: Shapes, wanted?: string): Answer {
  const candidates = graph.outputs.flatMap((o) => {
    const dims = shapes.get(o.name)?.dims
    const classes = dims && classCount(dims)
    return dims && classes ? [{ output: o.name, dims, classes }] : []
  })
  const last = candidates.filter(
    (c) => !candidates.some((other) => other !== c && isMadeFrom(graph, other.output, c.output)),
  )
  const found = wanted === undefined ? last[0] : candidates.find((c) => c.output === wanted)
  if (!found) {
    const outputs = graph.outputs.map((o) => `${o.name} [${shapes.get(o.name)?.dims?.join(', ') ?? '?'}]`)
    const isThere = wanted === undefined || graph.outputs.some((o) => o.name === wanted)
    const what =
      wanted === undefined
        ? 'No output of this model is a list of class scores [N, classes]'
        : isThere
          ? `The output "${wanted}" is no list of class scores [N, classes]`
          : `There is no output "${wanted}" in this model`
    const names = candidates.map((c) => c.output)
    throw new ExplainError('method-not-applicable', {
      what: `${what}; the outputs are ${outputs.join(', ')}`,
      remedy: outputs.some((o) => o.includes('?'))
        ? 'Pass the shapes that probe(graph, runtime) finds.'
        : names.length > 0
          ? `Class scores are: ${names.join(', ')}.`
          : 'onnxplain explains classifiers.',
    })
  }
  const others = candidates.filter((c) => c !== found).map((c) => c.output)
  const parts = { ...found, others }
  let value = found.output
  for (let node = graph.producer(value); node; node = graph.producer(value)) {
    const activation = node.domain === '' ? ACTIVATIONS.get(node.op) : undefined
    const [input = ''] = node.inputs
    if (activation) {
      const dims = shapes.get(input)?.dims
      const shaped = dims !== undefined && classCount(dims) === found.classes
      return { ...parts, logits: input, dims: shaped ? dims : found.dims, activation }
    }
    if (node.domain !== '' || !(TRANSPARENT.has(node.op) || ROUNDS.has(node.op))) break
    value = input
  }
  return { ...parts, logits: found.output, activation: 'none' }
}

/** True where `value` is computed from `source`. */
function isMadeFrom(graph: Graph, value: string, source: string): boolean {
  const seen = new Set([value])
  const queue = [value]
  for (let name = queue.pop(); name !== undefined; name = queue.pop())
    for (const input of graph.producer(name)?.inputs ?? []) {
      if (input === source) return true
      if (!seen.has(input) && seen.add(input)) queue.push(input)
    }
  return false
}

/** The number of classes where a shape is one of scores. */
function classCount(dims: readonly Dim[]): number | undefined {
  const [, classes, ...rest] = dims
  return typeof classes === 'number' && rest.every((d) => d === 1) ? classes : undefined
}

/** Softmax of a row of logits, in double precision. */
export function softmax(logits: Float32Array): Float64Array {
  const largest = logits.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY)
  const exponentials = Float64Array.from(logits, (v) => Math.exp(v - largest))
  const sum = exponentials.reduce((a, b) => a + b, 0)
  return exponentials.map((v) => v / sum)
}

/** Probabilities of a row of logits: independent ones behind a sigmoid, else softmax. */
export function probabilities(logits: Float32Array, activation: FinalActivation): Float64Array {
  return activation === 'sigmoid' ? Float64Array.from(logits, (v) => 1 / (1 + Math.exp(-v))) : softmax(logits)
}
