/** The attention of a transformer, as methods see it: weights from tokens to tokens, block by block, and where the tokens lie in the picture. */
import { ExplainError } from '../core/errors.js'
import { intOf } from '../onnx/attributes.js'
import type { Builder } from '../onnx/builder.js'
import type { Node } from '../onnx/ir.js'
import { type Network, tokensNote } from './layers.js'
import { type Axis, batch, keyOf, sequenceOf } from './layout/axes.js'
import { fromFront, numbersOf } from './layout/call.js'
import { GLOBAL_POOLS } from './layout/spatial.js'
import { channelsFirstView, type MapForm, mapForm, type Others } from './layout/view.js'
import type { CompileContext } from './method.js'
import { reachOf } from './reach.js'

export interface Attentions {
  /** The weights `[N,heads,tokens,tokens]`, from the first block to the last; rows are what attends and sum to 1. */
  readonly weights: readonly string[]
  /** The gradient of the target's score by each of them. */
  gradients(): readonly string[]
  /** `[1,1,tokens]`: the share of each token in what the answer is read from: the class token, or all places alike. */
  readonly read: string
  /** `[N,1,tokens]` as a map of the picture; tokens that are no places are left out. */
  map(relevance: string): string
}

/** What passes on the weights of an attention. */
const PASSES_ON: ReadonlySet<string> = new Set(['Cast', 'CastLike', 'Dropout', 'Identity', 'Where'])

/** Throws `method-not-applicable` where no attention goes from all places of the picture to all. */
export function attentionsOf(context: CompileContext): Attentions {
  const { b, network } = context
  const seen = softmaxes(context).map((value) => ({ value, axis: tokensOf(network, value) }))
  const all = seen.flatMap(({ value, axis }) => {
    if (!axis) return []
    const form = mapForm([axis], network.directions)
    return form?.sequence && form.sizes.some((s) => s !== 1) ? [{ value, axis, form }] : []
  })
  const [first] = all
  if (!first || all.length < seen.length)
    throw new ExplainError('method-not-applicable', {
      what: first
        ? `${seen.length - all.length} of the ${seen.length} attentions of this network do not go from all its tokens to all (windows, or tokens that attend to others), so that what they pass on cannot be followed`
        : seen.length > 0
          ? 'The attention of this network goes over windows or other parts of the picture, not over all places'
          : 'This network has no attention: no Softmax whose result weighs other values in a product of matrices',
      remedy: 'Use grad-cam or hires-cam, which take a layer of any network.',
    })
  if (all.some((a) => keyOf(a.axis) !== keyOf(first.axis)))
    throw new ExplainError('method-not-applicable', {
      what: 'The tokens of this network change from one attention to the next, so that what they pass on cannot be followed',
      remedy: 'Use grad-cam or hires-cam, which take a layer of any network.',
    })
  const layer = { value: first.value, layout: [batch(null), first.axis], form: first.form }
  const note = tokensNote(layer, network.grid)
  if (note !== undefined) context.note(note)
  const values = all.map((a) => a.value)
  const byHead = (value: string, like: string): string => splitHeads(context, value, like)
  return {
    weights: values.map((value) => byHead(value, value)),
    gradients: () => context.gradients(values).map((gradient, i) => byHead(gradient, values[i] ?? '')),
    read: readTokens(b, network, first.value, first.form),
    map: (relevance) => {
      const row = b.op('Squeeze', [relevance, b.int64s([1])])
      b.know(row, b.type(first.value), [null, b.dims(first.value)?.at(-1) ?? null])
      return b.op('Squeeze', [channelsFirstView(b, row, layer), b.int64s([1])])
    },
  }
}

/** The mean over heads, `[N,tokens,tokens]`. */
export function meanOfHeads(b: Builder, weights: string): string {
  return b.op('ReduceMean', [weights, b.int64s([1])], { keepdims: 0 })
}

/** The results of Softmax that weigh other values, in order. */
function softmaxes({ path, network: { graph } }: CompileContext): readonly string[] {
  const weighs = (value: string): boolean =>
    graph.consumers(value).some((c) => {
      if ((c.op === 'MatMul' || c.op === 'Einsum') && c.domain === '') return c.inputs[0] === value
      return PASSES_ON.has(c.op) && c.outputs.some(weighs)
    })
  return path().flatMap((node) => {
    const [value = ''] = node.outputs
    return node.op === 'Softmax' && isLast(node, graph.producer(value)) && weighs(value) ? [value] : []
  })
}

