/**
 * The comparison: classes by methods. Keeps its maps true to what is asked, computes only what is missing, and gives up what nobody wants any
 * more. Two lanes of work: compiled methods, all in one call where they can be, and long methods, which begin when the others are done.
 */
import { computed, effect, signal, untracked } from '@preact/signals'
import {
  type ClassAnswer,
  distinctAnswers,
  ExplainError,
  type ExplainOptions,
  type MethodInfo,
  type Picture,
  type WebExplanation,
  type WebModel,
} from 'onnxplain/web'
import { type MapKey, type Maps, same, settingsOf, textOf } from './maps.js'
import { isAborted, problemOf } from './problem.js'
import type { Given, PartialExplanation, Shown, Studio, Subject } from './studio.js'

/** What stands in a place of the table. */
export type Cell =
  | ({ readonly kind: 'map' } & Pick<Shown, 'explanation' | 'partial'>)
  | { readonly kind: 'refused'; readonly why: string }
  | { readonly kind: 'stopped' }
  | { readonly kind: 'waiting' }

/** How far a long method is. */
export interface Count {
  readonly done: number
  readonly total: number
}

interface Question {
  readonly view: WebModel
  readonly subject: Subject
  readonly given: Given
  readonly layer: string | undefined
  readonly options: Studio['options']['value']
  readonly methods: readonly MethodInfo[]
}

type Lane = 'classes' | 'compiled' | 'driven'

/** Work that is going on. */
interface Job {
  readonly lane: Lane
  readonly label: string
  readonly methods: readonly MethodInfo[]
  /** The places that it fills, as {@link textOf} writes them. */
  readonly keys: readonly string[]
  readonly controller: AbortController
  count: Count | undefined
  partial: readonly PartialExplanation[]
}

type Work = (signal: AbortSignal, job: Job) => Promise<void>

export class Comparing {
  readonly #studio: Studio
  readonly #maps: Maps
  readonly #jobs = new Map<Lane, Job>()
  /** Methods, with their settings, that the user stopped. */
  readonly #stopped = new Set<string>()
  /** The classes where none are chosen; undefined until they are found. */
  readonly #usual = signal<readonly number[] | undefined>(undefined)
  #base: readonly unknown[] = []
  /** Counts what happened to the cells, for those who look at them. */
  readonly changed = signal(0)

  /** The methods that are compared, in the order of the list of methods. */
  readonly columns = computed<readonly MethodInfo[]>(() => {
    const wanted = this.#studio.columns.value
    return this.#studio.methods.value.filter((m) => wanted.includes(m.id))
  })

