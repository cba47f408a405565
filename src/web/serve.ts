/** The worker: holds one model and answers a page's questions about it. */
import { ExplainError } from '../core/errors.js'
import type { Runtime } from '../core/runtime.js'
import type { Explanation } from '../explain/explanation.js'
import { type Image, type LoadOptions, loadModel, type Model } from '../explain/index.js'
import { METHODS } from '../methods/index.js'
import { methodInfo } from '../methods/method.js'
import { encode } from '../onnx/encode.js'
import { readModel } from './files.js'
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
  /** Pictures a run of a long method: few, so that an abort is heard soon. */
  readonly batch: number
  /** Does work when no run is going. */
  readonly turn: <T>(work: () => Promise<T>) => Promise<T>
}

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
  let opened: { readonly model: Model; readonly engine: Engine } | undefined
  const pictures = new Recent<number, Image>(KEPT_PICTURES)
  const ready = (): NonNullable<typeof opened> => {
    if (opened) return opened
    throw new ExplainError('aborted', { what: 'The model has not been opened' })
  }
  const imageOf = (image: SentImage): Image => {
    if (image.kind === 'tensor') return image.tensor
    return pictures.use(image.key, () => {
      if (image.pixels) return image.pixels
      throw new ExplainError('invalid-image', { what: 'The picture is not known to the worker' })
    })
  }
  const modelFor = ({ preprocessing }: About<unknown>): Model => ready().model.withPreprocessing(preprocessing)
  return {
    open: async ({ source, options, runtime: settings }, _, tell) => {
      const { model, engine } = await openModel(source, options, settings, start, tell)
      opened = { model, engine }
      return describe(model, engine)
    },
    classify: async (about) => modelFor(about).classify(imageOf(about.image), about.options),
    explain: async (about, signal, tell) => {
      const image = imageOf(about.image)
      const batch = about.options.batch ?? ready().engine.batch
      const report = throttled(tell)
      const set = await modelFor(about).explainAll(image, {
        ...about.options,
        batch,
        signal,
        onProgress: ({ method, done, total, partial }) =>
          report(done === total, () => ({ method, done, total, partial: partial().map(dataOf) })),
      })
      return sentSet(set)
    },
    channels: async (about, signal) => {
      const found = await modelFor(about).channels(imageOf(about.image), { ...about.options, signal })
      return found.data
    },
    compile: async (options) => encode(ready().model.compile(options).graph),
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

async function openModel(
  source: SentSource,
  options: LoadOptions,
  settings: RuntimeSettings,
  start: (settings: RuntimeSettings) => Promise<Engine>,
  tell: Tell<'open'>,
): Promise<{ readonly model: Model; readonly engine: Engine }> {
  // the runtime is fetched and compiled while the model is
  const starting = start(settings)
  starting.catch(() => undefined)
  const parts = await readModel(source, tell)
  tell({ step: 'ONNX Runtime', loaded: 0, total: undefined })
  const engine = await starting
  tell({ step: 'shapes', loaded: 0, total: undefined })
  return { model: await loadModel(parts, engine.runtime, options), engine }
}

function describe(model: Model, { runtime, threads }: Engine): ModelInfo {
  const { name, labels, input, others, answer, preprocessing, notes } = model
  return {
    name,
    labels,
    input,
    others,
    answer,
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
