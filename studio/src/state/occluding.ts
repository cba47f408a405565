/** Occluding by hand: the answers with a square over the place that is pointed at. One question at a time, and the latest place wins. */
import { computed, effect, signal, untracked } from '@preact/signals'
import {
  type Bar,
  type Box,
  type ClassAnswer,
  fillSquare,
  fillValues,
  gridOf,
  type PreprocessSpec,
  type Square,
  toModel,
  toSource,
  type WebModel,
} from 'onnxplain/web'
import { isAborted, problemOf } from './problem.js'
import type { Given, PartialExplanation, Studio, Subject } from './studio.js'
import { Trail, type TrailMap } from './trail.js'

type Answers = ReadonlyMap<number, ClassAnswer>

/** What is covered: a picture as a model was fed it. */
interface Base {
  readonly model: WebModel
  readonly subject: Subject
  /** What goes with the picture. */
  readonly given: Given
  readonly fed: PartialExplanation['fed']
  /** The answers with nothing covered, from the same run that is asked for the others; undefined until they are there. */
  baseline: Answers | undefined
  /** By the square's size and fill. */
  readonly trails: Map<string, Trail>
}

/** The square as it is now. */
export interface Covering {
  readonly square: Square
  /** In pixels of the picture. */
  readonly box: Box
  /** As CSS has it. */
  readonly colour: string
}

/** Pixels of the model's input by which keys change the square. */
const GROWTH = 8

export class Occluding {
  readonly #studio: Studio
  #abort = new AbortController()
  #base: Base | undefined
  #wanted: Square | undefined
  #busy = false
  /** Counts places that were added to the trail, for those who draw it. */
  readonly visits = signal(0)
  /** What the colours of the drawn trail stand for; undefined where there is none. */
  readonly bar = signal<Bar | undefined>(undefined)

  constructor(studio: Studio) {
    this.#studio = studio
  }

  /** The method whose options the square has, so that a sweep does what the hand did. */
  readonly options = computed(() => {
    const method = this.#studio.methods.value.find((m) => m.id === 'occlusion')
    if (method?.kind !== 'driven') return undefined
    const { patch, fill } = method.options
    const given = this.#studio.options.value
    return {
      patch: Number(given.patch ?? patch?.default ?? 1),
      fill: String(given.fill ?? fill?.default ?? 'mean'),
      smallest: patch?.kind === 'integer' ? patch.minimum : 1,
    }
  })

  /** The longest side that the square can have, in pixels of the model's input. */
  readonly most = computed(() => {
    const fed = this.#studio.shown.value?.explanation.fed
    if (!fed) return undefined
    const { H, W } = gridOf(fed.layout, fed.dims)
    return Math.min(H.extent, W.extent)
  })

