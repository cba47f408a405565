/**
 * Where a change of the picture shows. A box that is changed changes, in each value of a network of local operators, one box of places: a
 * *frame* says which, as arithmetic on the changed box (Nakandala, Kumar and Papakonstantinou, SIGMOD 2019, section 3, with the exact interval
 * at both ends in place of an upper bound of its length). Boxes of a batch share the lengths of their windows, the largest among them, and
 * have a first place each; what a window holds besides the changed places is right too, only computed in vain.
 */

/** One axis of a sliding window, in places: output o reads `o * stride - before` and the `span - 1` places behind it. */
export interface Slide {
  readonly stride: number
  readonly before: number
  /** Places from the first to the last that an output reads: a dilated kernel's. */
  readonly span: number
  /** Input o reads is divided by this, rounding down: places are repeated (`Resize`). Default of plain windows: 1. */
  readonly repeat: number
}

export type Frame = (
  | { readonly kind: 'input' }
  | { readonly kind: 'slide'; readonly of: Frame; readonly axes: readonly Slide[] }
  | { readonly kind: 'union'; readonly of: readonly Frame[] }
  | { readonly kind: 'whole' }
  /** Nothing changes. */
  | { readonly kind: 'nowhere' }
) & {
  /** Equal for equal frames. */
  readonly key: string
  /** Places of the whole map, axis by axis. */
  readonly extents: readonly number[]
}

/** Of one axis: the first changed place and the one behind the last. */
export type Interval = readonly [number, number]

/** Windows of a batch: one length an axis for all, and a first place for each. */
export interface Windows {
  readonly lengths: readonly number[]
  /** By axis, by box. */
  readonly starts: readonly (readonly number[])[]
}

/** Of a value that does not change, over `extents` places. */
export function nowhereFrame(extents: readonly number[]): Frame {
  return { kind: 'nowhere', key: `nowhere ${extents.join('x')}`, extents }
}

export function inputFrame(extents: readonly number[]): Frame {
  return { kind: 'input', key: `in ${extents.join('x')}`, extents }
}

export function wholeFrame(extents: readonly number[]): Frame {
  return { kind: 'whole', key: `whole ${extents.join('x')}`, extents }
}

/** The frame of what slides over a frame and has `extents` places. */
export function slideFrame(of: Frame, axes: readonly Slide[], extents: readonly number[]): Frame {
  const isSame = axes.every(isStill) && extents.every((e, i) => e === of.extents[i])
  if (isSame) return of
  const steps = axes.map((a) => `${a.stride}/${a.repeat}-${a.before}+${a.span}`)
  return { kind: 'slide', key: `(${of.key}) ${steps.join(',')} ${extents.join('x')}`, of, axes, extents }
}

/** The smallest frame that holds all of several over the same places. */
export function unionFrame(frames: readonly Frame[]): Frame {
  const largest = frames.filter(
    (f, i) => !frames.some((other, j) => i !== j && holds(other, f) && (j < i || !holds(f, other))),
  )
  const [only, ...more] = largest
  if (only && more.length === 0) return only
  const key = `{${[...new Set(largest.map((f) => f.key))].sort().join(' | ')}}`
  return { kind: 'union', key, of: largest, extents: only?.extents ?? [] }
}

/** True where one frame is seen to hold every place of another, whatever the box: what grows keeps what it grew from. */
function holds(large: Frame, small: Frame): boolean {
  if (large.key === small.key || large.kind === 'whole') return true
  if (large.kind === 'union') return large.of.some((f) => holds(f, small))
  if (large.kind !== 'slide' || !large.extents.every((e, i) => e === large.of.extents[i])) return false
  const grows = large.axes.every((a) => a.stride === 1 && a.repeat === 1 && a.before >= 0 && a.before <= a.span - 1)
  return grows && holds(large.of, small)
}

/** Each output reads its own place alone. */
export const STILL: Slide = { stride: 1, before: 0, span: 1, repeat: 1 }

/** True where an output reads its own place alone. */
export function isStill({ stride, before, span, repeat }: Slide): boolean {
  return stride === 1 && before === 0 && span === 1 && repeat === 1
}

/** The changed places of each frame for boxes of the input, worked out once a frame. */
export class Changes {
  readonly #boxes: readonly (readonly Interval[])[]
  readonly #known = new Map<string, readonly (readonly Interval[])[]>()
  readonly #windows = new Map<string, Windows>()

  /** @param boxes by box, by axis. */
  constructor(boxes: readonly (readonly Interval[])[]) {
    this.#boxes = boxes
  }

  /** How many boxes. */
  get count(): number {
    return this.#boxes.length
  }

  /** By box, by axis: at least one place. */
  intervals(frame: Frame): readonly (readonly Interval[])[] {
    const known = this.#known.get(frame.key) ?? this.#intervals(frame)
    this.#known.set(frame.key, known)
    return known
  }

  /** Windows that hold all changed places, inside the map. */
  windows(frame: Frame): Windows {
    const known = this.#windows.get(frame.key) ?? windowsOf(this.intervals(frame), frame.extents)
    this.#windows.set(frame.key, known)
    return known
  }

  #intervals(frame: Frame): readonly (readonly Interval[])[] {
    if (frame.kind === 'input') return this.#boxes
    if (frame.kind === 'whole') return this.#boxes.map(() => frame.extents.map((e): Interval => [0, e]))
    if (frame.kind === 'nowhere') return this.#boxes.map(() => frame.extents.map((): Interval => [0, 0]))
    if (frame.kind === 'slide') {
      const of = this.intervals(frame.of)
      return of.map((box) => box.map((interval, i) => slid(interval, frame.axes[i], frame.extents[i] ?? 1)))
    }
    const parts = frame.of.map((f) => this.intervals(f))
    return this.#boxes.map((_, b) =>
      frame.extents.map((_, axis): Interval => {
        const each = parts.map((p) => p[b]?.[axis] ?? [0, 1])
        return [Math.min(...each.map(([low]) => low)), Math.max(...each.map(([, high]) => high))]
      }),
    )
  }
}

function slid([low, high]: Interval, slide: Slide | undefined, extent: number): Interval {
  const { stride, before, span, repeat } = slide ?? { stride: 1, before: 0, span: 1, repeat: 1 }
  const [first, last] = [low * repeat, high * repeat - 1]
  const from = Math.min(Math.max(Math.ceil((first + before - span + 1) / stride), 0), extent - 1)
  const to = Math.min(Math.floor((last + before) / stride) + 1, extent)
  return [from, Math.max(to, from + 1)]
}

function windowsOf(intervals: readonly (readonly Interval[])[], extents: readonly number[]): Windows {
  const lengths = extents.map((_, axis) =>
    intervals.reduce((most, box) => Math.max(most, (box[axis]?.[1] ?? 1) - (box[axis]?.[0] ?? 0)), 0),
  )
  const starts = extents.map((extent, axis) =>
    intervals.map((box) => Math.min(box[axis]?.[0] ?? 0, extent - (lengths[axis] ?? 1))),
  )
  return { lengths, starts }
}
