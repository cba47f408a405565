/** A region that is painted by hand on the picture, in the places of the model's own map. */
import { computed, signal } from '@preact/signals'
import { type Point, regionMask, type Segmentation, toSource } from 'onnxplain/web'
import type { Studio } from './studio.js'
import type { Wanted } from './wanted.js'

/** The brush, in shares of the picture's longer side. */
const SIZES = { smallest: 0.01, largest: 0.25, usual: 0.05 } as const

interface Painted {
  readonly of: Segmentation
  /** 1 where it is painted, row by row. */
  readonly places: Uint8Array
}

export class Painting {
  readonly #studio: Studio
  readonly #painted = signal<Painted | undefined>(undefined)
  /** The brush' radius, as a share of the picture's longer side. */
  readonly radius = signal<number>(SIZES.usual)
  readonly sizes = SIZES
  /** Where the brush was last. */
  last: Point | undefined

  constructor(studio: Studio) {
    this.#studio = studio
  }

  /** What is painted on the picture of the moment. */
  readonly painted = computed<Painted | undefined>(() => {
    const painted = this.#painted.value
    return painted && painted.of === this.#studio.segmented.value ? painted : undefined
  })

  /** The part of the model's map that is painted, 0 to 1. */
  readonly share = computed(() => {
    const places = this.painted.value?.places
    return places ? places.reduce((n, v) => n + v, 0) / places.length : 0
  })

  /** Paints along a line of the picture. */
  stroke(from: Point, to: Point): void {
    const of = this.#studio.segmented.peek()
    if (!of) return
    this.last = to
    const { width, height, geometry } = of
    const places = this.painted.peek()?.places.slice() ?? new Uint8Array(width * height)
    const radius = this.radius.peek() * Math.max(geometry.source.width, geometry.source.height)
    let nearest = { place: -1, distance: Number.POSITIVE_INFINITY }
    for (let place = 0; place < places.length; place++) {
      const [x, y] = [((place % width) + 0.5) / width, (Math.floor(place / width) + 0.5) / height]
      const at = toSource({ x: x * geometry.model.width, y: y * geometry.model.height }, geometry)
      const away = distance(at, from, to)
      if (away <= radius) places[place] = 1
      if (away < nearest.distance) nearest = { place, distance: away }
    }
    // a brush that is finer than the model's places paints the one that it is in
    if (nearest.place >= 0) places[nearest.place] = 1
    this.#painted.value = { of, places }
  }

  grow(step: 1 | -1): void {
    const next = this.radius.peek() * (step > 0 ? 1.25 : 0.8)
    this.radius.value = Math.min(SIZES.largest, Math.max(SIZES.smallest, next))
  }

  /** Explains what is painted: the class that the network sees most of there, where none is named. */
  explain(index?: number): void {
    const painted = this.painted.peek()
    if (!painted) return
    const target = index ?? this.#most(painted)
    const { width, height } = painted.of
    const mask = regionMask(painted.places, width, height)
    this.#studio.target.value = JSON.stringify({ kind: 'region', index: target, mask })
  }

  clear(): void {
    this.#painted.value = undefined
    this.#studio.target.value = undefined
  }

  #most({ of, places }: Painted): number {
    const counts = new Map<number, number>()
    for (const [i, c] of of.classes.entries()) if (places[i] === 1 && c >= 0) counts.set(c, (counts.get(c) ?? 0) + 1)
    return [...counts].sort((a, b) => b[1] - a[1])[0]?.[0] ?? 0
  }
}

/** The class of a painted region; undefined for what is none. */
export function paintedClass(wanted: Wanted | undefined): number | undefined {
  const [, index] = /^\{"kind":"region","index":(\d+),"mask"/.exec(String(wanted)) ?? []
  return index === undefined ? undefined : Number(index)
}

/** From a point to a line between two others. */
function distance(p: Point, a: Point, b: Point): number {
  const [dx, dy] = [b.x - a.x, b.y - a.y]
  const length = dx * dx + dy * dy
  const t = length === 0 ? 0 : Math.min(1, Math.max(0, ((p.x - a.x) * dx + (p.y - a.y) * dy) / length))
  return Math.hypot(p.x - a.x - t * dx, p.y - a.y - t * dy)
}
