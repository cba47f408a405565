/** The values a method may explain at, and the one it takes where none is named. */
import { ExplainError } from '../core/errors.js'
import { didYouMean } from '../core/nearest.js'
import { type Graph, type Node, reads } from '../onnx/ir.js'
import { printDims, type Shapes } from '../onnx/shapes.js'
import { dependents } from '../passes/dependents.js'
import { sorted } from '../passes/prune.js'
import { TRANSPARENT } from '../targets/answer.js'
import { holdsPlaces } from './layout/axes.js'
import { candidates, printGrid, type StatedGrid, tokenCount } from './layout/grid.js'
import { directionsOf, type Layouts, layouts, type PictureAxes } from './layout/layouts.js'
import { GLOBAL_POOLS } from './layout/spatial.js'
import { isChannelsFirst, isPlain, type Layer, mapForm } from './layout/view.js'
import { reachOf } from './reach.js'

/** A network as methods look at it: the lowered graph, from the picture to the logits. */
export interface Network {
  readonly graph: Graph
  readonly shapes: Shapes
  readonly picture: PictureAxes
  /** Two for pictures: rows and columns. */
  readonly directions: number
  readonly logits: string
  /** What runs along the axes of its values. */
  readonly layouts: Layouts
  /** The grid of tokens that the user states. */
  readonly grid: StatedGrid | undefined
}

export function networkOf(parts: Omit<Network, 'directions' | 'layouts' | 'grid'>, grid?: StatedGrid): Network {
  const { graph, shapes, picture } = parts
  const directions = directionsOf(picture)
  return { ...parts, directions, grid, layouts: layouts(graph, shapes, picture, grid) }
}

/** Operators that pool or rearrange: their outputs are not feature maps of their own. */
const NOT_FEATURES = new Set([
  ...TRANSPARENT,
  ...GLOBAL_POOLS,
  'AveragePool',
  'LpPool',
  'MaxPool',
  'ReduceMax',
  'ReduceMean',
  'ReduceSum',
  'Transpose',
])

/** Operators that only move places or cut others off, where the value is not of the form `[N, K, h, w]`. */
const MOVES = new Set(['Concat', 'Expand', 'Gather', 'Pad', 'Slice', 'Split', 'Tile'])

/** The value as a layer; undefined where it does not hold all places of the picture, or one place only. */
export function mapAt({ shapes, picture, layouts, directions }: Network, value: string): Layer | undefined {
  const [info, layout] = [shapes.get(value), layouts.get(value)]
  const form = layout && mapForm(layout, directions)
  if (!info?.dims || !layout || !form || !(info.type?.startsWith('float') ?? true)) return undefined
  // a map whose batch has been lost sight of would take it for channels
  const hasBatch = layout.flat().some((f) => f.kind === 'batch') || shapes.get(picture.name)?.dims?.[0] === 1
  // slices or frames alone, of which each is one place, are no map
  return hasBatch && form.sizes.slice(-2).some((size) => size !== 1) ? { value, layout, form } : undefined
}

/** The layer that a value is, seen through what has only turned or reshaped it. */
export function ownLayer(network: Network, value: string): Layer | undefined {
  const node = network.graph.producer(value)
  const before = node?.inputs[0] ?? ''
  const moved = node?.domain === '' && (TURNS.has(node.op) || (MOVES.has(node.op) && isSequence(network, value)))
  const source = moved ? mapAt(network, before) : undefined
  if (source && isPlain(source.layout) && (!isChannelsFirst(source.layout) || isSequence(network, value)))
    return ownLayer(network, before)
  return mapAt(network, value)
}

const TURNS = new Set(['Flatten', 'Reshape', 'Squeeze', 'Transpose', 'Unsqueeze'])

function isSequence(network: Network, value: string): boolean {
  return mapForm(network.layouts.get(value) ?? [], network.directions)?.sequence !== undefined
}

/** Feature maps on the way to the answer, from the first to the last. */
export function featureMaps(network: Network): readonly Layer[] {
  const { graph, logits } = network
  // what is pooled over all places is a feature map, even where it was only turned or reshaped to be one
  const isPooled = (output: string): boolean => graph.consumers(output).some((c) => GLOBAL_POOLS.has(c.op))
  const isOwn = (node: Node, layer: Layer): boolean => {
    if (!isChannelsFirst(layer.layout)) return !NOT_FEATURES.has(node.op) && !MOVES.has(node.op)
    return !NOT_FEATURES.has(node.op) || (isPooled(layer.value) && ownLayer(network, layer.value) === layer)
  }
  const needed = new Set([logits])
  const found: Layer[] = []
  for (const node of [...sorted(graph)].reverse()) {
    const [output = ''] = node.outputs
    if (!node.outputs.some((o) => needed.has(o))) continue
    for (const i of reads(node)) needed.add(i)
    const layer = mapAt(network, output)
    if (layer && isPlain(layer.layout) && isOwn(node, layer)) found.push(layer)
  }
  return found.reverse()
}

