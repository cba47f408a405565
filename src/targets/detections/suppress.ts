/** Greedy non-maximum suppression, class by class: as torchvision's `batched_nms`. */
import { type Box, overlap } from '../../core/box.js'

/** What is suppressed: a box of a class with a score. */
export interface Scored {
  readonly box: Box
  readonly index: number
  readonly score: number
}

/** The boxes that no better one of their class overlaps by more than `iou`, best first; of equal scores the first. */
export function suppress<T extends Scored>(boxes: readonly T[], iou: number): readonly T[] {
  const kept = new Map<number, T[]>()
  return [...boxes]
    .sort((a, b) => b.score - a.score)
    .filter((candidate) => {
      const better = kept.get(candidate.index) ?? []
      if (better.some(({ box }) => overlap(box, candidate.box) > iou)) return false
      kept.set(candidate.index, [...better, candidate])
      return true
    })
}
