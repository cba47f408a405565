/** The class scores of all boxes of a detector as one row of numbers, as they are before boxes are suppressed. */
import { intOf, intsOf } from '../../onnx/attributes.js'
import { Builder } from '../../onnx/builder.js'
import type { Graph } from '../../onnx/ir.js'
import { type Shapes, valueInfo } from '../../onnx/shapes.js'
import type { Score, TargetEnd } from '../target.js'
import type { Columns, DetectionHead } from './head.js'
import { originsOf } from './origins.js'

/** Values whose elements, one after another, are the row. */
export interface BoxScores extends TargetEnd {
  readonly sources: readonly string[]
}

const BEFORE: ReadonlySet<string> = new Set(['Softmax', 'Sigmoid'])

/**
 * `[N, elements]`: of every source of the head's scores (each level of a pyramid, where these are kept apart) all elements, in the order of {@link scoreSources}. As logits
 * they are what the last Softmax or Sigmoid reads, where there is one. Where a head has objectness, they are the products of both, box by box.
 */
export function boxScores(graph: Graph, shapes: Shapes, head: DetectionHead, score: Score): BoxScores {
  const b = new Builder(graph, shapes)
  return b.scope('onnxplain/boxes', () => {
    const sources = head.objectness ? [confidences(b, head.scores, head.objectness)] : scoreSources(graph, shapes, head)
    const rows = sources.map((source) => flat(b, as(b, source, head, score)))
    const joined = rows.length === 1 ? (rows[0] ?? '') : b.op('Concat', rows, { axis: 1 })
    const value = score === 'log-probability' ? b.op('Log', [joined]) : b.op('Identity', [joined])
    const sizes = sources.map((s) => b.dims(s)?.slice(isBatched(b, s) ? 1 : 0))
    const count = sizes.flatMap((s) => s ?? [null]).every((d) => typeof d === 'number')
      ? sizes.reduce((n, s) => n + (s ?? []).reduce<number>((a, d) => a * Number(d), 1), 0)
      : null
    b.know(value, 'float32', [batchOf(graph), count])
    const known = new Map(shapes)
    for (const node of b.nodes)
      for (const name of node.outputs)
        if (b.type(name) ?? b.dims(name)) known.set(name, { name, type: b.type(name), dims: b.dims(name) })
    return { graph: b.finish(), shapes: known, value, sources }
  })
}

/** The values that scores are chosen from, and not the boxes that stand beside them in one output. */
export function scoreSources(graph: Graph, shapes: Shapes, { scores }: DetectionHead): readonly string[] {
  return originsOf(graph, shapes, [holding(graph, shapes, scores)]).sources
}

/** The smallest value that holds these columns: through transpositions, and through concatenations along them. */
function holding(graph: Graph, shapes: Shapes, { value, along, across, from, count }: Columns): string {
  const node = graph.producer(value)
  const rank = shapes.get(value)?.dims?.length ?? 0
  if (node?.domain !== '' || across === undefined) return value
  if (node.op === 'Transpose') {
    const perm = intsOf(node, 'perm', undefined) ?? Array.from({ length: rank }, (_, i) => rank - 1 - i)
    const before = { value: node.inputs[0] ?? '', along: perm[along] ?? 0, across: perm[across] ?? 0, from, count }
    return holding(graph, shapes, before)
  }
  const axis = intOf(node, 'axis', 0)
  if (node.op !== 'Concat' || (axis < 0 ? axis + rank : axis) !== across) return value
  let start = 0
  for (const input of node.inputs) {
    const size = shapes.get(input)?.dims?.[across]
    if (typeof size !== 'number') return value
    if (from >= start && from + count <= start + size)
      return holding(graph, shapes, { value: input, along, across, from: from - start, count })
    start += size
  }
  return value
}

/** A source as what is explained of it. */
function as(b: Builder, source: string, { family, activation }: DetectionHead, score: Score): string {
  const node = b.graph.producer(source)
  if (node?.domain === '' && BEFORE.has(node.op)) return score === 'logit' ? (node.inputs[0] ?? '') : source
  if (family !== 'queries' || score === 'logit' || activation === 'none') return source
  const made = activation === 'sigmoid' ? b.op('Sigmoid', [source]) : b.op('Softmax', [source], { axis: -1 })
  b.know(made, 'float32', b.dims(source))
  return made
}

/** `[N, boxes, classes]`: class scores times objectness. */
function confidences(b: Builder, scores: Columns, objectness: Columns): string {
  const part = ({ value, along, across, from, count }: Columns): string => {
    if (across === undefined) return value
    const cut = b.slice(value, [across], [from], [from + count])
    const turned = along < across ? cut : b.transpose(cut, [0, 2, 1])
    b.know(turned, 'float32', [b.dims(value)?.[0] ?? null, b.dims(value)?.[along] ?? null, count])
    return turned
  }
  const product = b.op('Mul', [part(scores), part(objectness)])
  const dims = b.dims(scores.value)
  b.know(product, 'float32', [dims?.[0] ?? null, dims?.[scores.along] ?? null, scores.count])
  return product
}

/** `[N, elements]`. */
function flat(b: Builder, value: string): string {
  const batch = batchOf(b.graph)
  if (!isBatched(b, value) || typeof batch === 'number') return b.reshape(value, [Number(batch ?? 1), -1])
  return b.op('Flatten', [value], { axis: 1 })
}

/** The pictures' extent: that of the first input of three axes and more. */
function batchOf(graph: Graph): number | string | null {
  const picture = graph.inputs.map((i) => valueInfo(i).dims ?? []).find((dims) => dims.length >= 3)
  return picture?.[0] ?? null
}

/** True where the first axis is the pictures': models of one picture may leave it out, as torchvision's do. */
function isBatched(b: Builder, value: string): boolean {
  const [first] = b.dims(value) ?? []
  const batch = batchOf(b.graph)
  return typeof batch !== 'number' || first === batch
}
