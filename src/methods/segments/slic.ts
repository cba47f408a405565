/**
 * SLIC superpixels: k-means of colour and place, each centre reaching two steps of its grid. As scikit-image's `slic`
 * (Achanta et al., TPAMI 2012): ten rounds, then pieces that are not connected go to a neighbour, and large ones are cut. Volumes and
 * clips are cut into supervoxels, signals into intervals.
 */
import { labOf } from './lab.js'
import type { Raster, Segments, Sides } from './raster.js'

const ROUNDS = 10
/** Weight of places against colours; more makes squarer segments. scikit-image's default, for Lab. */
const COMPACTNESS = 10
/** Range of L in Lab: what one channel, or any number but three, is scaled to. */
const LIGHTNESS = 100
/** Connected pieces of less than this share of the usual size are no segment, and ones of more than `LARGEST` times it are cut. */
const SMALLEST = 0.5
const LARGEST = 3

/** About `wanted` segments of a raster of values in [0, 1]: Lab where it has three channels. */
export function slic(raster: Raster, wanted: number): Segments {
  const [r, g, b] = raster.planes
  const isColour = raster.planes.length === 3 && r && g && b
  const colours = isColour ? labOf(r, g, b) : raster.planes.map((plane) => plane.map((v) => v * LIGHTNESS))
  const planes = colours.map((plane) => plane.map((v) => v / COMPACTNESS))
  const grid = gridCentres(raster, wanted)
  const { centres } = grid
  const nearest = cluster({ ...raster, planes }, grid)
  const size = nearest.length / centres.length
  return connected(raster, nearest, Math.floor(SMALLEST * size), Math.floor(LARGEST * size))
}

/** Where a cluster is, and its colour. */
interface Centre {
  readonly place: Float64Array
  readonly colour: Float64Array
}

/** First places and steps along the three sides of a grid of about `wanted` places, as near to cubes as the sides allow: scikit-image's `regular_grid`. */
function regularGrid({ depth, height, width }: Sides, wanted: number) {
  const sides = [depth, height, width]
  const size = depth * height * width
  if (size <= wanted) return sides.map(() => ({ start: 0, step: 1 }))
  const order = [0, 1, 2].sort((a, b) => (sides[a] ?? 0) - (sides[b] ?? 0))
  const ascending = order.map((axis) => sides[axis] ?? 1)
  let steps = ascending.map(() => Math.cbrt(size / wanted))
  for (let i = 0; i < 2 && ascending.some((side, at) => side < (steps[at] ?? 0)); i++) {
    const rest = ascending.slice(i + 1)
    const step = (rest.reduce((a, v) => a * v, 1) / wanted) ** (1 / rest.length)
    steps = steps.map((s, at) => (at < i ? s : at === i ? (ascending[i] ?? 1) : step))
  }
  return sides.map((_, axis) => {
    const step = steps[order.indexOf(axis)] ?? 1
    return { start: Math.floor(step / 2), step: halfEven(step) }
  })
}

/** Centres on a regular grid, its largest step, and how far they reach along each side. */
function gridCentres(raster: Raster, wanted: number) {
  const { depth, height, width, planes } = raster
  const grid = regularGrid(raster, wanted)
  const [zs = [], ys = [], xs = []] = [depth, height, width].map((side, axis) => {
    const { start, step } = grid[axis] ?? { start: 0, step: 1 }
    return Array.from({ length: Math.ceil((side - start) / step) }, (_, i) => start + i * step)
  })
  const centres = zs.flatMap((z) =>
    ys.flatMap((y) =>
      xs.map((x): Centre => ({ place: Float64Array.of(z, y, x), colour: new Float64Array(planes.length) })),
    ),
  )
  const reach = regularGrid(raster, centres.length).map(({ step }) => 2 * step)
  return { centres, step: Math.max(...grid.map(({ step }) => step)), reach }
}

