/** A runtime that loads no model twice: a session serves all that ask for the same bytes. */
import { createHash } from 'node:crypto'
import type { Runtime, Session } from '../../src/core/runtime.js'

export interface SharedSessions extends Runtime {
  /** Releases every session. */
  close(): Promise<void>
}

/** What is loaded and run is what `runtime` loads and runs; only a model that is there already, byte for byte and at the same level, is not loaded again. */
export function sharedSessions(runtime: Runtime): SharedSessions {
  const sessions = new Map<string, Promise<Session>>()
  return {
    ...runtime,
    async createSession(model, options = {}) {
      if (model.externalData.size > 0) return runtime.createSession(model, options)
      const key = `${options.optimization ?? 'all'} ${createHash('sha1').update(model.bytes).digest('base64')}`
      const session = sessions.get(key) ?? runtime.createSession(model, options)
      sessions.set(key, session)
      const { inputs, outputs, run } = await session
      return { inputs, outputs, run, release: async () => {} }
    },
    async close() {
      for (const session of await Promise.allSettled(sessions.values()))
        if (session.status === 'fulfilled') await session.value.release()
      sessions.clear()
    },
  }
}
