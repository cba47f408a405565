/** The worker: holds one model and answers a page's questions about it. */
import { ExplainError } from '../core/errors.js'
import type { Runtime } from '../core/runtime.js'
import type { Explanation } from '../explain/explanation.js'
import {
  captionTargets,
  type Image,
  type ImageOptions,
  type LoadOptions,
  loadModel,
  type Model,
  type Prepared,
  parseLabels,
  questionWords,
  refuseDisagreement,
} from '../explain/index.js'
import type { Picture } from '../image/index.js'
import { METHODS } from '../methods/index.js'
import { methodInfo } from '../methods/method.js'
import { encode } from '../onnx/encode.js'
import { bytesOf, readModel } from './files.js'
import {
  type About,
  type CallName,
  type Calls,
  type Message,
  type ModelInfo,
  type Question,
  type RuntimeSettings,
  type SentImage,
  type SentProgress,
  type SentSet,
  type SentSource,
  sentError,
} from './protocol.js'
import { KEPT_PICTURES, Recent } from './recent.js'

/** What a worker's global scope is to us. */
export interface Scope {
  onmessage: ((event: MessageEvent<Question>) => void) | null
  postMessage(message: Message): void
  close(): void
}

/** ONNX Runtime in a worker. */
export interface Engine {
  readonly runtime: Runtime
  readonly threads: number
  /** What this runtime's answers are held against when a model is opened; undefined where it is trusted itself. */
  readonly trusted: Runtime | undefined
  /** Pictures a run of a long method: few, so that an abort is heard soon. */
  readonly batch: number
  /** Does work when no run is going. */
  readonly turn: <T>(work: () => Promise<T>) => Promise<T>
}

/** Preprocessings that are kept ready. */
const KEPT_VIEWS = 4
/** Milliseconds between two messages of progress. */
const PROGRESS_EVERY = 80

type Tell<K extends CallName> = (progress: Calls[K]['progress']) => void

type Handlers = {
  readonly [K in CallName]: (ask: Calls[K]['ask'], signal: AbortSignal, tell: Tell<K>) => Promise<Calls[K]['reply']>
}

/** Answers questions until it is closed. */
export function serve(scope: Scope, start: (settings: RuntimeSettings) => Promise<Engine>): void {
  const aborts = new Map<number, AbortController>()
  const handlers = handle(start, () => scope.close())
  const answer = async <K extends CallName>(id: number, call: K, ask: Calls[K]['ask']): Promise<void> => {
    const controller = new AbortController()
    aborts.set(id, controller)
    try {
      const tell = (value: unknown): void => scope.postMessage({ id, kind: 'progress', value })
      const value = await handlers[call](ask, controller.signal, tell)
      scope.postMessage({ id, kind: 'reply', value })
    } catch (error) {
      scope.postMessage({ id, kind: 'error', error: sentError(error) })
    } finally {
      aborts.delete(id)
    }
  }
  scope.onmessage = ({ data }) => {
    if (data.call === 'abort') aborts.get(data.id)?.abort()
    else if (data.call === 'close') {
      for (const controller of aborts.values()) controller.abort()
      void answer(data.id, data.call, data.ask)
    } else void answer(data.id, data.call, data.ask as never)
  }
}

function handle(start: (settings: RuntimeSettings) => Promise<Engine>, end: () => void): Handlers {
  let opened: Opened | undefined
  let starting: Promise<Engine> | undefined
  const startOnce = (settings: RuntimeSettings): Promise<Engine> => {
    starting ??= start(settings)
    return starting
  }
  const ready = (): Opened => {
    if (opened) return opened
    throw new ExplainError('aborted', { what: 'The model has not been opened' })
  }
  return {
    start: async (settings) => {
      await startOnce(settings)
      return undefined
    },
    open: async ({ source, options, runtime: settings }, _, tell) => {
      const { model, engine } = await openModel(source, options, startOnce(settings), tell)
      opened = new Opened(model, engine)
      return describe(model, engine)
    },
    classify: async (about) => {
      const { model, image } = ready().about(about)
      return model.classify(image, about.options)
    },
    explain: async (about, signal, tell) => {
      const { model, image } = ready().about(about)
      const batch = about.options.batch ?? ready().engine.batch
      const report = throttled(tell)
      const set = await model.explainAll(image, {
        ...about.options,
        batch,
        signal,
        onProgress: ({ method, done, total, partial }) =>
          report(done === total, () => ({ method, done, total, partial: partial().map(dataOf) })),
      })
      return sentSet(set)
    },
    captions: async (about, signal, tell) => {
      // the words that it writes are not there yet
      const { model, image } = ready().plain(about)
      const report = throttled(tell)
      const onProgress = (p: Calls['captions']['progress']): void => report(false, () => p)
      const found = await model.captions(image, { ...about.options, signal, onProgress })
      const { text } = model
      return found.map((caption) => ({ ...caption, targets: text ? captionTargets(caption, text) : [] }))
    },
    detect: async (about) => {
      const { model, image } = ready().about(about)
      return model.detect(image, about.options)
    },
    segmentation: async (about) => {
      const { model, image } = ready().about(about)
      return model.segmentation(image, about.options)
    },
    embedText: async ({ text, ...options }) => ready().model.embedText(text, options),
    embedPicture: async (about) => {
      const { model, image } = ready().about(about)
      return model.embedPicture(image, about.options)
    },
    pieces: async (text) => ready().model.pieces(text),
    questionWords: async (about, signal) => {
      const { model, image } = ready().about(about)
      return questionWords(model, image, { ...about.options, signal })
    },
    channels: async (about, signal) => {
      const { model, image } = ready().about(about)
      const found = await model.channels(image, { ...about.options, signal })
      return found.data
    },
    // a file for any runtime, whatever this one lacks, unless that is asked for
    compile: async (options) => encode(ready().model.compile({ lacks: [], ...options }).graph),
    relabel: async (given) => {
      const { model, engine } = ready()
      const labels = 'blob' in given ? parseLabels(await bytesOf(given.blob, given.name), given.name) : given
      const renamed = model.withLabels(labels)
      opened = new Opened(renamed, engine)
      return describe(renamed, engine)
    },
    close: async () => {
      const close = async (): Promise<undefined> => {
        await opened?.model.release()
        return undefined
      }
      // between two runs, never within one
      await close()
      if (opened) await opened.engine.turn(async () => end())
      else end()
      return undefined
    },
  }
}

