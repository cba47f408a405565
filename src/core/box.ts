/** Boxes on a plane. */

/** Continuous coordinates: pixel (i, j) covers `[i, i + 1] x [j, j + 1]`. */
export interface Box {
  readonly x0: number
  readonly y0: number
  readonly x1: number
  readonly y1: number
}

/**
 * The share that two boxes have in common of what they cover together (intersection over union), 0 where they cover nothing; `edge` is added to each side (1:
 * pixels at both ends count).
 */
export function overlap(a: Box, b: Box, edge = 0): number {
  const side = (from: number, to: number): number => Math.max(0, to - from + edge)
  const both = side(Math.max(a.x0, b.x0), Math.min(a.x1, b.x1)) * side(Math.max(a.y0, b.y0), Math.min(a.y1, b.y1))
  const all = side(a.x0, a.x1) * side(a.y0, a.y1) + side(b.x0, b.x1) * side(b.y0, b.y1) - both
  return all > 0 ? both / all : 0
}
