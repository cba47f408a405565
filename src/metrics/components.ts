/** Regions of a plane that hang together, their boxes and outlines, as contours of OpenCV have them. */
import type { Box } from '../image/index.js'

/** A region of places that touch beside or at corners, or (a hole) a region of others inside it that touch beside. */
export interface Region {
  readonly isHole: boolean
  readonly places: number
  /** The box around a region; around a hole, the places that surround it. `x1` and `y1` exclusive. */
  readonly box: Box
  /** The area within the line through the centres of a region's outermost places (OpenCV's `contourArea`); 0 for holes. */
  readonly outlined: number
}

/** Regions of the places that are 1, in reading order, and the holes in them. */
export function regionsOf(mask: Uint8Array, width: number, height: number): readonly Region[] {
  const inside = labelled(mask, width, height, 1)
  const outside = labelled(mask, width, height, 0)
  const holes = outside.regions.filter((r) => !r.isAtBorder)
  const filled = holes.length > 0 ? filledAreas(holes, inside, width, height) : undefined
  return [
    ...inside.regions.map((r, i) => ({
      isHole: false,
      places: r.count,
      box: r.box,
      outlined: filled?.[i] ?? outlineOf((at) => inside.labels[at] === i, r.box, width),
    })),
    ...holes.map((r) => ({
      isHole: true,
      places: r.count,
      box: { x0: r.box.x0 - 1, y0: r.box.y0 - 1, x1: r.box.x1 + 1, y1: r.box.y1 + 1 },
      outlined: 0,
    })),
  ]
}

interface Labelled {
  readonly count: number
  readonly box: Box
  readonly isAtBorder: boolean
}

interface Labels {
  /** The number of each place's region; -1 where it is of the other kind. */
  readonly labels: Int32Array
  readonly regions: readonly Labelled[]
}

/** Regions of one kind: of 1 through sides and corners, of 0 through sides alone. */
function labelled(mask: Uint8Array, width: number, height: number, kind: 0 | 1): Labels {
  const labels = new Int32Array(mask.length).fill(-1)
  const regions: Labelled[] = []
  const stack: number[] = []
  for (let start = 0; start < mask.length; start++) {
    if (mask[start] !== kind || labels[start] !== -1) continue
    const label = regions.length
    let [count, x0, y0, x1, y1] = [0, width, height, 0, 0]
    labels[start] = label
    stack.push(start)
    for (let at = stack.pop(); at !== undefined; at = stack.pop()) {
      const [y, x] = [Math.floor(at / width), at % width]
      count++
      x0 = Math.min(x0, x)
      y0 = Math.min(y0, y)
      x1 = Math.max(x1, x + 1)
      y1 = Math.max(y1, y + 1)
      for (let ny = Math.max(0, y - 1); ny <= Math.min(height - 1, y + 1); ny++)
        for (let nx = Math.max(0, x - 1); nx <= Math.min(width - 1, x + 1); nx++) {
          if (kind === 0 && nx !== x && ny !== y) continue
          const next = ny * width + nx
          if (mask[next] !== kind || labels[next] !== -1) continue
          labels[next] = label
          stack.push(next)
        }
    }
    const isAtBorder = x0 === 0 || y0 === 0 || x1 === width || y1 === height
    regions.push({ count, box: { x0, y0, x1, y1 }, isAtBorder })
  }
  return { labels, regions }
}

/**
 * The area within the line through the centres of the outermost places: of each square of four neighbours all where all are in, half where
 * three are.
 */
function outlineOf(isIn: (place: number) => boolean, box: Box, width: number): number {
  let area = 0
  for (let y = box.y0; y < box.y1 - 1; y++)
    for (let x = box.x0; x < box.x1 - 1; x++) {
      const at = y * width + x
      const n = [at, at + 1, at + width, at + width + 1].filter(isIn).length
      area += n === 4 ? 1 : n === 3 ? 0.5 : 0
    }
  return area
}

/** The outlined areas of regions, with all that lies within them. */
function filledAreas(holes: readonly Labelled[], inside: Labels, width: number, height: number): readonly number[] {
  return inside.regions.map((region, i) => {
    const isOwn = (at: number): boolean => inside.labels[at] === i
    if (!holes.some((h) => contains(region.box, h.box))) return outlineOf(isOwn, region.box, width)
    // what is not of the region, and hangs together with the border, is outside of it
    const around = labelled(
      Uint8Array.from(inside.labels, (label) => (label === i ? 1 : 0)),
      width,
      height,
      0,
    )
    return outlineOf((at) => isOwn(at) || !around.regions[around.labels[at] ?? -1]?.isAtBorder, region.box, width)
  })
}

function contains(outer: Box, inner: Box): boolean {
  return outer.x0 < inner.x0 && outer.y0 < inner.y0 && outer.x1 > inner.x1 && outer.y1 > inner.y1
}
