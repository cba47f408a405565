/** A model in its worker, as a page sees it. */
import { ExplainError } from '../core/errors.js'
import type { CaptionOptions } from '../explain/caption.js'
import type { DetectedBox, DetectionOptions } from '../explain/detect.js'
import { type ClassAnswer, type Explanation, explanationOf } from '../explain/explanation.js'
import type { PictureInput } from '../explain/input.js'
import type { Inspection } from '../explain/inspect.js'
import { type LayerChannels, type LayerChannelsOptions, layerChannelsOf } from '../explain/layer-channels.js'
import type { EmbedOptions } from '../explain/model-options.js'
import type { OtherInput } from '../explain/others.js'
import type { CompileOptions } from '../explain/plan.js'
import type { ImageOptions } from '../explain/prepare.js'
import type { QuestionWords } from '../explain/question.js'
import type { ExplainOptions, ExplanationSet } from '../explain/request.js'
import type { SeenClass, Segmentation } from '../explain/segment.js'
import type { TextInputs, TextOptions } from '../explain/written.js'
import { backgroundOf, figureOfOne } from '../figures/index.js'
import { adjustPreprocessing, type Picture, type PreprocessOptions, type PreprocessSpec } from '../image/index.js'
import type { MethodInfo } from '../methods/method.js'
import type { DrawOptions } from '../render/index.js'
import type { Answer } from '../targets/answer.js'
import type { CallOptions, Client } from './client.js'
import { drawFigure, type FigureFile, typeOf } from './draw.js'
import { type ImageSource, readImage } from './picture.js'
import {
  type About,
  errorOf,
  type ModelInfo,
  type QuestionOptions,
  type SentImage,
  type SentSet,
  type WebCaption,
} from './protocol.js'
import { KEPT_PICTURES, Recent } from './recent.js'

/** An explanation that can be saved as a picture. */
export interface WebExplanation extends Explanation {
  /**
   * The map over the picture as a file. A tensor is drawn as a picture of its first channels; volumes and clips as a row of up to six slices.
   * Rejects with `bad-option` for a map that lies on no picture.
   */
  toBlob(options?: DrawOptions & FigureFile): Promise<Blob>
  /** Downloads the map over the picture as .png, .svg, .jpg or .webp. Rejects with `bad-option`. */
  save(name: string, options?: DrawOptions & FigureFile): Promise<void>
}

/** Explanations of one picture by several methods and targets. */
export interface WebExplanationSet extends Omit<ExplanationSet, 'explanations'> {
  readonly explanations: readonly WebExplanation[]
}

/** What goes with a picture to a quick question. */
type Asking = ImageOptions & { readonly signal?: AbortSignal | undefined }

/** What two views of one worker share. */
interface Line {
  readonly client: Client
  readonly info: ModelInfo
  /** Pictures that the worker has, by key. */
  readonly sent: Recent<number, true>
  readonly keys: WeakMap<Picture, number>
  /** The last key given. */
  last: number
}

export class WebModel {
  readonly #line: Line
  /** What the worker prepares pictures by; undefined where the model takes none. */
  readonly preprocessing: PreprocessSpec | undefined

  private constructor(line: Line, preprocessing: PreprocessSpec | undefined) {
    this.#line = line
    this.preprocessing = preprocessing
  }

  /** A model that a worker has opened. */
  static over(client: Client, info: ModelInfo): WebModel {
    const line: Line = { client, info, sent: new Recent(KEPT_PICTURES), keys: new WeakMap(), last: 0 }
    return new WebModel(line, info.preprocessing)
  }

  get name(): string {
    return this.#line.info.name
  }

  get labels(): readonly string[] {
    return this.#line.info.labels
  }

  get input(): PictureInput {
    return this.#line.info.input
  }

  /** The other inputs that the answer needs: to be given with each picture. */
  get others(): readonly OtherInput[] {
    return this.#line.info.others
  }

  get answer(): Answer {
    return this.#line.info.answer
  }

  /** The inputs that a question and a caption fill; none where the model takes or writes no such text. */
  get texts(): TextInputs {
    return this.#line.info.texts
  }

  /** What had to be assumed, for people. */
  get notes(): readonly string[] {
    return this.#line.info.notes
  }

  /** The methods, for lists and forms. */
  get methods(): readonly MethodInfo[] {
    return this.#line.info.methods
  }

