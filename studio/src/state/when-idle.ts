/** Work that nobody waits for: asked when the map on the stage is there and nothing else is going on, given up as soon as something is. */
import { effect, signal } from '@preact/signals'
import { Latest } from './latest.js'
import { isAborted, type Problem, problemOf } from './problem.js'
import type { Studio } from './studio.js'

/** Milliseconds of quiet before anything is asked: maps of other answers are asked for at once, and come first. */
const QUIET = 250

/** What came of a question. */
export type Found<Q, A> = { readonly question: Q } & ({ readonly answer: A } | { readonly problem: Problem })

interface Work<Q, A> {
  /** What is to be asked, read off the studio; undefined where nothing is. */
  readonly question: () => Q | undefined
  readonly ask: (question: Q, signal: AbortSignal) => Promise<A>
  /** What is said where it fails. */
  readonly title: string
}

export class WhenIdle<Q extends object, A> {
  /** The last that was found; of another question while a new one is on its way. */
  readonly found = signal<Found<Q, A> | undefined>(undefined)
  /** What is wanted now. */
  readonly wanted = signal<Q | undefined>(undefined)
  readonly #studio: Studio
  readonly #work: Work<Q, A>
  readonly #latest = new Latest()
  #timer: ReturnType<typeof setTimeout> | undefined
  /** What the timer or the worker is at. */
  #asked: Q | undefined

  constructor(studio: Studio, work: Work<Q, A>) {
    this.#studio = studio
    this.#work = work
  }

  /** Follows the studio until the returned function is called. */
  follow(): () => void {
    const stop = effect(() => {
      const question = this.#work.question()
      const isIdle = this.#studio.working.value === undefined && this.#studio.loading.value === undefined
      this.wanted.value = question
      if (question && isIdle) this.#want(question)
      else this.#giveUp()
    })
    return () => {
      stop()
      this.#giveUp()
    }
  }

  /** True where what was found answers what is wanted. */
  isFresh(): boolean {
    const found = this.found.value
    return found !== undefined && isSame(found.question, this.wanted.value)
  }

  #want(question: Q): void {
    if (isSame(question, this.#asked)) return
    this.#giveUp()
    const found = this.found.peek()
    if (found && isSame(question, found.question)) return
    this.#asked = question
    this.#timer = setTimeout(() => void this.#ask(question), QUIET)
  }

  async #ask(question: Q): Promise<void> {
    try {
      await this.#latest.run(async (given) => {
        const answer = await this.#work.ask(question, given)
        if (!given.aborted) this.found.value = { question, answer }
      })
    } catch (error) {
      if (isAborted(error)) return
      this.found.value = { question, problem: problemOf(this.#work.title, error) }
    }
    if (this.#asked === question) this.#asked = undefined
  }

  #giveUp(): void {
    clearTimeout(this.#timer)
    this.#latest.abort()
    this.#asked = undefined
  }
}

function isSame<Q extends object>(a: Q, b: Q | undefined): boolean {
  return b !== undefined && Object.entries(a).every(([k, v]) => (b as Readonly<Record<string, unknown>>)[k] === v)
}
