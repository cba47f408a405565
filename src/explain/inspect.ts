/** What a model holds and what can be explained of it, without explaining anything. */
import { ExplainError } from '../core/errors.js'
import type { Dim, Runtime } from '../core/runtime.js'
import type { Size } from '../image/index.js'
import { layerOf } from '../methods/head.js'
import { featureMaps, networkOf } from '../methods/layers.js'
import type { Layer } from '../methods/layout/view.js'
import { Builder } from '../onnx/builder.js'
import { type Graph, operatorName } from '../onnx/ir.js'
import { declaredShapes, type Shapes } from '../onnx/shapes.js'
import { externalReference } from '../onnx/tensors.js'
import { lower } from '../passes/lower.js'
import { probe } from '../passes/probe.js'
import { findAnswer } from '../targets/answer.js'
import { nodesWithoutRule } from '../vjp/walk.js'
import { addBatchAxis } from './batch-axis.js'
import { findPictureInput } from './input.js'

export interface InspectedValue {
  readonly name: string
  readonly type: string | null
  readonly dims: readonly Dim[] | null
}

export interface InspectedInput extends InspectedValue {
  /** True for the input that takes the picture. */
  readonly picture: boolean
}

export interface InspectedLayer extends InspectedValue {
  /** The operator that makes it. */
  readonly op: string
  /** The sizes of its places: rows and columns. */
  readonly grid: readonly Dim[]
  /** For a sequence of tokens, how many come before and behind the places; null for maps. */
  readonly others: { readonly before: number; readonly after: number } | null
  /** True for the layer that is taken where none is named. */
  readonly default: boolean
}

export interface Inspection {
  readonly inputs: readonly InspectedInput[]
  readonly outputs: readonly InspectedValue[]
  readonly opset: number
  readonly nodes: number
  /** Number of weights, and their size in bytes as stored. */
  readonly parameters: number
  readonly bytes: number
  /** Feature maps on the way to the answer that CAM methods can explain at, first to last. */
  readonly layers: readonly InspectedLayer[]
  /** Operators between the picture and the answer that have no backward rule, with the names of their nodes. */
  readonly withoutRule: readonly { readonly op: string; readonly nodes: readonly string[] }[]
  /** Why the model cannot be explained at all, or not fully. */
  readonly problems: readonly string[]
}

/** Which of a model's values are meant, where that is not to be found. */
export interface InspectOptions {
  /** The input that takes the picture, as for {@link findPictureInput}. */
  readonly pictureInput?: string | undefined
  /** The output that holds the class scores. */
  readonly answer?: string | undefined
  /** See {@link CompileOptions}. */
  readonly labels?: number | undefined
}

/** Looks a model over; `pictureInput` as for {@link findPictureInput}, `size` as for {@link probe}. Rejects with `runtime-failed` where ORT cannot load it. */
export async function inspect(graph: Graph, runtime: Runtime, pictureInput?: string, size?: Size): Promise<Inspection> {
  return inspection(graph, await probe(graph, runtime, { size }), { pictureInput })
}

/** What a model of these shapes holds; they are what `probe` finds of the graph. */
export function inspection(graph: Graph, shapes: Shapes, options: InspectOptions = {}): Inspection {
  const declared = declaredShapes(graph)
  const isBorder = (name: string): boolean => [...graph.inputs, ...graph.outputs].some((v) => v.name === name)
  const value = (name: string): InspectedValue => {
    const info = shapes.get(name)
    // inside, what is computed in float32 is shown as such
    const type = (isBorder(name) ? declared.get(name)?.type : undefined) ?? info?.type ?? null
    return { name, type, dims: info?.dims ?? null }
  }
  const weights = [...graph.initializers.values()]
  const problems: string[] = []
  const found = explainable(graph, shapes, problems, options)
  return {
    inputs: graph.inputs.map((i) => ({ ...value(i.name), picture: i.name === found?.input })),
    outputs: graph.outputs.map((o) => value(o.name)),
    opset: graph.opset,
    nodes: graph.nodes.length,
    parameters: weights.reduce((sum, t) => sum + t.dims.reduce((a, d) => a * Number(d), 1), 0),
    bytes: weights.reduce((sum, t) => sum + (externalReference(t)?.length ?? t.rawData.byteLength), 0),
    layers: (found?.layers ?? []).map(({ value: name, form }) => ({
      ...value(name),
      op: graph.producer(name)?.op ?? '',
      grid: form.sizes,
      others: form.sequence ? { before: form.sequence.before, after: form.sequence.after } : null,
      default: name === found?.chosen?.value,
    })),
    withoutRule: found?.withoutRule ?? [],
    problems,
  }
}

interface Explainable {
  readonly input: string
  readonly layers: readonly Layer[]
  readonly chosen: Layer | undefined
  readonly withoutRule: Inspection['withoutRule']
}

function explainable(graph: Graph, told: Shapes, problems: string[], options: InspectOptions): Explainable | undefined {
  /** Notes what goes wrong and goes on. */
  const noting = <T>(make: () => T): T | undefined => {
    try {
      return make()
    } catch (error) {
      if (!(error instanceof ExplainError)) throw error
      problems.push(error.message)
      return undefined
    }
  }
  const lowered = noting(() => lower(graph))
  if (!lowered) return undefined
  const { graph: source, shapes } = addBatchAxis(lowered, told)
  const input = noting(() => findPictureInput(source, shapes, options.pictureInput))
  const answer = noting(() =>
    findAnswer(source, shapes, options.answer, { labels: options.labels, picture: input?.name }),
  )
  if (!input || !answer) return undefined
  const picture = { name: input.name, layout: input.layout }
  const network = networkOf({ graph: source, shapes, picture, logits: answer.logits })
  const chosen = noting(() => layerOf(network, undefined))
  const nodes = noting(() => nodesWithoutRule(new Builder(source, shapes), answer.logits, [input.name])) ?? []
  const names = new Map<string, string[]>()
  for (const node of nodes)
    names.set(operatorName(node), [...(names.get(operatorName(node)) ?? []), node.name || (node.outputs[0] ?? '')])
  return {
    input: input.name,
    layers: featureMaps(network),
    chosen,
    withoutRule: [...names].map(([op, list]) => ({ op, nodes: list })),
  }
}
