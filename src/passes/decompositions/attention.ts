/** Attention: scaled dot products, a softmax, and the mean of the values that it weighs. Vaswani et al. 2017. */
import { floatOf, intOf } from '../../onnx/attributes.js'
import type { Builder, Extent } from '../../onnx/builder.js'
import type { Node } from '../../onnx/ir.js'
import { atTies, defineDecompositions } from './decomposition.js'
import { isBoolean, range, rankOf } from './parts.js'

/** `[N, T, heads * size]` to `[N, heads, T, size]`. */
function splitHeads(b: Builder, value: string, heads: number): string {
  return b.op('Transpose', [b.op('Reshape', [value, b.int64s([0, 0, heads, -1])])], { perm: [0, 2, 1, 3] })
}

/** Each head `groups` times in a row, so that there are `heads`. Ainslie et al. 2023, grouped queries. */
function repeatHeads(b: Builder, value: string, heads: Extent, own: Extent): string {
  if (heads === own) return value
  const apart = b.op('Unsqueeze', [value, b.int64s([2])])
  const repeated = b.op('Expand', [apart, b.vector([1, 1, b.div(heads, own), 1, 1])])
  return b.reshape(repeated, [0, heads, b.extent(value, 2), b.extent(value, 3)])
}

/** `1 / sqrt(size)` of the last axis, unless the node says otherwise. */
function scaleOf(b: Builder, node: Node, q: string): string {
  if (node.attributes.has('scale')) return b.scalar(floatOf(node, 'scale', 1), q)
  const size = b.extent(q, -1)
  if (typeof size === 'number') return b.scalar(1 / Math.sqrt(size), q)
  return b.op('Reciprocal', [b.op('Sqrt', [b.op('CastLike', [size, q])])])
}

interface Bias {
  /** What is added to the scores: 0, or -infinity where a key is not attended, or what a float mask holds. */
  readonly value: string
  /** Whether a query may be left without any key. */
  readonly mayBeEmpty: boolean
}

/** The bias of masks, causality, windows and padding. `queries` and `keys` are `[N, heads, T, size]`. */
function biasOf(b: Builder, node: Node, queries: string, keys: string): Bias | undefined {
  const [, , , mask = '', pastKey = '', , lengths = ''] = node.inputs
  const minusInfinity = b.scalar(Number.NEGATIVE_INFINITY, queries)
  const zero = b.scalar(0, queries)
  const parts: string[] = []
  if (mask) {
    const added = isBoolean(b, mask) ? b.op('Where', [mask, zero, minusInfinity]) : mask
    const missing = b.sub(b.extent(keys, 2), b.extent(mask, -1))
    const pads = (): string => b.vector([0, missing])
    parts.push(missing === 0 ? added : b.op('Pad', [added, pads(), minusInfinity, b.int64s([-1])]))
  }
  const count = b.extent(queries, 2)
  const key = range(b, b.extent(keys, 2))
  const perPicture = (): string => b.reshape(lengths, [-1, 1, 1, 1])
  /** How many keys stand before the queries: one number, or one per picture. */
  const before = (): string => {
    if (pastKey) return b.vector([b.extent(pastKey, 2)])
    return lengths ? b.op('Sub', [perPicture(), b.vector([count])]) : b.int64s([0])
  }
  const left = intOf(node, 'left_window_size', -1)
  const right = intOf(node, 'right_window_size', -1)
  const conditions: string[] = []
  if (intOf(node, 'is_causal', 0) !== 0 || left >= 0 || right >= 0) {
    const position = b.op('Add', [b.op('Unsqueeze', [range(b, count), b.int64s([1])]), before()])
    if (intOf(node, 'is_causal', 0) !== 0) conditions.push(b.op('LessOrEqual', [key, position]))
    if (left >= 0) conditions.push(b.op('GreaterOrEqual', [key, b.op('Sub', [position, b.int64s([left])])]))
    if (right >= 0) conditions.push(b.op('LessOrEqual', [key, b.op('Add', [position, b.int64s([right])])]))
  }
  if (lengths) conditions.push(b.op('Less', [key, perPicture()]))
  if (conditions.length > 0)
    parts.push(b.op('Where', [conditions.reduce((a, c) => b.op('And', [a, c])), zero, minusInfinity]))
  if (parts.length === 0) return undefined
  return { value: parts.reduce((a, p) => b.op('Add', [a, p])), mayBeEmpty: mask !== '' || lengths !== '' || left >= 0 }
}

