/** The input that takes the picture. */
import { ExplainError } from '../core/errors.js'
import type { Dim } from '../core/runtime.js'
import type { Graph } from '../onnx/ir.js'
import { printDims, type Shapes } from '../onnx/shapes.js'

export interface PictureInput {
  readonly name: string
  readonly layout: 'NCHW' | 'NHWC'
  /** The batch axis where it is fixed; undefined where it is free. */
  readonly batch: number | undefined
  readonly channels: 1 | 3
  /** In pixels; undefined where the axis is free. */
  readonly height: number | undefined
  readonly width: number | undefined
}

/**
 * Finds the input of the picture: the only float32 input of four axes with one or three channels, first or last. Throws
 * `no-image-input`.
 */
export function findPictureInput(graph: Graph, shapes: Shapes): PictureInput {
  const inputs = graph.inputs.map((i) => ({
    name: i.name,
    type: shapes.get(i.name)?.type,
    dims: shapes.get(i.name)?.dims,
  }))
  const said = inputs.map((i) => `${i.name} ${i.type ?? '?'}${printDims(i.dims)}`).join(', ')
  const pictures = inputs.flatMap((i) => (i.type === 'float32' && i.dims ? (pictureInput(i.name, i.dims) ?? []) : []))
  const [found] = pictures
  if (found && inputs.length === 1) return found
  throw new ExplainError('no-image-input', {
    what: found
      ? `This model takes more than a picture: ${said}`
      : `This model takes no picture: its inputs are ${said || 'none'}`,
    remedy:
      'onnxplain needs one float32 input [N, channels, height, width] or [N, height, width, channels], of 1 or 3 channels.',
    details: { inputs },
  })
}

function pictureInput(name: string, dims: readonly Dim[]): PictureInput | undefined {
  if (dims.length !== 4) return undefined
  const [n, a, , d] = dims
  const layout = isChannels(a) ? 'NCHW' : isChannels(d) ? 'NHWC' : undefined
  if (!layout) return undefined
  const [c, h, w] = layout === 'NCHW' ? dims.slice(1) : [d, ...dims.slice(1, 3)]
  const known = (dim: Dim | undefined): number | undefined => (typeof dim === 'number' ? dim : undefined)
  return {
    name,
    layout,
    batch: known(n),
    channels: c === 1 ? 1 : 3,
    height: known(h),
    width: known(w),
  }
}

function isChannels(dim: Dim | undefined): boolean {
  return dim === 1 || dim === 3
}
