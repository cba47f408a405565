/** CropAndResize: regions of pictures at one size, by GridSample. */
import { floatOf, stringOf } from '../../onnx/attributes.js'
import type { Builder } from '../../onnx/builder.js'
import { sampled, storedInts } from './contrib-plain.js'
import { type Decompose, defineDecompositions } from './decomposition.js'

/** Where the points of one axis of a crop lie between its ends, corners included; a single point lies in the middle. */
function shares(count: number): number[] {
  return Array.from({ length: count }, (_, i) => (count === 1 ? 0.5 : i / (count - 1)))
}

/**
 * Crops `[R, C, h, w]` of pictures `[N, C, H, W]`: `rois` are `[y1, x1, y2, x2]` with corners at 0 and 1. Points outside of the picture
 * get `extrapolation_value`. GridSample's places run from -1 to 1 between the corners, so that the picture's size is not needed.
 */
const cropAndResize: Decompose = (node, b) => {
  const [x = '', rois = '', pictures = ''] = node.inputs
  const [height = 1, width = 1] = storedInts(node, b, 3, 'crop_size')
  const ends = b.ops('Split', [rois], { axis: 1, num_outputs: 4 }, 4)
  const [top = '', left = '', bottom = '', right = ''] = ends
  const along = (from: string, to: string, count: number, axis: number): string => {
    const places = b.op('Concat', vectorOf(b, shares(count), rois), { axis: 0 })
    const points = b.op('Add', [from, b.op('Mul', [b.op('Sub', [to, from]), places])])
    const shape = axis === 1 ? [0, -1, 1] : [0, 1, -1]
    // the same for each row or column of the crop
    return b.op('Expand', [b.op('Reshape', [points, b.int64s(shape)]), b.int64s([1, height, width])])
  }
  const [ys, xs] = [along(top, bottom, height, 1), along(left, right, width, 2)]
  const pair = b.op(
    'Concat',
    [xs, ys].map((v) => b.op('Unsqueeze', [v, b.int64s([3])])),
    { axis: 3 },
  )
  const grid = b.op('Sub', [b.op('Mul', [pair, b.scalar(2, rois)]), b.scalar(1, rois)])
  const chosen = b.op('Gather', [x, pictures], { axis: 0 })
  const values = sampled(b, chosen, grid, stringOf(node, 'mode', 'bilinear'), {
    padding_mode: 'border',
    align_corners: 1,
  })
  const within = (v: string): string =>
    b.op('And', [b.op('GreaterOrEqual', [v, b.scalar(0, rois)]), b.op('LessOrEqual', [v, b.scalar(1, rois)])])
  const seen = b.op('Unsqueeze', [b.op('And', [within(ys), within(xs)]), b.int64s([1])])
  return [b.op('Where', [seen, values, b.scalar(floatOf(node, 'extrapolation_value', 0), x)])]
}

/** Numbers as values of shape [1], in the element type of `like`. */
function vectorOf(b: Builder, numbers: readonly number[], like: string): string[] {
  return numbers.map((v) => b.op('Reshape', [b.scalar(v, like), b.int64s([1])]))
}

export const contribCrop = defineDecompositions({ 'com.microsoft.CropAndResize': cropAndResize })
