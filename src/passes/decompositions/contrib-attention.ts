/** ONNX Runtime's attention operators, written out as matrix products and a softmax. */
import { ExplainError } from '../../core/errors.js'
import { intOf, intsOf } from '../../onnx/attributes.js'
import type { Builder } from '../../onnx/builder.js'
import { describe, type Node } from '../../onnx/ir.js'
import { biased } from './contrib-activation.js'
import {
  afterPast,
  attend,
  causal,
  type Keys,
  maskToAdd,
  positions,
  rankOrUsual,
  refuseInputs,
  scaleOf,
  toHeads,
} from './contrib-attention-parts.js'
import { type Decompose, defineDecompositions } from './decomposition.js'

/** The tokens of queries and of keys, all `[N, heads, tokens, size]`. */
function countTokens(b: Builder, q: string, k: string): Keys {
  return { queries: b.extent(q, 2), keys: b.extent(k, 2) }
}

/** What is added to the scores: the mask, what hides later keys, and a bias `[N or 1, heads or 1, queries, keys]`. */
function additions(
  b: Builder,
  node: Node,
  x: string,
  keys: Keys,
  mask?: string,
  bias?: string,
): (string | undefined)[] {
  return [
    mask ? maskToAdd(b, node, mask, x, keys) : undefined,
    intOf(node, 'unidirectional', 0) === 0 ? undefined : causal(b, x, keys),
    bias || undefined,
  ]
}

function refuseAttributes(node: Node, names: readonly string[]): void {
  for (const name of names)
    if (intOf(node, name, 0) !== 0)
      throw new ExplainError('unsupported-operator', {
        what: `${node.op} with ${name} is not supported`,
        where: describe(node),
      })
}

/** Self-attention with the projection of queries, keys and values before it: input `[N, tokens, width]`. */
const attention: Decompose = (node, b) => {
  refuseInputs(node, { past_sequence_length: 6 })
  refuseAttributes(node, ['do_rotary', 'past_present_share_buffer'])
  const [x = '', weights = '', bias, mask, past, scoreBias] = node.inputs
  const heads = intOf(node, 'num_heads', 1)
  const projected = biased(b, b.op('MatMul', [x, weights]), bias)
  const sizes = intsOf(node, 'qkv_hidden_sizes', undefined)
  const parts = sizes?.length
    ? b.ops('Split', [projected, b.int64s(sizes)], { axis: -1 }, 3)
    : b.ops('Split', [projected], { axis: -1, num_outputs: 3 }, 3)
  const width = b.dims(weights)?.[1]
  const known = sizes ?? (typeof width === 'number' ? [width / 3, width / 3, width / 3] : [])
  for (const [i, part] of parts.entries()) b.know(part, b.type(x), [null, null, known[i] ?? null])
  const [q = '', own = '', given = ''] = parts.map((part) => toHeads(b, part, heads))
  const halves = past ? b.ops('Split', [past], { axis: 0, num_outputs: 2 }, 2) : []
  const [pastKeys, pastValues] = halves.map((half) => b.op('Squeeze', [half, b.int64s([0])]))
  const k = afterPast(b, pastKeys, own)
  const v = afterPast(b, pastValues, given)
  const added = additions(b, node, x, countTokens(b, q, k), mask, scoreBias)
  const present = (): string => {
    const stacked = [k, v].map((t) => b.op('Unsqueeze', [t, b.int64s([0])]))
    return b.op('Concat', stacked, { axis: 0 })
  }
  return [attend(b, { q, k, v, scale: scaleOf(node), added }), node.outputs[1] ? present() : undefined]
}

/** `[N, tokens, heads, count, size]` to `count` values `[N, heads, tokens, size]`. */
function unpack(b: Builder, packed: string, count: number): string[] {
  const moved = b.op('Transpose', [packed], { perm: [3, 0, 2, 1, 4] })
  return b
    .ops('Split', [moved], { axis: 0, num_outputs: count }, count)
    .map((part) => b.op('Squeeze', [part, b.int64s([0])]))
}

/** The part of a bias of `3 * heads * size` that belongs to part `i`; queries and keys have the width of the query. */
function biasPart(b: Builder, bias: string, query: string, i: number): string {
  const width = b.extent(query, -1)
  const start = i === 0 ? 0 : i === 1 ? width : b.add(width, width)
  const end = i === 0 ? width : i === 1 ? b.add(width, width) : Number.MAX_SAFE_INTEGER
  return b.slice(bias, [0], [start], [end])
}

/**
 * Attention between projected queries, keys and values `[N, tokens, heads * size]`. Queries, keys and values may be packed into one value
 * of five axes, keys and values into one, or keys and values come as `[N, heads, tokens, size]`; the last is read only where the file says
 * that they have four axes.
 */