/** The softmax, computed in the type that the node asks for. */
function softmax(b: Builder, node: Node, scores: string): string {
  const to = intOf(node, 'softmax_precision', undefined)
  if (to === undefined) return b.op('Softmax', [scores], { axis: -1 })
  return b.op('CastLike', [b.op('Softmax', [b.op('Cast', [scores], { to })], { axis: -1 }), scores])
}

/** The weights of the keys; zeros for a query that attends none. */
function weightsOf(b: Builder, node: Node, scores: string, bias: Bias | undefined): string {
  if (!bias) return softmax(b, node, scores)
  if (!bias.mayBeEmpty) return softmax(b, node, b.op('Add', [scores, bias.value]))
  const highest = b.op('ReduceMax', [bias.value, b.int64s([-1])], { keepdims: 1 })
  const empty = b.op('Equal', [highest, b.scalar(Number.NEGATIVE_INFINITY, highest)])
  const zero = b.scalar(0, scores)
  const finite = b.op('Where', [empty, zero, bias.value])
  return b.op('Where', [empty, zero, softmax(b, node, b.op('Add', [scores, finite]))])
}

export const attention = defineDecompositions({
  /**
   * `softmax(cap(scale q k^T) + bias) v`, with `cap(s) = c tanh(s / c)`. Inputs are `[N, heads, T, size]`, or `[N, T, heads * size]`
   * with the numbers of heads as attributes. The fourth output is one of the steps on the way to the weights.
   */
  Attention: atTies('0 for a query that attends no key', (node, b) => {
    const [q = '', k = '', v = '', , pastKey = '', pastValue = ''] = node.inputs
    const [, , , wanted = ''] = node.outputs
    const [queryHeads, keyHeads] = [intOf(node, 'q_num_heads', 0), intOf(node, 'kv_num_heads', 0)]
    const flat = queryHeads > 0 && rankOf(b, q) !== 4
    const queries = flat ? splitHeads(b, q, queryHeads) : q
    const withPast = (past: string, value: string): string => {
      const own = flat ? splitHeads(b, value, keyHeads) : value
      return past ? b.op('Concat', [past, own], { axis: 2 }) : own
    }
    const [presentKey, presentValue] = [withPast(pastKey, k), withPast(pastValue, v)]
    const heads = flat ? queryHeads : b.extent(q, 1)
    const own = flat ? keyHeads : b.extent(k, 1)
    const keys = b.op('Transpose', [repeatHeads(b, presentKey, heads, own)], { perm: [0, 1, 3, 2] })
    const raw = b.op('MatMul', [b.op('Mul', [queries, scaleOf(b, node, queries)]), keys])
    const cap = floatOf(node, 'softcap', 0)
    const capped =
      cap > 0 ? b.op('Mul', [b.op('Tanh', [b.op('Div', [raw, b.scalar(cap, raw)])]), b.scalar(cap, raw)]) : raw
    const bias = biasOf(b, node, queries, presentKey)
    const weights = weightsOf(b, node, capped, bias)
    const mean = b.op('MatMul', [weights, repeatHeads(b, presentValue, heads, own)])
    const y = flat ? b.op('Reshape', [b.op('Transpose', [mean], { perm: [0, 2, 1, 3] }), b.int64s([0, 0, -1])]) : mean
    const biased = (): string => (bias ? b.op('Add', [capped, bias.value]) : capped)
    const mode = intOf(node, 'qk_matmul_output_mode', 0)
    const step = wanted && (mode === 2 ? biased() : [raw, capped, capped, weights][mode])
    return [y, presentKey, presentValue, step]
  }),
})