/**
 * The layer to explain at: the wanted value, or the last feature map of which all places reach the answer. Throws `unknown-layer`
 * with the nearest names, `ambiguous-grid` where the tokens' grid cannot be told, or `method-not-applicable` where the network has no
 * feature map.
 */
export function chooseLayer(network: Network, wanted: string | undefined): Layer {
  return wanted === undefined ? lastLayer(network) : wantedLayer(network, wanted)
}

function wantedLayer(network: Network, wanted: string): Layer {
  const { graph, shapes } = network
  if (!graph.has(wanted)) {
    const names = graph.nodes.flatMap((n) => n.outputs)
    throw new ExplainError('unknown-layer', {
      what: `There is no value "${wanted}" in this model`,
      remedy: `${didYouMean(wanted, names)} "onnxplain inspect MODEL" lists the layers.`.trim(),
      details: { layer: wanted },
    })
  }
  if (graph.inputs.some((i) => i.name === wanted))
    throw new ExplainError('unknown-layer', {
      what: `"${wanted}" is an input of the model, not a layer`,
      remedy: 'The method gradient explains at the input; "onnxplain inspect MODEL" lists the layers.',
      details: { layer: wanted },
    })
  const dims = shapes.get(wanted)?.dims
  if (dims === undefined) throw unknownShapes(`the layer "${wanted}"`)
  const layer = mapAt(network, wanted)
  if (layer) return layer
  if (tokenCount(dims) !== undefined && network.layouts.has(wanted)) throw ambiguousGrid(network, wanted)
  throw new ExplainError('unknown-layer', {
    what: `"${wanted}" is ${printDims(dims)}, not a feature map [N, channels, height, width], [N, height, width, channels] or [N, tokens, channels]`,
    remedy: '"onnxplain inspect MODEL" lists the layers.',
    details: { layer: wanted },
  })
}

function lastLayer(network: Network): Layer {
  const { graph, shapes } = network
  const maps = featureMaps(network)
  const last = lastWhole(network, maps) ?? maps.at(-1)
  const unread = last && earlyLayer(network, last.value) === undefined ? undefined : lastUnreadTokens(network)
  if (unread !== undefined) throw ambiguousGrid(network, unread)
  if (last) return last
  if (graph.nodes.some((n) => shapes.get(n.outputs[0] ?? '')?.dims === undefined)) throw unknownShapes('most values')
  throw new ExplainError('method-not-applicable', {
    what: 'This network has no feature map [N, channels, height, width] before its answer',
    remedy: 'Use gradient, guided-backpropagation or occlusion.',
  })
}

/** The last sequence on the way to the answer of which nothing is known but that it depends on the picture. */
function lastUnreadTokens({ graph, shapes, layouts, logits }: Network): string | undefined {
  const needed = new Set([logits])
  for (const node of [...sorted(graph)].reverse()) {
    const [output = ''] = node.outputs
    if (!node.outputs.some((o) => needed.has(o))) continue
    for (const i of reads(node)) needed.add(i)
    const layout = layouts.get(output)
    const isFloat = shapes.get(output)?.type?.startsWith('float') ?? true
    if (!layout || layout.some(holdsPlaces) || !isFloat || NOT_FEATURES.has(node.op)) continue
    if (candidates(tokenCount(shapes.get(output)?.dims) ?? 0, 1).length > 0) return output
  }
  return undefined
}

/**
 * The last map through which every way from the picture to the last reading of all places leads. Before an attention that is what its
 * projections read (the norm of the last block where a class token is read); before a pooling the map that is pooled.
 */
function lastWhole(network: Network, maps: readonly Layer[]): Layer | undefined {
  const { graph, layouts, picture, logits, directions } = network
  const reach = reachOf(graph, layouts, logits, directions)
  if (!reach) return undefined
  const isAttention = reach.last.op === 'MatMul' && reach.last.inputs.every((x) => layouts.has(x))
  const whole = maps.filter(
    ({ value }) =>
      reach.whole(value) &&
      !(isAttention && isProjection(network, value)) &&
      leadsThrough(graph, picture.name, value, reach.last),
  )
  return lastOfPicture(network, whole) ?? whole.at(-1)
}

/** Weighted layers that make an encoder of a picture; one alone embeds its patches. */
const ENCODES = 2

/**
 * Where the answer is made of other inputs too (a question, words): the last map that depends on the picture alone, behind an encoder of its own; what
 * comes later is of both. undefined for networks of the picture alone, and where picture and words go through the same layers from the start.
 */
function lastOfPicture({ graph, picture, logits }: Network, maps: readonly Layer[]): Layer | undefined {
  const mixed = dependents(
    graph,
    graph.inputs.map((i) => i.name).filter((name) => name !== picture.name),
  )
  if (!mixed.has(logits)) return undefined
  // how many weighted layers lie before each value
  const weights = new Map<string, number>()
  for (const node of sorted(graph)) {
    const before = Math.max(0, ...[...reads(node)].map((i) => weights.get(i) ?? 0))
    for (const output of node.outputs) weights.set(output, before + (WEIGHTED.has(node.op) ? 1 : 0))
  }
  return maps.filter(({ value }) => !mixed.has(value) && (weights.get(value) ?? 0) >= ENCODES).at(-1)
}

