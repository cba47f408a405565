/**
 * A model and explanation methods to one graph that answers and draws its maps in a single run. Pure: no runtime; shapes come
 * in as data (see passes/probe.ts).
 */
import { ExplainError } from '../core/errors.js'
import { chooseLayer, earlyLayer, linearHead } from '../methods/head.js'
import { findMethod } from '../methods/index.js'
import { upsample } from '../methods/maps.js'
import type { CompileContext, CompiledMethod } from '../methods/method.js'
import { Builder, declare } from '../onnx/builder.js'
import type { Graph } from '../onnx/ir.js'
import { declaredShapes, type Shapes } from '../onnx/shapes.js'
import { protoType } from '../onnx/tensors.js'
import { lower } from '../passes/lower.js'
import { prune } from '../passes/prune.js'
import { type Answer, findAnswer } from '../targets/answer.js'
import { type AppendedTarget, appendTarget, targetInput } from '../targets/append.js'
import type { Score } from '../targets/target.js'
import type { Override } from '../vjp/rule.js'
import { nodesBetween, pullBack } from '../vjp/walk.js'
import { repeatForTargets, TARGETS_AXIS } from './batch.js'
import { findPictureInput, type PictureInput } from './input.js'
import { VERSION } from './version.js'

export interface CompileOptions {
  /** A method id, or several: one map each. Compiled methods only. Default: `grad-cam`. */
  readonly method?: string | readonly string[]
  /** The layer's value name, for methods that explain at a layer. Default: the last feature map before pooling. */
  readonly layer?: string | undefined
  /** The output that holds the class scores. Default: the first such output that no other output is made from. */
  readonly answer?: string | undefined
  /** What the maps explain. Default: `logit`. */
  readonly score?: Score
  /** What `probe(graph, runtime)` found. Default: what the file declares, which is often too little. */
  readonly shapes?: Shapes
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
   * The graph output that holds it: `heatmap`, or `heatmap/<method id>` where there are several; `heatmap_1` where the model has a
   * value of that name.
   */
  readonly output: string
  /** The layer it was taken at; undefined for maps at the input. */
  readonly layer: string | undefined
  /** Sentences for the provenance. */
  readonly notes: readonly string[]
}

export interface Plan {
  /**
   * The model's own inputs and outputs; one input more, `target` int64 `[N]` (a class index, -1 for the best answer; `[1]` picture
   * with `[k]` targets gives k maps), and the maps, float32 `[N,h,w]` or `[N,C,H,W]`.
   */
  readonly graph: Graph
  /** The name of the input for the class: `target`, or `target_1` where the model has a value of that name. */
  readonly target: string
  readonly maps: readonly PlannedMap[]
  /** Methods that this network does not allow, with the reason; only where several methods were asked for. */
  readonly refused: readonly { readonly method: CompiledMethod; readonly error: ExplainError }[]
  readonly input: PictureInput
  readonly answer: Answer
  readonly score: Score
  /** True where one picture may be given with several targets. */
  readonly batched: boolean
  /** True where several targets of one picture share the forward pass up to the layer, and so cost little more than one. */
  readonly sharesForward: boolean
}

/**
 * Compiles methods into the model. Throws `unknown-method`, `unknown-layer`, `method-not-applicable`, `unsupported-operator`,
 * `unsupported-opset`, `no-image-input`.
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
  const { b, input } = stage
  const build = mapBuilder(stage)
  const refused: { method: CompiledMethod; error: ExplainError }[] = []
  const maps = methods.flatMap((method): PlannedMap[] => {
    const result = attempt(methods, () => build(method))
    if (result instanceof ExplainError) {
      refused.push({ method, error: result })
      return []
    }
    const finished = b.scope(`onnxplain/${method.id}`, () => finish(b, result.value, method, input, options))
    const output = b.alias(finished, b.fresh(methods.length === 1 ? 'heatmap' : `heatmap/${method.id}`))
    const layer = typeof stage.layer === 'string' && method.atLayer ? stage.layer : undefined
    const early =
      layer !== undefined && options.layer === undefined && earlyLayer(stage.source, layer, stage.answer.logits)
    return [{ method, output, layer, notes: early ? [...result.notes, early] : result.notes }]
  })
  const outputs = maps.map((m) => declare(m.output, 'float32', mapDims(b, m, input, options)))
  const graph = b
    .finish({ outputs: [...stage.source.outputs, ...outputs] })
    .with({ metadata: metadata(maps, stage.score, stage.target.input, options) })
  const { answer, score, batched, target } = stage
  const sharesForward = batched && stage.picture === input.name
  return { graph: prune(graph), target: target.input, maps, refused, input, answer, score, batched, sharesForward }
}

/** The model made ready: upgraded, its parts found, the target appended. */
interface Stage {
  readonly source: Graph
  readonly shapes: Shapes
  readonly input: PictureInput
  readonly answer: Answer
  readonly score: Score
  readonly batched: boolean
  /** The layer, or why there is none; undefined where no method wants one. */
  readonly layer: string | ExplainError | undefined
  /** The picture as the network reads it: the input, or its repeated form. */
  readonly picture: string
  readonly target: AppendedTarget
  /** Adds to the graph with the target. */
  readonly b: Builder
}

