/** A small cache of sessions: creating and releasing them leaks in ORT, so that they are kept while they may be needed again. */
import type { ModelFile, Runtime, Session, SessionOptions } from '../core/runtime.js'

/** Idle sessions that are kept. */
const CAPACITY = 4

interface Entry {
  readonly session: Promise<Session>
  /** Pieces of work that use it now; it is not released before they are done. */
  users: number
}

export class SessionCache {
  readonly #runtime: Runtime
  readonly #options: SessionOptions
  /** In the order of use, oldest first. */
  readonly #entries = new Map<string, Entry>()
  #closed = false

  constructor(runtime: Runtime, options: SessionOptions) {
    this.#runtime = runtime
    this.#options = options
  }

  /** Works with the session of a key, which is made of `model()` where it is not there. Calls may overlap. */
  async use<T>(key: string, model: () => ModelFile, work: (session: Session) => Promise<T>): Promise<T> {
    const entry = this.#entries.get(key) ?? { session: this.#runtime.createSession(model(), this.#options), users: 0 }
    this.#entries.delete(key)
    this.#entries.set(key, entry)
    entry.users++
    try {
      const session = await entry.session.catch((error: unknown) => {
        this.#entries.delete(key)
        throw error
      })
      return await work(session)
    } finally {
      entry.users--
      await this.#shrink()
    }
  }

  /** Releases every session, those in use when their work is done. */
  async release(): Promise<void> {
    this.#closed = true
    await this.#shrink()
  }

  async #shrink(): Promise<void> {
    const idle = [...this.#entries].filter(([, entry]) => entry.users === 0)
    const excess = this.#closed ? idle : idle.slice(0, Math.max(0, this.#entries.size - CAPACITY))
    for (const [key] of excess) this.#entries.delete(key)
    for (const [, entry] of excess) await (await entry.session).release()
  }
}
