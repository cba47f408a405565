/** The parts that ONNX Runtime's attention operators share. Values are `[N, heads, tokens, size]` inside. */
import { ExplainError } from '../../core/errors.js'
import { floatOf, intOf, intsOf } from '../../onnx/attributes.js'
import type { Builder, Extent } from '../../onnx/builder.js'
import { describe, type Node } from '../../onnx/ir.js'

export interface Attended {
  readonly q: string
  readonly k: string
  readonly v: string
  /** What is multiplied onto `q k^T`; undefined: 1 / sqrt(size). */
  readonly scale: number | undefined
  /** Added to the scaled scores, broadcast to `[N, heads, queries, keys]`. */
  readonly added: readonly (string | undefined)[]
}

/** `softmax(q k^T scale + added) v` as `[N, queries, heads * size]`. Vaswani et al. 2017, section 3.2. */
export function attend(b: Builder, { q, k, v, scale, added }: Attended): string {
  const factor = scale === undefined ? inverseRoot(b, q) : b.scalar(scale, q)
  const keys = b.op('Transpose', [k], { perm: [0, 1, 3, 2] })
  const scores = b.op('MatMul', [b.op('Mul', [q, factor]), keys])
  const sum = added.reduce<string>((total, term) => (term ? b.op('Add', [total, term]) : total), scores)
  return fromHeads(b, b.op('MatMul', [b.op('Softmax', [sum], { axis: -1 }), v]))
}

/** 1 / sqrt(size of a head) */
function inverseRoot(b: Builder, q: string): string {
  const size = b.extent(q, -1)
  if (typeof size === 'number') return b.scalar(1 / Math.sqrt(size), q)
  return b.op('Reciprocal', [b.op('Sqrt', [b.op('CastLike', [size, q])])])
}

/** `[N, tokens, heads * size]` to `[N, heads, tokens, size]`. */
export function toHeads(b: Builder, x: string, heads: number): string {
  const made = b.op('Transpose', [b.op('Reshape', [x, b.int64s([0, 0, heads, -1])])], { perm: [0, 2, 1, 3] })
  const [n, tokens, width] = b.dims(x) ?? []
  if (typeof width === 'number') b.know(made, b.type(x), [n ?? null, heads, tokens ?? null, width / heads])
  return made
}

function fromHeads(b: Builder, x: string): string {
  return b.op('Reshape', [b.op('Transpose', [x], { perm: [0, 2, 1, 3] }), b.int64s([0, 0, -1])])
}

/** The tokens of the past before the present ones. */
export function afterPast(b: Builder, past: string | undefined, x: string): string {
  return past ? b.op('Concat', [past, x], { axis: 2 }) : x
}

/** The positions `0 .. count - 1`, as int64. */
export function positions(b: Builder, count: Extent): string {
  const scalar = b.op('Squeeze', [b.vector([count])])
  const [zero, one] = [b.op('Squeeze', [b.int64s([0])]), b.op('Squeeze', [b.int64s([1])])]
  return b.op('Range', [zero, scalar, one])
}

/** The rank of a value as far as the file tells it, seen through nodes that tell or keep it. */
export function rankOf(b: Builder, value: string): number | undefined {
  const known = b.rank(value)
  const node = b.graph.producer(value)
  if (known !== undefined || !node) return known
  const [x = '', second = ''] = node.inputs
  if (node.op === 'Transpose') return intsOf(node, 'perm', undefined)?.length ?? rankOf(b, x)
  if (node.op === 'Reshape') return b.graph.constant(second)?.dims[0]
  if (node.op === 'Cast' || node.op === 'Identity') return rankOf(b, x)
  if (node.op !== 'ReduceSum' || intOf(node, 'keepdims', 1) !== 0) return undefined
  const axes = b.graph.constant(second)?.dims[0]
  const inner = rankOf(b, x)
  return axes === undefined || inner === undefined ? undefined : inner - axes
}

/** The rank, taken for the usual one where the file does not tell that of a computed value. Throws for inputs without a rank. */
export function rankOrUsual(b: Builder, node: Node, value: string, usual: number): number {
  return rankOf(b, value) ?? (b.graph.producer(value) ? usual : b.requireRank(value, node.op))
}

