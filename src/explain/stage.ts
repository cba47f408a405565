/** A model made ready for methods: upgraded, its parts found, the target appended. */
import { ExplainError } from '../core/errors.js'
import { didYouMean } from '../core/nearest.js'
import type { PreprocessSpec } from '../image/index.js'
import { layerOf } from '../methods/head.js'
import { earlyLayer, type Network, networkOf, tokensNote } from '../methods/layers.js'
import { parseGrid } from '../methods/layout/grid.js'
import type { Layer } from '../methods/layout/view.js'
import type { CompiledMethod } from '../methods/method.js'
import { Builder } from '../onnx/builder.js'
import type { Graph } from '../onnx/ir.js'
import { declaredShapes, type Shapes } from '../onnx/shapes.js'
import { lower } from '../passes/lower.js'
import { sorted } from '../passes/prune.js'
import { type Answer, findAnswer } from '../targets/answer.js'
import { type AppendedTarget, appendTarget } from '../targets/append.js'
import { plainForm, readForm, refuseUnfit, targetKind } from '../targets/index.js'
import type { TargetForm } from '../targets/target.js'
import { repeatForTargets, TARGETS_AXIS } from './batch.js'
import { addBatchAxis } from './batch-axis.js'
import { findPictureInput, type PictureInput } from './input.js'
import { lowestByte } from './numbers.js'
import { type OtherInput, otherInputs } from './others.js'
import { isAboutPlaces, photoPreprocessing } from './photo.js'
import type { CompileOptions, TokenGrid } from './plan.js'
import { embeddingOf } from './token-embeddings.js'

/** A layer to explain at. */
export interface StagedLayer {
  /** Its name, as it was asked for; undefined for the default layer. */
  readonly name: string | undefined
  /** The layer, or why it is none. */
  readonly found: Layer | ExplainError
}

/** The model made ready: upgraded, its parts found, the target appended. */
export interface Stage {
  readonly source: Graph
  readonly network: Network
  readonly shapes: Shapes
  readonly input: PictureInput
  /** How photos become what the model is fed; undefined where it takes none. */
  readonly preprocessing: PreprocessSpec | undefined
  readonly others: readonly OtherInput[]
  /** The inputs that are explained. */
  readonly wrt: readonly string[]
  /** Of inputs of tokens among them: the value that stands for them, their embeddings. */
  readonly embeddings: ReadonlyMap<string, string>
  readonly answer: Answer
  readonly form: TargetForm
  /** The value that is explained, before what the target adds. */
  readonly end: string
  readonly batched: boolean
  /** The layers that were asked for, in that order; none where no method wants one. */
  readonly layers: readonly StagedLayer[]
  /** Inputs that are repeated for several targets: what the network reads instead of them. */
  readonly inputs: ReadonlyMap<string, string>
  readonly target: AppendedTarget
  /** Adds to the graph with the target. */
  readonly b: Builder
}

export function stageOf(model: Graph, options: CompileOptions, methods: readonly CompiledMethod[]): Stage {
  const { graph: lowered, shapes: found } = addBatchAxis(lower(model), options.shapes ?? declaredShapes(model))
  const input = findPictureInput(lowered, found, options.pictureInput)
  const answer = findAnswer(lowered, found, options.answer, { labels: options.labels, picture: input.name })
  const form = options.form ?? formOf(answer, found, options)
  refuseUnfit(targetKind(form.kind), answer)
  const {
    graph: source,
    shapes,
    value: end,
  } = targetKind(form.kind).end(form, { graph: lowered, shapes: found, answer })
  const others = otherInputs(source, shapes, input, end)
  const { wrt, embeddings } = explainedInputs(source, shapes, options.wrt, input, others)
  const isRow = (name: string): boolean => others.every((o) => o.name !== name || o.batch === 'row')
  const batched =
    input.batch === undefined &&
    typeof shapes.get(end)?.dims?.[0] !== 'number' &&
    others.every((o) => o.batch !== 'unclear') &&
    wrt.every(isRow)
  const picture = { name: input.name, layout: input.layout }
  const grid = options.grid === undefined ? undefined : parseGrid(options.grid)
  const network = networkOf({ graph: source, shapes, picture, logits: end }, grid)
  const wanted = [...new Set([options.layer ?? []].flat())]
  const names = wanted.length > 0 ? wanted : [undefined]
  const layers = names.flatMap((name): StagedLayer[] => {
    if (!methods.some((m) => m.atLayer)) return []
    const maps = methods.length * wrt.length * names.length
    return [{ name, found: attempt(maps, () => layerOf(network, name)) }]
  })
  const rows = [input.name, ...others.filter((o) => o.batch === 'row').map((o) => o.name)]
  // a method without a layer reads values all over the network
  const isShared = methods.every((m) => m.space === 'layer' && m.atLayer)
  const ends = [end, ...layers.flatMap(({ found }) => (found instanceof ExplainError ? [] : found.value))]
  const at = isShared ? firstOf(source, ends.slice(1)) : undefined
  const count = firstInput(source, shapes, { answer, form, end })
  const repeated =
    batched && count !== undefined
      ? repeatForTargets(source, shapes, { count, inputs: rows, at, ends, layouts: network.layouts })
      : { graph: source, shapes, inputs: new Map<string, string>() }
  const own = shapes.get(input.name)?.dims?.[0]
  const batch = input.batch ?? (count === undefined && typeof own === 'string' ? own : TARGETS_AXIS)
  const appended = appendTarget(repeated.graph, repeated.shapes, { answer, form, end, batch })
  const { graph, target } = appended
  const b = new Builder(graph, appended.shapes, { lacks: options.lacks })
  const { inputs } = repeated
  const preprocessing = photoPreprocessing(lowered, input, options.preprocessing, {
    lowest: lowestByte(model, input.name),
    whole: isAboutPlaces(answer),
  })
  return {
    source,
    network,
    shapes,
    input,
    preprocessing,
    others,
    wrt,
    embeddings,
    answer,
    form,
    end,
    batched: batched && count !== undefined,
    layers,
    inputs,
    target,
    b,
  }
}

