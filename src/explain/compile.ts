/**
 * A model and explanation methods to one graph that answers and draws its maps in a single run. Pure: no runtime; shapes come
 * in as data (see passes/probe.ts).
 */
import { ExplainError } from '../core/errors.js'
import { axisOf, type InputLayout } from '../core/layout.js'
import { didYouMean } from '../core/nearest.js'
import type { Dim, Lack } from '../core/runtime.js'
import { linearHead } from '../methods/head.js'
import { findMethod } from '../methods/index.js'
import { chooseLayer, earlyLayer, type Network, networkOf, tokensNote } from '../methods/layers.js'
import { parseGrid } from '../methods/layout/grid.js'
import { channelsFirstView, type Layer } from '../methods/layout/view.js'
import { upsample } from '../methods/maps.js'
import type { CompileContext, CompiledMethod, LayerMap } from '../methods/method.js'
import { Builder, declare } from '../onnx/builder.js'
import type { Graph } from '../onnx/ir.js'
import { declaredShapes, type Shapes } from '../onnx/shapes.js'
import { protoType } from '../onnx/tensors.js'
import { ownBorders } from '../passes/borders.js'
import { lower } from '../passes/lower.js'
import { prune } from '../passes/prune.js'
import { type Answer, findAnswer } from '../targets/answer.js'
import { type AppendedTarget, appendTarget, targetInput } from '../targets/append.js'
import type { Score } from '../targets/target.js'
import type { Override } from '../vjp/rule.js'
import { nodesBetween, pullBack } from '../vjp/walk.js'
import { repeatForTargets, TARGETS_AXIS } from './batch.js'
import { findPictureInput, type PictureInput } from './input.js'
import { straightThrough } from './numbers.js'
import { type OtherInput, otherInputs } from './others.js'
import { VERSION } from './version.js'

export interface CompileOptions {
  /** A method id, or several: one map each. Compiled methods only. Default: `grad-cam`. */
  readonly method?: string | readonly string[]
  /** The layer's value name, for methods that explain at a layer. Default: the last feature map before pooling. */
  readonly layer?: string | undefined
  /**
   * The grid of a network's tokens, where the graph does not tell it or another is meant: `14x14`, rows and columns; `14x14+1` where one
   * token comes before the places. Default before: all that are left over. Default: found from the graph.
   */
  readonly grid?: string | undefined
  /** The output that holds the class scores. Default: the first such output that no other output is made from. */
  readonly answer?: string | undefined
  /** What the maps explain. Default: `logit`. */
  readonly score?: Score
  /** The input that takes the picture. Default: found, see {@link findPictureInput}. */
  readonly pictureInput?: string | undefined
  /**
   * The inputs that methods of the input's own space explain at (gradients and their like), by name: float ones, or `all` of those. Other
   * methods explain at the picture alone. Default: the picture.
   */
  readonly wrt?: string | readonly string[] | undefined
  /** What `probe(graph, runtime)` found. Default: what the file declares, which is often too little. */
  readonly shapes?: Shapes
  /** What the runtime that will run the plan has no kernel for: `runtime.lacks`. The maps are the same. Default: nothing. */
  readonly lacks?: readonly Lack[] | undefined
  /** Keeps the positive part of a map. Default: false. */
  readonly relu?: boolean
  /** Resizes maps of a layer bilinearly to the model's input. Default: false. */
  readonly upsample?: boolean
  /** Divides each map by its largest absolute value. Default: false. */
  readonly normalize?: boolean
}

/** One map of a plan. */
export interface PlannedMap {
  readonly method: CompiledMethod
  /**
   * The graph output that holds it: `heatmap`, or `heatmap/<method id>` where there are several methods; with `/<input>` behind it for
   * inputs other than the picture; `heatmap_1` where the model has a value of that name.
   */
  readonly output: string
  /** The input that it explains. */
  readonly input: string
  /** The layer it was taken at; undefined for maps at the input. */
  readonly layer: string | undefined
  /** How the layer's tokens are read; undefined where it is a map as it stands. */
  readonly tokens: TokenGrid | undefined
  /** Sentences for the provenance. */
  readonly notes: readonly string[]
}

