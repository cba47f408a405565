/** Greedy non-maximum suppression, class by class: as torchvision's `batched_nms`. */
import { type Box, overlap } from '../../core/box.js'

/** What is suppressed: a box of a class with a score. */
export interface Scored {
  readonly box: Box
  readonly index: number
  readonly score: number
}

/** The boxes that no better one of their class overlaps by more than `iou`, best first, `top` at most; of equal scores the first. */
export function suppress<T extends Scored>(
  boxes: readonly T[],
  iou: number,
  top = Number.POSITIVE_INFINITY,
): readonly T[] {
  const kept: T[] = []
  for (const box of [...boxes].sort((a, b) => b.score - a.score)) {
    if (kept.length >= top) break
    if (!kept.some((better) => better.index === box.index && overlap(better.box, box.box) > iou)) kept.push(box)
  }
  return kept
}
