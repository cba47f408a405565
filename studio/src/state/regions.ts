/** Which classes a region of the picture speaks for: the maps of the best answers, which share one run, read at one place. */
import { computed, effect, signal, untracked } from '@preact/signals'
import type { Box, ExplainedAnswer, MethodInfo, WebExplanation, WebModel } from 'onnxplain/web'
import { Latest } from './latest.js'
import { meanOver } from './looking.js'
import { isAborted, type Problem, problemOf } from './problem.js'
import type { Given, Studio, Subject } from './studio.js'

/** How many of the best answers are asked about. */
const ASKED = 12
const KEPT = 8
/** The method that says of each place what it adds to the score; asked where the one that is shown says no such thing. */
const EXACT = 'hires-cam'
/** Maps that are the same whatever the class, whose sign is a convention, or that speak against the class. */
const UNFIT: ReadonlySet<string> = new Set(['eigen-cam', 'eigen-grad-cam', 'counterfactual-grad-cam'])
/** How finely a rectangle is read, in samples a side. */
const SAMPLES = 24

/** A part of a picture, in its pixels; one pixel where a place was clicked. */
export interface Region {
  readonly subject: Subject
  readonly box: Box
}

/** The maps of the best answers. */
export interface RegionMaps {
  readonly method: MethodInfo
  readonly explanations: readonly WebExplanation[]
}

/** What the map of a class says at the region. */
export interface Share {
  readonly answer: ExplainedAnswer
  readonly value: number
  /** The largest value that the map of this class has anywhere. */
  readonly largest: number
}

interface Question {
  readonly view: WebModel
  readonly subject: Subject
  readonly given: Given
  readonly method: MethodInfo
  readonly layer: string | undefined
  readonly targets: readonly number[]
}

export class Regions {
  readonly #studio: Studio
  readonly #latest = new Latest()
  #known: readonly { readonly question: Question; readonly maps: RegionMaps }[] = []
  readonly region = signal<Region | undefined>(undefined)
  readonly maps = signal<RegionMaps | undefined>(undefined)
  readonly problem = signal<Problem | undefined>(undefined)

  constructor(studio: Studio) {
    this.#studio = studio
  }

  /** The classes, the one that the region says most for first; undefined until they are known, none where the network saw nothing of it. */
  readonly shares = computed<readonly Share[] | undefined>(() => {
    const region = this.region.value
    const maps = this.maps.value
    if (!region || !maps || region.subject !== this.#studio.subject.value) return undefined
    const { box } = region
    const isPlace = box.x1 - box.x0 <= 1 && box.y1 - box.y0 <= 1
    const samples = isPlace ? { width: 1, height: 1 } : { width: SAMPLES, height: SAMPLES }
    return maps.explanations
      .flatMap(({ answer, raw, data }): readonly Share[] => {
        const value = meanOver(raw, data.lifting.geometry, box, samples)
        return value === undefined ? [] : [{ answer, value, largest: raw.data.reduce((a, b) => Math.max(a, b)) }]
      })
      .sort((a, b) => b.value - a.value)
  })

  /** Asks as soon as the tool is taken up, so that the first click is answered at once. */
  follow(): () => void {
    return effect(() => {
      const question = this.#question()
      if (!question) {
        this.#latest.abort()
        return
      }
      const known = this.#known.find((k) => isSame(k.question, question))
      this.problem.value = undefined
      this.maps.value = known?.maps
      if (known) this.#latest.abort()
      else untracked(() => void this.#ask(question))
    })
  }

  #question(): Question | undefined {
    const s = this.#studio
    const view = s.view.value
    const subject = s.subject.value
    const answers = s.answers.value
    const shown = s.shownAnswer.value
    const shownMethod = s.methodInfo.value
    const exact = s.methods.value.find((m) => m.id === EXACT)
    const layer = shownMethod?.atLayer ? s.layer.value : undefined
    const given = s.given.value
    if (s.tool.value !== 'region' || s.tab.value !== 'explain' || !view?.preprocessing || !subject) return undefined
    const fits = shownMethod?.space === 'layer' && !UNFIT.has(shownMethod.id)
    const method = fits ? shownMethod : exact
    if (!method || answers.length === 0) return undefined
    const best = answers.slice(0, ASKED)
    const extra = shown && !best.some((a) => a.index === shown.index) ? [shown] : []
    return { view, subject, given, method, layer, targets: [...best, ...extra].map((a) => a.index) }
  }

  async #ask(question: Question): Promise<void> {
    const { view, subject, given, method, layer, targets } = question
    try {
      await this.#latest.run(async (signal) => {
        const set = await view.explainAll(subject.picture, {
          method: method.id,
          layer,
          ...given,
          target: targets,
          signal,
        })
        if (signal.aborted) return
        const [refusal] = set.refused
        if (refusal) throw refusal.error
        const maps = { method, explanations: set.explanations }
        this.#known = [{ question, maps }, ...this.#known].slice(0, KEPT)
        this.maps.value = maps
      })
    } catch (error) {
      if (!isAborted(error)) this.problem.value = problemOf(`${method.title} says nothing of regions here`, error)
    }
  }
}

function isSame(a: Question, b: Question): boolean {
  const { targets: as, ...restA } = a
  const { targets: bs, ...restB } = b
  return (
    as.join() === bs.join() &&
    Object.entries(restA).every(([name, value]) => value === restB[name as keyof typeof restB])
  )
}