/** The places among a layer's tokens. */
export interface TokenGrid {
  /** Rows and columns; null or a name where they are free. */
  readonly grid: readonly Dim[]
  /** Tokens before and behind the places, such as class tokens: not in the map. */
  readonly before: number
  readonly after: number
  /** True where the user stated the grid. */
  readonly stated: boolean
}

export interface Plan {
  /**
   * The model's own inputs and outputs; one input more, `target` int64 `[N]` (a class index, -1 for the best answer; `[1]` picture
   * with `[k]` targets gives k maps), and the maps, float32 `[N,h,w]` (volumes and clips: `[N,d,h,w]`), or in the input's shape.
   */
  readonly graph: Graph
  /** The name of the input for the class: `target`, or `target_1` where the model has a value of that name. */
  readonly target: string
  readonly maps: readonly PlannedMap[]
  /** Methods that this network does not allow, with the reason; only where several methods were asked for. */
  readonly refused: readonly { readonly method: CompiledMethod; readonly error: ExplainError }[]
  readonly input: PictureInput
  /** The other inputs that the answer needs. */
  readonly others: readonly OtherInput[]
  readonly answer: Answer
  readonly score: Score
  /** True where one picture may be given with several targets. */
  readonly batched: boolean
  /** True where several targets of one picture share the forward pass up to the layer, and so cost little more than one. */
  readonly sharesForward: boolean
}

/**
 * Compiles methods into the model. Throws `unknown-method`, `unknown-layer`, `method-not-applicable`, `unsupported-operator`,
 * `unsupported-opset`, `no-image-input`, `unknown-value` for an input that is not there, `bad-option` for a kernel that cannot be lacked.
 *
 * @example
 * ```ts
 * const graph = decode(bytes)
 * const plan = compile(graph, { method: 'grad-cam', shapes: await probe(graph, runtime) })
 * await writeFile('model.grad-cam.onnx', encode(plan.graph))
 * ```
 */
export function compile(model: Graph, options: CompileOptions = {}): Plan {
  const methods = [options.method ?? 'grad-cam'].flat().map(compiledMethod)
  const stage = prepare(model, options, methods)
  const { b, input, others } = stage
  const build = mapBuilder(stage)
  const isAll = [options.wrt ?? []].flat().includes('all')
  const asked = methods.flatMap((method) =>
    stage.wrt.filter((at) => !isAll || at === input.name || takesAnyInput(method)).map((at) => ({ method, at })),
  )
  const refused: { method: CompiledMethod; error: ExplainError }[] = []
  const maps = asked.flatMap(({ method, at }): PlannedMap[] => {
    const result = attempt(asked.length, () => build(method, at))
    if (result instanceof ExplainError) {
      refused.push({ method, error: result })
      return []
    }
    const finished = b.scope(`onnxplain/${method.id}`, () => finish(stage, result.value, method, at, options))
    const name = ['heatmap', ...(methods.length > 1 ? [method.id] : []), ...(at === input.name ? [] : [at])].join('/')
    const output = b.alias(finished, b.fresh(name))
    const layer = method.atLayer ? foundLayer(stage) : undefined
    const notes = [...result.notes, ...(layer ? layerNotes(stage, layer, options) : [])]
    return [{ method, output, input: at, layer: layer?.value, tokens: layer && tokenGrid(layer, options), notes }]
  })
  const outputs = maps.map((m) => declare(m.output, 'float32', mapDims(stage, m, options)))
  const graph = b
    .finish({ outputs: [...stage.source.outputs, ...outputs] })
    .with({ metadata: metadata(maps, stage.score, stage.target.input, options) })
  const { answer, score, batched, target } = stage
  const sharesForward = batched && stage.inputs.size === 0
  return {
    graph: ownBorders(prune(graph), model),
    target: target.input,
    maps,
    refused,
    input,
    others,
    answer,
    score,
    batched,
    sharesForward,
  }
}

