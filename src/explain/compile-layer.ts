/** A network taken apart at a layer: what comes out there, and what the rest makes of it. Pure, as `compile` is. */
import { ExplainError } from '../core/errors.js'
import { int64 } from '../core/tensor.js'
import { gradCam } from '../methods/grad-cam.js'
import { channelsFirstView, type Layer } from '../methods/layout/view.js'
import { overPlaces } from '../methods/maps.js'
import { Builder, declare } from '../onnx/builder.js'
import type { Graph } from '../onnx/ir.js'
import type { Shapes } from '../onnx/shapes.js'
import { behind } from '../passes/behind.js'
import { Gradients } from './gradients.js'
import { asFloat32, layerMaps, scoreOutput } from './map-builder.js'
import type { CompileOptions, RunnablePlan, TokenGrid } from './plan.js'
import { layerNotes, type Stage, stageOf, tokenGrid } from './stage.js'

export type LayerOptions = Pick<
  CompileOptions,
  'grid' | 'answer' | 'labels' | 'form' | 'scored' | 'pictureInput' | 'shapes' | 'lacks'
> & {
  readonly layer?: string | undefined
}

/** A network up to a layer, and from there on. */
export interface LayerPlan {
  readonly layer: string
  readonly tokens: TokenGrid | undefined
  /** Sentences for the provenance. */
  readonly notes: readonly string[]
  /**
   * Up to the layer. Outputs: the layer as the graph has it, the same as `[N,K,...places]`, and for each element of that its place in the
   * first, counted as if both were flat (float32).
   */
  readonly before: { readonly graph: Graph; readonly own: string; readonly features: string; readonly places: string }
  /** From the layer on, which is an input under its own name. */
  readonly behind: Graph
  /** The value that is explained. */
  readonly end: string
  /** Of the values behind the layer. */
  readonly shapes: Shapes
  /** The axis of the layer, as the graph has it, along which pictures lie; undefined where there is one picture alone. */
  readonly batchAxis: number | undefined
}

/** Throws what `compile` throws of methods at a layer. */
export function compileLayer(model: Graph, options: LayerOptions): LayerPlan {
  const stage = stageOf(model, options, [gradCam])
  const layer = layerOf(stage)
  const { value } = layer
  return {
    layer: value,
    tokens: tokenGrid(layer, options),
    notes: layerNotes(stage, layer, options.layer),
    before: before(stage, layer),
    behind: behind(stage.source, [value], stage.shapes),
    end: stage.end,
    shapes: stage.shapes,
    batchAxis: batchAxis(layer),
  }
}

/** A model with two more outputs: a layer's features, float32 `[N,K,...places]`, and what is made of the gradient of the target's score by them. */
export interface LayerGradientPlan extends RunnablePlan {
  readonly layer: string
  readonly tokens: TokenGrid | undefined
  /** Sentences for the provenance. */
  readonly notes: readonly string[]
}

/** What is made of a layer's gradient `[N,K,...places]`: itself, or Grad-CAM's weights `[N,K]`. */
const OF_GRADIENT = {
  gradient: (_: Builder, gradient: string) => gradient,
  weights: (b: Builder, gradient: string) => overPlaces(b, 'ReduceMean', gradient),
} as const

export type OfGradient = keyof typeof OF_GRADIENT

/** Throws what `compile` throws of Grad-CAM. */
export function compileLayerGradient(model: Graph, options: LayerOptions, of: OfGradient): LayerGradientPlan {
  const stage = stageOf(model, options, [gradCam])
  const { b, source, input, others, batched, target } = stage
  const layer = layerOf(stage)
  const { features, gradient } = layerMaps(stage, new Gradients(stage))(layer)
  const values = b.scope('onnxplain/layer', () => [
    asFloat32(b, features),
    asFloat32(b, OF_GRADIENT[of](b, gradient())),
  ])
  const score = scoreOutput(stage, options)
  const outputs = [...values, ...(score === undefined ? [] : [score])].map((value) => declare(value, 'float32'))
  return {
    graph: b.finish({ outputs: [...source.outputs, ...outputs] }),
    score,
    targetInputs: target.inputs,
    maps: values.map((output) => ({ output, input: input.name })),
    others,
    batched,
    layer: layer.value,
    tokens: tokenGrid(layer, options),
    notes: layerNotes(stage, layer, options.layer),
  }
}

function layerOf({ layers }: Stage): Layer {
  const layer = layers[0]?.found
  if (layer && !(layer instanceof ExplainError)) return layer
  throw layer ?? new ExplainError('method-not-applicable', { what: 'This network has no layer' })
}

function before(stage: Stage, layer: Layer): LayerPlan['before'] {
  const { source, shapes } = stage
  const b = new Builder(source, shapes)
  const { value } = layer
  const [own, features, places] = b.scope('onnxplain/layer', () => {
    const flat = b.op('Range', [b.constant(int64([], [0])), b.op('Size', [value]), b.constant(int64([], [1]))])
    const positions = b.reshapeLike(flat, value)
    b.know(positions, 'int64', b.dims(value))
    return [
      asFloat32(b, value),
      asFloat32(b, channelsFirstView(b, value, layer)),
      asFloat32(b, channelsFirstView(b, positions, layer)),
    ]
  })
  const outputs = [own, features, places].map((name) => declare(name ?? '', 'float32'))
  return { graph: b.finish({ outputs }), own: own ?? '', features: features ?? '', places: places ?? '' }
}

/** The axis whose coarsest factor is the batch. */
function batchAxis({ layout }: Layer): number | undefined {
  const axis = layout.findIndex(([first]) => first?.kind === 'batch')
  return axis < 0 ? undefined : axis
}