  /** The square under the pointer; undefined where there is none, or where it lies beside what the network saw. */
  readonly covering = computed<Covering | undefined>(() => {
    const s = this.#studio
    const shown = s.shown.value
    const cursor = s.cursor.value
    const options = this.options.value
    if (s.tool.value !== 'occlude' || !shown || !cursor || !options || cursor.subject !== shown.subject)
      return undefined
    const { fed, data, provenance } = shown.explanation
    if (fed.layout.includes('D')) return undefined
    const { H, W } = gridOf(fed.layout, fed.dims)
    const at = toModel(cursor, data.lifting.geometry)
    const { patch } = options
    const [left, top] = [Math.round(at.x - patch / 2), Math.round(at.y - patch / 2)]
    const square = {
      x0: Math.max(0, left),
      y0: Math.max(0, top),
      z0: 0,
      x1: Math.min(W.extent, left + patch),
      y1: Math.min(H.extent, top + patch),
      z1: 1,
    }
    if (square.x1 <= square.x0 || square.y1 <= square.y0) return undefined
    const first = toSource({ x: square.x0, y: square.y0 }, data.lifting.geometry)
    const last = toSource({ x: square.x1, y: square.y1 }, data.lifting.geometry)
    const box = { x0: first.x, y0: first.y, x1: last.x, y1: last.y }
    return { square, box, colour: colourOf(this.#fill(options.fill), provenance.preprocessing) }
  })

  /** Follows the pointer until the returned function is called. */
  follow(): () => void {
    return effect(() => {
      const s = this.#studio
      const base = this.#renewed()
      const covering = this.covering.value
      if (s.tool.value !== 'occlude' || !base) {
        this.#stop()
        return
      }
      if (!covering) {
        this.#wanted = undefined
        s.covered.value = undefined
        return
      }
      this.#wanted = covering.square
      // a place that is known is there at once, and what is written then must not be read here
      if (!this.#busy) untracked(() => void this.#work())
    })
  }

  /** A larger or a smaller square. */
  grow(steps: number): void {
    const options = this.options.value
    if (options) this.resize(options.patch + steps * GROWTH - (steps > 0 ? options.patch % GROWTH : 0))
  }

  resize(patch: number): void {
    const { smallest = 1 } = this.options.value ?? {}
    const size = Math.max(smallest, Math.min(this.most.value ?? patch, Math.round(patch)))
    this.#studio.options.value = { ...this.#studio.options.value, patch: size }
  }

  /** Forgets where squares of this size and fill have been. */
  forget(): void {
    this.#base?.trails.delete(this.#trailKey())
    this.visits.value++
  }

  /** The map of the explained class as the trail makes it; undefined before the first square. */
  trailMap(): { readonly map: TrailMap; readonly count: number } | undefined {
    this.visits.value
    this.options.value
    const explanation = this.#studio.shown.value?.explanation
    const base = this.#base
    const trail = base?.trails.get(this.#trailKey())
    if (!explanation || !base || !trail || trail.count === 0) return undefined
    const { layout, dims } = base.fed
    const map = trail.map(explanation.answer.index, layout, dims, explanation.data.lifting.geometry)
    return { map, count: trail.count }
  }

  #stop(): void {
    this.#wanted = undefined
    if (this.#busy) {
      this.#abort.abort()
      this.#abort = new AbortController()
    }
    this.#studio.covered.value = undefined
  }

  /** What is covered; another one, with nothing remembered, where model or fed picture are no longer what they were. */
  #renewed(): Base | undefined {
    const model = this.#studio.model.value
    const shown = this.#studio.shown.value
    if (!model || !shown) return undefined
    const { subject, explanation } = shown
    const { fed } = explanation
    const before = this.#base
    const given = this.#studio.given.value
    const isOfThis = before?.model === model && before.subject === subject && before.given === given
    if (before && isOfThis && isSame(before.fed, fed)) return before
    this.#base = { model, subject, given, fed, baseline: undefined, trails: new Map() }
    return this.#base
  }

  async #work(): Promise<void> {
    const s = this.#studio
    this.#busy = true
    const { signal: stop } = this.#abort
    try {
      for (let base = this.#base; base && this.#wanted; base = this.#base) {
        const square = this.#wanted
        this.#wanted = undefined
        base.baseline ??= await this.#ask(base, undefined, stop)
        const trail = this.#trail(base, base.baseline)
        const after = trail.at(square) ?? (await this.#ask(base, square, stop))
        if (stop.aborted || base !== this.#base) continue
        trail.add(square, after)
        this.visits.value++
        if (this.covering.peek()) s.covered.value = coveredOf(base.baseline, after)
      }
    } catch (error) {
      if (!isAborted(error)) {
        s.tool.value = 'look'
        s.problem.value = problemOf('The covered picture could not be classified', error)
      }
    }
    this.#busy = false
    // wanted while the last question was given up
    if (this.#wanted) void this.#work()
  }

  async #ask({ model, given, fed }: Base, square: Square | undefined, stop: AbortSignal): Promise<Answers> {
    const { layout, dims } = fed
    const data = fed.data.slice()
    if (square) fillSquare(data, 0, gridOf(layout, dims), square, this.#fill(this.options.peek()?.fill ?? 'mean'))
    const answers = await model.classify(
      { type: 'float32', dims, data },
      { top: model.answer.classes, ...given, signal: stop },
    )
    return new Map(answers.map((a) => [a.index, a]))
  }

  #trail(base: Base, baseline: Answers): Trail {
    const key = this.#trailKey()
    const found = base.trails.get(key)
    if (found) return found
    const { H, W } = gridOf(base.fed.layout, base.fed.dims)
    const trail = new Trail({ depth: 1, height: H.extent, width: W.extent }, baseline)
    base.trails.set(key, trail)
    return trail
  }

  #trailKey(): string {
    const options = this.options.peek()
    return `${options?.patch} ${options?.fill}`
  }

  /** A fill by channel as the network takes it; the mean where it is no colour, which the panel of the method says. */
  #fill(text: string): readonly number[] {
    const spec = this.#studio.shown.peek()?.explanation.provenance.preprocessing ?? undefined
    const channels = this.#studio.model.peek()?.input.channels ?? 3
    try {
      return fillValues(text, spec, channels)
    } catch {
      return fillValues('mean', spec, channels)
    }
  }
}

function coveredOf(before: Answers, after: Answers): Studio['covered']['value'] {
  const [best] = after.values()
  return best && { before, after, best }
}

function isSame(a: PartialExplanation['fed'], b: PartialExplanation['fed']): boolean {
  return a === b || (a.data.length === b.data.length && a.data.every((v, i) => v === b.data[i]))
}

/** The colour that a fill has on the picture. */
function colourOf(fill: readonly number[], spec: PreprocessSpec | null): string {
  if (!spec) return 'grey'
  const bytes = fill.map((v, c) => Math.round((v * (spec.std[c] ?? 1) + (spec.mean[c] ?? 0)) / spec.rescale))
  const [red = 128, green = red, blue = red] = spec.channels === 'BGR' ? bytes.toReversed() : bytes
  return `rgb(${red} ${green} ${blue})`
}
