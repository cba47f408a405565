/** The shape of the network's end, read off the graph: the last feature map, and the linear head that CAM needs. */
import { ExplainError } from '../core/errors.js'
import { didYouMean } from '../core/nearest.js'
import { intOf, intsOf } from '../onnx/attributes.js'
import type { Graph, Node } from '../onnx/ir.js'
import { printDims, type Shapes } from '../onnx/shapes.js'
import { sorted } from '../passes/prune.js'
import { TRANSPARENT } from '../targets/answer.js'
import { layouts } from './layout.js'

const GLOBAL_POOLS = new Set(['GlobalAveragePool', 'GlobalMaxPool', 'GlobalLpPool'])

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

/** The shape of a feature map: `[N, K, ...spatial]` with more than one spatial position. */
export function isFeatureMap(shapes: Shapes, value: string): boolean {
  const info = shapes.get(value)
  if (!info?.dims || info.dims.length < 4 || !(info.type?.startsWith('float') ?? true)) return false
  return info.dims.slice(2).some((d) => d !== 1)
}

/** Feature maps `[N, K, ...spatial]` on the way to the answer, from the first to the last. */
export function featureMaps(graph: Graph, shapes: Shapes, logits: string): readonly string[] {
  const layout = layouts(graph, shapes)
  // what is pooled over all places is a feature map, even where it was only turned or reshaped to be one
  const isCandidate = (node: Node, output: string): boolean =>
    !NOT_FEATURES.has(node.op) || graph.consumers(output).some((c) => GLOBAL_POOLS.has(c.op))
  const needed = new Set([logits])
  const found: string[] = []
  for (const node of [...sorted(graph)].reverse()) {
    const [output = ''] = node.outputs
    if (!node.outputs.some((o) => needed.has(o))) continue
    for (const i of node.inputs) needed.add(i)
    if (layout.get(output) === 'channels-first' && isCandidate(node, output) && isFeatureMap(shapes, output))
      found.push(output)
  }
  return found.reverse()
}

/**
 * The layer to explain at: the wanted value, or the last feature map before pooling. Throws `unknown-layer` with the nearest
 * names, or `method-not-applicable` where the network has no feature map.
 */
export function chooseLayer(graph: Graph, shapes: Shapes, logits: string, wanted: string | undefined): string {
  if (wanted !== undefined) {
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
    if (shapes.get(wanted)?.dims === undefined) throw unknownShapes(`the layer "${wanted}"`)
    if (!isFeatureMap(shapes, wanted) || layouts(graph, shapes).get(wanted) === 'channels-last')
      throw new ExplainError('unknown-layer', {
        what: `"${wanted}" is ${printDims(shapes.get(wanted)?.dims)}, not a feature map [N, channels, height, width]`,
        remedy: '"onnxplain inspect MODEL" lists the layers.',
        details: { layer: wanted },
      })
    return wanted
  }
  const last = featureMaps(graph, shapes, logits).at(-1)
  if (last === undefined && graph.nodes.some((n) => shapes.get(n.outputs[0] ?? '')?.dims === undefined))
    throw unknownShapes('most values')
  if (last === undefined)
    throw new ExplainError('method-not-applicable', {
      what: 'This network has no feature map [N, channels, height, width] before its answer',
      remedy: 'Use gradient, guided-backpropagation or occlusion.',
    })
  return last
}

function unknownShapes(what: string): ExplainError {
  return new ExplainError('shape-mismatch', {
    what: `The file does not tell the shape of ${what}, so that no feature map can be found`,
    remedy: 'Pass the shapes that probe(graph, runtime) finds.',
  })
}

const WEIGHTED = new Set(['Conv', 'ConvTranspose', 'Gemm', 'MatMul'])

/**
 * Says so where most of the network lies behind the layer that was chosen: a transformer, whose tokens are no feature map. A map taken
 * there tells little of what the network does. undefined where the layer is near the end.
 */
