import { throwIfAborted } from '../core/errors.js'
import type { Tensor } from '../core/tensor.js'
import { blurred } from './blur.js'
import { BlurPyramid } from './blur-pyramid.js'
import { everySlice } from './every-slice.js'
import { defineMethod } from './method.js'
import { mirrored } from './mirror.js'
import { numbersIn } from './numbers-option.js'
import { SmoothMasks } from './smooth-masks.js'

/** Levels of the pyramid, and its widest blur in pixels. */
const PYRAMID = { levels: 8, widest: 20 }
const LEARNING_RATE = 0.01
const MOMENTUM = 0.9
/** Weight of the area's constraint, and how it grows with each iteration. */
const [AREA_WEIGHT, AREA_GROWTH] = [300, 1.0035]

/**
 * The masks under which a picture is scored. What is deleted has the reward `-score` under `1 - mask`, whose gradient by the mask is that of
 * the score by `1 - mask`: the sign goes twice.
 */
const SIDES: Readonly<Record<'preserve' | 'delete' | 'dual', readonly ((mask: Float32Array) => Float32Array)[]>> = {
  preserve: [(mask) => mask],
  delete: [(mask) => mask.map((m) => 1 - m)],
  dual: [(mask) => mask, (mask) => mask.map((m) => 1 - m)],
}

/**
 * Extremal perturbations: the smooth mask of a given area that keeps the score highest when all else is blurred. For each area a mask
 * that starts whole goes down `-score + weight * mean of (sorted mask - sorted mask of that area)^2` by gradients with momentum; its map
 * is the mean of the masks of all areas. On volumes and clips a mask goes through all slices; signals are not mirrored.
 */
export const extremalPerturbation = defineMethod({
  id: 'extremal-perturbation',
  kind: 'driven',
  title: 'Extremal perturbation',
  family: 'perturbation',
  display: 'positive',
  space: 'input',
  atLayer: false,
  summary: 'The smallest region, of an area that is given, that keeps the score high when the rest is blurred.',
  source: 'Fong, Patrick and Vedaldi, ICCV 2019 (arXiv 1910.08485), sections 3.1 to 3.3; defaults as in TorchRay',
  cost: '1 forward + 1 backward for each iteration (800 by default) and area',
  options: {
    areas: {
      kind: 'numbers',
      default: '0.1',
      minimum: 0.001,
      maximum: 0.999,
      unit: '',
      description: 'areas of the masks as shares of the picture, such as 0.05, 0.1, 0.2; the map is their mean',
    },
    variant: {
      kind: 'choice',
      choices: ['preserve', 'delete', 'dual'],
      default: 'preserve',
      description: 'what the mask is for: the region that keeps the score high, the one that it falls without, or both',
    },
    iterations: {
      kind: 'integer',
      default: 800,
      minimum: 1,
      unit: 'iterations',
      description: 'steps of the optimisation',
    },
    spacing: { kind: 'integer', default: 7, minimum: 1, unit: 'px', description: "distance of a mask's parameters" },
    softness: { kind: 'integer', default: 21, minimum: 1, unit: 'px', description: "how softly a mask's border falls" },
    mirror: {
      kind: 'integer',
      default: 2,
      minimum: 0,
      unit: 'iterations',
      description: 'the picture is mirrored once in so many iterations; 0: never',
    },
    blur: {
      kind: 'number',
      default: 0,
      minimum: 0,
      maximum: 1,
      unit: '',
      description: "deviation of a blur of the map in the end, as a share of the picture's shorter side",
    },
  },
  run: async (context) => {
    const { input, layout, options, targets, signal } = context
    const pyramid = new BlurPyramid(input, layout, PYRAMID)
    const isSignal = !layout.includes('H')
    const masks = new SmoothMasks(
      isSignal ? undefined : pyramid.height,
      pyramid.width,
      options.spacing,
      options.softness,
    )
    const games = Array.from({ length: targets }, () => numbersIn(options.areas).map((area) => new Game(masks, area)))
    const maps = (): Tensor<'float32'>[] =>
      games.map((all) => {
        const shown = all.map((game) => masks.onPicture(game.mask))
        const mean = Float32Array.from(
          shown[0] ?? [],
          (_, i) => shown.reduce((s, m) => s + (m[i] ?? 0), 0) / all.length,
        )
        const deviation = options.blur * (isSignal ? pyramid.width : Math.min(pyramid.height, pyramid.width))
        const plane = isSignal ? [pyramid.width] : [pyramid.height, pyramid.width]
        const blurry = blurred(mean, isSignal ? 'W' : 'HW', plane, { deviation, radius: Math.ceil(4 * deviation) })
        return everySlice(Float32Array.from(blurry), layout.slice(1), input.dims.slice(1))
      })
    for (let i = 0; i < options.iterations; i++) {
      const isMirrored = !isSignal && options.mirror > 0 && i % options.mirror === 0
      for (const [t, all] of games.entries()) {
        throwIfAborted(signal)
        const shown = all.map((game) => masks.onPicture(game.draw()))
        const sides = shown.flatMap((mask) => SIDES[options.variant].map((side) => side(mask)))
        const pictures = pyramid.apply(sides)
        const seen = isMirrored ? mirrored(pictures, layout) : pictures
        const found = await context.gradients(seen, t)
        const { data } = isMirrored ? mirrored(found, layout) : found
        const ascents = sides.map((mask, k) =>
          pyramid.pull(mask, data.subarray(k * input.data.length, (k + 1) * input.data.length)),
        )
        const each = sides.length / all.length
        for (const [a, game] of all.entries())
          game.step(ascents.slice(a * each, (a + 1) * each), AREA_WEIGHT * AREA_GROWTH ** i)
      }
      context.progress(i + 1, options.iterations, maps)
    }
    return maps()
  },
})