/** What is said of a layer: how its tokens are read, and that it is an early one where nobody chose it. */
function layerNotes({ network }: Stage, layer: Layer, options: CompileOptions): readonly string[] {
  const early = options.layer === undefined ? earlyLayer(network, layer.value) : undefined
  return [tokensNote(layer, network.grid), early].filter((note) => note !== undefined)
}

function tokenGrid({ form }: Layer, { grid }: CompileOptions): TokenGrid | undefined {
  return form.sequence && { grid: form.sizes, ...form.sequence, stated: grid !== undefined }
}

/** The model made ready: upgraded, its parts found, the target appended. */
interface Stage {
  readonly source: Graph
  readonly network: Network
  readonly shapes: Shapes
  readonly input: PictureInput
  readonly others: readonly OtherInput[]
  /** The inputs that are explained. */
  readonly wrt: readonly string[]
  readonly answer: Answer
  readonly score: Score
  readonly batched: boolean
  /** The layer, or why there is none; undefined where no method wants one. */
  readonly layer: Layer | ExplainError | undefined
  /** Inputs that are repeated for several targets: what the network reads instead of them. */
  readonly inputs: ReadonlyMap<string, string>
  readonly target: AppendedTarget
  /** Adds to the graph with the target. */
  readonly b: Builder
}

function prepare(model: Graph, options: CompileOptions, methods: readonly CompiledMethod[]): Stage {
  const shapes = options.shapes ?? declaredShapes(model)
  const score = options.score ?? 'logit'
  const source = lower(model)
  const input = findPictureInput(source, shapes, options.pictureInput)
  const answer = findAnswer(source, shapes, options.answer)
  const others = otherInputs(source, shapes, input, answer.logits)
  const wrt = explainedInputs(source, shapes, options.wrt, input, others)
  const isRow = (name: string): boolean => others.every((o) => o.name !== name || o.batch === 'row')
  const batched =
    input.batch === undefined &&
    typeof answer.dims[0] !== 'number' &&
    others.every((o) => o.batch !== 'unclear') &&
    wrt.every(isRow)
  const picture = { name: input.name, layout: input.layout }
  const grid = options.grid === undefined ? undefined : parseGrid(options.grid)
  const network = networkOf({ graph: source, shapes, picture, logits: answer.logits }, grid)
  const layer = methods.some((m) => m.atLayer)
    ? attempt(methods.length * wrt.length, () => chooseLayer(network, options.layer))
    : undefined
  const rows = [input.name, ...others.filter((o) => o.batch === 'row').map((o) => o.name)]
  const isShared = methods.every((m) => m.space === 'layer')
  const at = isShared ? foundLayer({ layer })?.value : undefined
  const repeated = batched
    ? repeatForTargets(source, shapes, { inputs: rows, at, logits: answer.logits, layouts: network.layouts })
    : { graph: source, shapes, inputs: new Map<string, string>() }
  const request = { input: targetInput(source), batch: input.batch ?? TARGETS_AXIS }
  const { graph, target } = appendTarget(repeated.graph, repeated.shapes, answer, score, request)
  const b = new Builder(graph, repeated.shapes, { lacks: options.lacks })
  const { inputs } = repeated
  return { source, network, shapes, input, others, wrt, answer, score, batched, layer, inputs, target, b }
}

function foundLayer({ layer }: Pick<Stage, 'layer'>): Layer | undefined {
  return layer instanceof ExplainError ? undefined : layer
}

