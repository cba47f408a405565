/** A page's end of the line to its worker. */
import { ExplainError, throwIfAborted } from '../core/errors.js'
import { type CallName, type Calls, errorOf, type Message, type Question } from './protocol.js'

interface Pending {
  readonly resolve: (value: unknown) => void
  readonly reject: (error: unknown) => void
  readonly progress: ((value: unknown) => void) | undefined
}

export interface CallOptions<K extends CallName> {
  readonly signal?: AbortSignal | undefined
  readonly onProgress?: ((progress: Calls[K]['progress']) => void) | undefined
}

export class Client {
  readonly #worker: Worker
  readonly #pending = new Map<number, Pending>()
  #next = 1
  #ended: ExplainError | undefined

  constructor(worker: Worker) {
    this.#worker = worker
    worker.onmessage = ({ data }: MessageEvent<Message>) => this.#hear(data)
    worker.onerror = (event) => {
      event.preventDefault()
      this.#end(
        new ExplainError('no-runtime', {
          what: `The worker could not be started, or broke down: ${event.message || 'its script cannot be loaded'}`,
          remedy: 'The worker and the files of ONNX Runtime must be served from the origin of the page.',
        }),
      )
    }
  }

  /**
   * Asks, and resolves to the answer. An abort rejects at once with `aborted`; the worker hears of it between two runs. Rejects with
   * `no-runtime` where the worker does not work.
   */
  async call<K extends CallName>(
    call: K,
    ask: Calls[K]['ask'],
    options: CallOptions<K> = {},
  ): Promise<Calls[K]['reply']> {
    const { signal, onProgress } = options
    throwIfAborted(signal)
    if (this.#ended) throw this.#ended
    const id = this.#next++
    return new Promise<Calls[K]['reply']>((resolve, reject) => {
      const abort = (): void => {
        this.#pending.delete(id)
        this.#post({ id, call: 'abort' })
        reject(new ExplainError('aborted', { what: 'The work was aborted', cause: signal?.reason }))
      }
      signal?.addEventListener('abort', abort, { once: true })
      const settled = <A>(then: (value: A) => void) => {
        return (value: A): void => {
          signal?.removeEventListener('abort', abort)
          then(value)
        }
      }
      this.#pending.set(id, {
        resolve: settled(resolve as (value: unknown) => void),
        reject: settled(reject),
        progress: onProgress as Pending['progress'],
      })
      try {
        this.#post({ id, call, ask } as Question)
      } catch (error) {
        this.#pending.delete(id)
        settled(reject)(error)
      }
    })
  }

  /** Nothing can be asked any more; what was asked is rejected. The worker is asked to end, and never ended in the middle of a run. */
  close(): void {
    if (this.#ended) return
    const end = new ExplainError('aborted', { what: 'The model was disposed of', remedy: 'Open it again.' })
    this.#post({ id: this.#next++, call: 'close', ask: undefined })
    this.#end(end)
  }

  #post(question: Question): void {
    this.#worker.postMessage(question)
  }

  #hear(message: Message): void {
    const pending = this.#pending.get(message.id)
    if (!pending) return // aborted meanwhile
    if (message.kind === 'progress') {
      pending.progress?.(message.value)
      return
    }
    this.#pending.delete(message.id)
    if (message.kind === 'reply') pending.resolve(message.value)
    else pending.reject(errorOf(message.error))
  }

  #end(error: ExplainError): void {
    this.#ended ??= error
    const pending = [...this.#pending.values()]
    this.#pending.clear()
    for (const { reject } of pending) reject(error)
  }
}
