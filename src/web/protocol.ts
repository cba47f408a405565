/** What a page and its worker say to each other: plain data, as `postMessage` takes it. */
import type { ErrorCode } from '../core/errors.js'
import { ExplainError } from '../core/errors.js'
import type { Tensor } from '../core/tensor.js'
import type { Caption, CaptionOptions, CaptionProgress, CaptionTarget } from '../explain/caption.js'
import type { DetectedBox, DetectionOptions } from '../explain/detect.js'
import type { ClassAnswer, ExplanationData } from '../explain/explanation.js'
import type { PictureInput } from '../explain/input.js'
import type { Inspection } from '../explain/inspect.js'
import type { LayerChannelsData, LayerChannelsOptions } from '../explain/layer-channels.js'
import type { LoadOptions } from '../explain/load.js'
import type { EmbedOptions } from '../explain/model-options.js'
import type { OtherInput } from '../explain/others.js'
import type { CompileOptions } from '../explain/plan.js'
import type { ImageOptions } from '../explain/prepare.js'
import type { QuestionMethod, QuestionWords } from '../explain/question.js'
import type { ExplainOptions } from '../explain/request.js'
import type { Segmentation } from '../explain/segment.js'
import type { TextInputs, TextOptions } from '../explain/written.js'
import type { Picture, PreprocessSpec } from '../image/index.js'
import type { MethodInfo } from '../methods/method.js'
import type { Answer } from '../targets/answer.js'

/** Where a model's files are, as the worker reads them. Addresses are absolute. */
export type SentSource =
  | { readonly kind: 'url'; readonly url: string }
  | { readonly kind: 'shipped'; readonly model: string; readonly config: string; readonly preprocessor: string }
  | { readonly kind: 'bytes'; readonly name: string; readonly bytes: Uint8Array }
  | { readonly kind: 'files'; readonly files: readonly { readonly path: string; readonly blob: Blob }[] }

/** How ONNX Runtime is started in the worker. */
export interface RuntimeSettings {
  readonly threads: number | undefined
  /** Folder of ONNX Runtime's files, absolute; undefined: where the bundler put them, else `onnxruntime-web/` beside the worker. */
  readonly files: string | undefined
}

/** What a page knows of its model. */
export interface ModelInfo {
  readonly name: string
  readonly labels: readonly string[]
  readonly input: PictureInput
  readonly others: readonly OtherInput[]
  readonly answer: Answer
  /** The inputs that a question and a caption fill; none where it takes or writes no such text. */
  readonly texts: TextInputs
  readonly preprocessing: PreprocessSpec | undefined
  readonly notes: readonly string[]
  readonly inspection: Inspection
  readonly methods: readonly MethodInfo[]
  /** For people and provenance. */
  readonly runtime: string
  readonly threads: number
}

/** A text about a picture, with the targets of its words: several tokens may be one. */
export interface WebCaption extends Caption {
  readonly targets: readonly CaptionTarget[]
}

/** How words of a question are weighed: targets and what goes with the picture as for `explain`. */
export type QuestionOptions = Omit<ExplainOptions, 'method' | 'wrt' | 'options'> & { readonly by?: QuestionMethod }

/** A picture goes to the worker once, and is spoken of by its key from then on. */
export type SentImage =
  | { readonly kind: 'picture'; readonly key: number; readonly pixels: Picture | undefined }
  | { readonly kind: 'tensor'; readonly tensor: Tensor<'float32'> }

/** Class names, or a file of them. */
export type SentLabels = readonly string[] | { readonly name: string; readonly blob: Blob }

/** What is asked about one picture. */
export interface About<Options> {
  readonly image: SentImage
  readonly options: Options
  /** undefined where the model takes no photos. */
  readonly preprocessing: PreprocessSpec | undefined
}

/** Options that are plain data; the signal goes as a message, and progress comes as messages. */
export type Plain<Options> = Omit<Options, 'signal' | 'onProgress'>

export interface SentRefusal {
  readonly method: MethodInfo
  readonly layer: string | undefined
  readonly error: SentError
}

export interface SentSet {
  readonly answers: readonly ClassAnswer[]
  readonly explanations: readonly ExplanationData[]
  readonly refused: readonly SentRefusal[]
}

export interface SentProgress {
  readonly method: string
  readonly done: number
  readonly total: number
  readonly partial: readonly ExplanationData[]
}

