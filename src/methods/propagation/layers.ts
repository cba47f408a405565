/**
 * The linear layers of a network as propagation rules want them: weights that do not depend on the picture, with the batch norm, or the
 * multiplication and addition of constants, that comes behind them merged into the weights. Zennit's `SequentialMergeBatchNorm`, by the graph.
 */
import { floatOf, intOf } from '../../onnx/attributes.js'
import type { Builder } from '../../onnx/builder.js'
import type { Node } from '../../onnx/ir.js'

/** A linear layer of the network. */
export interface LayerNode {
  readonly node: Node
  /** Which of the node's inputs depends on the picture, and which holds the weights. */
  readonly data: 0 | 1
  readonly weights: 0 | 1
  /** The axis of the weights that runs over what the layer gives; undefined where no single one does. */
  readonly outAxis: number | undefined
  /** The nodes behind it that are merged into the weights, in order. */
  readonly merged: readonly Node[]
  /** No linear layer comes before it. */
  readonly first: boolean
  /** No linear layer comes behind it. */
  readonly last: boolean
}

/** What the rules know of a network. */
export interface Layers {
  readonly layers: ReadonlyMap<Node, LayerNode>
  /** Nodes that are part of a layer in front of them. */
  readonly merged: ReadonlySet<Node>
  /** Nodes that a linear layer comes before. */
  readonly behind: ReadonlySet<Node>
  /** True for values that depend on the picture. */
  depends(value: string): boolean
}

/** The linear layers among the nodes between a value and the score. */
export function findLayers(b: Builder, path: readonly Node[], from: string): Layers {
  const values = new Set([from, ...path.flatMap((n) => n.outputs.filter((y) => y !== ''))])
  const depends = (value: string): boolean => values.has(value)
  const found = path.flatMap((node) => asLayer(b, node, depends) ?? [])
  const nodes = new Set(found.map((l) => l.node))
  const behind = reached(
    path,
    nodes,
    (n) => n.inputs,
    (n) => n.outputs,
  )
  const before = reached(
    [...path].reverse(),
    nodes,
    (n) => n.outputs,
    (n) => n.inputs,
  )
  const layers = found.map((l): LayerNode => {
    const merged = mergeable(b, l, path, depends)
    return { ...l, merged, first: !behind.has(l.node), last: !before.has(l.node) }
  })
  return {
    layers: new Map(layers.map((l) => [l.node, l])),
    merged: new Set(layers.flatMap((l) => l.merged)),
    behind,
    depends,
  }
}

/** The nodes, in the given order, that one of `from` leads to. */
function reached(
  order: readonly Node[],
  from: ReadonlySet<Node>,
  reads: (n: Node) => readonly string[],
  gives: (n: Node) => readonly string[],
): Set<Node> {
  const values = new Set<string>()
  const nodes = new Set<Node>()
  for (const node of order) {
    const hit = reads(node).some((v) => v !== '' && values.has(v))
    if (hit) nodes.add(node)
    if (hit || from.has(node)) for (const v of gives(node)) values.add(v)
  }
  return nodes
}

type Found = Omit<LayerNode, 'merged' | 'first' | 'last'>

function asLayer(b: Builder, node: Node, depends: (value: string) => boolean): Found | undefined {
  if (node.domain !== '') return undefined
  const [x = '', w = ''] = node.inputs
  const only = (data: 0 | 1): boolean => node.inputs.every((v, i) => depends(v) === (i === data))
  switch (node.op) {
    case 'Conv':
      return only(0) ? { node, data: 0, weights: 1, outAxis: 0 } : undefined
    case 'ConvTranspose':
      return only(0) ? { node, data: 0, weights: 1, outAxis: intOf(node, 'group', 1) === 1 ? 1 : undefined } : undefined
    case 'Gemm':
      if (!only(0) || intOf(node, 'transA', 0) !== 0) return undefined
      return { node, data: 0, weights: 1, outAxis: intOf(node, 'transB', 0) === 1 ? 0 : 1 }
    case 'MatMul':
      if (only(0)) return { node, data: 0, weights: 1, outAxis: b.rank(w) === 2 ? 1 : undefined }
      return only(1)
        ? { node, data: 1, weights: 0, outAxis: b.rank(x) === 2 && b.rank(w) === 2 ? 0 : undefined }
        : undefined
    default:
      return undefined
  }
}

