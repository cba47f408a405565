/** A loaded model that classifies and explains. Portable: the runtime is handed in. */
import { ExplainError, throwIfAborted } from '../core/errors.js'
import type { OptimizationLevel, Runtime } from '../core/runtime.js'
import { float32, type Tensor } from '../core/tensor.js'
import { type Geometry, imagenetPreprocessing, type Picture, type PreprocessSpec, preprocess } from '../image/index.js'
import { findMethod } from '../methods/index.js'
import type { CompiledMethod, DrivenMethod, Method } from '../methods/method.js'
import type { Graph } from '../onnx/ir.js'
import type { Shapes } from '../onnx/shapes.js'
import { probe } from '../passes/probe.js'
import { type Answer, findAnswer, probabilities } from '../targets/answer.js'
import { BEST, parseTarget, type Score, type Target } from '../targets/target.js'
import { compile, type Plan } from './compile.js'
import { diagnose } from './diagnose.js'
import { type ClassAnswer, type Explanation, onPicture } from './explanation.js'
import { fillValues } from './fill.js'
import { refuseBadWeights } from './finite.js'
import { findPictureInput, type PictureInput } from './input.js'
import { type GivenOptions, refuseUnknown, resolveOptions } from './options.js'
import { type PlanRun, Runner } from './runner.js'
import { VERSION } from './version.js'

export interface ModelOptions {
  /** What the model is called in messages and provenance. */
  readonly name: string
  /** Class names in class order. */
  readonly labels?: readonly string[] | undefined
  /** Default: the usual ImageNet preprocessing at the model's size, and `notes` says so. */
  readonly preprocessing?: PreprocessSpec | undefined
  /** How far ORT may rewrite the graph. Default: `all`. */
  readonly optimization?: OptimizationLevel
  /** The output that holds the class scores. Default: the first such output that no other output is made from. */
  readonly answer?: string | undefined
}

export interface ExplainOptions {
  /** Method ids. Default: `grad-cam`. */
  readonly method?: string | readonly string[]
  /** Labels, indices or target objects. Default: the best answer. */
  readonly target?: string | number | Target | readonly (string | number | Target)[]
  /** What is explained of a class. Default: `logit`. */
  readonly score?: Score
  /** Value name of the layer for CAM methods. Default: the last feature map before pooling. */
  readonly layer?: string | undefined
  /** Options of the methods, under their own names: `{ patch: 16, stride: 8 }`. */
  readonly options?: GivenOptions
  /** Pictures a run, for methods of many runs. Default: 16. */
  readonly batch?: number
  readonly signal?: AbortSignal | undefined
  /** Told after each batch of a long method. */
  readonly onProgress?: (progress: Progress) => void
}

export interface Progress {
  readonly method: string
  readonly done: number
  readonly total: number
  /** Makes the raw maps as they stand, one a target. */
  readonly partial: () => readonly Tensor<'float32'>[]
}

/** A method that this network does not allow, among several that were asked for. */
export interface Refusal {
  readonly method: Method
  readonly error: ExplainError
}

/** Explanations of one picture by several methods and targets. */
export interface ExplanationSet {
  readonly answers: readonly ClassAnswer[]
  readonly explanations: readonly Explanation[]
  readonly refused: readonly Refusal[]
}

/** A picture, or an already preprocessed tensor `[C,H,W]` or `[1,C,H,W]`. */
export type Image = Picture | Tensor<'float32'>

interface Prepared {
  readonly tensor: Tensor<'float32'>
  readonly geometry: Geometry
  readonly preprocessing: PreprocessSpec | null
}

/** What the explanations of one method have in common. */
interface About {
  readonly method: Method
  readonly layer: string | undefined
  readonly notes: readonly string[]
  readonly prepared: Prepared
  readonly targets: readonly Target[]
  readonly answers: readonly ClassAnswer[]
  readonly sha256: string
  readonly settings: ReadonlyMap<Method, Readonly<Record<string, number | string>>>
}