  /** Such as `onnxruntime-web 1.30.0 (wasm x2)`. */
  get runtime(): string {
    return this.#line.info.runtime
  }

  /** Threads of WebAssembly; 1 where the page is not isolated by its headers. */
  get threads(): number {
    return this.#line.info.threads
  }

  /** Inputs, outputs, layers to choose from, operators without a rule. */
  inspect(): Inspection {
    return this.#line.info.inspection
  }

  /** The same model, in the same worker, with parts of its preprocessing replaced. Throws `bad-option`. */
  adjusted(options: PreprocessOptions): WebModel {
    if (this.preprocessing) return this.withPreprocessing(adjustPreprocessing(this.preprocessing, options))
    throw new ExplainError('bad-option', { what: 'This model takes no photos, and has no preprocessing to change' })
  }

  /** The same model, in the same worker, with another preprocessing. */
  withPreprocessing(preprocessing: PreprocessSpec | undefined): WebModel {
    return new WebModel(this.#line, preprocessing)
  }

  /** The same model, in the same worker, with other class names: a list, or a file of them (one a line, or JSON). Rejects with `cannot-read`. */
  async withLabels(labels: readonly string[] | File): Promise<WebModel> {
    const sent = labels instanceof File ? { name: labels.name, blob: labels } : labels
    const info = await this.#line.client.call('relabel', sent)
    return new WebModel(
      { ...this.#line, info, sent: new Recent(KEPT_PICTURES), keys: new WeakMap() },
      this.preprocessing,
    )
  }

  /** The best answers, best first: `[{ index, label, logit, probability }]`. Default: five. */
  async classify(
    image: ImageSource,
    options: Asking & { readonly top?: number } = {},
  ): Promise<readonly ClassAnswer[]> {
    const { signal, ...plain } = options
    return this.#line.client.call('classify', this.#about(await readImage(image), plain), { signal })
  }

  /** The text that the model writes about a picture. Rejects with `method-not-applicable` for one that writes none, `no-vocabulary`, `aborted`. */
  async caption(image: ImageSource, options: CaptionOptions & ImageOptions = {}): Promise<WebCaption> {
    const [best] = await this.captions(image, options)
    if (best) return best
    throw new ExplainError('runtime-failed', { what: 'The model wrote nothing' })
  }

  /** The texts that the model writes about a picture, best first: as many as there are beams. Rejects as {@link caption}. */
  async captions(image: ImageSource, options: CaptionOptions & ImageOptions = {}): Promise<readonly WebCaption[]> {
    const { signal, onProgress, ...plain } = options
    return this.#line.client.call('captions', this.#about(await readImage(image), plain), { signal, onProgress })
  }

  /** The boxes that a detector finds, best first, on the picture's pixels. Rejects with `method-not-applicable`, `bad-option`. */
  async detect(image: ImageSource, options: Asking & DetectionOptions = {}): Promise<readonly DetectedBox[]> {
    const { signal, ...plain } = options
    return this.#line.client.call('detect', this.#about(await readImage(image), plain), { signal })
  }

  /** The classes of a segmentation, the largest first. Rejects with `method-not-applicable`. */
  async segment(image: ImageSource, options: Asking = {}): Promise<readonly SeenClass[]> {
    return (await this.segmentation(image, options)).seen
  }

  /** The class that a segmentation network sees at each place of its map. Rejects with `method-not-applicable`. */
  async segmentation(image: ImageSource, options: Asking = {}): Promise<Segmentation> {
    const { signal, ...plain } = options
    return this.#line.client.call('segmentation', this.#about(await readImage(image), plain), { signal })
  }

  /** The pieces of a question, or of a text about a picture, as the model has them. Rejects with `unknown-word`, `no-vocabulary`, `method-not-applicable`, `bad-option`. */
  async pieces(of: TextOptions): Promise<readonly string[]> {
    return this.#line.client.call('pieces', of)
  }

  /** What each word of the question is worth to each target; see {@link questionWords}. */
  async questionWords(image: ImageSource, options: QuestionOptions = {}): Promise<readonly QuestionWords[]> {
    const { signal, onProgress: _, ...plain } = options
    return this.#line.client.call('questionWords', this.#about(await readImage(image), plain), { signal })
  }

  /**
   * Explains one target by one method. Defaults: Grad-CAM, the best answer. An abort rejects at once with `aborted`; the worker stops after the
   * run that is going.
   */
  async explain(image: ImageSource, options: ExplainOptions = {}): Promise<WebExplanation> {
    const { explanations, refused } = await this.explainAll(image, options)
    const [first] = explanations
    if (first) return first
    throw refused[0]?.error ?? new ExplainError('bad-option', { what: 'No method was asked for' })
  }

  /** Explains every target by every method. */
  async explainAll(image: ImageSource, options: ExplainOptions = {}): Promise<WebExplanationSet> {
    const { signal, onProgress, ...plain } = options
    const read = await readImage(image)
    const heard: CallOptions<'explain'> = {
      signal,
      onProgress:
        onProgress && (({ partial, ...rest }) => onProgress({ ...rest, partial: () => partial.map(explanationOf) })),
    }
    const set = await this.#line.client.call('explain', this.#about(read, plain), heard)
    return this.#received(set, read)
  }

  /** The embedding of a text, of any length. Rejects with `method-not-applicable` for a model without texts, `no-vocabulary`. */
  async embedText(text: string, options: EmbedOptions = {}): Promise<Float32Array> {
    return this.#line.client.call('embedText', { text, ...options })
  }

  /** The embedding of a picture, of any length: the model's, or of a classifier what its last linear layer reads. */
  async embedPicture(image: ImageSource, options: Asking & EmbedOptions = {}): Promise<Float32Array> {
    const { signal, ...plain } = options
    return this.#line.client.call('embedPicture', this.#about(await readImage(image), plain), { signal })
  }

  /** The channels of a layer that weigh most in Grad-CAM. */
  async channels(image: ImageSource, options: LayerChannelsOptions = {}): Promise<LayerChannels> {
    const { signal, ...plain } = options
    const about = this.#about(await readImage(image), plain)
    return layerChannelsOf(await this.#line.client.call('channels', about, { signal }))
  }

  /** The file of the model with its heat map inside. */
  async compile(options: Omit<CompileOptions, 'shapes'> = {}): Promise<Uint8Array> {
    return this.#line.client.call('compile', options)
  }

  /** Ends the worker, after the run that is going; the model, and its other views, cannot be used afterwards. */
  dispose(): void {
    this.#line.client.close()
  }

  [Symbol.dispose](): void {
    this.dispose()
  }

  #about<O>(image: Awaited<ReturnType<typeof readImage>>, options: O): About<O> {
    return { image: this.#sent(image), options, preprocessing: this.preprocessing }
  }

  #sent(image: Awaited<ReturnType<typeof readImage>>): SentImage {
    if ('dims' in image) return { kind: 'tensor', tensor: image }
    const line = this.#line
    const key = line.keys.get(image) ?? ++line.last
    line.keys.set(image, key)
    let pixels: Picture | undefined
    line.sent.use(key, () => {
      pixels = image
      return true
    })
    return { kind: 'picture', key, pixels }
  }

  #received(set: SentSet, image: Awaited<ReturnType<typeof readImage>>): WebExplanationSet {
    const picture = 'dims' in image ? undefined : image
    return {
      answers: set.answers,
      explanations: set.explanations.map((data) => this.#savable(explanationOf(data), picture)),
      refused: set.refused.map(({ error, ...told }) => ({ ...told, error: explainError(errorOf(error)) })),
    }
  }

  #savable(explanation: Explanation, picture: Picture | undefined): WebExplanation {
    const own = explanation.input === this.input.name
    const toBlob = async (options: DrawOptions & FigureFile = {}): Promise<Blob> => {
      const background = backgroundOf(explanation, own ? picture : undefined, own ? this.preprocessing : undefined)
      return drawFigure(figureOfOne(background, explanation, options), options)
    }
    return {
      ...explanation,
      toBlob,
      save: async (name, options = {}) => download(await toBlob({ ...options, type: typeOf(name) }), name),
    }
  }
}

function explainError(error: Error): ExplainError {
  return error instanceof ExplainError ? error : new ExplainError('runtime-failed', { what: error.message })
}

/** Hands a file to the user, as if a link to it had been clicked. */
export function download(blob: Blob, name: string): void {
  const url = URL.createObjectURL(blob)
  const link = document.createElement('a')
  link.href = url
  link.download = name
  link.click()
  // the download has its own hold on the file once it has begun
  setTimeout(() => URL.revokeObjectURL(url), 60_000)
}
