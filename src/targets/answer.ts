/** Where a model's answer lies in the graph: the value that is explained, and what the model puts behind it. */
import { ExplainError } from '../core/errors.js'
import type { Dim } from '../core/runtime.js'
import { type Graph, reads } from '../onnx/ir.js'
import type { Shapes } from '../onnx/shapes.js'
import { findDetections } from './detections/find.js'
import type { DetectionHead } from './detections/head.js'

/** What turns logits into the model's own output. */
export type FinalActivation = 'none' | 'softmax' | 'log-softmax' | 'sigmoid'

/**
 * What an answer is: scores of classes `[N, classes]` (axes of size 1 may come behind), of words `[N, words, vocabulary]`, of the places of a map
 * `[N, classes, height, width]`, of boxes `[N, boxes, classes]`; an embedding `[N, numbers]`; or other numbers.
 */
export type AnswerKind = 'classes' | 'words' | 'map' | 'boxes' | 'embedding' | 'values'

export interface Answer {
  readonly kind: AnswerKind
  /** The graph output that holds the answer. */
  readonly output: string
  /** The value before the final activation: the output itself where there is none. */
  readonly logits: string
  /** The shape of `logits`. */
  readonly dims: readonly Dim[]
  /** How many classes, words or numbers there are along the axis of these. */
  readonly classes: number
  readonly activation: FinalActivation
  /** Other outputs that could be the answer. */
  readonly others: readonly string[]
  /** Where the boxes are, of an answer of boxes. */
  readonly head?: DetectionHead | undefined
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

/** An output that may be the answer. */
interface Candidate {
  readonly kind: AnswerKind
  readonly output: string
  readonly dims: readonly Dim[]
  readonly classes: number
}

/** What else is known of a model whose answer is looked for. */
export interface AnswerHints {
  readonly labels?: number | undefined
  readonly picture?: string | undefined
}

/**
 * Finds the answer of a model: the boxes of a detector, the wanted output, or the first of those that tell most, of which no other one of the same kind is made: classes before
 * words, words before maps, maps before embeddings; any output of floats where there is none of these. And the value before its final activation.
 * `picture`: the input that takes the picture; an output that does not read it (a text's embedding) is no answer about it, unless it is wanted.
 * `labels` is how many labels there are, which tells columns of a detector apart.
 * Throws `method-not-applicable` where there is no output of floats, or the wanted one is none.
 */
export function findAnswer(
  graph: Graph,
  shapes: Shapes,
  wanted?: string,
  { labels, picture }: AnswerHints = {},
): Answer {
  const head = findDetections(graph, shapes, { classes: labels })
  if (head && (wanted === undefined || wanted === head.scores.value)) return boxesAnswer(shapes, head)
  const all = graph.outputs.map((o) => candidateOf(graph, shapes, o.name)).filter((c) => c !== undefined)
  const about = all.filter((c) => picture === undefined || isMadeFrom(graph, c.output, picture))
  const candidates = ORDER.map((kind) => about.filter((c) => c.kind === kind)).find((list) => list.length > 0) ?? []
  const last = candidates.filter(
    (c) => !candidates.some((other) => other !== c && isMadeFrom(graph, other.output, c.output)),
  )
  const found = wanted === undefined ? last[0] : all.find((c) => c.output === wanted)
  if (!found) throw noAnswer(graph, shapes, all, wanted)
  const others = candidates.filter((c) => c !== found && c.kind === found.kind).map((c) => c.output)
  return { ...found, others, ...beforeActivation(graph, shapes, found) }
}

/** Boxes with scores of classes each; what of them is explained is made of the head by the target. */
function boxesAnswer(shapes: Shapes, head: DetectionHead): Answer {
  const { value, count } = head.scores
  const dims = shapes.get(value)?.dims ?? []
  return { kind: 'boxes', output: value, logits: value, dims, classes: count, activation: 'none', others: [], head }
}

/** What tells most comes first. */
const ORDER: readonly AnswerKind[] = ['classes', 'words', 'map', 'embedding', 'values']

/** What an output may be by its name and shape; undefined for outputs that hold no floats. */
function candidateOf(graph: Graph, shapes: Shapes, output: string): Candidate | undefined {
  const info = shapes.get(output)
  const dims = info?.dims
  if (!dims || dims.length === 0 || (info.type !== undefined && !info.type.includes('float'))) return undefined
  const [, second = null, third = null, ...rest] = dims
  const made = (kind: AnswerKind, classes: Dim): Candidate => ({
    kind,
    output,
    dims,
    classes: typeof classes === 'number' ? classes : 1,
  })
  if (typeof second === 'number' && dims.slice(2).every((d) => d === 1))
    return made(EMBEDDING.test(output) ? 'embedding' : 'classes', second)
  if (dims.length === 3 && typeof third === 'number' && readsTokens(graph, output)) return made('words', third)
  if (dims.length === 4 && rest.length === 1 && typeof second === 'number') return made('map', second)
  return made('values', dims.at(-1) ?? null)
}

/** Names that exporters give to embeddings. */
const EMBEDDING = /embed|pooler|(^|_)features?$/i

/** True for scores of words: an input of whole numbers, tokens, leads to them. */
function readsTokens(graph: Graph, value: string): boolean {
  const ids = graph.inputs.filter((i) => /(^|_)ids?$|tokens?$/.test(i.name)).map((i) => i.name)
  return ids.some((id) => isMadeFrom(graph, value, id))
}

function noAnswer(graph: Graph, shapes: Shapes, all: readonly Candidate[], wanted: string | undefined): ExplainError {
  const outputs = graph.outputs.map((o) => `${o.name} [${shapes.get(o.name)?.dims?.join(', ') ?? '?'}]`)
  const isThere = wanted === undefined || graph.outputs.some((o) => o.name === wanted)
  const what =
    wanted === undefined
      ? 'No output of this model holds numbers that can be explained'
      : isThere
        ? `The output "${wanted}" holds no numbers that can be explained`
        : `There is no output "${wanted}" in this model`
  const names = all.map((c) => c.output)
  return new ExplainError('method-not-applicable', {
    what: `${what}; the outputs are ${outputs.join(', ')}`,
    remedy: outputs.some((o) => o.includes('?'))
      ? 'Pass the shapes that probe(graph, runtime) finds.'
      : names.length > 0
        ? `Explained can be: ${names.join(', ')}.`
        : 'onnxplain explains outputs of floats.',
  })
}

/** The value before the final activation, of the same shape but for axes of size 1. */
function beforeActivation(
  graph: Graph,
  shapes: Shapes,
  found: Candidate,
): Pick<Answer, 'logits' | 'dims' | 'activation'> {
  const none = { logits: found.output, dims: found.dims, activation: 'none' } as const
  if (found.kind === 'embedding' || found.kind === 'values') return none
  let value = found.output
  for (let node = graph.producer(value); node; node = graph.producer(value)) {
    const activation = node.domain === '' ? ACTIVATIONS.get(node.op) : undefined
    const [input = ''] = node.inputs
    if (activation) {
      const dims = shapes.get(input)?.dims
      const shaped =
        dims !== undefined &&
        (found.kind === 'classes' ? classCount(dims) === found.classes : dims.length === found.dims.length)
      // a map's or a text's logits are explained in their own shape
      if (found.kind !== 'classes' && !shaped) return none
      return { logits: input, dims: shaped ? dims : found.dims, activation }
    }
    if (node.domain !== '' || !(TRANSPARENT.has(node.op) || ROUNDS.has(node.op))) break
    value = input
  }
  return none
}

/** True where `value` is computed from `source`. */
export function isMadeFrom(graph: Graph, value: string, source: string): boolean {
  const seen = new Set([value])
  const queue = [value]
  for (let name = queue.pop(); name !== undefined; name = queue.pop()) {
    const node = graph.producer(name)
    for (const input of node ? reads(node) : []) {
      if (input === source) return true
      if (!seen.has(input) && seen.add(input)) queue.push(input)
    }
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
