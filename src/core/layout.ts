/**
 * What the axes of a picture-like tensor mean, one letter an axis: N the batch, C channels, D slices of a volume or frames of a clip,
 * H rows, W columns (or the samples of a signal).
 */
import { sizeOf } from './tensor.js'

/** Layouts of model inputs. */
export type InputLayout = 'NCHW' | 'NHWC' | 'NCDHW' | 'NDCHW' | 'NDHWC' | 'NCW' | 'NWC'

export type AxisLetter = 'C' | 'D' | 'H' | 'W'

/** The axis of a letter, or undefined where the layout has none. */
export function axisOf(layout: string, letter: AxisLetter): number | undefined {
  const axis = layout.indexOf(letter)
  return axis < 0 ? undefined : axis
}

/** How many entries an axis has, and how many elements lie between two of them; 1 and 0 where the layout lacks the axis. */
export interface GridAxis {
  readonly extent: number
  readonly stride: number
}

/** A tensor's elements by meaning: element (c, d, h, w) lies at the sum of index times stride. */
export type Grid = Readonly<Record<AxisLetter, GridAxis>>

/** @param layout with or without `N`, as `dims` has it. */
export function gridOf(layout: string, dims: readonly number[]): Grid {
  const letters = layout.slice(layout.length - dims.length)
  const axis = (letter: AxisLetter): GridAxis => {
    const at = axisOf(letters, letter)
    return at === undefined ? { extent: 1, stride: 0 } : { extent: dims[at] ?? 1, stride: sizeOf(dims.slice(at + 1)) }
  }
  return { C: axis('C'), D: axis('D'), H: axis('H'), W: axis('W') }
}

/** One channel of one slice, row-major `[H, W]`: a copy. */
export function planeOf(data: Float32Array, grid: Grid, channel: number, slice: number): Float32Array {
  const { C, D, H, W } = grid
  const first = channel * C.stride + slice * D.stride
  const out = new Float32Array(H.extent * W.extent)
  for (let y = 0, i = 0; y < H.extent; y++)
    for (let x = 0; x < W.extent; x++, i++) out[i] = data[first + y * H.stride + x * W.stride] ?? 0
  return out
}