/** The nearest centre of each place, after the rounds. */
function cluster(
  { depth, height, width, planes }: Raster,
  { centres, step, reach }: ReturnType<typeof gridCentres>,
): Int32Array {
  const size = depth * height * width
  const nearest = new Int32Array(size)
  const near = 1 / step ** 2
  for (let round = 0; round < ROUNDS; round++) {
    const distances = new Float64Array(size).fill(Number.POSITIVE_INFINITY)
    for (const [k, { place, colour }] of centres.entries()) {
      const [cz = 0, cy = 0, cx = 0] = place
      const around = (at: number, side: number, far = 0): [number, number] => [
        Math.floor(Math.max(at - far, 0)),
        Math.floor(Math.min(at + far + 1, side)),
      ]
      const [z0, z1] = around(cz, depth, reach[0])
      const [y0, y1] = around(cy, height, reach[1])
      const [x0, x1] = around(cx, width, reach[2])
      for (let z = z0; z < z1; z++)
        for (let y = y0; y < y1; y++)
          for (let x = x0; x < x1; x++) {
            const at = (z * height + y) * width + x
            let apart = 0
            for (let c = 0; c < planes.length; c++) apart += ((planes[c]?.[at] ?? 0) - (colour[c] ?? 0)) ** 2
            const distance = ((cz - z) ** 2 + (cy - y) ** 2 + (cx - x) ** 2) * near + apart
            if (distance < (distances[at] ?? 0)) {
              distances[at] = distance
              nearest[at] = k
            }
          }
    }
    moveToMeans({ depth, height, width, planes }, centres, nearest)
  }
  return nearest
}

/** Centres become the means of their places; one without any stays nowhere, near nothing. */
function moveToMeans({ height, width, planes }: Raster, centres: readonly Centre[], nearest: Int32Array): void {
  const counts = new Float64Array(centres.length)
  for (const { place, colour } of centres) {
    place.fill(0)
    colour.fill(0)
  }
  for (const [at, k] of nearest.entries()) {
    const centre = centres[k]
    if (!centre) continue
    counts[k] = (counts[k] ?? 0) + 1
    const row = Math.floor(at / width)
    const where = [Math.floor(row / height), row % height, at % width]
    for (let i = 0; i < 3; i++) centre.place[i] = (centre.place[i] ?? 0) + (where[i] ?? 0)
    for (let c = 0; c < planes.length; c++) centre.colour[c] = (centre.colour[c] ?? 0) + (planes[c]?.[at] ?? 0)
  }
  for (const [k, { place, colour }] of centres.entries())
    for (const sums of [place, colour]) for (const [i, v] of sums.entries()) sums[i] = v / (counts[k] ?? 1)
}

/**
 * Connected pieces of clusters, in the order in which they are met: found breadth first up to `largest` places; those of less than
 * `smallest` go to a piece beside them.
 */
function connected({ depth, height, width }: Sides, clusters: Int32Array, smallest: number, largest: number): Segments {
  const labels = new Int32Array(clusters.length).fill(-1)
  const queue: number[] = []
  let count = 0
  const beside = (at: number): number[] => {
    const [x, row] = [at % width, Math.floor(at / width)]
    const [y, z] = [row % height, Math.floor(row / height)]
    const plane = width * height
    const all = [
      x + 1 < width && at + 1,
      x > 0 && at - 1,
      y + 1 < height && at + width,
      y > 0 && at - width,
      z + 1 < depth && at + plane,
      z > 0 && at - plane,
    ]
    return all.filter((v) => v !== false)
  }
  for (const [first, cluster] of clusters.entries()) {
    if ((labels[first] ?? 0) >= 0) continue
    labels[first] = count
    queue.length = 0
    queue.push(first)
    let neighbour = 0
    for (let i = 0; i < queue.length && queue.length < largest; i++)
      for (const at of beside(queue[i] ?? 0)) {
        const label = labels[at] ?? -1
        if (label === -1 && clusters[at] === cluster) {
          labels[at] = count
          queue.push(at)
          if (queue.length >= largest) break
        } else if (label >= 0 && label !== count) neighbour = label
      }
    if (queue.length < smallest) for (const at of queue) labels[at] = neighbour
    else count++
  }
  // where nothing was large enough, all of it is one
  return { depth, height, width, labels, count: Math.max(1, count) }
}

/** Nearest whole number, of two the even one, as NumPy rounds. */
function halfEven(v: number): number {
  const low = Math.floor(v)
  return v - low === 0.5 ? low + (low % 2) : Math.round(v)
}
