/** Gradients of the target's score and of other values, each made once. */
import { ExplainError } from '../core/errors.js'
import type { Differentiated } from '../methods/method.js'
import { pullBack } from '../vjp/walk.js'
import type { Stage } from './stage.js'

/** Those of all layers that were asked for are made by one walk. */
export class Gradients {
  readonly #stage: Stage
  readonly #made = new Map<string, string>()
  /** The layers whose gradients are still to be made together. */
  #layers: readonly string[]

  constructor(stage: Stage) {
    this.#stage = stage
    this.#layers = stage.layers.flatMap(({ found }) => (found instanceof ExplainError ? [] : found.value))
  }

  by(value: string, what: Differentiated = {}): string {
    const plain = what.of === undefined && !what.override
    if (plain && this.#layers.length > 1 && this.#layers.includes(value)) this.#together()
    const [gradient = ''] = this.bySeveral([value], what)
    return gradient
  }

  /** By several values, of one walk for all that are not made yet. */
  bySeveral(values: readonly string[], what: Differentiated = {}): readonly string[] {
    const missing = [...new Set(values)].filter((value) => !this.#made.has(keyOf(value, what)))
    if (missing.length > 0) {
      const { b } = this.#stage
      // what was added to the network is differentiated as the network is
      if (![what.of ?? '', ...missing].every((value) => value === '' || b.graph.has(value))) b.settle()
      const pulled = pullBack(b, { ...this.#start(what), wrt: missing, override: what.override })
      for (const [i, gradient] of pulled.entries()) this.#made.set(keyOf(missing[i] ?? '', what), gradient)
    }
    return values.map((value) => this.#made.get(keyOf(value, what)) ?? '')
  }

  /** Where the walk starts, and what arrives there. */
  #start({ of }: Differentiated): { readonly of: string; readonly seed: string } {
    const { b, target } = this.#stage
    if (of === undefined) return { of: target.scores, seed: target.seed }
    const seed = b.cached(`onnxplain/ones/${of}`, () => {
      const ones = b.op('Expand', [b.scalar(1, of), b.shapeOf(of)])
      b.know(ones, b.type(of), b.dims(of))
      return ones
    })
    return { of, seed }
  }

  /** One walk for all layers. Where one of them has no gradient, each goes by itself, and that one alone fails. */
  #together(): void {
    const layers = this.#layers
    this.#layers = []
    try {
      this.bySeveral(layers)
    } catch (error) {
      if (!(error instanceof ExplainError)) throw error
    }
  }
}

function keyOf(value: string, { of = '', override }: Differentiated): string {
  return JSON.stringify([override?.name ?? '', of, value])
}
