/** What a metric is given, made of a model, a picture and its explanation. */
import { ExplainError, throwIfAborted } from '../core/errors.js'
import { gridOf } from '../core/layout.js'
import { Places } from '../core/places.js'
import { float32, sizeOf, type Tensor } from '../core/tensor.js'
import {
  type ExplainOptions,
  type Explanation,
  type Model,
  onPicture,
  type Prepared,
  type Provenance,
  type Smoothing,
} from '../explain/index.js'
import { itself } from '../explain/prepare.js'
import { refuseOtherAnswers } from '../explain/target-scores.js'
import type { Graph } from '../onnx/ir.js'
import { lower } from '../passes/lower.js'
import { probabilities } from '../targets/answer.js'
import { type Target, targetKind } from '../targets/index.js'
import type { Score } from '../targets/target.js'
import type { Again, Draw, MapPlane, Metric, MetricContext, RedrawnModel, ScoreOf, Sized } from './metric.js'
import { redrawn, type WeightLayer, weightLayers } from './redraw.js'
import { type GivenTruth, truthOn } from './truth.js'

/** What is measured. */
export interface Subject {
  readonly model: Model
  readonly prepared: Prepared
  readonly explanation: Explanation
  readonly truth: GivenTruth
  readonly batch: number
  readonly signal: AbortSignal | undefined
}

/** Told how many forward passes and maps are done. */
export type Step = (count: number) => void

/** A network with other weights, as metrics hold it. */
interface Redrawn extends RedrawnModel {
  readonly model: Model
}

/** What is explained of a class, by a target. */
function scoreKind(target: Target): Score {
  return 'score' in target ? target.score : 'logit'
}

/** The context of one metric on one subject. `step` is told of each forward pass, map and note. */
export function contextOf(
  subject: Subject,
  metric: Metric,
  options: Readonly<Record<string, number | string>>,
  told: { readonly step: Step; readonly note: (text: string) => void },
): MetricContext {
  const { model, prepared, explanation, truth, batch, signal } = subject
  const { pictures: input } = prepared.feed
  const { layout } = model.input
  const grid = gridOf(layout.slice(1), input.dims.slice(1))
  const { target } = explanation
  const map = planeOf(explanation, subject)
  const weights = weightsOf(model)
  const redrawnModels = new Map<symbol, Redrawn>()

  /** Changed copies of the picture, a batch at a time. */
  const batches = async (
    count: number,
    draw: Draw,
    take: (pictures: Tensor<'float32'>) => Promise<void>,
  ): Promise<void> => {
    const size = input.data.length
    for (let done = 0; done < count; done += batch) {
      throwIfAborted(signal)
      const n = Math.min(batch, count - done)
      const data = new Float32Array(n * size)
      for (let i = 0; i < n; i++) {
        const picture = data.subarray(i * size, (i + 1) * size)
        picture.set(input.data)
        draw(done + i, picture)
      }
      await take(float32([n, ...input.dims.slice(1)], data))
      told.step(n)
    }
  }
  const measured = (of: ScoreOf): Target =>
    of === 'explained' || !('score' in target) ? target : { ...target, score: of }
  const classIndex = (): number => {
    refuseOtherAnswers(metric.id, model.answer)
    const index = targetKind(target.kind).classOf(target)
    if (index !== undefined) return index
    throw new ExplainError('method-not-applicable', {
      what: `${metric.id} measures maps of classes, and a target of kind ${target.kind} is about none`,
    })
  }
  const explain = async (draw: (picture: Float32Array) => void, again: Again = {}): Promise<MapPlane> => {
    throwIfAborted(signal)
    const data = input.data.slice()
    draw(data)
    const on = again.model ? redrawnModels.get(again.model.id)?.model : model
    if (!on) throw new ExplainError('bad-option', { what: 'The redrawn model was released' })
    const changed = { ...prepared, feed: { ...prepared.feed, pictures: float32(input.dims, data) } }
    const of =
      again.target === undefined ? target : ({ kind: 'class', index: again.target, score: scoreKind(target) } as const)
    const made = await on.explain(changed, { ...asBefore(explanation), target: of, batch, signal })
    told.step(1)
    return planeOf(made, subject)
  }
  return {
    explanation,
    options,
    input,
    layout,
    grid,
    map,
    attribution: () => spread(explanation, map, input, layout),
    target,
    classIndex,
    classes: model.answer.classes,
    truth: truthOn(prepared.geometry, truth, metric),
    scores: async (of, count, draw) => {
      const out: number[] = []
      await batches(count, draw, async (pictures) => {
        out.push(...(await model.scores(prepared, pictures, measured(of))))
      })
      return Float64Array.from(out)
    },
    answers: async (count, draw) => {
      const out: Float64Array[] = []
      refuseOtherAnswers(metric.id, model.answer)
      await batches(count, draw, async (pictures) => {
        for (const row of await model.logits(prepared, pictures)) out.push(probabilities(row, model.answer.activation))
      })
      return out
    },
    fill: (text) => model.fill(text),
    explain,
    get layers() {
      return weights().layers.map((l) => l.name)
    },
    redraw: (names, seed) => {
      const { source, layers } = weights()
      const wanted = layers.filter((l) => names.includes(l.name))
      const id = Symbol('redrawn')
      const other = model.withGraph(redrawn(source, wanted, seed))
      const release = async (): Promise<void> => {
        redrawnModels.delete(id)
        await other.release()
      }
      redrawnModels.set(id, { id, model: other, release })
      return { id, release }
    },
    note: told.note,
  }
}

