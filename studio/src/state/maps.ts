/** What came of the questions about the picture and model of the moment, so that what was looked at once is there at once. */
import type { ExplainError, MethodInfo, WebExplanation } from 'onnxplain/web'
import type { Wanted } from './wanted.js'

/** What a map depends on besides picture and model. */
export interface MapKey {
  readonly method: string
  readonly layer: string | undefined
  readonly options: Readonly<Record<string, number | string>>
  readonly target: Wanted
}

export class Maps {
  readonly #maps = new Map<string, WebExplanation>()
  readonly #refusals = new Map<string, ExplainError>()
  #base: readonly unknown[] = []

  get(key: MapKey): WebExplanation | undefined {
    return this.#maps.get(textOf(key))
  }

  set(key: MapKey, explanation: WebExplanation): void {
    this.#maps.set(textOf(key), explanation)
  }

  /** Why there is no map, where that was found out. */
  refusal(key: MapKey): ExplainError | undefined {
    return this.#refusals.get(textOf(key))
  }

  refuse(key: MapKey, error: ExplainError): void {
    this.#refusals.set(textOf(key), error)
  }

  /** True where the maps are of this. */
  isOf(base: readonly unknown[]): boolean {
    return same(base, this.#base)
  }

  /** Forgets all maps where what they are of (model, picture, what goes with it) is not what it was; true where it is not. */
  renew(base: readonly unknown[]): boolean {
    if (this.isOf(base)) return false
    this.#base = base
    this.#maps.clear()
    this.#refusals.clear()
    return true
  }
}

/** What a method's map depends on, of all that is set: the layer where it is taken at one, and its own options. */
export function settingsOf(
  method: MethodInfo,
  { layer, options }: Pick<MapKey, 'layer' | 'options'>,
): Omit<MapKey, 'target'> {
  const own = Object.fromEntries(Object.entries(options).filter(([name]) => name in method.options))
  return { method: method.id, layer: method.atLayer ? layer : undefined, options: own }
}

export function same(a: readonly unknown[], b: readonly unknown[]): boolean {
  return a.length === b.length && a.every((part, i) => part === b[i])
}

export function textOf({ method, layer, options, target }: MapKey): string {
  return JSON.stringify([method, layer ?? null, Object.entries(options).sort(), target])
}