/** The nodes behind a layer that scale and shift its channels by constants, as far as each alone reads what the one before gives. */
function mergeable(
  b: Builder,
  layer: Found,
  path: readonly Node[],
  depends: (value: string) => boolean,
): readonly Node[] {
  const merged: Node[] = []
  if (layer.outAxis === undefined) return merged
  const channels = b.dims(layer.node.inputs[layer.weights] ?? '')?.[layer.outAxis]
  let value = layer.node.outputs[0] ?? ''
  for (;;) {
    const [next, ...others] = b.graph.consumers(value).filter((n) => path.includes(n))
    if (!next || others.length > 0) return merged
    if (!isAffine(b, next, value, channelAxis(b, layer), channels, depends)) return merged
    merged.push(next)
    value = next.outputs[0] ?? ''
  }
}

/** The axis of what a layer gives that runs over its channels, counted from the end; undefined where the rank is not known. */
function channelAxis(b: Builder, { node, data }: Found): number | undefined {
  if (node.op === 'MatMul' || node.op === 'Gemm') return data === 0 ? -1 : -2
  const rank = b.rank(node.outputs[0] ?? '') ?? b.rank(node.inputs[1] ?? '')
  return rank === undefined ? undefined : 1 - rank
}

function isAffine(
  b: Builder,
  node: Node,
  value: string,
  axis: number | undefined,
  channels: unknown,
  depends: (value: string) => boolean,
): boolean {
  if (node.domain !== '' || axis === undefined) return false
  if (node.op === 'BatchNormalization') {
    const own = b.rank(value) === undefined ? undefined : 1 - (b.rank(value) ?? 0)
    return intOf(node, 'training_mode', 0) === 0 && node.inputs[0] === value && own === axis
  }
  const [x = '', c = ''] = node.inputs
  const constant = x === value ? c : x
  if (!['Add', 'Sub', 'Mul', 'Div'].includes(node.op) || depends(constant) || x === c) return false
  if (x !== value && node.op !== 'Add' && node.op !== 'Mul') return false
  const dims = b.dims(constant)
  if (!dims || dims.length > (b.rank(value) ?? 0)) return false
  return dims.every((d, i) => d === 1 || (i - dims.length === axis && d === channels))
}

/** What a layer computes with: values in the graph. */
export interface Weights {
  readonly weight: string
  readonly bias: string | undefined
}

/** The weights with what comes behind merged into them, and the factors of Gemm. */
export function mergedWeights(b: Builder, { node, weights, outAxis, merged }: LayerNode): Weights {
  const own = node.inputs[weights] ?? ''
  const [alpha, beta] = node.op === 'Gemm' ? [floatOf(node, 'alpha', 1), floatOf(node, 'beta', 1)] : [1, 1]
  const given = node.op === 'MatMul' ? undefined : node.inputs[2] || undefined
  let weight = alpha === 1 ? own : b.op('Mul', [own, b.scalar(alpha, own)])
  let bias = given === undefined || beta === 1 ? given : b.op('Mul', [given, b.scalar(beta, given)])
  const rank = b.rank(own) ?? 2
  const onWeights = (v: string): string =>
    b.op('Reshape', [v, b.int64s(Array.from({ length: rank }, (_, i) => (i === outAxis ? -1 : 1)))])
  const scaled = (by: string): void => {
    weight = b.op('Mul', [weight, onWeights(by)])
    bias = bias && b.op('Mul', [bias, by])
  }
  const shifted = (by: string): void => {
    // a bias has one number a channel, where its constant may be one for all
    bias = b.op('Add', [bias ?? zeros(b, weight, b.scalar(0, own), outAxis ?? 0, rank), by])
  }
  let value = node.outputs[0]
  for (const each of merged) {
    const constant = each.inputs.find((v) => v !== value) ?? ''
    value = each.outputs[0]
    if (each.op === 'BatchNormalization') {
      const [, scale = '', shift = '', mean = '', variance = ''] = each.inputs
      const epsilon = b.scalar(floatOf(each, 'epsilon', 1e-5), variance)
      const factor = b.op('Div', [scale, b.op('Sqrt', [b.op('Add', [variance, epsilon])])])
      scaled(factor)
      shifted(b.op('Sub', [shift, b.op('Mul', [mean, factor])]))
      continue
    }
    const vector = b.op('Reshape', [constant, b.int64s([-1])])
    if (each.op === 'Mul') scaled(vector)
    else if (each.op === 'Div') scaled(b.op('Reciprocal', [vector]))
    else shifted(each.op === 'Add' ? vector : b.op('Neg', [vector]))
  }
  if (weight !== own) b.know(weight, b.type(own), b.dims(own))
  if (bias !== undefined) b.know(bias, b.type(own), undefined)
  return { weight, bias }
}

/** A zero for each channel. */
function zeros(b: Builder, weight: string, zero: string, axis: number, rank: number): string {
  const others = Array.from({ length: rank }, (_, i) => i).filter((i) => i !== axis)
  return b.op('Mul', [b.reduceSum(weight, others, false), zero])
}
