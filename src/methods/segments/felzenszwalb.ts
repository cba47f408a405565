/**
 * Segments of a picture by Felzenszwalb and Huttenlocher (IJCV 2004), as scikit-image's `felzenszwalb`: neighbours, diagonal ones too, are
 * joined from the most alike on, while they differ by less than what their segments hold within plus `scale / 255 / size`.
 */
import { smoothed } from './gaussian.js'
import { numbered, type Raster, type Segments } from './raster.js'

export interface FelzenszwalbOptions {
  /** Larger makes larger segments; one segmentation each. */
  readonly scales: readonly number[]
  /** Deviation of the smoothing before, in pixels. */
  readonly sigma: number
  /** Segments of fewer pixels are joined to a neighbour. */
  readonly smallest: number
}

/** Segments of one slice, by scale. */
export function felzenszwalb(raster: Raster, { scales, sigma, smallest }: FelzenszwalbOptions): readonly Segments[] {
  const { height, width } = raster
  const planes = raster.planes.map((plane) => smoothed(plane, height, width, [sigma, sigma]))
  const edges = sortedEdges({ ...raster, planes })
  return scales.map((scale) => numbered(raster, joined(height * width, edges, scale / 255, smallest)))
}

/** The root of each pixel's segment. */
function joined(pixels: number, edges: readonly Edge[], scale: number, smallest: number): Int32Array {
  const sizes = new Int32Array(pixels).fill(1)
  const within = new Float64Array(pixels)
  const forest = new Forest(pixels)
  const join = (a: number, b: number): number => {
    const size = (sizes[a] ?? 0) + (sizes[b] ?? 0)
    const root = forest.join(a, b)
    sizes[root] = size
    return root
  }
  const slack = (root: number): number => (within[root] ?? 0) + scale / (sizes[root] ?? 1)
  for (const { from, to, cost } of edges) {
    const [a, b] = [forest.root(from), forest.root(to)]
    if (a !== b && cost < Math.min(slack(a), slack(b))) within[join(a, b)] = cost
  }
  for (const { from, to } of edges) {
    const [a, b] = [forest.root(from), forest.root(to)]
    if (a !== b && Math.min(sizes[a] ?? 0, sizes[b] ?? 0) < smallest) join(a, b)
  }
  return Int32Array.from({ length: pixels }, (_, i) => forest.root(i))
}

interface Edge {
  readonly from: number
  readonly to: number
  /** How much two pixels differ: the distance of their values. */
  readonly cost: number
}

/** Edges to the right, down, and down to both sides, from the least difference on. */
function sortedEdges({ height, width, planes }: Raster): readonly Edge[] {
  const edges: Edge[] = []
  const add = (from: number, to: number): void => {
    let sum = 0
    for (const plane of planes) sum += ((plane[to] ?? 0) - (plane[from] ?? 0)) ** 2
    edges.push({ from, to, cost: Math.sqrt(sum) })
  }
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const at = y * width + x
      if (x + 1 < width) add(at, at + 1)
      if (y + 1 >= height) continue
      add(at, at + width)
      if (x + 1 < width) add(at, at + width + 1)
      if (x > 0) add(at, at + width - 1)
    }
  return edges.sort((a, b) => a.cost - b.cost)
}

/** Trees of pixels; the root of each is its least one. */
class Forest {
  readonly #parents: Int32Array

  constructor(size: number) {
    this.#parents = Int32Array.from({ length: size }, (_, i) => i)
  }

  root(of: number): number {
    let root = of
    for (let up = this.#parents[root] ?? 0; up !== root; up = this.#parents[root] ?? 0) root = up
    // ways are made short as they are gone
    for (let at = of; at !== root; ) {
      const up = this.#parents[at] ?? root
      this.#parents[at] = root
      at = up
    }
    return root
  }

  /** Joins two roots; gives the one that stays. */
  join(a: number, b: number): number {
    const root = Math.min(a, b)
    this.#parents[Math.max(a, b)] = root
    return root
  }
}
