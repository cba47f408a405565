/** Maps that were computed for the picture and model of the moment, so that what was looked at once is there at once. */
import type { WebExplanation } from 'onnxplain/web'

/** What a map depends on besides picture and model. */
export interface MapKey {
  readonly method: string
  readonly layer: string | undefined
  readonly options: Readonly<Record<string, number | string>>
  readonly target: number
}

export class Maps {
  readonly #maps = new Map<string, WebExplanation>()

  get(key: MapKey): WebExplanation | undefined {
    return this.#maps.get(textOf(key))
  }

  set(key: MapKey, explanation: WebExplanation): void {
    this.#maps.set(textOf(key), explanation)
  }

  clear(): void {
    this.#maps.clear()
  }
}

function textOf({ method, layer, options, target }: MapKey): string {
  return JSON.stringify([method, layer ?? null, Object.entries(options).sort(), target])
}