export interface Keys {
  /** How many queries and keys there are, those of the past included. */
  readonly queries: Extent
  readonly keys: Extent
}

/**
 * A mask of ORT's attention operators as numbers to add: 0 where a key is seen, `mask_filter_value` where it is not. Its forms:
 *
 * - 1-D, `[N]`: each picture's number of keys; `[2 N]`: the ends, then the starts of what is seen
 * - 2-D, `[N, keys]`, 3-D, `[N, queries, keys]`, 4-D, `[N, 1, most, most]` (of which the last queries are read): 1 where a key is seen
 */
export function maskToAdd(b: Builder, node: Node, mask: string, x: string, { queries, keys }: Keys): string {
  const rank = rankOf(b, mask)
  const seen = (): string => {
    const ones = (value: string): string => b.op('Greater', [value, b.op('CastLike', [b.int64s([0]), value])])
    if (rank === 1) return seenByLength(b, mask, b.op('Shape', [x], { start: 0, end: 1 }), keys)
    if (rank === 2) return ones(b.op('Unsqueeze', [mask, b.int64s([1, 2])]))
    if (rank === 3) return ones(b.op('Unsqueeze', [mask, b.int64s([1])]))
    if (rank === 4) return ones(b.slice(mask, [2, 3], [b.sub(keys, queries), 0], [keys, keys]))
    throw new ExplainError('unsupported-operator', {
      what: `The mask of ${node.op} has a rank that is not supported: ${rank ?? 'the model does not tell it'}`,
      where: describe(node),
      remedy: 'Save the model with the shapes of its values, or without graph optimisation.',
    })
  }
  return b.op('Where', [seen(), b.scalar(0, x), b.scalar(floatOf(node, 'mask_filter_value', -10000), x)])
}

/** `[N, 1, 1, keys]`, from ends `[N]` or ends and starts `[2 N]`. */
function seenByLength(b: Builder, mask: string, batch: string, keys: Extent): string {
  const wide = b.op('Cast', [mask], { to: INT64 })
  // without starts everything begins at 0: the second row is zeros then
  const rows = b.op('Reshape', [wide, b.vector([-1, batch])])
  const zeros = b.op('Expand', [b.int64s([0]), b.vector([1, batch])])
  const both = b.op('Concat', [rows, zeros], { axis: 0 })
  const row = (i: number): string => {
    const one = b.op('Gather', [both, b.int64s([i])], { axis: 0 })
    return b.op('Reshape', [one, b.vector([batch, 1, 1, 1])])
  }
  const at = positions(b, keys)
  return b.op('And', [b.op('Less', [at, row(0)]), b.op('GreaterOrEqual', [at, row(1)])])
}

/** ONNX's element type number. */
const INT64 = 7

/** Far below any score, and far from overflow when added to one. */
const UNSEEN = -1e30

/** What hides from each query the keys behind it: `[queries, keys]`. */
export function causal(b: Builder, x: string, { queries, keys }: Keys): string {
  const own = b.op('Add', [positions(b, queries), b.vector([b.sub(keys, queries)])])
  const seen = b.op('LessOrEqual', [positions(b, keys), b.op('Unsqueeze', [own, b.int64s([1])])])
  return b.op('Where', [seen, b.scalar(0, x), b.scalar(UNSEEN, x)])
}

/** `scale`, which ORT takes for absent where it is 0. */
export function scaleOf(node: Node): number | undefined {
  const scale = floatOf(node, 'scale', 0)
  return scale === 0 ? undefined : scale
}

/** Throws `unsupported-operator` where one of the inputs is there. */
export function refuseInputs(node: Node, inputs: Readonly<Record<string, number>>): void {
  const found = Object.keys(inputs).filter((name) => node.inputs[inputs[name] ?? -1])
  if (found.length === 0) return
  throw new ExplainError('unsupported-operator', {
    what: `${node.op} with ${found.join(' and ')} is not supported`,
    where: describe(node),
    remedy: 'Export the model without caches that are shared between calls.',
  })
}
