/** Keeps the map on the stage true to what is asked: whenever the question changes, the old one is given up and the new one is asked. */
import { computed, effect, untracked } from '@preact/signals'
import type { ClassAnswer, ExplainOptions, MethodInfo, WebExplanation, WebModel } from 'onnxplain/web'
import { Latest } from './latest.js'
import { type Maps, settingsOf } from './maps.js'
import { isAborted, type Problem, problemOf } from './problem.js'
import type { PartialExplanation, Studio, Subject } from './studio.js'

/** Answers whose maps are made beforehand, where they cost little. */
const AHEAD = 5
const BEST = -1

/** What is asked, read off the studio at one moment. */
interface Question {
  readonly view: WebModel
  readonly subject: Subject
  readonly method: MethodInfo
  readonly layer: string | undefined
  readonly options: Readonly<Record<string, number | string>>
  readonly inputs: ExplainOptions['inputs']
  readonly target: number | undefined
}

export class Explaining {
  readonly #studio: Studio
  readonly #latest = new Latest()
  readonly #maps: Maps
  /** What it said last; what others say of their work is not its to take back. */
  #said: Problem | undefined
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
    { view, subject, inputs }: Pick<Question, 'view' | 'subject' | 'inputs'>,
    made: readonly WebExplanation[],
  ): void {
    if (!this.#maps.isOf([view, subject, inputs])) return
    const usual = view.inspect().layers.find((l) => l.default)?.name
    for (const explanation of made) {
      const { layer } = explanation.raw
      const key = { method: explanation.method.id, layer: layer === usual ? undefined : layer, options: {} }
      const target = explanation.answer.index
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
    const inputs = s.inputs.value
    const target = s.target.value
    if (!view?.preprocessing || !subject || !method || s.tab.value !== 'explain') return undefined
    if (view.others.some((o) => !(o.name in inputs))) return undefined
    return {
      view,
      subject,
      ...settingsOf(method, { layer, options }),
      method,
      inputs,
      target,
    }
  }

  async #answer(question: Question): Promise<void> {
    const s = this.#studio
    this.#renew(question)
    const known = this.#find(question)
    if (known) {
      this.cancel()
      this.#say(undefined)
      s.shown.value = { subject: question.subject, explanation: known, partial: false }
      return
    }
    try {
      await this.#latest.run((signal) => this.#ask(question, signal))
    } catch (error) {
      if (isAborted(error)) return
      s.working.value = undefined
      this.#say(problemOf(`${question.method.title} says nothing here`, error))
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
    const set = await view.explainAll(subject.picture, {
      ...optionsOf(question),
      target: target ?? BEST,
      signal,
      onProgress: ({ done, total, partial }) => {
        if (signal.aborted) return
        s.working.value = { label: method.title, done, total, unit: 'runs', cancel }
        this.#show(subject, partial()[0], true)
      },
    })
    if (signal.aborted) return
    const [refusal] = set.refused
    const [explanation] = set.explanations
    s.answers.value = set.answers
    s.working.value = undefined
    if (!explanation) throw refusal?.error ?? new Error('There is no map')
    this.#say(undefined)
    s.took.value = performance.now() - start
    this.#keep(question, explanation)
    this.#show(subject, explanation, false)
    await this.#ahead(question, set.answers, signal)
  }

  /** The maps of the next answers: at a layer they share one run, and cost little. */
  async #ahead(question: Question, answers: readonly ClassAnswer[], signal: AbortSignal): Promise<void> {
    const { view, subject, method } = question
    if (method.kind !== 'compiled' || method.space !== 'layer') return
    const missing = answers
      .slice(0, AHEAD)
      .filter((a) => !this.#maps.get({ ...keyOf(question), target: a.index }))
      .map((a) => a.index)
    if (missing.length === 0) return
    const set = await view.explainAll(subject.picture, { ...optionsOf(question), target: missing, signal })
    if (signal.aborted) return
    for (const explanation of set.explanations) this.#keep(question, explanation)
    this.#studio.aheadOf.value++
  }

  #show(subject: Subject, explanation: WebExplanation | PartialExplanation | undefined, partial: boolean): void {
    if (explanation) this.#studio.shown.value = { subject, explanation, partial }
  }

  #find(question: Question): WebExplanation | undefined {
    const { target } = question
    const index = target ?? this.#studio.answers.peek()[0]?.index
    return index === undefined ? undefined : this.#maps.get({ ...keyOf(question), target: index })
  }

  #keep(question: Question, explanation: WebExplanation): void {
    this.#maps.set({ ...keyOf(question), target: explanation.answer.index }, explanation)
  }

  /** Maps of another picture, model or preprocessing are of no use. */
  #renew({ view, subject, inputs }: Question): void {
    if (this.#maps.renew([view, subject, inputs])) this.#studio.answers.value = []
  }
}

function optionsOf({ method, layer, options, inputs }: Question): ExplainOptions {
  return { method: method.id, layer, options, inputs }
}

function keyOf({ method, layer, options }: Question): Omit<Parameters<Maps['get']>[0], 'target'> {
  return { method: method.id, layer, options }
}