function prepare(model: Graph, options: CompileOptions, methods: readonly CompiledMethod[]): Stage {
  const shapes = options.shapes ?? declaredShapes(model)
  const score = options.score ?? 'logit'
  const source = lower(model)
  const input = findPictureInput(source, shapes)
  const answer = findAnswer(source, shapes, options.answer)
  const batched = input.batch === undefined && typeof answer.dims[0] !== 'number'
  const layer = methods.some((m) => m.atLayer)
    ? attempt(methods, () => chooseLayer(source, shapes, answer.logits, options.layer))
    : undefined
  const from = methods.every((m) => m.space === 'layer') && typeof layer === 'string' ? layer : input.name
  const repeated = batched
    ? repeatForTargets(source, shapes, input.name, from, answer.logits)
    : { graph: source, shapes, input: input.name }
  const request = { input: targetInput(source), batch: input.batch ?? TARGETS_AXIS }
  const { graph, target } = appendTarget(repeated.graph, repeated.shapes, answer, score, request)
  const b = new Builder(graph, repeated.shapes)
  return { source, shapes, input, answer, score, batched, layer, picture: repeated.input, target, b }
}

/** A method's raw map and the sentences it noted. */
interface Built {
  readonly value: string
  readonly notes: readonly string[]
}

/** Builds the map of a method, once; methods may ask for each other's. */
function mapBuilder(stage: Stage): (method: CompiledMethod) => Built {
  const { source, shapes, input, answer, layer, target, b } = stage
  const head = linearHead(source, shapes, answer.logits)
  const gradients = new Map<string, string>()
  const made = new Map<CompiledMethod, Built>()
  const build = (method: CompiledMethod): Built => {
    const known = made.get(method)
    if (known) return known
    const notes: string[] = []
    const context: CompileContext = {
      b,
      input: stage.picture,
      layout: input.layout,
      head,
      chosen: target.chosen,
      path: () => nodesBetween(b, target.scores, [stage.picture]),
      layer: () => {
        if (typeof layer === 'string') return layer
        throw (
          layer ?? new ExplainError('method-not-applicable', { what: `${method.id} did not say that it needs a layer` })
        )
      },
      gradient: (value, override) => gradientOf(b, gradients, target, value, override),
      map: (other) => {
        const built = build(other)
        notes.push(...built.notes)
        return built.value
      },
      note: (text) => notes.push(text),
    }
    const value = b.scope(`onnxplain/${method.id}`, () => asFloat32(b, method.build(context)))
    const result = { value, notes }
    made.set(method, result)
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

/** Asked for one method, a failure is thrown; asked for several, it is kept beside the others. */
function attempt<T>(methods: readonly CompiledMethod[], make: () => T): T | ExplainError {
  try {
    return make()
  } catch (error) {
    if (methods.length > 1 && error instanceof ExplainError && error.code !== 'unknown-layer') return error
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
function finish(b: Builder, raw: string, method: CompiledMethod, input: PictureInput, options: CompileOptions): string {
  let map = options.relu ? b.op('Relu', [raw]) : raw
  if (options.upsample && method.space === 'layer') {
    const [h, w] = input.layout === 'NCHW' ? [2, 3] : [1, 2]
    map = upsample(b, map, b.extent(input.name, h), b.extent(input.name, w))
  }
  if (!options.normalize) return map
  const axes = b.int64s(method.space === 'layer' ? [1, 2] : [1, 2, 3])
  const largest = b.op('ReduceMax', [b.op('Abs', [map]), axes], { keepdims: 1 })
  return b.op('Div', [map, b.op('Max', [largest, b.scalar(1e-30, map)])])
}

/** The declared shape of a map: what is known of it, `N` first. */
function mapDims(
  b: Builder,
  map: PlannedMap,
  input: PictureInput,
  options: CompileOptions,
): readonly (number | string | null)[] {
  const batch = input.batch ?? TARGETS_AXIS
  const own = b.dims(input.name) ?? []
  if (map.method.space === 'input') return [batch, ...own.slice(1)]
  if (options.upsample) return [batch, ...(input.layout === 'NCHW' ? own.slice(2) : own.slice(1, 3))]
  return [batch, ...(b.dims(map.layer ?? '')?.slice(2) ?? [])]
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
    ['onnxplain.target', `${score}; input "${target}": class index, -1 for the best answer`],
    ['onnxplain.steps', steps.join(',') || 'raw'],
  ])
}
