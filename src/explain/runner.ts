/** Runs a model's plans: one session a plan, kept in a small cache together with it. */
import { ExplainError } from '../core/errors.js'
import type { Lack, OptimizationLevel, Runtime, Session } from '../core/runtime.js'
import { float32, sizeOf, sliceFirst, type Tensor } from '../core/tensor.js'
import type { Square } from '../methods/covering.js'
import { gradient } from '../methods/gradient.js'
import { declare } from '../onnx/builder.js'
import type { Graph } from '../onnx/ir.js'
import type { Shapes } from '../onnx/shapes.js'
import { gainsByPacking } from '../passes/packing.js'
import { prune } from '../passes/prune.js'
import type { Answer } from '../targets/answer.js'
import { targetKind } from '../targets/index.js'
import type { InputRows, TargetForm } from '../targets/target.js'
import { targetFeeds } from './asked.js'
import { type ChangedHost, ChangedRuns } from './changed.js'
import { compile } from './compile.js'
import {
  compileLayer,
  compileLayerGradient,
  type LayerGradientPlan,
  type LayerPlan,
  type OfGradient,
} from './compile-layer.js'
import { compileScores, type ScoresPlan } from './compile-scores.js'
import type { Feed } from './feed.js'
import type { PictureInput } from './input.js'
import type { OtherInput } from './others.js'
import type { CompileOptions, Plan, RunnablePlan } from './plan.js'
import {
  type ChannelsRun,
  isShared,
  type LayerPlace,
  mixedMaps,
  type PlanRequest,
  type PlanRun,
  type ReadOff,
  type RunPart,
} from './runs.js'
import { float32Of, type Result, SessionFiles } from './session-files.js'
import { SessionCache } from './sessions.js'
import { Writer } from './writer.js'

export class Runner {
  readonly #graph: Graph
  readonly #shapes: Shapes
  readonly #input: PictureInput
  readonly #others: readonly OtherInput[]
  readonly #answer: Answer
  readonly #labels: number | undefined
  readonly #sessions: SessionCache
  readonly #files: SessionFiles
  readonly #lacks: readonly Lack[] | undefined
  readonly #runtime: Runtime
  readonly #optimization: OptimizationLevel
  #writer: Writer | undefined
  readonly #changed = new ChangedRuns()
  readonly #plans = new Map<string, Plan>()
  readonly #layers = new Map<string, LayerPlan>()
  readonly #gradients = new Map<string, LayerGradientPlan>()
  readonly #scores = new Map<string, ScoresPlan>()

  constructor(
    graph: Graph,
    shapes: Shapes,
    parts: {
      readonly input: PictureInput
      readonly others: readonly OtherInput[]
      readonly answer: Answer
      readonly labels: readonly string[]
    },
    runtime: Runtime,
    optimization: OptimizationLevel,
  ) {
    this.#graph = graph
    this.#shapes = shapes
    this.#input = parts.input
    this.#others = parts.others
    this.#answer = parts.answer
    this.#labels = parts.labels.length || undefined
    this.#lacks = runtime.lacks
    this.#runtime = runtime
    this.#optimization = optimization
    const packed = gainsByPacking(graph, shapes, parts.input.name)
    this.#sessions = new SessionCache(runtime, { optimization, packed })
    this.#files = new SessionFiles({ shapes, lacks: runtime.lacks, ...parts })
  }