/** True for what a linear layer makes, with or without its bias. */
function isProjection({ graph, layouts }: Network, value: string): boolean {
  const node = graph.producer(value)
  const inputs = node?.inputs.filter((x) => layouts.has(x)) ?? []
  if (node?.op === 'MatMul' || node?.op === 'Gemm') return inputs.length === 1
  const product = node?.op === 'Add' && inputs.length === 1 ? graph.producer(inputs[0] ?? '') : undefined
  return product?.op === 'MatMul' && product.inputs.filter((x) => layouts.has(x)).length === 1
}

/** True where every way from `input` to what `end` reads leads through `at`; shapes are no way. */
function leadsThrough(graph: Graph, input: string, at: string, end: Node): boolean {
  const seen = new Set([at])
  const queue = [...end.inputs]
  for (let value = queue.pop(); value !== undefined; value = queue.pop()) {
    if (value === input) return false
    const node = seen.has(value) ? undefined : graph.producer(value)
    seen.add(value)
    if (node && node.op !== 'Shape' && node.op !== 'Size') queue.push(...node.inputs)
  }
  return end.inputs.length > 0 && isBehind(graph, at, end)
}

/** True where `end` depends on `value`. */
function isBehind(graph: Graph, value: string, end: Node): boolean {
  const seen = new Set<string>()
  const queue = [...end.inputs]
  for (let name = queue.pop(); name !== undefined; name = queue.pop()) {
    if (name === value) return true
    if (seen.has(name)) continue
    seen.add(name)
    queue.push(...(graph.producer(name)?.inputs ?? []))
  }
  return false
}

/** What is to be said of a layer that is a sequence of tokens; undefined for others. */
export function tokensNote({ value, form }: Layer, stated: StatedGrid | undefined): string | undefined {
  if (!form.sequence) return undefined
  const { before, after } = form.sequence
  const left = [before > 0 ? `${before} before` : '', after > 0 ? `${after} behind` : ''].filter((t) => t !== '')
  const rest = left.length > 0 ? `; left out are ${left.join(' and ')} them` : ''
  return `The tokens of "${value}" are read as ${form.sizes.map((s) => s ?? '?').join(' x ')} places${rest}${stated ? ', as stated' : ''}.`
}

function ambiguousGrid({ shapes, picture, grid }: Network, value: string): ExplainError {
  const dims = shapes.get(value)?.dims
  const count = tokenCount(dims) ?? 0
  const sides = [...picture.layout].flatMap((letter, i) =>
    letter === 'N' || letter === 'C' ? [] : [shapes.get(picture.name)?.dims?.[i]],
  )
  const [height, width] = sides
  const aspect = typeof height === 'number' && typeof width === 'number' ? width / height : 1
  const possible = candidates(count, aspect)
  const what = grid
    ? `The grid ${printGrid(grid)} does not fit the ${count} tokens of "${value}" ${printDims(dims)}`
    : `The graph does not tell which places of the picture the ${count} tokens of "${value}" ${printDims(dims)} are`
  return new ExplainError('ambiguous-grid', {
    what,
    remedy:
      possible.length > 0
        ? `State it as rows x columns + tokens before them: --grid ${possible.join(', or ')}.`
        : 'Choose another layer; "onnxplain inspect MODEL" lists them.',
    details: { layer: value, tokens: count, candidates: possible },
  })
}

function unknownShapes(what: string): ExplainError {
  return new ExplainError('shape-mismatch', {
    what: `The file does not tell the shape of ${what}, so that no feature map can be found`,
    remedy: 'Pass the shapes that probe(graph, runtime) finds.',
  })
}

const WEIGHTED = new Set(['Conv', 'ConvTranspose', 'Gemm', 'MatMul'])

/**
 * Says so where most of the network lies behind the layer that was chosen: a map taken there tells little of what the network does.
 * undefined where the layer is near the end.
 */
export function earlyLayer({ graph, logits }: Network, layer: string): string | undefined {
  const order = sorted(graph)
  const leads = new Set([logits])
  for (const node of [...order].reverse())
    if (node.outputs.some((o) => leads.has(o))) for (const i of reads(node)) leads.add(i)
  const depends = new Set([layer])
  let [all, behind] = [0, 0]
  for (const node of order) {
    const after = [...reads(node)].some((i) => depends.has(i))
    if (after) for (const o of node.outputs) depends.add(o)
    if (!WEIGHTED.has(node.op) || !node.outputs.some((o) => leads.has(o))) continue
    all++
    if (after) behind++
  }
  if (behind * 2 <= all) return undefined
  return `The last feature map, "${layer}", is early in this network: ${behind} of its ${all} weighted layers come behind it, so that a map taken there says little.`
}
