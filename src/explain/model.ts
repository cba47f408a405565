/** A loaded model that classifies and explains. Portable: the runtime is handed in. */
import { ExplainError, throwIfAborted } from '../core/errors.js'
import { countNotFinite } from '../core/extremes.js'
import type { Runtime } from '../core/runtime.js'
import type { Tensor } from '../core/tensor.js'
import { fixedSize, type PreprocessSpec } from '../image/index.js'
import type { Graph } from '../onnx/ir.js'
import type { Shapes } from '../onnx/shapes.js'
import { lower } from '../passes/lower.js'
import { probe } from '../passes/probe.js'
import { type Answer, findAnswer } from '../targets/answer.js'
import { type EmbeddingValue, embeddingValue } from '../targets/embedding-value.js'
import { type GivenTarget, readTarget, settleTarget, type Target } from '../targets/index.js'
import type { Settling, TargetContext } from '../targets/target.js'
import { askedOf, isOfLogits } from './asked.js'
import { assumptions } from './assumptions.js'
import { addBatchAxis } from './batch-axis.js'
import { type Caption, type CaptionOptions, captions } from './caption.js'
import { compile } from './compile.js'
import { compose } from './compose.js'
import { type DetectedBox, type DetectionOptions, type DetectionPlan, detectedBoxes, planDetection } from './detect.js'
import { Texts, TextTower } from './embed.js'
import { answeredBy, type ExplainHost, explainPlainly } from './explain-plainly.js'
import type { ClassAnswer, Explanation } from './explanation.js'
import type { Feed } from './feed.js'
import { fillValues } from './fill.js'
import { refuseBadWeights } from './finite.js'
import { findPictureInput, type PictureInput, takesPhotos } from './input.js'
import { type Inspection, inspection } from './inspect.js'
import { channelCount, type LayerChannels, type LayerChannelsOptions, topChannels } from './layer-channels.js'
import { atOwnLevels, levelsOf } from './levels.js'
import type { EmbedOptions, ModelOptions } from './model-options.js'
import { computedIn, lowestByte } from './numbers.js'
import { type OtherInput, otherInputs } from './others.js'
import { isAboutPlaces, photoPreprocessing } from './photo.js'
import type { CompileOptions, Plan } from './plan.js'
import { type Image, type ImageOptions, type Intake, type Prepared, prepareImage } from './prepare.js'
import { logitScale, promptAnswers } from './prompts.js'
import { type Occasion, provenanceInputs, sha256 } from './provenance.js'
import { rankedAnswers } from './ranked.js'
import type { ExplainOptions, ExplanationSet } from './request.js'
import { Runner } from './runner.js'
import { requireMap, type SeenClass, type Segmentation, segmentationOf } from './segment.js'
import { settlingOf } from './settling.js'
import { refuseOtherAnswers, scoresByPictures, targetScores } from './target-scores.js'
import { type ModelText, type TextInputs, type TextOptions, textInputs, textPieces, writtenText } from './written.js'

/** What copies of a model share. */
interface Shared {
  readonly runner: Runner
  readonly texts: Texts
}

/** Pictures a run, where nothing else is asked for. */
const DEFAULT_BATCH = 16

export class Model {
  readonly name: string
  readonly graph: Graph
  readonly shapes: Shapes
  readonly input: PictureInput
  /** The other inputs that the answer needs: to be given with each picture. */
  readonly others: readonly OtherInput[]
  readonly answer: Answer
  readonly labels: readonly string[]
  /** undefined where the model takes no photos, but tensors alone. */
  readonly preprocessing: PreprocessSpec | undefined
  /** What is known of its words: a tokenizer and the model's own settings; undefined where its files know none. */
  readonly text: ModelText | undefined
  /** What had to be assumed, for people. */
  readonly notes: readonly string[]
  readonly #runtime: Runtime
  readonly #options: ModelOptions
  /** True where the preprocessing, or what it was changed from, is a guess. */
  readonly #assumed: boolean
  readonly #runner: Runner
  /** The lowered graph, whose pictures have a batch axis. */
  readonly #source: { readonly graph: Graph; readonly shapes: Shapes }
  #detection: DetectionPlan | undefined
  readonly #texts: Texts
  #sha256: Promise<string | null> | undefined