/** One mask on its way to the best of its area. */
class Game {
  /** As it was drawn last, with its margin. */
  mask: Float64Array
  readonly #masks: SmoothMasks
  readonly #parameters: Float32Array
  /** How many pixels are to be 0. */
  readonly #covered: number
  #speed: Float64Array | undefined

  constructor(masks: SmoothMasks, area: number) {
    this.#masks = masks
    this.#parameters = new Float32Array(masks.parameters).fill(1)
    this.#covered = Math.floor(masks.pixels * (1 - area))
    this.mask = new Float64Array(masks.pixels)
  }

  draw(): Float64Array {
    this.mask = this.#masks.mask(this.#parameters)
    return this.mask
  }

  /** @param ascents what raises the reward, as gradients by the mask on the picture: their sum. */
  step(ascents: readonly Float64Array[], weight: number): void {
    const { mask } = this
    const ascent = ascents.reduce((sum, part) => sum.map((v, i) => v + (part[i] ?? 0)))
    const downhill = this.#masks.withMargin(ascent)
    const wanted = this.#wanted()
    for (const [i, m] of mask.entries())
      downhill[i] = (2 * weight * (m - (wanted[i] ?? 0))) / mask.length - (downhill[i] ?? 0)
    const slope = this.#masks.pull(this.#parameters, mask, downhill)
    const speed = this.#speed?.map((v, i) => MOMENTUM * v + (1 - MOMENTUM) * (slope[i] ?? 0)) ?? slope
    this.#speed = speed
    for (const [i, v] of speed.entries())
      this.#parameters[i] = Math.min(1, Math.max(0, (this.#parameters[i] ?? 0) - LEARNING_RATE * v))
  }

  /** What each pixel is to be: 1 for the largest, as many as the area has; of equal ones for the last. */
  #wanted(): Uint8Array {
    const { mask } = this
    const limit = mask.toSorted()[this.#covered] ?? Number.POSITIVE_INFINITY
    let equal = this.#covered - mask.reduce((n, m) => (m < limit ? n + 1 : n), 0)
    return Uint8Array.from(mask, (m) => (m > limit || (m === limit && equal-- <= 0) ? 1 : 0))
  }
}