const multiHeadAttention: Decompose = (node, b) => {
  refuseInputs(node, { past_sequence_length: 8, cache_indirection: 9 })
  if (node.outputs[3])
    throw new ExplainError('unsupported-operator', {
      what: 'MultiHeadAttention is asked for its scores, which is not supported',
      where: describe(node),
    })
  const [query = '', key, value, bias, mask, scoreBias, pastKeys, pastValues] = node.inputs
  const heads = intOf(node, 'num_heads', 1)
  const split = (x: string, i: number): string => {
    if (rankOrUsual(b, node, x, 3) === 4) return x
    return toHeads(b, bias ? b.op('Add', [x, biasPart(b, bias, query, i)]) : x, heads)
  }
  const parts = (): readonly string[] => {
    if (!key) return addPacked(b, unpack(b, query, 3), bias, heads)
    if (!value) return [split(query, 0), ...unpack(b, key, 2)]
    return [split(query, 0), split(key, 1), split(value, 2)]
  }
  const [q = '', own = '', given = ''] = parts()
  const k = afterPast(b, pastKeys, own)
  const v = afterPast(b, pastValues, given)
  const added = additions(b, node, query, countTokens(b, q, k), mask, scoreBias)
  return [attend(b, { q, k, v, scale: scaleOf(node), added }), k, v]
}

/** Adds the bias `[3 * heads * size]` to queries, keys and values that came packed. */
function addPacked(b: Builder, parts: readonly string[], bias: string | undefined, heads: number): readonly string[] {
  if (!bias) return parts
  const rows = b.op('Reshape', [bias, b.int64s([3, heads, 1, -1])])
  const own = b.ops('Split', [rows], { axis: 0, num_outputs: 3 }, 3)
  return parts.map((part, i) => b.op('Add', [part, own[i] ?? '']))
}

/**
 * Pairs of numbers turned by an angle that grows with the position: `[N, tokens, heads * size]` or `[N, heads, tokens, size]`. Su et al.
 * 2021. Only the first `rotary_embedding_dim` numbers of a head are turned (0: all). A single position is that of the first token.
 */
const rotaryEmbedding: Decompose = (node, b) => {
  const [x = '', places = '', cosines = '', sines = ''] = node.inputs
  refuseAttributes(node, ['is_packed_batching'])
  const turned = intOf(node, 'rotary_embedding_dim', 0)
  const half = b.extent(cosines, -1)
  const whole = b.mul(half, 2)
  const apart = rankOrUsual(b, node, x, 3) === 4
  const size = turned === 0 ? whole : undefined
  const heads = intOf(node, 'num_heads', 0)
  const split = b.vector(size === undefined ? [0, 0, heads, -1] : [0, 0, -1, size])
  // tokens before heads: [N, tokens, heads, size]
  const rows = apart ? b.op('Transpose', [x], { perm: [0, 2, 1, 3] }) : b.op('Reshape', [x, split])
  const angles = (cache: string): string => {
    const tokens = positions(b, b.extent(rows, 1))
    // one position counts on from there; otherwise there is one a token
    const at =
      rankOrUsual(b, node, places, 2) === 1 ? b.op('Unsqueeze', [b.op('Add', [places, tokens]), b.int64s([0])]) : places
    return b.op('Unsqueeze', [b.op('Gather', [cache, at], { axis: 0 }), b.int64s([2])])
  }
  const [cos, sin] = [angles(cosines), angles(sines)]
  const part = b.slice(rows, [3], [0], [whole])
  const interleaved = intOf(node, 'interleaved', 0) !== 0
  const [real = '', imaginary = ''] = interleaved
    ? everyOther(b, part)
    : b.ops('Split', [part], { axis: 3, num_outputs: 2 }, 2)
  const turn = (sign: 'Add' | 'Sub', c: string, s: string): string =>
    b.op(sign, [b.op('Mul', [c, cos]), b.op('Mul', [s, sin])])
  const made = [turn('Sub', real, imaginary), turn('Add', imaginary, real)]
  const rest = turned === 0 ? [] : [b.slice(rows, [3], [whole], [Number.MAX_SAFE_INTEGER])]
  const pairsOf = (): string =>
    b.op(
      'Concat',
      made.map((v) => b.op('Unsqueeze', [v, b.int64s([4])])),
      { axis: 4 },
    )
  // two reshapes in a row would do the same, but ORT 1.30 fails to join those of their gradients
  const like = b.op('Shape', [x])
  if (interleaved && rest.length === 0 && !apart) return [b.op('Reshape', [pairsOf(), like])]
  const joined = interleaved ? b.op('Reshape', [pairsOf(), b.int64s([0, 0, 0, -1])]) : b.op('Concat', made, { axis: 3 })
  const all = rest.length > 0 ? b.op('Concat', [joined, ...rest], { axis: 3 }) : joined
  return [apart ? b.op('Transpose', [all], { perm: [0, 2, 1, 3] }) : b.op('Reshape', [all, like])]
}

/** The even and the odd numbers of the last of four axes. */
function everyOther(b: Builder, x: string): string[] {
  const end = b.int64s([Number.MAX_SAFE_INTEGER])
  return [0, 1].map((start) => b.op('Slice', [x, b.int64s([start]), end, b.int64s([3]), b.int64s([2])]))
}

export const contribAttention = defineDecompositions({
  'com.microsoft.Attention': attention,
  'com.microsoft.MultiHeadAttention': multiHeadAttention,
  'com.microsoft.RotaryEmbedding': rotaryEmbedding,
})