/** The inputs to explain at. Throws `unknown-value`, and `method-not-applicable` for one that has no gradient. */
function explainedInputs(
  graph: Graph,
  shapes: Shapes,
  wanted: string | readonly string[] | undefined,
  picture: PictureInput,
  others: readonly OtherInput[],
): readonly string[] {
  const isFloat = (name: string): boolean => shapes.get(name)?.type?.includes('float') ?? false
  const names = [wanted ?? picture.name].flat()
  const all = [picture.name, ...others.map((o) => o.name)]
  if (names.includes('all')) return all.filter((name) => name === picture.name || isFloat(name))
  for (const name of names) {
    if (!graph.inputs.some((i) => i.name === name))
      throw new ExplainError('unknown-value', {
        what: `There is no input "${name}" in this model to explain`,
        remedy: didYouMean(name, all) || `Its inputs are: ${all.join(', ')}; "all" takes those of floats.`,
        details: { inputs: all },
      })
    if (name !== picture.name && !isFloat(name))
      throw new ExplainError('method-not-applicable', {
        what: `The input "${name}" is ${shapes.get(name)?.type ?? 'of unknown type'}, which has no gradient`,
        remedy: 'Explain the picture, or an input of floats.',
      })
  }
  return [...new Set(names)]
}

/** A method's raw map and the sentences it noted. */
interface Built {
  readonly value: string
  readonly notes: readonly string[]
}

/** True for gradients and their like, which are taken of any input. */
function takesAnyInput(method: CompiledMethod): boolean {
  return method.space === 'input' && !method.atLayer
}

/** Builds the map of a method at an input, once; methods may ask for each other's. */
function mapBuilder(stage: Stage): (method: CompiledMethod, at: string) => Built {
  const { network, input, layer, target, b } = stage
  const head = linearHead(network)
  const gradients = new Map<string, string>()
  const views = new Map<string, string>()
  const made = new Map<string, Built>()
  const layerMap = (at: Layer): LayerMap => {
    const view = (of: string): string => {
      const known = views.get(of) ?? b.scope('onnxplain/layer', () => channelsFirstView(b, of, at))
      views.set(of, known)
      return known
    }
    const gradient = (): string => view(gradientOf(b, gradients, target, at.value, undefined))
    return { value: at.value, features: view(at.value), gradient }
  }
  const build = (method: CompiledMethod, at: string): Built => {
    const key = `${method.id} ${at}`
    const known = made.get(key)
    if (known) return known
    if (at !== input.name && !takesAnyInput(method))
      throw new ExplainError('method-not-applicable', {
        what: `${method.id} explains at a layer, or at the picture: it has no map of the input "${at}"`,
        remedy: 'Explain other inputs by gradient or input-x-gradient.',
      })
    const notes: string[] = []
    const value = stage.inputs.get(at) ?? at
    const context: CompileContext = {
      b,
      input: value,
      layout: input.layout,
      head,
      chosen: target.chosen,
      path: () => nodesBetween(b, target.scores, [value]),
      layer: () => {
        if (layer && !(layer instanceof ExplainError)) return layerMap(layer)
        throw (
          layer ?? new ExplainError('method-not-applicable', { what: `${method.id} did not say that it needs a layer` })
        )
      },
      gradient: (value, override) => {
        const rounded = straightThrough(nodesBetween(b, target.scores, [value]))
        if (rounded !== undefined && !notes.includes(rounded)) notes.push(rounded)
        return gradientOf(b, gradients, target, value, override)
      },
      map: (other) => {
        const built = build(other, at)
        notes.push(...built.notes.filter((n) => !notes.includes(n)))
        return built.value
      },
      note: (text) => notes.push(text),
    }
    const map = b.scope(`onnxplain/${method.id}`, () => asFloat32(b, method.build(context)))
    const result = { value: map, notes }
    made.set(key, result)
    return result
  }
  return build
}

function compiledMethod(id: string): CompiledMethod {
  const method = findMethod(id)
  if (method.kind === 'compiled') return method
  throw new ExplainError('method-not-applicable', {
    what: `${method.id} is a loop around runs of the network and cannot be compiled into a model`,
    remedy: 'Compile grad-cam or another method of one run; "onnxplain methods" lists them.',
  })
}

