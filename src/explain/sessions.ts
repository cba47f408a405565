/** A small cache of sessions: creating and releasing them leaks in ORT, so that they are kept while they may be needed again. */
import type { ModelFile, Runtime, Session, SessionOptions } from '../core/runtime.js'

const CAPACITY = 4

export class SessionCache {
  readonly #runtime: Runtime
  readonly #options: SessionOptions
  /** In the order of use, oldest first. */
  readonly #sessions = new Map<string, Promise<Session>>()

  constructor(runtime: Runtime, options: SessionOptions) {
    this.#runtime = runtime
    this.#options = options
  }

  /** The session of a key, made of `model()` where it is not there. */
  async get(key: string, model: () => ModelFile): Promise<Session> {
    const known = this.#sessions.get(key)
    const session = known ?? this.#runtime.createSession(model(), this.#options)
    this.#sessions.delete(key)
    this.#sessions.set(key, session)
    try {
      const ready = await session
      await this.#shrink()
      return ready
    } catch (error) {
      this.#sessions.delete(key)
      throw error
    }
  }

  async release(): Promise<void> {
    const all = [...this.#sessions.values()]
    this.#sessions.clear()
    for (const session of all) await (await session).release()
  }

  async #shrink(): Promise<void> {
    while (this.#sessions.size > CAPACITY) {
      const [oldest] = this.#sessions
      if (!oldest) return
      this.#sessions.delete(oldest[0])
      await (await oldest[1]).release()
    }
  }
}