const DEFAULT_SIDE = 224
const DEFAULT_BATCH = 16

export class Model {
  readonly name: string
  readonly graph: Graph
  readonly shapes: Shapes
  readonly input: PictureInput
  readonly answer: Answer
  readonly labels: readonly string[]
  readonly preprocessing: PreprocessSpec
  /** What had to be assumed, for people. */
  readonly notes: readonly string[]
  readonly #runtime: Runtime
  readonly #options: ModelOptions
  /** True where the preprocessing, or what it was changed from, is a guess. */
  readonly #assumed: boolean
  readonly #runner: Runner
  #sha256: Promise<string> | undefined

  /** Loads a model: probes its shapes, finds its picture input and its answer. Rejects with an {@link ExplainError}. */
  static async load(graph: Graph, runtime: Runtime, options: ModelOptions): Promise<Model> {
    return new Model(graph, await probe(graph, runtime), runtime, options, options.preprocessing === undefined)
  }

  /** The same model with another preprocessing. */
  withPreprocessing(preprocessing: PreprocessSpec): Model {
    if (preprocessing === this.preprocessing) return this
    const options = { ...this.#options, preprocessing }
    return new Model(this.graph, this.shapes, this.#runtime, options, this.#assumed)
  }

  private constructor(graph: Graph, shapes: Shapes, runtime: Runtime, options: ModelOptions, assumed: boolean) {
    this.name = options.name
    this.graph = graph
    this.shapes = shapes
    this.input = findPictureInput(graph, shapes)
    this.answer = findAnswer(graph, shapes, options.answer)
    this.labels = options.labels ?? []
    const { height = DEFAULT_SIDE, width = DEFAULT_SIDE, channels, layout } = this.input
    this.#assumed = assumed
    this.preprocessing = { ...(options.preprocessing ?? imagenetPreprocessing(height, width, channels)), layout }
    const { classes } = this.answer
    const miscounted = this.labels.length > 0 && this.labels.length !== classes
    this.notes = [
      ...(assumed ? [`Preprocessing: ${this.preprocessing.source}.`] : []),
      ...(this.answer.others.length > 0
        ? [`Explained is the output "${this.answer.output}"; others hold scores too: ${this.answer.others.join(', ')}.`]
        : []),
      ...(miscounted
        ? [`There are ${this.labels.length} labels for ${classes} classes: they may not belong together.`]
        : []),
    ]
    this.#runtime = runtime
    this.#options = options
    this.#runner = new Runner(graph, shapes, this, runtime, options.optimization ?? 'all')
  }

  /** The best answers, best first. Default: five. */
  async classify(image: Image, options: { readonly top?: number } = {}): Promise<readonly ClassAnswer[]> {
    const logits = await this.#forward(this.#prepare(image).tensor)
    return this.#ranked(logits).slice(0, options.top ?? 5)
  }

  /** Explains one target by one method. Rejects with an {@link ExplainError}. */
  async explain(image: Image, options: ExplainOptions = {}): Promise<Explanation> {
    const { explanations, refused } = await this.explainAll(image, options)
    const [first] = explanations
    if (first) return first
    throw refused[0]?.error ?? new ExplainError('bad-option', { what: 'No method was asked for' })
  }

  /** Explains every target by every method, method by method; compiled methods share one run. */
  async explainAll(image: Image, options: ExplainOptions = {}): Promise<ExplanationSet> {
    const methods = [options.method ?? 'grad-cam'].flat().map(findMethod)
    const given = options.options ?? {}
    refuseUnknown(methods, given)
    const settings = new Map(methods.map((m) => [m, resolveOptions(m, given)]))
    const prepared = this.#prepare(image)
    const context = { labels: this.labels, classes: this.answer.classes, score: options.score ?? 'logit' }
    const wanted = [options.target ?? BEST].flat() as readonly (string | number | Target)[]
    const asked = wanted.map((t) => parseTarget(t, context))
    throwIfAborted(options.signal)

    const compiled = methods.filter((m): m is CompiledMethod => m.kind === 'compiled')
    const ran = compiled.length > 0 ? await this.#runCompiled(compiled, prepared, asked, options.layer) : undefined
    const logits = ran?.logits ?? (await this.#forward(prepared.tensor))
    const answers = this.#ranked(logits)
    const best = answers[0]?.index ?? 0
    const targets = asked.map((t): Target => (t.index === BEST ? { ...t, index: best } : t))

    const sha256 = await this.#hash()
    const about: Omit<About, 'method' | 'layer' | 'notes'> = { prepared, targets, answers, sha256, settings }
    const made = new Map<Method, readonly Explanation[]>()
    for (const { method, layer, notes, raws } of ran?.maps ?? [])
      made.set(method, this.#explanations({ ...about, method, layer, notes }, raws))
    for (const method of methods) {
      if (method.kind !== 'driven') continue
      const notes: string[] = []
      const note = (text: string): unknown => notes.push(text)
      const raws = await this.#drive(method, prepared, targets, settings.get(method) ?? {}, { ...options, note })
      made.set(method, this.#explanations({ ...about, method, layer: undefined, notes }, raws))
    }
    return { answers, explanations: methods.flatMap((m) => made.get(m) ?? []), refused: ran?.refused ?? [] }
  }

  /** Explanations of one method, one a target. */
  #explanations(about: About, raws: readonly Tensor<'float32'>[]): readonly Explanation[] {
    const { method, layer, prepared, targets, answers, settings } = about
    const { layout } = this.input
    const { geometry, preprocessing } = prepared
    return targets.flatMap((target, t): readonly Explanation[] => {
      const raw = raws[t]
      const answer = answers.find((a) => a.index === target.index)
      if (!raw || !answer) return []
      const reduction = method.kind === 'compiled' ? method.channels : undefined
      const order = this.preprocessing.channels
      return [
        {
          method,
          target,
          answer,
          raw: { ...raw, layer },
          ...onPicture(raw, { geometry, layout, order, reduction }),
          diagnosis: diagnose(raw.data, method.display),
          provenance: {
            onnxplain: VERSION,
            runtime: this.#runtime.name,
            model: { name: this.name, sha256: about.sha256 },
            method: method.id,
            options: settings.get(method) ?? {},
            layer: layer ?? null,
            target,
            answer: { ...answer, logits: this.answer.logits, activation: this.answer.activation },
            preprocessing,
            notes: [...this.notes, ...this.#answerNotes(), ...about.notes],
          },
        },
      ]
    })
  }

  /** Compiled methods, one run for each kind of score among the targets. */
  async #runCompiled(
    methods: readonly CompiledMethod[],
    prepared: Prepared,
    targets: readonly Target[],
    layer: string | undefined,
  ): Promise<PlanRun> {
    const runs: { readonly score: Score; readonly run: PlanRun }[] = []
    for (const score of new Set(targets.map((t) => t.score))) {
      const indices = targets.map((t) => t.index)
      runs.push({ score, run: await this.#runner.maps({ methods, layer, score }, prepared.tensor, indices) })
    }
    const first = runs[0]?.run ?? { logits: new Float32Array(), maps: [], refused: [] }
    const maps = first.maps.map((map, m) => ({
      ...map,
      raws: targets.flatMap((target, t) => runs.find((r) => r.score === target.score)?.run.maps[m]?.raws[t] ?? []),
    }))
    return { ...first, maps }
  }

  /** A plan of this model; see {@link compile}. */
  compile(options: Omit<Parameters<typeof compile>[1] & object, 'shapes'>): Plan {
    return compile(this.graph, { ...options, shapes: this.shapes })
  }

  /** Releases the sessions. The model cannot be used afterwards. */
  async release(): Promise<void> {
    await this.#runner.release()
  }

  #prepare(image: Image): Prepared {
    if (!('dims' in image)) {
      const { data, dims, geometry } = preprocess(image, this.preprocessing)
      this.#checkSize(dims)
      return { tensor: float32([1, ...dims], data), geometry, preprocessing: this.preprocessing }
    }
    const dims = image.dims.length === 3 ? [1, ...image.dims] : image.dims
    if (dims.length !== 4 || dims[0] !== 1)
      throw new ExplainError('invalid-tensor', {
        what: `A tensor of shape [${image.dims.join(', ')}] is not one picture`,
        remedy: 'Give [C, H, W] or [1, C, H, W], as the model takes it.',
      })
    this.#checkSize(dims.slice(1))
    if (image.data.some((v) => !Number.isFinite(v)))
      throw new ExplainError('invalid-tensor', { what: 'The tensor holds values that are not finite' })
    const [height = 0, width = 0] = this.input.layout === 'NCHW' ? dims.slice(2) : dims.slice(1, 3)
    const size = { width, height }
    const geometry = { source: size, model: size, seen: { x0: 0, y0: 0, x1: width, y1: height } }
    return { tensor: float32(dims, image.data), geometry, preprocessing: null }
  }

  #checkSize(dims: readonly number[]): void {
    const { layout, channels, height, width } = this.input
    const want = layout === 'NCHW' ? [channels, height, width] : [height, width, channels]
    if (want.every((w, i) => w === undefined || w === dims[i])) return
    throw new ExplainError('shape-mismatch', {
      what: `The model takes [${want.map((w) => w ?? 'any').join(', ')}], but the input is [${dims.join(', ')}]`,
      where: `input "${this.input.name}"`,
      remedy: 'Check the preprocessing (size, crop, channels) or the tensor.',
    })
  }

  /** The logits of one picture. */
  async #forward(picture: Tensor<'float32'>): Promise<Float32Array> {
    const [logits = new Float32Array()] = await this.#runner.forward(picture)
    return logits
  }

  /** The answers, best first. Throws `not-finite-weight` where there is none to rank. */
  #ranked(logits: Float32Array): readonly ClassAnswer[] {
    if (logits.some((v) => !Number.isFinite(v))) refuseBadWeights(this.graph)
    const p = probabilities(logits, this.answer.activation)
    return Array.from(logits, (logit, index) => ({
      index,
      label: this.labels[index] ?? `class ${index}`,
      logit,
      probability: p[index] ?? 0,
    })).sort((a, b) => b.logit - a.logit)
  }

  #answerNotes(): readonly string[] {
    const { activation, logits } = this.answer
    return activation === 'none' ? [] : [`The model ends in ${activation}; the logits before it are "${logits}".`]
  }

  async #drive(
    method: DrivenMethod,
    prepared: Prepared,
    targets: readonly Target[],
    values: Readonly<Record<string, number | string>>,
    options: ExplainOptions & { readonly note: (text: string) => void },
  ): Promise<readonly Tensor<'float32'>[]> {
    const { layout, channels, batch } = this.input
    return method.run({
      input: prepared.tensor,
      layout,
      targets: targets.length,
      batch: batch ?? options.batch ?? DEFAULT_BATCH,
      options: values,
      signal: options.signal,
      note: options.note,
      fill: (text) => fillValues(text, this.preprocessing, channels),
      scores: async (pictures) => {
        const rows = await this.#runner.forward(pictures)
        return rows.map((logits) => {
          const p = targets.some((t) => t.score === 'probability')
            ? probabilities(logits, this.answer.activation)
            : undefined
          return Float32Array.from(targets, (t) => (t.score === 'probability' ? p : logits)?.[t.index] ?? 0)
        })
      },
      progress: (done, total, partial) => options.onProgress?.({ method: method.id, done, total, partial }),
    })
  }

  #hash(): Promise<string> {
    this.#sha256 ??= sha256(this.graph.source ?? new Uint8Array())
    return this.#sha256
  }
}

async function sha256(bytes: Uint8Array): Promise<string> {
  const digest = await globalThis.crypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>)
  return Array.from(new Uint8Array(digest), (b) => b.toString(16).padStart(2, '0')).join('')
}