/** How far a model's files are read. */
export interface LoadProgress {
  /** The file that is being read, or what is done with the model when it is there. */
  readonly step: string
  /** Bytes so far. */
  readonly loaded: number
  /** undefined where it is not known. */
  readonly total: number | undefined
}

/** What can be asked: the question, the answer, and what comes in between. */
export interface Calls {
  /** Starts ONNX Runtime before there is a model; the settings hold for the model too. */
  readonly start: { readonly ask: RuntimeSettings; readonly reply: undefined; readonly progress: never }
  readonly open: {
    readonly ask: { readonly source: SentSource; readonly options: LoadOptions; readonly runtime: RuntimeSettings }
    readonly reply: ModelInfo
    readonly progress: LoadProgress
  }
  readonly classify: {
    readonly ask: About<ImageOptions & { readonly top?: number }>
    readonly reply: readonly ClassAnswer[]
    readonly progress: never
  }
  readonly explain: {
    readonly ask: About<Plain<ExplainOptions>>
    readonly reply: SentSet
    readonly progress: SentProgress
  }
  readonly captions: {
    readonly ask: About<Plain<CaptionOptions & ImageOptions>>
    readonly reply: readonly WebCaption[]
    readonly progress: CaptionProgress
  }
  readonly detect: {
    readonly ask: About<ImageOptions & DetectionOptions>
    readonly reply: readonly DetectedBox[]
    readonly progress: never
  }
  readonly segmentation: { readonly ask: About<ImageOptions>; readonly reply: Segmentation; readonly progress: never }
  readonly embedText: {
    readonly ask: EmbedOptions & { readonly text: string }
    readonly reply: Float32Array
    readonly progress: never
  }
  readonly embedPicture: {
    readonly ask: About<EmbedOptions & ImageOptions>
    readonly reply: Float32Array
    readonly progress: never
  }
  readonly pieces: { readonly ask: TextOptions; readonly reply: readonly string[]; readonly progress: never }
  readonly questionWords: {
    readonly ask: About<Plain<QuestionOptions>>
    readonly reply: readonly QuestionWords[]
    readonly progress: never
  }
  readonly channels: {
    readonly ask: About<Plain<LayerChannelsOptions>>
    readonly reply: LayerChannelsData
    readonly progress: never
  }
  readonly compile: {
    readonly ask: Omit<CompileOptions, 'shapes'>
    readonly reply: Uint8Array
    readonly progress: never
  }
  /** Gives the model other class names. */
  readonly relabel: { readonly ask: SentLabels; readonly reply: ModelInfo; readonly progress: never }
  /** Releases the model; the worker ends when nothing of it runs any more. */
  readonly close: { readonly ask: undefined; readonly reply: undefined; readonly progress: never }
}

export type CallName = keyof Calls

export type Question =
  | { readonly [K in CallName]: { readonly id: number; readonly call: K; readonly ask: Calls[K]['ask'] } }[CallName]
  | { readonly id: number; readonly call: 'abort' }

export type Message =
  | { readonly id: number; readonly kind: 'reply'; readonly value: unknown }
  | { readonly id: number; readonly kind: 'progress'; readonly value: unknown }
  | { readonly id: number; readonly kind: 'error'; readonly error: SentError }

/** An error on its way: `code` is undefined for what is no {@link ExplainError}. */
export interface SentError {
  readonly code: ErrorCode | undefined
  readonly what: string
  readonly where: string | undefined
  readonly remedy: string | undefined
  readonly details: Readonly<Record<string, unknown>>
}

export function sentError(error: unknown): SentError {
  if (error instanceof ExplainError) {
    const { code, what, where, remedy, details } = error
    return { code, what, where, remedy, details: cloneable(details) }
  }
  const what = error instanceof Error ? error.message : String(error)
  return { code: undefined, what, where: undefined, remedy: undefined, details: {} }
}

/** Details that cannot be sent are left out; the words say what they say. */
function cloneable(details: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  try {
    return structuredClone(details)
  } catch {
    return {}
  }
}

export function errorOf({ code, what, where, remedy, details }: SentError): Error {
  if (code === undefined) return new Error(what)
  return new ExplainError(code, {
    what,
    details,
    ...(where === undefined ? {} : { where }),
    ...(remedy === undefined ? {} : { remedy }),
  })
}
