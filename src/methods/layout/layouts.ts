/**
 * What runs along the axes of each value, found from the graph: the picture's axes are known, and each operator does something known to
 * axes. So a patch embedding's places stay places when they are flattened, turned, put behind a class token or cut into windows.
 */
import type { Dim } from '../../core/runtime.js'
import type { Graph, Node } from '../../onnx/ir.js'
import type { Shapes } from '../../onnx/shapes.js'
import { sorted } from '../../passes/prune.js'
import { batch, holdsPlaces, type Layout, other, type Place, places } from './axes.js'
import { restate, type StatedGrid } from './grid.js'
import { layoutOf } from './rules.js'
import { channelsFirst, hasBatch, readsNeighbours } from './spatial.js'

/** The value that holds the picture, and its axes by letter: N, C, and any others for places (`NCHW`, `NHWC`). */
export interface PictureAxes {
  readonly name: string
  readonly layout: string
}

export type Layouts = ReadonlyMap<string, Layout>

/** The number of directions in which places lie: two for a picture. */
export function directionsOf({ layout }: PictureAxes): number {
  return [...layout].filter((letter) => letter !== 'N' && letter !== 'C').length
}

/** The layout of each value that depends on the picture and whose rank is known. */
export function layouts(graph: Graph, shapes: Shapes, picture: PictureAxes, stated?: StatedGrid): Layouts {
  const found = new Map<string, Layout>()
  const directions = directionsOf(picture)
  const dims = shapes.get(picture.name)?.dims
  const count = dims?.[0] ?? null
  if (dims) found.set(picture.name, pictureLayout(picture, dims))
  const sizesOf = (value: string): readonly Dim[] | undefined =>
    shapes.get(value)?.dims ?? graph.initializers.get(value)?.dims.map(Number)
  for (const node of sorted(graph)) {
    // what is made of sizes alone says nothing of the picture
    if (node.op === 'Shape' || node.op === 'Size') continue
    const inputs = node.inputs.map((i) => found.get(i))
    if (inputs.every((l) => l === undefined)) continue
    const sizes = node.inputs.map(sizesOf)
    for (const output of node.outputs) {
      const own = output === '' ? undefined : shapes.get(output)?.dims
      if (!own) continue
      const layout = layoutOf({
        node,
        graph,
        shapes,
        directions,
        batch: count,
        layouts: inputs,
        sizes,
        output,
        dims: own,
      })
      const mayBeMap = own.length === directions + 2 && hasBatch(own, count) && !layout?.some(holdsPlaces)
      const told = (mayBeMap ? readAsMap(graph, output, own) : undefined) ?? layout
      if (told) found.set(output, rebased(stated ? restate(told, own, stated, output) : told, output))
    }
  }
  return found
}

function pictureLayout({ name, layout }: PictureAxes, dims: readonly Dim[]): Layout {
  let along = 0
  return [...layout].map((letter, i) => {
    if (letter === 'N') return batch(dims[i])
    return letter === 'C' ? other(dims[i]) : places(along++, dims[i], name, i)
  })
}

/** A value of which nothing else is known, but which an operator for maps reads, is a map. */
function readAsMap(graph: Graph, value: string, dims: readonly Dim[]): Layout | undefined {
  const reads = (node: Node): boolean => readsNeighbours(node) && node.inputs[0] === value
  return graph.consumers(value).some(reads) ? channelsFirst(value, dims) : undefined
}

/** Where the finer digits of a direction are gone, as behind merged patches, the coarse one is all there is. */
function rebased(layout: Layout, value: string): Layout {
  const all = layout
    .flat()
    .flatMap((f): readonly Place[] => (f.kind === 'tokens' ? f.places : f.kind === 'place' ? [f] : []))
  return layout.map((axis, i) => {
    const [only] = axis
    if (axis.length !== 1 || only?.kind !== 'place' || only.step === 1 || typeof only.size !== 'number') return axis
    const lone = all.filter((p) => p.along === only.along).length === 1 && only.size * only.step === only.whole
    return lone ? places(only.along, only.size, value, i) : axis
  })
}