function formOf(answer: Answer, values: Shapes, { target, score }: CompileOptions): TargetForm {
  if (target === undefined) return plainForm(answer, score)
  return readForm(target, { answer, values, score, labels: [], written: undefined })
}

/** The input of the target that says how many targets there are; undefined for targets that have no input. */
function firstInput(
  graph: Graph,
  shapes: Shapes,
  request: { readonly answer: Answer; readonly form: TargetForm; readonly end: string },
): string | undefined {
  return appendTarget(graph, shapes, { ...request, batch: TARGETS_AXIS }).target.inputs[0]?.name
}

/** The value that is computed first. */
function firstOf(graph: Graph, values: readonly string[]): string | undefined {
  if (values.length < 2) return values[0]
  const made = sorted(graph).flatMap((node) => node.outputs)
  return made.find((value) => values.includes(value))
}

/** The inputs to explain at. Throws `unknown-value`, and `method-not-applicable` for one that has no gradient. */
function explainedInputs(
  graph: Graph,
  shapes: Shapes,
  wanted: string | readonly string[] | undefined,
  picture: PictureInput,
  others: readonly OtherInput[],
): Pick<Stage, 'wrt' | 'embeddings'> {
  const isFloat = (name: string): boolean => shapes.get(name)?.type?.includes('float') ?? false
  const names = [wanted ?? picture.name].flat()
  const all = [picture.name, ...others.map((o) => o.name)]
  const embeddings = new Map<string, string>()
  if (names.includes('all')) return { wrt: all.filter((name) => name === picture.name || isFloat(name)), embeddings }
  for (const name of names) {
    if (!graph.inputs.some((i) => i.name === name))
      throw new ExplainError('unknown-value', {
        what: `There is no input "${name}" in this model to explain`,
        remedy: didYouMean(name, all) || `Its inputs are: ${all.join(', ')}; "all" takes those of floats.`,
        details: { inputs: all },
      })
    if (name === picture.name || isFloat(name)) continue
    const embedding = embeddingOf(graph, shapes, name)
    if (embedding === undefined)
      throw new ExplainError('method-not-applicable', {
        what: `The input "${name}" is ${shapes.get(name)?.type ?? 'of unknown type'}, which has no gradient`,
        remedy: 'Explain the picture, an input of floats, or tokens that are looked up in a table of embeddings.',
      })
    embeddings.set(name, embedding)
  }
  return { wrt: [...new Set(names)], embeddings }
}

/** Asked for one map, a failure is thrown; asked for several, it is kept beside the others. */
export function attempt<T>(maps: number, make: () => T): T | ExplainError {
  try {
    return make()
  } catch (error) {
    if (maps > 1 && error instanceof ExplainError && error.code !== 'unknown-layer') return error
    throw error
  }
}

/** What is said of a layer: how its tokens are read, and that it is an early one where nobody chose it. */
export function layerNotes({ network }: Stage, layer: Layer, name: string | undefined): readonly string[] {
  const early = name === undefined ? earlyLayer(network, layer.value) : undefined
  return [tokensNote(layer, network.grid), early].filter((note) => note !== undefined)
}

export function tokenGrid({ form }: Layer, { grid }: CompileOptions): TokenGrid | undefined {
  return form.sequence && { grid: form.sizes, ...form.sequence, stated: grid !== undefined }
}
