import { throwIfAborted } from '../core/errors.js'
import { float32, type Tensor } from '../core/tensor.js'
import { BASELINE_OPTION, noteCompleteness } from './baseline.js'
import { covered } from './covering.js'
import { defineMethod } from './method.js'

/** Relative and absolute distance below which a step has come where it was to come. */
const CLOSE = 1e-9

/**
 * Guided integrated gradients: the way from the baseline to the picture bends, so that values with small gradients move first and noise
 * adds up less. Each step moves the share `fraction` of the values whose gradients are smallest, within a band of `distance` around the
 * straight way, until the picture is as near as on the straight way.
 */
export const guidedIg = defineMethod({
  id: 'guided-ig',
  kind: 'driven',
  title: 'Guided IG',
  family: 'gradient',
  space: 'input',
  atLayer: false,
  channels: 'sum',
  display: 'signed',
  summary:
    'Integrated gradients along a way that avoids steep places: less noise, and the parts still sum to the rise.',
  source: 'Kapishnikov et al., CVPR 2021 (arXiv 2106.09788), section 4, algorithm 1; defaults as in PAIR saliency',
  cost: '1 forward + 1 backward for each step (200 by default), one after another',
  options: {
    steps: { kind: 'integer', default: 200, minimum: 1, unit: 'steps', description: 'steps along the way' },
    fraction: {
      kind: 'number',
      default: 0.25,
      minimum: 0.001,
      maximum: 1,
      unit: '',
      description: 'share of the values that move at a time',
    },
    distance: {
      kind: 'number',
      default: 0.02,
      minimum: 0,
      maximum: 1,
      unit: '',
      description: 'how far from the straight way values may be, as a share of it',
    },
    baseline: BASELINE_OPTION,
  },
  run: async (context) => {
    const { input, options, targets, signal } = context
    const dims = input.dims.slice(1)
    const baseline = covered(input, context.layout, context.fill(options.baseline))
    const ways = Array.from({ length: targets }, () => new BentWay(input.data, baseline, options))
    const maps = (): Tensor<'float32'>[] => ways.map((way) => float32(dims, Float32Array.from(way.parts)))
    for (let step = 0; step < options.steps; step++) {
      for (const [t, way] of ways.entries()) {
        throwIfAborted(signal)
        const { data } = await context.gradients(float32(input.dims, Float32Array.from(way.place)), t)
        way.step((step + 1) / options.steps, data)
      }
      context.progress(step + 1, options.steps, maps)
    }
    const made = maps()
    await noteCompleteness(context, 'guided-ig', baseline, made)
    return made
  },
})

interface BandOptions {
  readonly fraction: number
  readonly distance: number
}

/** A place on the way from a baseline to a picture, and what every value has added so far. */
class BentWay {
  readonly place: Float64Array
  readonly parts: Float64Array
  readonly #end: Float32Array
  readonly #start: Float32Array
  readonly #options: BandOptions
  readonly #length: number

  constructor(end: Float32Array, start: Float32Array, options: BandOptions) {
    this.place = Float64Array.from(start)
    this.parts = new Float64Array(start.length)
    this.#end = end
    this.#start = start
    this.#options = options
    this.#length = this.#left()
  }

  /** Goes on until it is as near to the end as the straight way is at `share`, by the gradient where it stands. */
  step(share: number, gradient: Float32Array): void {
    const { place } = this
    const low = this.#straight(Math.max(share - this.#options.distance, 0))
    const high = this.#straight(Math.min(share + this.#options.distance, 1))
    const goal = this.#length * (1 - share)
    // who lags behind the band catches up
    for (const [i, from] of this.#start.entries())
      if (Math.abs((place[i] ?? 0) - from) < Math.abs((low[i] ?? 0) - from)) this.#move(i, low[i] ?? 0, gradient)
    for (;;) {
      const over = this.#left() - goal
      if (Math.abs(over) <= CLOSE * Math.max(1, goal)) return
      const chosen = this.#flattest(gradient, high)
      const reach = chosen.reduce((sum, i) => sum + Math.abs((high[i] ?? 0) - (place[i] ?? 0)), 0)
      if (reach === 0) return
      const part = Math.min(1, over / reach)
      for (const i of chosen) {
        const [from = 0, to = 0] = [place[i], high[i]]
        this.#move(i, part === 1 ? to : from + part * (to - from), gradient)
      }
      if (over <= reach) return
    }
  }

  #move(i: number, to: number, gradient: Float32Array): void {
    this.parts[i] = (this.parts[i] ?? 0) + (to - (this.place[i] ?? 0)) * (gradient[i] ?? 0)
    this.place[i] = to
  }

  /** Distance to the end. */
  #left(): number {
    return this.#end.reduce((sum, v, i) => sum + Math.abs(v - (this.place[i] ?? 0)), 0)
  }

  #straight(share: number): Float64Array {
    return Float64Array.from(this.#end, (v, i) => (this.#start[i] ?? 0) + share * (v - (this.#start[i] ?? 0)))
  }

  /** The values with the smallest gradients, of those that are not at the border of the band. */
  #flattest(gradient: Float32Array, high: Float64Array): readonly number[] {
    const { place } = this
    const sizes = gradient.map((g, i) => (place[i] === high[i] ? Number.POSITIVE_INFINITY : Math.abs(g)))
    const limit = sizes.toSorted()[Math.floor(this.#options.fraction * (sizes.length - 1))] ?? 0
    const chosen: number[] = []
    for (const [i, size] of sizes.entries()) if (size <= limit && size < Number.POSITIVE_INFINITY) chosen.push(i)
    return chosen
  }
}
