/** Overlapping regions of a picture, and the greedy order in which XRAI takes them. */
import { felzenszwalb } from './felzenszwalb.js'
import { smoothed } from './gaussian.js'
import type { Raster } from './raster.js'

/** Side of the picture that is segmented, whatever the size of the model's input. */
const SIDE = 224
const SCALES = [50, 100, 150, 250, 500, 1200]
const SIGMA = 0.8
/** Fewest pixels of a segment, of `SIDE * SIDE`. */
const SMALLEST = 150
/** How far regions reach beyond their segment. */
const DILATION = 5
/** A region that adds fewer pixels to those taken is left. */
const LEAST_GAIN = 50

/** True at each pixel `[H,W]` of a region. */
export type Region = Uint8Array

/** Segments of six scales, each reaching a few pixels over its border. Of a raster of values in [-1, 1]. */
export function regionsOf(raster: Raster): readonly Region[] {
  const { height, width } = raster
  const planes = raster.planes.map((plane) => resized(plane, height, width, SIDE))
  const square = { depth: 1, height: SIDE, width: SIDE, planes }
  const disk = offsets(DILATION)
  return felzenszwalb(square, { scales: SCALES, sigma: SIGMA, smallest: SMALLEST }).flatMap(({ labels, count }) => {
    const regions = Array.from({ length: count }, () => new Uint8Array(height * width))
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++) {
        const row = Math.floor(((y + 0.5) * SIDE) / height)
        const region = regions[labels[row * SIDE + Math.floor(((x + 0.5) * SIDE) / width)] ?? 0]
        if (!region) continue
        for (const [dy, dx] of disk) {
          const [v, u] = [y + dy, x + dx]
          if (v >= 0 && v < height && u >= 0 && u < width) region[v * width + u] = 1
        }
      }
    // where the picture is larger than the segments' grid, a segment may have no pixel of it
    return regions.filter((region) => region.includes(1))
  })
}

/**
 * XRAI's map: region after region, the one whose pixels that are not yet taken have the greatest mean attribution, which becomes the value of
 * these pixels; the pixels that are left have their own mean.
 */
export function rankedRegions(attribution: Float64Array, regions: readonly Region[]): Float32Array {
  const map = new Float32Array(attribution.length)
  const taken = new Uint8Array(attribution.length)
  const open = regions.map((region) => {
    let [sum, size] = [0, 0]
    for (const [i, inside] of region.entries())
      if (inside) {
        sum += attribution[i] ?? 0
        size++
      }
    return { region, sum, size }
  })
  for (;;) {
    let best: (typeof open)[number] | undefined
    for (const one of open)
      if (one.size >= LEAST_GAIN && (!best || one.sum / one.size > best.sum / best.size)) best = one
    if (!best) break
    const gain = best.sum / best.size
    for (const [i, inside] of best.region.entries()) {
      if (!inside || taken[i]) continue
      taken[i] = 1
      map[i] = gain
      for (const one of open)
        if (one.region[i]) {
          one.sum -= attribution[i] ?? 0
          one.size--
        }
    }
  }
  let [sum, size] = [0, 0]
  for (const [i, done] of taken.entries())
    if (!done) {
      sum += attribution[i] ?? 0
      size++
    }
  return map.map((v, i) => (taken[i] ? v : sum / size))
}

/** A square plane of a plane `[H,W]`: linear, smoothed before where it shrinks. */
function resized(plane: Float64Array, height: number, width: number, side: number): Float64Array {
  if (height === side && width === side) return plane
  const blur = (from: number): number => Math.max(0, (from / side - 1) / 2)
  const from = smoothed(plane, height, width, [blur(height), blur(width)])
  const between = (i: number, length: number): { low: number; high: number; share: number } => {
    const at = Math.min(length - 1, Math.max(0, ((i + 0.5) * length) / side - 0.5))
    const low = Math.floor(at)
    return { low, high: Math.min(length - 1, low + 1), share: at - low }
  }
  return Float64Array.from({ length: side * side }, (_, i) => {
    const [row, column] = [between(Math.floor(i / side), height), between(i % side, width)]
    const across = (y: number): number =>
      (from[y * width + column.low] ?? 0) * (1 - column.share) + (from[y * width + column.high] ?? 0) * column.share
    return across(row.low) * (1 - row.share) + across(row.high) * row.share
  })
}

function offsets(radius: number): readonly (readonly [number, number])[] {
  const along = Array.from({ length: 2 * radius + 1 }, (_, i) => i - radius)
  return along.flatMap((dy) => along.filter((dx) => dy ** 2 + dx ** 2 <= radius ** 2).map((dx) => [dy, dx] as const))
}
