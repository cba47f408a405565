/**
 * Reading places around a window: what the window holds is taken from it, what lies around it from the unchanged map, what lies outside of
 * the map is what the operator pads with. All three are rows of one table, and a reading is the indices of its rows.
 */
import { type Changes, type Frame, isStill, type Slide } from './frames.js'

/** What an operator reads of a value to make the places of `to`. */
export interface Reading {
  readonly from: Frame
  readonly to: Frame
  readonly axes: readonly Slide[]
  /** What lies outside of the map. */
  readonly pad: number
  /** Equal for readings of the same rows. */
  readonly key: string
}

export function readingOf(from: Frame, to: Frame, axes: readonly Slide[], pad = 0): Reading {
  return {
    from,
    to,
    axes,
    pad,
    key: JSON.stringify([from.key, to.key, axes.map((a) => Object.values(a)), String(pad)]),
  }
}

/** Values outside of the map, in the order of their rows behind those of the map: 0 for sums, lower than all for maxima. */
export const PADS: readonly number[] = [0, Number.NEGATIVE_INFINITY]

/** True where the window is what is read. */
export function isAsItIs({ from, to, axes }: Reading): boolean {
  return from.key === to.key && axes.every(isStill)
}

/** Places read along an axis for `length` outputs; those that single places step over are not read at all. */
export function lengthRead({ stride, span }: Slide, length: number): number {
  return span === 1 ? length : (length - 1) * stride + span
}

/** Rows of the table, `[boxes, ...places]`: the map's places, the pads, the windows' places box by box. */
export function rowsRead(
  reading: Reading,
  changes: Changes,
): { readonly dims: readonly number[]; readonly data: Int32Array } {
  const { from, to, axes, pad } = reading
  const [held, made] = [changes.windows(from), changes.windows(to)]
  const lengths = axes.map((a, i) => lengthRead(a, made.lengths[i] ?? 1))
  const boxes = made.starts[0]?.length ?? 0
  const each = lengths.reduce((n, l) => n * l, 1)
  const [places, inWindow] = [product(from.extents), product(held.lengths)]
  const outside = places + PADS.indexOf(pad)
  const data = new Int32Array(boxes * each)
  for (let b = 0; b < boxes; b++) {
    // of the axes so far: the row in the map, or the pad's (negative); and in the window, or -1 outside of it
    let mapped = Int32Array.of(0)
    let within = Int32Array.of(0)
    for (const [i, a] of axes.entries()) {
      const first = (made.starts[i]?.[b] ?? 0) * a.stride - a.before
      const step = a.span === 1 ? a.stride : 1
      const [extent, length, start] = [from.extents[i] ?? 1, held.lengths[i] ?? 1, held.starts[i]?.[b] ?? 0]
      const count = lengths[i] ?? 1
      const [nextMapped, nextWithin] = [new Int32Array(mapped.length * count), new Int32Array(mapped.length * count)]
      for (let j = 0; j < count; j++) {
        const place = Math.floor((first + j * step) / a.repeat)
        const isOutside = place < 0 || place >= extent
        const inside = place - start
        const isHeld = inside >= 0 && inside < length
        for (let k = 0, at = j; k < mapped.length; k++, at += count) {
          const map = mapped[k] ?? 0
          const window = within[k] ?? 0
          nextMapped[at] = isOutside || map < 0 ? -1 : map * extent + place
          nextWithin[at] = isHeld && window >= 0 ? window * length + inside : -1
        }
      }
      mapped = nextMapped
      within = nextWithin
    }
    const window = places + PADS.length + b * inWindow
    for (let k = 0, at = b * each; k < each; k++, at++) {
      const map = mapped[k] ?? 0
      const own = within[k] ?? 0
      data[at] = map < 0 ? outside : own < 0 ? map : window + own
    }
  }
  return { dims: [boxes, ...lengths], data }
}

function product(lengths: readonly number[]): number {
  return lengths.reduce((n, l) => n * l, 1)
}