/** What a metric's cost depends on. */
export function sizedOf({ model, prepared: { geometry, depth } }: Pick<Subject, 'model' | 'prepared'>): Sized {
  const { width, height } = geometry.model
  const weights = weightsOf(model)
  return {
    places: width * height * depth,
    width,
    height,
    depth,
    get layers() {
      return weights().layers.length
    },
  }
}

/** The network as it is differentiated, and its layers with weights; found when first asked for. */
function weightsOf(model: Model): () => { readonly source: Graph; readonly layers: readonly WeightLayer[] } {
  let found: ReturnType<ReturnType<typeof weightsOf>> | undefined
  return () => {
    if (!found) {
      const source = lower(model.graph)
      found = { source, layers: weightLayers(source, model.answer.logits) }
    }
    return found
  }
}

/** An explanation's map on the places of the model's input. */
function planeOf({ data }: Explanation, { prepared }: Pick<Subject, 'prepared'>): MapPlane {
  const { width, height } = prepared.geometry.model
  const { heatmap } = onPicture(data.map, { ...data.lifting, geometry: itself(width, height) })
  return { depth: heatmap.depth, height: heatmap.height, width: heatmap.width, data: heatmap.data }
}

/** How an explanation was made, to make another like it. */
function asBefore({ provenance }: Explanation): ExplainOptions {
  const { method, layer, layers, options, tokens, fusion, smoothing, like } = provenance
  const grid = tokens?.stated ? `${tokens.grid.join('x')}+${tokens.before}` : undefined
  const smooth = smoothing && smoothingOf(smoothing)
  return { method, options, layer: layers ?? layer ?? undefined, grid, fuse: fusion, smooth, like }
}

function smoothingOf({ copies, ...smoothing }: NonNullable<Provenance['smoothing']>): Smoothing {
  return smoothing.kind === 'noise' ? { ...smoothing, samples: copies } : smoothing
}

/** The map in the shape of one picture. */
function spread({ raw, method }: Explanation, map: MapPlane, input: Tensor<'float32'>, layout: string): Float32Array {
  if (method.channels && raw.data.length === sizeOf(input.dims)) return raw.data
  const places = new Places(gridOf(layout.slice(1), input.dims.slice(1)))
  const out = new Float32Array(input.data.length)
  for (let i = 0; i < places.count; i++)
    for (let c = 0; c < places.channels; c++) out[places.at(i, c)] = map.data[i] ?? 0
  return out
}
