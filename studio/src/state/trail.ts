/** Where the square has been: what every class lost under it, and the map that this makes. */
import {
  type ClassAnswer,
  type Explained,
  type Geometry,
  gridOf,
  type InputExtent,
  liftToPicture,
  MeanDrops,
  type Size,
  type Square,
  scaleGeometry,
} from 'onnxplain/web'

/** Squares that are remembered: more would fill the memory after a quarter of an hour. */
const MOST = 4000

export class Trail {
  readonly #size: InputExtent
  /** By where the square was, so that a place that is visited twice counts once, as in a sweep. */
  readonly #squares = new Map<string, { readonly square: Square; readonly answers: ReadonlyMap<number, ClassAnswer> }>()
  readonly #baseline: ReadonlyMap<number, ClassAnswer>
  /** The sums of the class that was looked at last. */
  #drops: { readonly target: number; readonly drops: MeanDrops } | undefined

  constructor(size: InputExtent, baseline: ReadonlyMap<number, ClassAnswer>) {
    this.#size = size
    this.#baseline = baseline
  }

  get count(): number {
    return this.#squares.size
  }

  at(square: Square): ReadonlyMap<number, ClassAnswer> | undefined {
    return this.#squares.get(keyOf(square))?.answers
  }

  add(square: Square, answers: ReadonlyMap<number, ClassAnswer>): void {
    const key = keyOf(square)
    if (this.#squares.has(key)) return
    this.#squares.set(key, { square, answers })
    if (this.#drops) this.#drops.drops.add(square, [this.#drop(this.#drops.target, answers)])
    const [oldest] = this.#squares.keys()
    if (this.#squares.size > MOST && oldest !== undefined) {
      this.#squares.delete(oldest)
      this.#drops = undefined
    }
  }

  /** The map of a class as it stands: at each pixel the mean fall of its logit over the squares that covered it. */
  map(target: number, layout: string, dims: readonly number[], geometry: Geometry): TrailMap {
    const drops = this.#dropsOf(target)
    const { H, W } = gridOf(layout, dims)
    const [map] = drops.maps([H.extent, W.extent])
    const lift = (data: Float32Array, size: Size, filter: 'nearest' | 'bilinear'): Float32Array =>
      liftToPicture(data, W.extent, H.extent, scaleGeometry(geometry, size), { filter })
    return {
      at: (size) => ({
        heatmap: {
          ...size,
          data: lift(map?.data ?? new Float32Array(H.extent * W.extent), size, 'bilinear'),
          seen: scaleGeometry(geometry, size).seen,
        },
        channels: undefined,
      }),
      visited: (size) =>
        lift(
          Float32Array.from(drops.counts, (n) => Math.min(1, n)),
          size,
          'nearest',
        ),
    }
  }

  #dropsOf(target: number): MeanDrops {
    if (this.#drops?.target === target) return this.#drops.drops
    const drops = new MeanDrops(this.#size, 1)
    for (const { square, answers } of this.#squares.values()) drops.add(square, [this.#drop(target, answers)])
    this.#drops = { target, drops }
    return drops
  }

  #drop(target: number, answers: ReadonlyMap<number, ClassAnswer>): number {
    return (this.#baseline.get(target)?.logit ?? 0) - (answers.get(target)?.logit ?? 0)
  }
}

export interface TrailMap {
  at: (size: Size) => ReturnType<Explained['at']>
  /** 1 where a square has been, 0 elsewhere. */
  visited(size: Size): Float32Array
}

function keyOf({ x0, y0, x1, y1 }: Square): string {
  return `${x0},${y0},${x1},${y1}`
}