/** Asked for one map, a failure is thrown; asked for several, it is kept beside the others. */
function attempt<T>(maps: number, make: () => T): T | ExplainError {
  try {
    return make()
  } catch (error) {
    if (maps > 1 && error instanceof ExplainError && error.code !== 'unknown-layer') return error
    throw error
  }
}

function gradientOf(
  b: Builder,
  cache: Map<string, string>,
  target: AppendedTarget,
  value: string,
  override: Override | undefined,
): string {
  const key = `${override?.name ?? ''} ${value}`
  const known = cache.get(key)
  if (known !== undefined) return known
  const [gradient = ''] = pullBack(b, { of: target.scores, seed: target.seed, wrt: [value], override })
  cache.set(key, gradient)
  return gradient
}

/** Maps are float32, in float16 networks too; ORT drops a cast that does nothing. */
function asFloat32(b: Builder, map: string): string {
  const wide = b.op('Cast', [map], { to: protoType('float32') })
  b.know(wide, 'float32', undefined)
  return wide
}

/** The optional steps behind the raw map. */
function finish(
  { b, input, others }: Stage,
  raw: string,
  method: CompiledMethod,
  at: string,
  options: CompileOptions,
): string {
  let map = options.relu ? b.op('Relu', [raw]) : raw
  const atLayer = method.space === 'layer'
  const axes = spatialAxes(input.layout)
  if (options.upsample && atLayer)
    map = upsample(
      b,
      map,
      axes.map((axis) => b.extent(input.name, axis)),
    )
  if (!options.normalize) return map
  // without a row for each picture, the whole map is one
  const rank = atLayer ? axes.length + 1 : (b.rank(at) ?? 4)
  const first = others.some((o) => o.name === at && o.batch !== 'row') ? 0 : 1
  const reduced = b.int64s(Array.from({ length: rank - first }, (_, i) => i + first))
  const largest = b.op('ReduceMax', [b.op('Abs', [map]), reduced], { keepdims: 1 })
  return b.op('Div', [map, b.op('Max', [largest, b.scalar(1e-30, map)])])
}

/** The axes of slices, rows and columns. */
function spatialAxes(layout: InputLayout): readonly number[] {
  return (['D', 'H', 'W'] as const).flatMap((letter) => axisOf(layout, letter) ?? [])
}

/** The declared shape of a map: what is known of it, `N` first. */
function mapDims({ shapes, input, others, layer }: Stage, map: PlannedMap, options: CompileOptions): readonly Dim[] {
  const batch = input.batch ?? TARGETS_AXIS
  const own = shapes.get(map.input)?.dims ?? []
  if (map.method.space === 'input')
    return others.some((o) => o.name === map.input && o.batch !== 'row') ? own : [batch, ...own.slice(1)]
  if (options.upsample) return [batch, ...spatialAxes(input.layout).map((axis) => own[axis] ?? null)]
  return [batch, ...(foundLayer({ layer })?.form.sizes ?? [])]
}

/** `14x14+1`: rows, columns, tokens before them. */
function gridMetadata(maps: readonly PlannedMap[]): readonly [string, string][] {
  const tokens = maps.find((m) => m.tokens)?.tokens
  return tokens ? [['onnxplain.grid', `${tokens.grid.map((size) => size ?? '?').join('x')}+${tokens.before}`]] : []
}

function metadata(
  maps: readonly PlannedMap[],
  score: Score,
  target: string,
  options: CompileOptions,
): ReadonlyMap<string, string> {
  const steps = (['relu', 'upsample', 'normalize'] as const).filter((s) => options[s])
  return new Map([
    ['onnxplain.version', VERSION],
    ['onnxplain.method', maps.map((m) => m.method.id).join(',')],
    ['onnxplain.layer', maps.find((m) => m.layer)?.layer ?? ''],
    ...gridMetadata(maps),
    ['onnxplain.input', [...new Set(maps.map((m) => m.input))].join(',')],
    ['onnxplain.target', `${score}; input "${target}": class index, -1 for the best answer`],
    ['onnxplain.steps', steps.join(',') || 'raw'],
  ])
}