/** True for a Softmax over the last axis of a node of the network's own. */
function isLast(node: Node, own: Node | undefined): boolean {
  const axis = intOf(node, 'axis', -1)
  return own !== undefined && (axis === -1 || axis > 1)
}

/**
 * What runs along the last axis of attention weights; undefined where both last axes are not the same tokens. Of operators that hold a whole attention
 * the weights have no shape of their own: their tokens are those of what is computed next.
 */
function tokensOf({ graph, layouts, directions }: Network, value: string): Axis | undefined {
  const known = layouts.get(value)
  if (known) {
    const [queries = [], keys = []] = known.slice(-2)
    return known.length > 2 && sequenceOf(keys) && keyOf(queries) === keyOf(keys) ? keys : undefined
  }
  const seen = new Set([value])
  for (const name of seen) {
    const axis = layouts.get(name)?.find((a) => mapForm([a], directions)?.sequence !== undefined)
    if (axis) return axis
    for (const node of graph.consumers(name)) for (const output of node.outputs) seen.add(output)
  }
  return undefined
}

/** `[N,heads,tokens,tokens]` of weights whose heads may be part of the batch. */
function splitHeads({ b, seed }: CompileContext, value: string, like: string): string {
  if ((b.rank(like) ?? 4) === 4) return value
  const tokens = b.extent(like, -1)
  return b.reshape(value, [b.extent(seed, 0), -1, tokens, tokens])
}

/** `[1,1,tokens]`: the tokens that the answer is read from, alike: those that are picked behind the last attention, or else all places. */
function readTokens(b: Builder, network: Network, value: string, { sequence }: MapForm): string {
  const count = b.extent(value, -1)
  const { before, after } = sequence ?? { before: 0, after: 0 }
  const picked = pickedTokens(network, { before, after })
  if (picked.length > 0) {
    const ends = b.cached(`onnxplain/off-on`, () => b.op('Concat', [b.vector([0]), b.vector([1])], { axis: 0 }))
    const values = b.op('CastLike', [ends, value])
    const rows = b.op('OneHot', [b.int64s(picked), b.op('Squeeze', [b.vector([count])]), values])
    return b.op('Unsqueeze', [b.op('ReduceMean', [rows, b.int64s([0])], { keepdims: 1 }), b.int64s([0])])
  }
  const ones = b.op('Expand', [b.scalar(1, value), b.vector([1, 1, b.sub(count, before + after)])])
  const all = b.op('Pad', [ones, b.int64s([0, 0, before, 0, 0, after])])
  return b.op('Div', [all, b.op('ReduceSum', [all])])
}

/** The tokens that the answer is read from; none where it is read from a pooling over places. */
function pickedTokens(network: Network, { before, after }: Others): readonly number[] {
  const { graph, layouts, logits, directions } = network
  const last = reachOf(graph, layouts, logits, directions)?.last
  if (last && (GLOBAL_POOLS.has(last.op) || last.op.startsWith('Reduce'))) return []
  const picked = graph.nodes.flatMap((node) => {
    const [x = '', indices = ''] = node.inputs
    const layout = layouts.get(x)
    const at = layout?.findIndex((axis) => axis[0]?.kind === 'tokens') ?? -1
    if (!layout || at < 0) return []
    if (node.op === 'Gather' && fromFront(intOf(node, 'axis', 0), layout.length) === at)
      return numbersOf(graph, indices) ?? []
    if (node.op !== 'Slice') return []
    const [starts, ends, axes] = node.inputs.slice(1).map((i) => numbersOf(graph, i))
    const k = axes?.map((a) => fromFront(a, layout.length)).indexOf(at) ?? -1
    const [start = 0, end = 0] = [starts?.[k], ends?.[k]]
    return k >= 0 ? Array.from({ length: Math.min(end - start, before + after) }, (_, i) => start + i) : []
  })
  // from the end, where the token lies behind the places
  const isOther = (i: number): boolean => (i >= 0 ? i < before : i >= -after)
  const read = [...new Set(picked)].filter(isOther)
  if (read.length > 0 || before + after === 0) return read
  return before > 0 ? [0] : [-1]
}