  /** The classes that are compared. */
  readonly rows = computed<readonly ClassAnswer[]>(() => {
    const answers = this.#studio.answers.value
    const found = (classes: readonly number[]): readonly ClassAnswer[] =>
      classes.flatMap((c) => answers.find((a) => a.index === c) ?? [])
    const chosen = found(this.#studio.compared.value)
    return chosen.length > 0 ? chosen : found(this.#usual.value ?? [])
  })

  constructor(studio: Studio, maps: Maps) {
    this.#studio = studio
    this.#maps = maps
  }

  /** Follows the studio until the returned function is called. */
  follow(): () => void {
    return effect(() => {
      this.changed.value
      const question = this.#question()
      untracked(() => {
        this.#turn(question)
        this.#tell()
      })
    })
  }

  /** What stands in a place. To be asked anew whenever {@link changed} is. */
  cell(method: MethodInfo, { index }: ClassAnswer): Cell {
    const key = this.#key(method, index)
    const explanation = this.#maps.get(key)
    if (explanation) return { kind: 'map', explanation, partial: false }
    const refusal = this.#maps.refusal(key)
    if (refusal) return { kind: 'refused', why: refusal.message }
    const half = this.#jobOf(method)?.partial.find((e) => e.answer.index === index)
    if (half) return { kind: 'map', explanation: half, partial: true }
    return { kind: this.#stopped.has(this.#setting(method)) ? 'stopped' : 'waiting' }
  }

  /** Why a place stays empty, where that is known. */
  refusal(method: MethodInfo, { index }: ClassAnswer): ExplainError | undefined {
    return this.#maps.refusal(this.#key(method, index))
  }

  /** How far a long method is; undefined where it does not run. */
  count(method: MethodInfo): Count | undefined {
    return this.#jobOf(method)?.count
  }

  add(index: number): void {
    const shown = this.rows.value.map((a) => a.index)
    if (!shown.includes(index)) this.#studio.compared.value = [...shown, index]
  }

  /** Takes a class out; the last one stays. */
  remove(index: number): void {
    const rest = this.rows.value.map((a) => a.index).filter((i) => i !== index)
    if (rest.length > 0) this.#studio.compared.value = rest
  }

  /** Takes a method in or out. */
  toggle(id: string): void {
    const { columns } = this.#studio
    columns.value = columns.value.includes(id) ? columns.value.filter((c) => c !== id) : [...columns.value, id]
  }

  /** Stops a method, until it is resumed; what it has not filled in stays empty. */
  stop(method: MethodInfo): void {
    const job = this.#jobOf(method)
    for (const m of job?.methods ?? [method]) this.#stopped.add(this.#setting(m))
    if (job) this.#abort(job)
    this.changed.value++
  }

  resume(method: MethodInfo): void {
    this.#stopped.delete(this.#setting(method))
    this.changed.value++
  }

  /** Stops all that is going on. */
  readonly cancel = (): void => {
    for (const job of [...this.#jobs.values()]) {
      for (const method of job.methods) this.#stopped.add(this.#setting(method))
      if (job.lane === 'classes') this.#usual.value ??= []
      this.#abort(job)
    }
    this.changed.value++
  }

  /** Looks for the classes once more, where that was stopped. */
  again(): void {
    this.#usual.value = undefined
  }

  /** True while the classes are being found. */
  get isFinding(): boolean {
    return this.#jobs.has('classes')
  }

  #question(): Question | undefined {
    const s = this.#studio
    const view = s.view.value
    const subject = s.subject.value
    const given = s.given.value
    const [layer, options, methods] = [s.layer.value, s.options.value, this.columns.value]
    // not part of the question, since the answers are others for another picture; but new ones ask it anew
    this.rows.value
    if (s.tab.value !== 'compare' || !view?.preprocessing || !subject) return undefined
    if (view.answer.kind !== 'classes' || s.missing.value.length > 0) return undefined
    return { view, subject, given, layer, options, methods }
  }

  /** Gives up what is no longer wanted, and begins what is missing and may begin. */
  #turn(question: Question | undefined): void {
    if (!question) {
      for (const job of [...this.#jobs.values()]) this.#abort(job)
      return
    }
    this.#renew(question)
    // the question was read before
    const rows = this.rows.peek()
    const { methods } = question
    const wanted = new Set(methods.flatMap((m) => rows.map((r) => textOf(this.#key(m, r.index)))))
    for (const job of [...this.#jobs.values()])
      if (job.lane !== 'classes' && !job.keys.some((k) => wanted.has(k))) this.#abort(job)
    if (rows.length === 0) {
      if (this.#usual.value === undefined && !this.#jobs.has('classes')) this.#findClasses(question)
      return
    }
    const targets = rows.map((r) => r.index)
    if (!this.#jobs.has('compiled')) this.#fill(question, 'compiled', targets)
    if (!this.#jobs.has('driven') && !this.#jobs.has('compiled')) this.#fill(question, 'driven', targets)
  }

  /** Begins with what is missing of one kind of methods: those that lack the same classes go in one call. */
  #fill(question: Question, kind: 'compiled' | 'driven', classes: readonly number[]): void {
    const lacking = question.methods
      .filter((m) => m.kind === kind && !this.#stopped.has(this.#setting(m)))
      .map((method) => ({ method, targets: classes.filter((t) => this.#lacks(method, t)) }))
      .filter(({ targets }) => targets.length > 0)
    const [first] = lacking
    if (!first) return
    const { targets } = first
    const together = kind === 'driven' ? [first] : lacking.filter((l) => l.targets.join() === targets.join())
    const methods = together.map((l) => l.method)
    const names = methods.length > 1 ? `${methods.length} methods` : first.method.title
    const label = `${names} for ${targets.length === 1 ? 'one class' : `${targets.length} classes`}`
    const keys = methods.flatMap((m) => targets.map((t) => textOf(this.#key(m, t))))
    this.#start(kind, label, { methods, keys }, async (signal, job) => {
      try {
        await this.#compute(question, methods, targets, signal, job)
      } catch (error) {
        if (signal.aborted) return
        // an abort that nobody asked for: not to be tried again and again
        if (isAborted(error)) for (const m of methods) this.#stopped.add(this.#setting(m))
        else this.#refuse(question, methods, targets, explainError(error))
      }
    })
  }

  async #compute(
    question: Question,
    methods: readonly MethodInfo[],
    targets: readonly number[],
    signal: AbortSignal,
    job: Job,
  ): Promise<void> {
    const { view, subject, given, layer } = question
    const [first] = methods
    const set = await view.explainAll(subject.picture, {
      method: methods.map((m) => m.id),
      target: targets,
      layer,
      options: first && methods.length === 1 ? settingsOf(first, question).options : {},
      ...given,
      signal,
      onProgress: ({ done, total, partial }) => {
        if (signal.aborted) return
        job.count = { done, total }
        job.partial = partial()
        this.#tell()
        this.changed.value++
      },
    })
    if (signal.aborted) return
    this.#keep(question, set.explanations)
    for (const { method, error } of set.refused) this.#refuse(question, [method], targets, error)
    // whatever is left has no reason, and must not be asked for ever
    const none = new ExplainError('runtime-failed', { what: 'The method gave no map' })
    for (const m of methods) {
      const left = targets.filter((target) => !this.#isSettled({ ...settingsOf(m, question), target }))
      this.#refuse(question, [m], left, none)
    }
  }

  /** The best answer and the best that rests elsewhere; the maps that tell are kept. */
  #findClasses(question: Question): void {
    const { view, subject, given, layer } = question
    const s = this.#studio
    const work: Work = async (signal) => {
      try {
        const { picture } = subject
        if (s.answers.peek().length === 0) {
          const answers = await view.classify(picture, { ...given, top: view.answer.classes, signal })
          if (signal.aborted) return
          s.answers.value = answers
        }
        if (this.rows.peek().length > 0) return
        const model = {
          classify: async (_: unknown, { top }: { readonly top: number }) => s.answers.peek().slice(0, top),
          explainAll: async (asked: Picture, options: ExplainOptions) => {
            const set = await view.explainAll(asked, options)
            if (!signal.aborted) this.#keep(question, set.explanations)
            return set
          },
        }
        const found = await distinctAnswers(model, picture, { ...given, layer, signal })
        if (!signal.aborted) this.#usual.value = found.map((a) => a.index)
      } catch (error) {
        if (signal.aborted) return
        this.#usual.value = s.answers.value.slice(0, 2).map((a) => a.index)
        if (!isAborted(error)) s.problem.value = problemOf('There is nothing to compare', error)
      }
    }
    this.#start('classes', 'Finding the classes', { methods: [], keys: [] }, work)
  }

  #start(lane: Lane, label: string, about: Pick<Job, 'methods' | 'keys'>, work: Work): void {
    const job: Job = { lane, label, ...about, controller: new AbortController(), count: undefined, partial: [] }
    this.#jobs.set(lane, job)
    void work(job.controller.signal, job).finally(() => {
      if (this.#jobs.get(lane) === job) this.#jobs.delete(lane)
      this.changed.value++
    })
  }

  #abort(job: Job): void {
    job.controller.abort()
    if (this.#jobs.get(job.lane) === job) this.#jobs.delete(job.lane)
  }

  /** The line of progress: of the work that can be counted, else of any. Another view's line is left alone. */
  #tell(): void {
    const { working } = this.#studio
    const job = this.#jobs.get('driven') ?? this.#jobs.get('compiled') ?? this.#jobs.get('classes')
    const { cancel } = this
    if (job) {
      const { label, count } = job
      working.value = { label, done: count?.done ?? 0, total: count?.total, unit: 'runs', cancel }
    } else if (working.peek()?.cancel === cancel) working.value = undefined
  }

  /** What was found out of another picture, model or preprocessing is of no use. */
  #renew({ view, subject, given }: Question): void {
    const base = [view, subject, given]
    if (this.#maps.renew(base)) this.#studio.answers.value = []
    if (same(base, this.#base)) return
    this.#base = base
    for (const job of [...this.#jobs.values()]) this.#abort(job)
    this.#stopped.clear()
    this.#usual.value = undefined
  }

  #keep(question: Question, explanations: readonly WebExplanation[]): void {
    for (const e of explanations) this.#maps.set({ ...settingsOf(e.method, question), target: e.answer.index }, e)
  }

  #refuse(question: Question, methods: readonly MethodInfo[], targets: readonly number[], error: ExplainError): void {
    for (const m of methods)
      for (const target of targets) this.#maps.refuse({ ...settingsOf(m, question), target }, error)
  }

  #lacks(method: MethodInfo, target: number): boolean {
    return !this.#isSettled(this.#key(method, target))
  }

  #isSettled(key: MapKey): boolean {
    return this.#maps.get(key) !== undefined || this.#maps.refusal(key) !== undefined
  }

  #jobOf(method: MethodInfo): Job | undefined {
    return [...this.#jobs.values()].find((job) => job.methods.some((m) => m.id === method.id))
  }

  #key(method: MethodInfo, target: number): MapKey {
    const { layer, options } = this.#studio
    return { ...settingsOf(method, { layer: layer.value, options: options.value }), target }
  }

  #setting(method: MethodInfo): string {
    return textOf(this.#key(method, -1))
  }
}

function explainError(error: unknown): ExplainError {
  if (error instanceof ExplainError) return error
  return new ExplainError('runtime-failed', { what: error instanceof Error ? error.message : String(error) })
}
