/** Work of which only the latest counts: new work aborts what is still going. */
export class Latest {
  #controller: AbortController | undefined

  /** Runs work in the place of the last; its signal is aborted when newer work comes. */
  async run<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    this.abort()
    const controller = new AbortController()
    this.#controller = controller
    try {
      return await work(controller.signal)
    } finally {
      if (this.#controller === controller) this.#controller = undefined
    }
  }

  abort(): void {
    this.#controller?.abort()
    this.#controller = undefined
  }
}
