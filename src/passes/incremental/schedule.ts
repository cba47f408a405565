/** In which order boxes are run: those whose windows have the same lengths go together, so that little is computed in vain. */
import { Changes, type Frame, type Interval } from './frames.js'

/** One run. */
export interface Batch {
  /** Which of the boxes. */
  readonly boxes: readonly number[]
  /** Where they show: made when it is asked for, since a fine grid has many runs. */
  changes(): Changes
}

/**
 * @param frames those whose lengths matter.
 * @param size boxes a run; the last run may have fewer.
 * @param isFixed a run has `size` windows whatever it has boxes: its last box is repeated.
 */
export function schedule(
  boxes: readonly (readonly Interval[])[],
  frames: readonly Frame[],
  size: number,
  isFixed = false,
): readonly Batch[] {
  const axes = boxes[0]?.length ?? 0
  const ranks = Array.from({ length: axes }, (_, axis) => ranksOf(boxes, axis, frames))
  const order = boxes.map((_, b) => b)
  order.sort((a, b) => {
    for (const rank of ranks) if (rank[a] !== rank[b]) return (rank[a] ?? 0) - (rank[b] ?? 0)
    return a - b
  })
  return Array.from({ length: Math.ceil(order.length / size) }, (_, i) => {
    const part = order.slice(i * size, (i + 1) * size)
    const filled = isFixed ? Array.from({ length: size }, (_, j) => part[j] ?? part.at(-1) ?? 0) : part
    return { boxes: part, changes: () => new Changes(filled.map((b) => boxes[b] ?? [])) }
  })
}

/** Of each box its place among all, by how long its windows are along one axis; equal for equal lengths. */
function ranksOf(boxes: readonly (readonly Interval[])[], axis: number, frames: readonly Frame[]): readonly number[] {
  const keyOf = (box: readonly Interval[]): string => String(box[axis])
  // a grid has few intervals along an axis, and axes do not depend on each other
  const distinct = new Map(boxes.map((box) => [keyOf(box), box]))
  const changes = new Changes([...distinct.values()])
  const intervals = frames.map((frame) => changes.intervals(frame))
  const lengths = [...distinct.keys()].map((key, i) => ({
    key,
    lengths: intervals.map((of) => (of[i]?.[axis]?.[1] ?? 0) - (of[i]?.[axis]?.[0] ?? 0)),
  }))
  lengths.sort((a, b) => compare(a.lengths, b.lengths))
  const ranks = new Map<string, number>()
  for (const [i, own] of lengths.entries()) {
    const before = lengths[i - 1]
    ranks.set(own.key, before && compare(before.lengths, own.lengths) === 0 ? (ranks.get(before.key) ?? i) : i)
  }
  return boxes.map((box) => ranks.get(keyOf(box)) ?? 0)
}

/** The last frames, which differ least, decide first. */
function compare(a: readonly number[], b: readonly number[]): number {
  for (let i = a.length - 1; i >= 0; i--) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0)
    if (difference !== 0) return difference
  }
  return 0
}
