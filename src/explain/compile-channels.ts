/** A layer's channels and what each weighs in Grad-CAM, as two more outputs of the model. Pure, as `compile` is. */
import { ExplainError } from '../core/errors.js'
import { gradCam } from '../methods/grad-cam.js'
import { overPlaces } from '../methods/maps.js'
import { declare } from '../onnx/builder.js'
import type { Graph } from '../onnx/ir.js'
import { prune } from '../passes/prune.js'
import { Gradients } from './gradients.js'
import { asFloat32, layerMaps } from './map-builder.js'
import type { CompileOptions, RunnablePlan, TokenGrid } from './plan.js'
import { layerNotes, stageOf, tokenGrid } from './stage.js'

export type ChannelsOptions = Pick<
  CompileOptions,
  'grid' | 'answer' | 'score' | 'pictureInput' | 'shapes' | 'lacks'
> & {
  readonly layer?: string | undefined
}

/** A model with two more outputs: a layer's features, float32 `[N,K,...places]`, and their weights, float32 `[N,K]`. */
export interface ChannelsPlan extends RunnablePlan {
  readonly layer: string
  readonly tokens: TokenGrid | undefined
  /** Sentences for the provenance. */
  readonly notes: readonly string[]
}

/** Throws what `compile` throws of Grad-CAM. */
export function compileChannels(model: Graph, options: ChannelsOptions): ChannelsPlan {
  const stage = stageOf(model, options, [gradCam])
  const { b, source, input, others, batched, target, layers } = stage
  const layer = layers[0]?.found
  if (!layer || layer instanceof ExplainError)
    throw layer ?? new ExplainError('method-not-applicable', { what: 'This network has no layer' })
  const { features, gradient } = layerMaps(stage, new Gradients(stage))(layer)
  const values = b.scope('onnxplain/channels', () => [
    asFloat32(b, features),
    asFloat32(b, overPlaces(b, 'ReduceMean', gradient())),
  ])
  const outputs = values.map((value) => declare(value, 'float32'))
  return {
    graph: prune(b.finish({ outputs: [...source.outputs, ...outputs] })),
    target: target.input,
    maps: values.map((output) => ({ output, input: input.name })),
    others,
    batched,
    layer: layer.value,
    tokens: tokenGrid(layer, options),
    notes: layerNotes(stage, layer, options.layer),
  }
}
