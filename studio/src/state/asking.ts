/** Keeps the question that the model is asked true to what is typed: read by its tokenizer first, so that an unknown word is said beside the field. */
import { effect, signal, untracked } from '@preact/signals'
import type { WebModel } from 'onnxplain/web'
import { Latest } from './latest.js'
import { isAborted, type Problem, problemOf } from './problem.js'
import type { Studio } from './studio.js'

export class Asking {
  readonly #studio: Studio
  readonly #latest = new Latest()
  readonly problem = signal<Problem | undefined>(undefined)

  constructor(studio: Studio) {
    this.#studio = studio
  }

  /** Follows the studio until the returned function is called. */
  follow(): () => void {
    return effect(() => {
      const model = this.#studio.model.value
      const text = this.#studio.question.value.trim()
      untracked(() => void this.#ask(model, text))
    })
  }

  async #ask(model: WebModel | undefined, text: string): Promise<void> {
    const { asked } = this.#studio
    this.problem.value = undefined
    if (!model || model.texts.question.length === 0 || text === '') {
      this.#latest.abort()
      asked.value = undefined
      return
    }
    try {
      await this.#latest.run(async (signal) => {
        await model.pieces({ question: text })
        if (!signal.aborted) asked.value = text
      })
    } catch (error) {
      if (!isAborted(error)) this.problem.value = problemOf('The question cannot be asked', error)
    }
  }
}