  /** The model as one that writes texts. Throws `method-not-applicable`. */
  writer(): Writer {
    if (this.#answer.kind !== 'words')
      throw new ExplainError('method-not-applicable', {
        what: `This model writes no texts: its answer "${this.#answer.output}" holds no scores of words`,
      })
    const parts = { graph: this.#graph, shapes: this.#shapes, input: this.#input, scores: this.#answer.logits }
    this.#writer ??= new Writer(parts, this.#runtime, this.#optimization)
    return this.#writer
  }

  /** How many pictures may go in one run; undefined: any number. */
  get batch(): number | undefined {
    return this.#others.some((o) => o.batch === 'unclear') ? 1 : this.#input.batch
  }

  /** The logits of each picture of a batch, which is filled up where the model's batch is fixed. */
  async forward({ pictures, others }: Feed): Promise<readonly Float32Array[]> {
    const count = pictures.dims[0] ?? 0
    const result = await this.#sessions.use(
      'forward',
      () => this.#files.file(this.#graph, []),
      (session) => session.run(this.#files.feeds(session, { pictures, others })),
    )
    return this.#files.rows(result, count)
  }

  /** Scores `[pictures][targets]` of targets of one form, in which nothing is left open. */
  async scores(form: TargetForm, rows: readonly InputRows[], feed: Feed): Promise<readonly Float32Array[]> {
    const { key, plan } = this.#scoresPlan(form)
    return this.#scored(key, plan, rows, feed, {})
  }

  /**
   * Copies of a picture that show `other` inside of one box each, `size` copies a run, and what is read off each; see {@link ChangedRuns}. Runs come as
   * they are done.
   */
  async *changed(
    end: ReadOff,
    { pictures, others }: Feed,
    groups: readonly (readonly Square[])[],
    other: Float32Array,
    size: number,
  ): AsyncGenerator<readonly { readonly box: Square; readonly read: Float32Array }[]> {
    const { key, graph, wanted, feeds, read } = this.#end(end)
    const host: ChangedHost = {
      key,
      graph,
      shapes: this.#shapes,
      input: this.#input,
      runtime: this.#runtime,
      run: (name, make, tables, given, around) =>
        this.#sessions.use(
          name,
          () =>
            tables ? this.#files.file(make(), tables, false) : this.#files.file(make(), wanted, wanted.length === 0),
          (session) =>
            session.run({
              ...this.#files.feeds(session, { pictures: given, others }),
              ...(tables ? {} : feeds),
              ...around,
            }),
        ),
    }
    for await (const { boxes, result } of this.#changed.run(host, pictures, groups, other, size)) {
      const rows = read(result, boxes.length)
      yield boxes.map((box, i) => ({ box, read: rows[i] ?? new Float32Array() }))
    }
  }

  /** The graph that gives what is read off pictures, and how. */
  #end(end: ReadOff) {
    if (end === 'logits') {
      const graph = prune(this.#graph.with({ outputs: [declare(this.#answer.logits)] }))
      const read = (result: Result, count: number) => this.#files.rows(result, count)
      return { key: 'forward', graph, wanted: [], feeds: {}, read }
    }
    const { key, plan } = this.#scoresPlan(end.form)
    const graph = prune(plan.graph.with({ outputs: [declare(plan.scores, 'float32')] }))
    const read = (result: Result, count: number) => this.#scoreRows(result, plan, end.rows, count)
    return { key, graph, wanted: [plan.scores], feeds: targetFeeds(plan.targetInputs, end.rows), read }
  }

  /** A value of the graph for one picture, without the batch axis where that is of 1. */
  async value(name: string, feed: Feed): Promise<Tensor<'float32'>> {
    const result = await this.#sessions.use(
      JSON.stringify(['value', name]),
      () => this.#files.file(this.#graph.with({ outputs: [declare(name)] }), [name], false),
      (session) => session.run(this.#files.feeds(session, feed)),
    )
    return float32Of(result, name)
  }

  /** What a graph that is made of the model's gives for one picture. */
  async outputs(key: string, graph: Graph, feed: Feed): Promise<Readonly<Record<string, Tensor>>> {
    const names = graph.outputs.map((o) => o.name)
    return this.#sessions.use(
      key,
      () => this.#files.file(graph, names, false),
      (session) => session.run(this.#files.feeds(session, feed)),
    )
  }

  /** Logits and maps of one picture: in one run where targets share the forward pass, else in as many as they need. */
  async maps(request: PlanRequest, feed: Feed, rows: readonly InputRows[]): Promise<PlanRun> {
    const { key, plan } = this.#plan(request)
    // without a shared forward pass a batch is not faster than run after run, and takes more memory (npm run bench)
    // a map of an input that has no row for each picture is one for all targets of a run
    const single = plan.maps.some((m) => isShared(plan, m))
    if (single && (this.#input.batch ?? 1) > 1) throw mixedMaps(plan, this.#input.batch ?? 1)
    const runs = plan.sharesForward ? [rows] : chunks(rows, single ? 1 : (this.#input.batch ?? 1))
    const parts = await this.#sessions.use(
      key,
      () => this.#files.planFile(plan),
      async (session) => {
        const done: RunPart[] = []
        for (const run of runs) done.push(await this.#once(session, plan, feed, run))
        return done
      },
    )
    return {
      logits: parts[0]?.logits ?? new Float32Array(),
      scores: parts.flatMap((part) => part.scores),
      maps: plan.maps.map((map, m) => ({ ...map, raws: parts.flatMap((part) => part.raws[m] ?? []) })),
      refused: plan.refused,
    }
  }

  /** Gradients of one target's score by each picture of a batch, `size` pictures a run. */
  async gradients(feed: Feed, form: TargetForm, row: InputRows, size: number): Promise<Tensor<'float32'>> {
    const { key, plan } = this.#plan({ ...GRADIENT, form })
    const { pictures, others } = feed
    const [count = 0, ...rest] = pictures.dims
    const data = new Float32Array(pictures.data.length)
    const step = sizeOf(rest)
    await this.#sessions.use(
      key,
      () => this.#files.planFile(plan),
      async (session) => {
        for (const part of chunks([...Array(count).keys()], this.batch ?? size)) {
          const [from = 0, n] = [part[0], part.length]
          const some = float32([n, ...rest], pictures.data.subarray(from * step, (from + n) * step))
          const { raws } = await this.#once(session, plan, { pictures: some, others }, Array(n).fill(row))
          for (const [i, raw] of (raws[0] ?? []).entries()) data.set(raw.data, (from + i) * step)
        }
      },
    )
    return float32(pictures.dims, data)
  }

  /** The channels of a layer and their weights for one target. */
  async channels(place: LayerPlace, feed: Feed, row: InputRows): Promise<ChannelsRun> {
    const { plan, logits, scores, features, found } = await this.#layerGradient(place, 'weights', feed, row)
    return { logits, scores, plan, features, weights: found }
  }

  /** A layer's features of one picture and the gradient of a target's score by them, `[1,K,...places]` each. */
  async layerGradient(place: LayerPlace, feed: Feed, row: InputRows) {
    const { features, found } = await this.#layerGradient(place, 'gradient', feed, row)
    const one = ({ dims, data }: Tensor<'float32'>): Tensor<'float32'> => float32([1, ...dims], data)
    return { features: one(features), gradients: one(found) }
  }

  /** The network taken apart at a layer. */
  layer(place: LayerPlace): LayerPlan {
    return kept(this.#layers, keyOf('layer', place), () => compileLayer(this.#graph, { ...place, ...this.#known() }))
  }

  /** A layer of one picture: as the graph has it, as `[N,K,...places]`, and where the elements of the second lie in the first. */
  async atLayer(place: LayerPlace, feed: Feed): Promise<readonly Tensor<'float32'>[]> {
    const { before } = this.layer(place)
    const names = [before.own, before.features, before.places]
    const result = await this.#sessions.use(
      keyOf('before', place),
      () => this.#files.file(before.graph, names, false),
      (session) => session.run(this.#files.feeds(session, feed)),
    )
    return names.map((name) => float32Of(result, name))
  }

  /** The logits of as many pictures as `feed` has, where the layer holds `own`. */
  async behindLayer(place: LayerPlace, own: Tensor<'float32'>, feed: Feed): Promise<readonly Float32Array[]> {
    const { layer, behind } = this.layer(place)
    const result = await this.#sessions.use(
      keyOf('behind', place),
      () => this.#files.file(behind, []),
      (session) => session.run({ ...this.#files.feeds(session, feed), [layer]: own }),
    )
    return this.#files.rows(result, feed.pictures.dims[0] ?? 0)
  }

  /** Scores `[pictures][targets]` of the part behind the layer, where that holds `own`. */
  async scoresBehind(
    place: LayerPlace,
    own: Tensor<'float32'>,
    feed: Feed,
    rows: readonly InputRows[],
  ): Promise<readonly Float32Array[]> {
    const { layer, behind, end, shapes } = this.layer(place)
    const key = keyOf('scores behind', place)
    const request = { answer: this.#answer, form: place.form, end }
    const plan = kept(this.#scores, key, () => compileScores(behind, shapes, request))
    return this.#scored(key, plan, rows, feed, { [layer]: own })
  }

  async release(): Promise<void> {
    this.#plans.clear()
    this.#layers.clear()
    this.#gradients.clear()
    this.#scores.clear()
    await this.#sessions.release()
    await this.#writer?.release()
  }

  /** The plan of a request, made once, and the name of its session. */
  #plan({ methods, preprocessing, ...rest }: PlanRequest): { readonly key: string; readonly plan: Plan } {
    const method = methods.map((m) => m.id)
    const { form, layer, grid, wrt, options } = rest
    const isColoured = methods.some((m) => Object.values(m.options).some((o) => o.kind === 'fill'))
    const colours = isColoured ? preprocessing : undefined
    const key = JSON.stringify([method, form, layer, grid, wrt, Object.entries(options).sort(), colours])
    const scored = !this.#isOfLogits(form)
    const make = (): Plan => compile(this.#graph, { method, ...rest, scored, preprocessing, ...this.#known() })
    return { key, plan: kept(this.#plans, key, make) }
  }

  /** One run of a layer's features, and of what is made of the gradient by them. */
  async #layerGradient(place: LayerPlace, of: OfGradient, feed: Feed, row: InputRows) {
    const key = keyOf(of, place)
    const scored = !this.#isOfLogits(place.form)
    const plan = kept(this.#gradients, key, () =>
      compileLayerGradient(this.#graph, { ...place, scored, ...this.#known() }, of),
    )
    const { logits, scores, raws } = await this.#sessions.use(
      key,
      () => this.#files.planFile(plan),
      (session) => this.#once(session, plan, feed, [row]),
    )
    const [[features], [found]] = [raws[0] ?? [], raws[1] ?? []]
    if (features && found) return { plan, logits, scores, features, found }
    throw new ExplainError('runtime-failed', { what: `The ${of} of "${plan.layer}" did not come out` })
  }

  /** What every plan of this model is compiled with. */
  #known(): Pick<CompileOptions, 'shapes' | 'lacks' | 'answer' | 'labels' | 'pictureInput'> {
    return {
      labels: this.#labels,
      shapes: this.#shapes,
      lacks: this.#lacks,
      answer: this.#answer.output,
      pictureInput: this.#input.name,
    }
  }

  async #once(session: Session, plan: RunnablePlan, feed: Feed, rows: readonly InputRows[]): Promise<RunPart> {
    const count = plan.batched ? rows.length : (this.#input.batch ?? 1)
    const wanted = new Set(session.inputs.map((i) => i.name))
    const targets = targetFeeds(
      plan.targetInputs.filter((i) => wanted.has(i.name)),
      rows,
      count,
    )
    const result = await session.run({ ...this.#files.feeds(session, feed), ...targets })
    const raws = plan.maps.map((map) => {
      const value = float32Of(result, map.output)
      return isShared(plan, map) ? [value] : rows.map((_, i) => sliceFirst(value, i))
    })
    const scores =
      plan.score === undefined ? [] : Array.from(float32Of(result, plan.score).data.subarray(0, rows.length))
    return { logits: this.#files.rows(result, 1)[0] ?? new Float32Array(), scores, raws }
  }

  async #scored(
    key: string,
    plan: ScoresPlan,
    rows: readonly InputRows[],
    feed: Feed,
    others: Readonly<Record<string, Tensor>>,
  ): Promise<readonly Float32Array[]> {
    const { graph, scores, targetInputs } = plan
    const result = await this.#sessions.use(
      key,
      () => this.#files.file(graph, [scores], false),
      (session) => session.run({ ...this.#files.feeds(session, feed), ...targetFeeds(targetInputs, rows), ...others }),
    )
    return this.#scoreRows(result, plan, rows, feed.pictures.dims[0] ?? 0)
  }

  #scoreRows(
    result: Result,
    { scores, targetInputs }: ScoresPlan,
    rows: readonly InputRows[],
    count: number,
  ): readonly Float32Array[] {
    const { data, dims } = float32Of(result, scores)
    const width = dims[1] ?? 1
    return Array.from({ length: count }, (_, i) => {
      const own = data.subarray(i * width, (i + 1) * width)
      // targets without an input are all the same
      return targetInputs.length > 0 ? own : Float32Array.from(rows, () => own[0] ?? 0)
    })
  }

  /** True for forms whose scores are read off a classifier's logits. */
  #isOfLogits({ kind }: TargetForm): boolean {
    return this.#answer.kind === 'classes' && targetKind(kind).ofLogits !== undefined
  }

  #scoresPlan(form: TargetForm): { readonly key: string; readonly plan: ScoresPlan } {
    const key = JSON.stringify(['scores', form])
    const plan = kept(this.#scores, key, () => {
      const end = targetKind(form.kind).end(form, { graph: this.#graph, shapes: this.#shapes, answer: this.#answer })
      return compileScores(end.graph, end.shapes, { answer: this.#answer, form, end: end.value })
    })
    return { key, plan }
  }
}

/** What is kept of a layer, by all that it depends on. */
function keyOf(what: string, { layer, grid, form }: LayerPlace): string {
  return JSON.stringify([what, layer, grid, form])
}

/** The value of a key, made where it is not there. */
function kept<V>(map: Map<string, V>, key: string, make: () => V): V {
  const value = map.get(key) ?? make()
  map.set(key, value)
  return value
}

/** Plain gradients by the picture. */
const GRADIENT = {
  methods: [gradient],
  layer: undefined,
  grid: undefined,
  wrt: undefined,
  options: {},
  preprocessing: undefined,
} as const

function chunks<T>(all: readonly T[], size: number): readonly (readonly T[])[] {
  return Array.from({ length: Math.ceil(all.length / size) }, (_, i) => all.slice(i * size, (i + 1) * size))
}
