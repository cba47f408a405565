/** Keeps the map on the stage true to what is asked: whenever the question changes, the old one is given up and the new one is asked. */
import { computed, effect, signal, untracked } from '@preact/signals'
import type { ClassAnswer, ExplainOptions, MethodInfo, WebExplanation, WebModel } from 'onnxplain/web'
import { DETECTION } from './detecting.js'
import { Latest } from './latest.js'
import { type Maps, settingsOf } from './maps.js'
import { isAborted, type Problem, problemOf } from './problem.js'
import type { Given, PartialExplanation, Studio, Subject } from './studio.js'
import { choicesOf, givenTarget, usualOf, type Wanted } from './wanted.js'

/** Answers whose maps are made beforehand, where they cost little. */
const AHEAD = 5

/** What is asked, read off the studio at one moment. */
interface Question {
  readonly view: WebModel
  readonly subject: Subject
  readonly method: MethodInfo
  readonly layer: string | undefined
  readonly options: Readonly<Record<string, number | string>>
  readonly given: Given
  /** undefined: what is usual. */
  readonly target: Wanted | undefined
}

export class Explaining {
  readonly #studio: Studio
  readonly #latest = new Latest()
  readonly #maps: Maps
  /** What it said last; what others say of their work is not its to take back. */
  #said: Problem | undefined
  /** Why what was written as a target is none here; it is said beside the field. */
  readonly refused = signal<Problem | undefined>(undefined)
  #keptOptions: Studio['options']['value'] = {}
  /** While a square is moved by hand, its size and fill are the hand's: no sweep begins anew at every change. */
  readonly #options = computed(() => {
    const { tool, options } = this.#studio
    if (tool.value !== 'occlude') this.#keptOptions = options.value
    return this.#keptOptions
  })

  constructor(studio: Studio, maps: Maps) {
    this.#studio = studio
    this.#maps = maps
  }

  /** Follows the studio until the returned function is called. */
  follow(): () => void {
    return effect(() => {
      const question = this.#question()
      if (question) untracked(() => void this.#answer(question))
      else this.cancel()
    })
  }

  /** Gives up what is being computed. The line of progress may be another view's by now. */
  readonly cancel = (): void => {
    const { working } = this.#studio
    this.#latest.abort()
    if (working.peek()?.cancel === this.cancel) working.value = undefined
  }

  /** The maps of other answers by the method that is shown, as far as they are there. */
  known(answers: readonly ClassAnswer[]): readonly WebExplanation[] {
    const question = this.#question()
    return question ? answers.flatMap((a) => this.#maps.get({ ...keyOf(question), target: a.index }) ?? []) : []
  }

  /** Takes in maps that were made for another purpose, so that they are there when they are asked for. */
  learn(
    { view, subject, given, target }: Pick<Question, 'view' | 'subject' | 'given'> & { readonly target: Wanted },
    made: readonly WebExplanation[],
  ): void {
    if (!this.#maps.isOf([view, subject, given])) return
    const usual = view.inspect().layers.find((l) => l.default)?.name
    for (const explanation of made) {
      const { layer } = explanation.raw
      const key = { method: explanation.method.id, layer: layer === usual ? undefined : layer, options: {} }
      if (!this.#maps.get({ ...key, target })) this.#maps.set({ ...key, target }, explanation)
    }
  }

  #question(): Question | undefined {
    const s = this.#studio
    const view = s.view.value
    const subject = s.subject.value
    const method = s.methodInfo.value
    const layer = s.layer.value
    const options = this.#options.value
    const given = s.given.value
    if (!view?.preprocessing || !subject || !method || s.tab.value !== 'explain') return undefined
    if (s.missing.value.length > 0) return undefined
    // the best class is found by the run that explains it; what else is usual has to be known first
    const isOfClasses = view.answer.kind === 'classes'
    const target = isOfClasses ? s.target.value : s.wanted.value
    if (target === undefined && !isOfClasses) return undefined
    return {
      view,
      subject,
      ...settingsOf(method, { layer, options }),
      method,
      given,
      target,
    }
  }

  async #answer(question: Question): Promise<void> {
    const s = this.#studio
    this.#renew(question)
    const known = this.#find(question)
    if (known) {
      this.cancel()
      this.refused.value = undefined
      this.#say(undefined)
      s.shown.value = {
        subject: question.subject,
        explanation: known,
        wanted: this.#wantedOf(question, known),
        partial: false,
      }
      return
    }
    try {
      await this.#latest.run((signal) => this.#ask(question, signal))
    } catch (error) {
      if (isAborted(error)) return
      s.working.value = undefined
      const isRefusal = error instanceof Refused
      const problem = problemOf(`${question.method.title} says nothing here`, isRefusal ? error.cause : error)
      // what was typed is answered where it was typed
      if (typeof question.target === 'string' && !isRefusal && problem.code !== 'runtime-failed')
        this.refused.value = problem
      else this.#say(problem)
    }
  }

  #say(problem: Problem | undefined): void {
    const { problem: shown } = this.#studio
    if (problem || shown.peek() === this.#said) shown.value = problem
    this.#said = problem
  }

  async #ask(question: Question, signal: AbortSignal): Promise<void> {
    const s = this.#studio
    const { view, subject, method, target } = question
    const start = performance.now()
    const { cancel } = this
    s.working.value = { label: method.title, done: 0, total: undefined, unit: 'runs', cancel }
    this.refused.value = undefined
    const set = await view.explainAll(subject.picture, {
      ...optionsOf(question),
      ...(target === undefined ? {} : { target: givenTarget(target) }),
      signal,
      onProgress: ({ done, total, partial }) => {
        if (signal.aborted) return
        s.working.value = { label: method.title, done, total, unit: 'runs', cancel }
        this.#show(question, partial()[0], true)
      },
    })
    if (signal.aborted) return
    const [refusal] = set.refused
    const [explanation] = set.explanations
    s.answers.value = set.answers
    s.working.value = undefined
    if (!explanation) throw new Refused(refusal?.error ?? new Error('There is no map'))
    this.#say(undefined)
    s.took.value = performance.now() - start
    this.#keep(question, this.#wantedOf(question, explanation), explanation)
    this.#show(question, explanation, false)
    await this.#ahead(question, signal)
  }

  /** The maps of the next parts of the answer: at a layer they share one run, and cost little. */
  async #ahead(question: Question, signal: AbortSignal): Promise<void> {
    const { view, subject, method } = question
    if (method.kind !== 'compiled' || method.space !== 'layer') return
    const { kind } = view.answer
    const missing = choicesOf(this.#studio)
      // words are few, and each is gone to
      .slice(0, kind === 'words' ? undefined : AHEAD)
      .filter((target) => !this.#maps.get({ ...keyOf(question), target }))
    if (missing.length === 0) return
    const set = await view.explainAll(subject.picture, { ...optionsOf(question), target: missing, signal })
    if (signal.aborted || set.explanations.length !== missing.length) return
    for (const [i, target] of missing.entries()) {
      const explanation = set.explanations[i]
      if (explanation) this.#keep(question, target, explanation)
    }
    this.#studio.aheadOf.value++
  }

  #show(question: Question, explanation: WebExplanation | PartialExplanation | undefined, partial: boolean): void {
    if (!explanation) return
    const wanted = this.#wantedOf(question, explanation)
    this.#studio.shown.value = { subject: question.subject, explanation, wanted, partial }
  }

  /** The best class is known by its number once it is explained. */
  #wantedOf({ target }: Question, { answer }: PartialExplanation): Wanted {
    return target ?? answer.index
  }

  #find(question: Question): WebExplanation | undefined {
    const target = question.target ?? usualOf(this.#studio)
    return target === undefined ? undefined : this.#maps.get({ ...keyOf(question), target })
  }

  #keep(question: Question, target: Wanted, explanation: WebExplanation): void {
    this.#maps.set({ ...keyOf(question), target }, explanation)
  }

  /** Maps of another picture, model or preprocessing are of no use. */
  #renew({ view, subject, given }: Question): void {
    if (this.#maps.renew([view, subject, given])) this.#studio.answers.value = []
  }
}

/** A method that has no map of this, as opposed to something that cannot be explained at all. */
class Refused extends Error {
  constructor(override readonly cause: Error) {
    super(cause.message)
  }
}

function optionsOf({ method, layer, options, given }: Question): ExplainOptions {
  return { method: method.id, layer, options, ...given, detection: DETECTION }
}

function keyOf({ method, layer, options }: Question): Omit<Parameters<Maps['get']>[0], 'target'> {
  return { method: method.id, layer, options }
}