/** The model, its views by other preprocessing, and the pictures that were sent. */
class Opened {
  readonly #views = new Recent<string, Model>(KEPT_VIEWS)
  readonly #pictures = new Recent<number, KeptPicture>(KEPT_PICTURES)

  constructor(
    readonly model: Model,
    readonly engine: Engine,
  ) {}

  /** What a question is about. A picture is prepared once for all questions about it. */
  about(about: About<ImageOptions>): { readonly model: Model; readonly image: Image } {
    const { model, image } = this.plain(about)
    const { inputs = {}, size, question, caption } = about.options
    if (about.image.kind === 'tensor' || Object.keys(inputs).length > 0) return { model, image }
    const make = (): Prepared => model.prepare(image, { size, question, caption })
    const key = JSON.stringify([model.preprocessing ?? null, size ?? null, question ?? null, caption ?? null])
    return { model, image: this.#kept(about.image).prepared.use(key, make) }
  }

  /** The same, not prepared. */
  plain({ image, preprocessing }: About<unknown>): { readonly model: Model; readonly image: Image } {
    const spec = JSON.stringify(preprocessing ?? null)
    const isOwn = spec === JSON.stringify(this.model.preprocessing ?? null)
    const model = isOwn ? this.model : this.#views.use(spec, () => this.model.withPreprocessing(preprocessing))
    return { model, image: image.kind === 'tensor' ? image.tensor : this.#kept(image).pixels }
  }

  #kept({ key, pixels }: Extract<SentImage, { kind: 'picture' }>): KeptPicture {
    return this.#pictures.use(key, () => {
      if (pixels) return { pixels, prepared: new Recent(KEPT_VIEWS) }
      throw new ExplainError('invalid-image', { what: 'The picture is not known to the worker' })
    })
  }
}

interface KeptPicture {
  readonly pixels: Picture
  readonly prepared: Recent<string, Prepared>
}

async function openModel(
  source: SentSource,
  options: LoadOptions,
  starting: Promise<Engine>,
  tell: Tell<'open'>,
): Promise<{ readonly model: Model; readonly engine: Engine }> {
  // the runtime is fetched and compiled while the model is
  starting.catch(() => undefined)
  const parts = await readModel(source, tell)
  tell({ step: 'ONNX Runtime', loaded: 0, total: undefined })
  const engine = await starting
  tell({ step: 'shapes', loaded: 0, total: undefined })
  const model = await loadModel(parts, engine.runtime, options)
  if (engine.trusted) await refuseDisagreement(model, engine.trusted)
  return { model, engine }
}

function describe(model: Model, { runtime, threads }: Engine): ModelInfo {
  const { name, labels, input, others, answer, texts, preprocessing, notes } = model
  return {
    name,
    labels,
    input,
    others,
    answer,
    texts,
    preprocessing,
    notes,
    inspection: model.inspect(),
    methods: METHODS.map(methodInfo),
    runtime: runtime.name,
    threads,
  }
}

function dataOf(explanation: Explanation): SentProgress['partial'][number] {
  return explanation.data
}

function sentSet(set: Awaited<ReturnType<Model['explainAll']>>): SentSet {
  return {
    answers: set.answers,
    explanations: set.explanations.map(dataOf),
    refused: set.refused.map(({ method, layer, error }) => ({ method, layer, error: sentError(error) })),
  }
}

/** At most one message in {@link PROGRESS_EVERY}, and always the last. */
function throttled<P>(tell: (progress: P) => void): (isLast: boolean, make: () => P) => void {
  let before = Number.NEGATIVE_INFINITY
  return (isLast, make) => {
    const now = performance.now()
    if (!isLast && now - before < PROGRESS_EVERY) return
    before = now
    tell(make())
  }
}
