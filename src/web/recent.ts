/** The last few of what was used, by key. Two of the same size that are told the same keys in the same order hold the same. */
export class Recent<K, V> {
  readonly #capacity: number
  readonly #entries = new Map<K, V>()

  constructor(capacity: number) {
    this.#capacity = capacity
  }

  /** The value of a key, which becomes the latest; made where it is not there. */
  use(key: K, make: () => V): V {
    const value = this.#entries.has(key) ? (this.#entries.get(key) as V) : make()
    this.#entries.delete(key)
    this.#entries.set(key, value)
    const [oldest] = this.#entries.keys()
    if (this.#entries.size > this.#capacity && oldest !== undefined) this.#entries.delete(oldest)
    return value
  }
}

/** Pictures that a worker keeps, so that they are sent once. */
export const KEPT_PICTURES = 3