  /** Loads a model: probes its shapes, finds its picture input and its answer. Rejects with an {@link ExplainError}. */
  static async load(graph: Graph, runtime: Runtime, options: ModelOptions): Promise<Model> {
    const { preprocessing, pictureSize = preprocessing && fixedSize(preprocessing) } = options
    const shapes = await probe(graph, runtime, { size: pictureSize })
    return new Model(graph, shapes, runtime, options, preprocessing === undefined)
  }

  /** The same model with another preprocessing. Both share their sessions: released is one with the other. */
  withPreprocessing(preprocessing: PreprocessSpec | undefined): Model {
    if (preprocessing === this.preprocessing) return this
    const options = { ...this.#options, preprocessing }
    return new Model(this.graph, this.shapes, this.#runtime, options, this.#assumed, this.#shared())
  }

  /** The same model on another runtime, with sessions of its own. */
  onRuntime(runtime: Runtime): Model {
    return new Model(this.graph, this.shapes, runtime, this.#options, this.#assumed)
  }

  /** The same model with another graph of the same values, such as one with other weights; with sessions of its own. */
  withGraph(graph: Graph): Model {
    return new Model(graph, this.shapes, this.#runtime, this.#options, this.#assumed)
  }

  /** What it runs on, for people. */
  get runtime(): string {
    return this.#runtime.name
  }

  /** The same model with other class names. Both share their sessions: released is one with the other. */
  withLabels(labels: readonly string[]): Model {
    return new Model(
      this.graph,
      this.shapes,
      this.#runtime,
      { ...this.#options, labels },
      this.#assumed,
      this.#shared(),
    )
  }

  private constructor(
    graph: Graph,
    shapes: Shapes,
    runtime: Runtime,
    options: ModelOptions,
    assumed: boolean,
    shared?: Shared,
  ) {
    this.name = options.name
    this.graph = graph
    this.shapes = shapes
    // what runs takes and gives float32, whatever the model's own types are
    const { graph: source, shapes: known } = addBatchAxis(lower(graph), shapes)
    this.labels = options.labels ?? []
    this.text = options.text
    this.input = findPictureInput(source, known, options.pictureInput)
    this.answer = findAnswer(source, known, options.answer, {
      labels: this.labels.length || undefined,
      picture: this.input.name,
    })
    this.others = otherInputs(source, known, this.input, this.answer.logits)
    this.#source = { graph: source, shapes: known }
    this.#assumed = assumed && takesPhotos(this.input)
    this.preprocessing = photoPreprocessing(source, this.input, options.preprocessing, {
      lowest: lowestByte(graph, this.input.name),
      whole: isAboutPlaces(this.answer),
    })
    this.notes = [...computedIn(graph), ...assumptions(this, this.#assumed)]
    this.#runtime = runtime
    this.#options = options
    this.#runner = shared?.runner ?? new Runner(source, known, this, runtime, options.optimization ?? 'all')
    this.#texts = shared?.texts ?? new Texts((size) => this.#tower(size))
  }

  /** The boxes that a detector finds, best first, on the picture's pixels. Rejects with `method-not-applicable`, `bad-option`. */
  async detect(image: Image, options: ImageOptions & DetectionOptions = {}): Promise<readonly DetectedBox[]> {
    return this.#detect(prepareImage(this, image, options), options)
  }

  /** The classes of a segmentation, by the part of the picture that each covers, the largest first. Rejects with `method-not-applicable`. */
  async segment(image: Image, options: ImageOptions = {}): Promise<readonly SeenClass[]> {
    return (await this.segmentation(image, options)).seen
  }

  /** The class that a segmentation network sees at each place of its map. Rejects with `method-not-applicable`. */
  async segmentation(image: Image, options: ImageOptions = {}): Promise<Segmentation> {
    requireMap(this.answer)
    const { feed, geometry } = prepareImage(this, image, options)
    return segmentationOf(await this.#runner.value(this.answer.logits, feed), geometry, this.labels)
  }

  async #detect({ feed, geometry }: Prepared, options: DetectionOptions): Promise<readonly DetectedBox[]> {
    const { graph, shapes } = this.#source
    this.#detection ??= planDetection(graph, shapes, this.answer)
    const outputs = await this.#runner.outputs('detection', this.#detection.graph, feed)
    return detectedBoxes(this.#detection, outputs, geometry, this.labels, options)
  }

  /** Makes a picture what the model is fed, once for several questions. Throws as they do. */
  prepare(image: Image, options: ImageOptions = {}): Prepared {
    return prepareImage(this, image, options)
  }

  /** The best answers, best first. Default: five. */
  async classify(
    image: Image,
    options: ImageOptions & { readonly top?: number } = {},
  ): Promise<readonly ClassAnswer[]> {
    const prepared = prepareImage(this, image, options)
    if (this.#readsPrompts) return (await this.#prompted(prepared)).slice(0, options.top ?? 5)
    refuseOtherAnswers('A list of answers', this.answer)
    return this.#ranked(await this.#forward(prepared.feed)).slice(0, options.top ?? 5)
  }

  /** The score of a target, in which nothing is left open, for each picture of a batch that is preprocessed like `prepared`. */
  async scores(prepared: Prepared, pictures: Tensor<'float32'>, target: Target): Promise<Float64Array> {
    const source = scoresByPictures(this.#runner, prepared.feed)
    const rows = await targetScores(source, [target], this.answer)(pictures)
    return Float64Array.from(rows, (row) => row[0] ?? 0)
  }

  /** The texts that the model writes about a picture, best first, or a given one (`caption`) as it scores it; see {@link CaptionOptions}. Rejects with `method-not-applicable` for one that writes none. */
  async captions(image: Image, options: CaptionOptions & ImageOptions = {}): Promise<readonly Caption[]> {
    const writer = this.#runner.writer()
    const written = new Set(writer.names)
    const others = this.others.filter((o) => !written.has(o.name))
    const prepared = prepareImage({ ...this.#intake(), others }, image, { ...options, caption: undefined })
    if (!this.text) throw wordless(this.name)
    return captions(writer, prepared.feed, this.text, options)
  }

  /** The inputs that texts fill: a question, a caption. */
  get texts(): TextInputs {
    return textInputs(this.answer, this.others, this.text)
  }

  /** The pieces of a question, or of a text about a picture, as the model has them. Throws `unknown-word`, `no-vocabulary`, `method-not-applicable`, `bad-option`. */
  pieces(of: TextOptions): readonly string[] {
    return textPieces(this.others, this.text, of)
  }

  /** The text that the model writes about a picture, or a given one. Rejects as {@link captions} does. */
  async caption(image: Image, options: CaptionOptions & ImageOptions = {}): Promise<Caption> {
    const [best] = await this.captions(image, options)
    if (best) return best
    throw new ExplainError('runtime-failed', { what: 'The model wrote nothing' })
  }

  /**
   * The embedding of a text, of any length: the model's part that reads words alone, or the tower beside it, run. Rejects with
   * `method-not-applicable` for a model without texts, `no-vocabulary` where its files know no words, `bad-option` for a text that is too long.
   */
  async embedText(text: string, { of }: EmbedOptions = {}): Promise<Float32Array> {
    const { size } = this.embeddingValue(of)
    const tower = await this.#texts.tower(size)
    if (!this.text) throw wordless(this.name)
    return tower.embed(text, this.text)
  }

  /**
   * The embedding of a picture, of any length: the model's answer, or of a classifier what its last linear layer reads, or the value `of`. Rejects with
   * `method-not-applicable` for a model that has none.
   */
  async embedPicture(image: Image, options: EmbedOptions & ImageOptions = {}): Promise<Float32Array> {
    const { value, size } = this.embeddingValue(options.of)
    const { data } = await this.#runner.value(value, prepareImage(this, image, options).feed)
    return data.slice(0, size)
  }

  /** The value that is a picture's embedding, and how many numbers it has. Throws `method-not-applicable` where there is none, `unknown-value`. */
  embeddingValue(of?: string): EmbeddingValue {
    return embeddingValue(this.#source.graph, this.#source.shapes, this.answer, of)
  }

  /** The logits of each picture of a batch, preprocessed like `prepared`, whose other inputs go with them. */
  logits(prepared: Prepared, pictures: Tensor<'float32'>): Promise<readonly Float32Array[]> {
    return this.#runner.forward({ ...prepared.feed, pictures })
  }

  /** How many pictures go in one run, of the number that is wanted. */
  batch(wanted: number = DEFAULT_BATCH): number {
    return this.#runner.batch ?? wanted
  }

  /** A fill (`mean` or a colour) as the value of each channel after preprocessing. Throws `bad-option`. */
  fill(text: string): readonly number[] {
    return fillValues(text, this.preprocessing, this.input.channels)
  }

  /** Explains one target by one method. Rejects with an {@link ExplainError}. */
  async explain(image: Image, options: ExplainOptions = {}): Promise<Explanation> {
    const { explanations, refused } = await this.explainAll(image, options)
    const [first] = explanations
    if (first) return first
    throw refused[0]?.error ?? new ExplainError('bad-option', { what: 'No method was asked for' })
  }

  /**
   * Explains every target by every method: method by method, layer by layer or input by input where several are named, target by target.
   * Compiled methods share one run.
   */
  async explainAll(image: Image, options: ExplainOptions = {}): Promise<ExplanationSet> {
    const explain = (prepared: Prepared, request: ExplainOptions) => this.#explain(prepared, request)
    const explainer = { layout: this.input.layout, inspect: () => this.inspect(), explain }
    return compose(explainer, prepareImage(this, image, options), options)
  }

  /** Plainly; boxes at the levels that they were read from, where no layer is named. */
  async #explain(prepared: Prepared, request: ExplainOptions): Promise<ExplanationSet> {
    const { graph, shapes } = this.#source
    const context = this.#context(prepared, request)
    const areBoxes = (): boolean => [request.target].flat().every((t) => readTarget(t, context).kind === 'box')
    const isOpen = this.answer.kind === 'boxes' && request.layer === undefined && areBoxes()
    const layer = isOpen ? levelsOf(graph, shapes, this.input, this.answer, request.grid) : []
    if (layer.length === 0) return explainPlainly(this.#host(), prepared, request)
    const set = await explainPlainly(this.#host(), prepared, { ...request, layer })
    return { ...set, explanations: atOwnLevels(graph, set.explanations) }
  }

  /**
   * The channels of a layer that weigh most in a class' Grad-CAM map, by the magnitude of their share, each laid on the picture.
   * Rejects with what Grad-CAM rejects with, and `bad-option`.
   */
  async channels(image: Image, options: LayerChannelsOptions = {}): Promise<LayerChannels> {
    const top = channelCount(options.top)
    const prepared = prepareImage(this, image, options)
    const settling = this.#settling(prepared, options)
    const read = readTarget(options.target, settling)
    const asked = isOfLogits(read, this.answer) ? read : await settleTarget(read, settling)
    throwIfAborted(options.signal)
    const { layer, grid } = options
    const { form, row } = askedOf(asked)
    const run = await this.#runner.channels({ layer, grid, form }, prepared.feed, row)
    throwIfAborted(options.signal)
    const { answer } = this
    const answers = this.#ranked(run.logits)
    const target = await settleTarget(asked, { ...settling, ranked: async () => answers.map((a) => a.index) })
    const answered = answeredBy(target, { answers, logits: run.logits, answer, score: run.scores[0], settling })
    return topChannels(this, await this.#occasion(prepared, answers), run, { target, answer: answered }, top)
  }

  /** What the model holds and what can be explained of it; as {@link inspect} tells it of a file, without loading it again. */
  inspect(): Inspection {
    const { answer, pictureInput } = this.#options
    const labels = this.labels.length || undefined
    return inspection(this.graph, this.shapes, { answer, labels, pictureInput })
  }

  /** A plan of this model, for its runtime unless `lacks` says otherwise; see {@link compile}. */
  compile(options: Omit<CompileOptions, 'shapes'>): Plan {
    const { answer, pictureInput } = this.#options
    const labels = this.labels.length || undefined
    const own = { answer, labels, pictureInput, preprocessing: this.preprocessing, lacks: this.#runtime.lacks }
    return compile(this.graph, { ...own, ...options, shapes: this.shapes })
  }

  /** The hash of the model's file, of several files one after the other; null on web pages that are not secure. */
  async sha256(): Promise<string | null> {
    this.#sha256 ??= sha256(...this.graph.sources)
    return this.#sha256
  }

  /** Releases the sessions. The model cannot be used afterwards. */
  async release(): Promise<void> {
    await this.#runner.release()
    await this.#texts.release()
  }

  /** What a given target means for this model and picture. Throws as it is read. */
  readTarget(given: GivenTarget | undefined, prepared: Prepared, options: Pick<ExplainOptions, 'score'> = {}): Target {
    return readTarget(given, this.#context(prepared, options))
  }

  #intake(): Intake {
    const { graph, input, others, preprocessing, text } = this
    return { graph, input, others, preprocessing, text }
  }

  #shared(): Shared {
    return { runner: this.#runner, texts: this.#texts }
  }

  async #tower(size: number): Promise<TextTower> {
    const { textTower, optimization } = this.#options
    const own = { graph: this.graph, shapes: this.shapes, picture: this.input.name }
    const parts = textTower ? { graph: await textTower() } : own
    return new TextTower({ ...parts, size }, this.#runtime, optimization)
  }

  /** True where labels are texts that pictures are held against. */
  get #readsPrompts(): boolean {
    return this.answer.kind === 'embedding' && this.labels.length > 0 && this.text !== undefined
  }

  /** The labels by how like the picture is to them, best first; none where they are no texts. */
  async #prompted(prepared: Prepared): Promise<readonly ClassAnswer[]> {
    if (!this.#readsPrompts) return []
    const texts: Float32Array[] = []
    for (const label of this.labels) texts.push(await this.embedText(label))
    const picture = await this.embedPicture(prepared)
    return promptAnswers(this.labels, picture, texts, logitScale(this.#source.graph, this.answer))
  }

  #host(): ExplainHost {
    return {
      model: this,
      runner: this.#runner,
      settling: (prepared, options) => this.#settling(prepared, options),
      answers: (prepared, logits) =>
        this.answer.kind === 'classes' ? Promise.resolve(this.#ranked(logits)) : this.#prompted(prepared),
      occasion: (prepared, answers) => this.#occasion(prepared, answers),
    }
  }

  #context({ feed }: Prepared, { score }: Pick<ExplainOptions, 'score'>): TargetContext {
    const { answer, labels, shapes } = this
    const written = writtenText(answer, this.others, feed, this.text)
    return { answer, labels, score, values: shapes, written }
  }

  #settling(prepared: Prepared, options: Pick<ExplainOptions, 'score' | 'pictures' | 'detection'>): Settling {
    return settlingOf(
      {
        ranked: async ({ feed }) => this.#ranked(await this.#forward(feed)).map((a) => a.index),
        value: (name, { feed }) => this.#runner.value(name, feed),
        embedding: async (wanted, image, { feed }) => ({
          value: this.embeddingValue(wanted.of).value,
          numbers: image
            ? await this.embedPicture(image, { of: wanted.of, inputs: feed.others })
            : await this.embedText(wanted.text, wanted),
        }),
        boxes: (shown) => this.#detect(shown, options.detection ?? {}),
      },
      this.#context(prepared, options),
      prepared,
      options.pictures ?? {},
    )
  }

  /** The logits of one picture. */
  async #forward(feed: Feed): Promise<Float32Array> {
    const [logits = new Float32Array()] = await this.#runner.forward(feed)
    return logits
  }

  /** The answers, best first. Throws `not-finite-weight` where there is none to rank. */
  #ranked(logits: Float32Array): readonly ClassAnswer[] {
    if (countNotFinite(logits) > 0) refuseBadWeights(this.graph)
    return rankedAnswers(logits, this.answer, this.labels)
  }

  /** What provenances tell of a picture. */
  async #occasion(prepared: Prepared, answers: readonly ClassAnswer[]): Promise<Occasion> {
    const inputs = await provenanceInputs(prepared.feed.others)
    return { prepared, answers, runtime: this.#runtime.name, sha256: await this.sha256(), inputs }
  }
}

function wordless(name: string): ExplainError {
  return new ExplainError('no-vocabulary', {
    what: `The files of "${name}" do not say what its words are: there is neither a tokenizer.json nor a list of words`,
    remedy: 'Keep tokenizer.json beside the model, or "vocabulary": [...] in its config.json.',
  })
}