export function earlyLayer(graph: Graph, layer: string, logits: string): string | undefined {
  const order = sorted(graph)
  const leads = new Set([logits])
  for (const node of [...order].reverse())
    if (node.outputs.some((o) => leads.has(o))) for (const i of node.inputs) leads.add(i)
  const depends = new Set([layer])
  let [all, behind] = [0, 0]
  for (const node of order) {
    const after = node.inputs.some((i) => depends.has(i))
    if (after) for (const o of node.outputs) depends.add(o)
    if (!WEIGHTED.has(node.op) || !node.outputs.some((o) => leads.has(o))) continue
    all++
    if (after) behind++
  }
  if (behind * 2 <= all) return undefined
  return `The last feature map, "${layer}", is early in this network: ${behind} of its ${all} weighted layers come behind it, so that a map taken there says little. Tokens of a transformer are not read as pictures.`
}

/** A head that is linear in the pooled feature map: logits = W pool(A) + b. */
export interface LinearHead {
  /** The feature map `[N, K, h, w]`. */
  readonly features: string
  /** The weights' value name, and the axis of classes in it; undefined where the pooled channels are the logits. */
  readonly weights: { readonly value: string; readonly classAxis: 0 | 1 } | undefined
}

/** The linear head behind the logits: global pooling and one linear layer, or global pooling alone. */
export function linearHead(graph: Graph, shapes: Shapes, logits: string): LinearHead | undefined {
  const last = skip(graph, logits)
  if (!last) return undefined
  const direct = pooled(graph, shapes, last)
  if (direct) return { ...direct, weights: undefined }
  const linear = linearLayer(graph, shapes, last)
  const pool = linear && skip(graph, linear.input)
  const head = pool && pooled(graph, shapes, pool)
  return head && linear && { ...head, weights: linear.weights }
}

/** The node behind a value, past those that only rearrange. */
function skip(graph: Graph, value: string): Node | undefined {
  let node = graph.producer(value)
  while (node && node.domain === '' && TRANSPARENT.has(node.op)) node = graph.producer(node.inputs[0] ?? '')
  return node?.domain === '' ? node : undefined
}

function linearLayer(
  graph: Graph,
  shapes: Shapes,
  node: Node,
): { readonly input: string; readonly weights: LinearHead['weights'] } | undefined {
  const [x = '', w = ''] = node.inputs
  if (node.op === 'Gemm' && intOf(node, 'transA', 0) === 0)
    return { input: x, weights: { value: w, classAxis: intOf(node, 'transB', 0) === 1 ? 0 : 1 } }
  if (node.op === 'MatMul') return { input: x, weights: { value: w, classAxis: 1 } }
  if (
    node.op === 'Conv' &&
    shapes
      .get(w)
      ?.dims?.slice(2)
      .every((d) => d === 1) &&
    intOf(node, 'group', 1) === 1
  )
    return { input: x, weights: { value: w, classAxis: 0 } }
  if (node.op !== 'Add') return undefined
  // a bias behind MatMul
  const product = [x, w].map((v) => skip(graph, v)).find((n) => n?.op === 'MatMul')
  return product && linearLayer(graph, shapes, product)
}

function pooled(graph: Graph, shapes: Shapes, node: Node): Omit<LinearHead, 'weights'> | undefined {
  const [features = ''] = node.inputs
  if (!isFeatureMap(shapes, features)) return undefined
  if (node.op === 'GlobalAveragePool' || node.op === 'GlobalMaxPool') return { features }
  if (node.op === 'AveragePool') {
    const kernel = intsOf(node, 'kernel_shape', [])
    const spatial = shapes.get(features)?.dims?.slice(2) ?? []
    return spatial.every((d, i) => d === kernel[i]) ? { features } : undefined
  }
  if (node.op !== 'ReduceMean' && node.op !== 'ReduceMax') return undefined
  const rank = shapes.get(features)?.dims?.length ?? 0
  const axes = intsOf(node, 'axes', undefined) ?? Array.from(graph.constant(node.inputs[1] ?? '')?.data ?? [], Number)
  const spatial = axes.map((a) => (a < 0 ? a + rank : a)).sort((p, q) => p - q)
  const all = Array.from({ length: rank - 2 }, (_, i) => i + 2)
  return spatial.join() === all.join() ? { features } : undefined
}
