/** In which order boxes are run: those whose windows have the same lengths go together, so that little is computed in vain. */
import { Changes, type Frame, type Interval } from './frames.js'

/** One run. */
export interface Batch {
  /** Which of the boxes. */
  readonly boxes: readonly number[]
  readonly changes: Changes
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
  const all = new Changes(boxes)
  const axes = boxes[0]?.length ?? 0
  const intervals = frames.map((f) => all.intervals(f))
  // by box, by axis: how long each frame is there
  const lengths = boxes.map((_, b) =>
    Array.from({ length: axes }, (_, axis) =>
      intervals.map((frame) => (frame[b]?.[axis]?.[1] ?? 0) - (frame[b]?.[axis]?.[0] ?? 0)),
    ),
  )
  const order = boxes.map((_, b) => b)
  order.sort((a, b) => {
    for (let axis = 0; axis < axes; axis++) {
      const difference = compare(lengths[a]?.[axis] ?? [], lengths[b]?.[axis] ?? [])
      if (difference !== 0) return difference
    }
    return a - b
  })
  return Array.from({ length: Math.ceil(order.length / size) }, (_, i) => {
    const part = order.slice(i * size, (i + 1) * size)
    const filled = isFixed ? Array.from({ length: size }, (_, j) => part[j] ?? part.at(-1) ?? 0) : part
    return { boxes: part, changes: new Changes(filled.map((b) => boxes[b] ?? [])) }
  })
}

/** The last frames, which differ least, decide first. */
function compare(a: readonly number[], b: readonly number[]): number {
  for (let i = a.length - 1; i >= 0; i--) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0)
    if (difference !== 0) return difference
  }
  return 0
}
