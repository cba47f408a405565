/** Convolutions that are compositions of sampling and products. */
import { int64 } from '../../core/tensor.js'
import { intOf, intsOf } from '../../onnx/attributes.js'
import type { Builder, Extent } from '../../onnx/builder.js'
import { defineDecompositions } from './decomposition.js'
import { range } from './parts.js'

/** One of the two axes of a picture: the convolution's numbers on it. */
interface Axis {
  readonly kernel: Extent
  readonly outputs: Extent
  readonly stride: number
  readonly dilation: number
  readonly pad: number
}

/** Where a kernel's pixels lie on its rows (or columns) before they are moved: `[K, oH, 1]` (or `[K, 1, oW]`), as numbers of `like`. */
function undeformed(b: Builder, like: string, axes: readonly [Axis, Axis], i: 0 | 1): string {
  const { kernel, outputs, stride, dilation, pad } = axes[i]
  const within = b.op('Sub', [b.op('Mul', [range(b, kernel), b.int64s([dilation])]), b.int64s([pad])])
  const block = b.op('Expand', [b.reshape(within, i === 0 ? [-1, 1] : [1, -1]), b.vector(axes.map((a) => a.kernel))])
  const starts = b.op('Mul', [range(b, outputs), b.int64s([stride])])
  const placed = b.op('Add', [b.reshape(block, [-1, 1, 1]), b.reshape(starts, i === 0 ? [1, -1, 1] : [1, 1, -1])])
  return b.op('CastLike', [placed, like])
}

/** `coordinates` on an axis of `extent` pixels as GridSample has them: -1 and 1 are the outermost edges. */
function normalised(b: Builder, coordinates: string, extent: Extent): string {
  const size = b.op('CastLike', [b.vector([extent]), coordinates])
  const twice = b.op('Add', [b.op('Add', [coordinates, coordinates]), b.scalar(1, coordinates)])
  return b.op('Sub', [b.op('Div', [twice, size]), b.scalar(1, coordinates)])
}

export const conv = defineDecompositions({
  /**
   * A convolution whose kernel's pixels are moved by `offset` `[N, groups K 2, oH, oW]` (rows, columns) and weighed by `mask` `[N, groups K,
   * oH, oW]`: the picture is sampled at all of them, bilinearly, with zeros around, and multiplied by the weight. Zhu et al. 2019.
   */
  DeformConv: (node, b) => {
    const [x = '', weight = '', offset = '', bias = '', mask = ''] = node.inputs
    const [group, moved] = [intOf(node, 'group', 1), intOf(node, 'offset_group', 1)]
    const [strides, dilations] = ['strides', 'dilations'].map((name) => intsOf(node, name, [1, 1]))
    const pads = intsOf(node, 'pads', [0, 0, 0, 0])
    const [channels, height, width] = [1, 2, 3].map((axis) => b.extent(x, axis)) as [Extent, Extent, Extent]
    const [oh, ow] = [b.extent(offset, 2), b.extent(offset, 3)]
    const axisOf = (i: 0 | 1): Axis => ({
      kernel: intsOf(node, 'kernel_shape', undefined)?.[i] ?? b.extent(weight, i + 2),
      outputs: i === 0 ? oh : ow,
      stride: strides?.[i] ?? 1,
      dilation: dilations?.[i] ?? 1,
      pad: pads[i] ?? 0,
    })
    const axes = [axisOf(0), axisOf(1)] as const
    const size = b.mul(axes[0].kernel, axes[1].kernel)
    const offsets = b.reshape(offset, [-1, size, 2, oh, ow])
    const at = (i: 0 | 1): string => {
      const which = b.constant(int64([], [i]))
      const place = b.op('Add', [b.op('Gather', [offsets, which], { axis: 2 }), undeformed(b, offset, axes, i)])
      return b.op('Unsqueeze', [normalised(b, place, i === 0 ? height : width), b.int64s([4])])
    }
    const places = b.op('Concat', [at(1), at(0)], { axis: 4 })
    const grid = b.reshape(places, [-1, b.mul(oh, size), ow, 2])
    const pictures = b.reshape(x, [-1, b.div(channels, moved), height, width])
    const sampled = b.op('GridSample', [pictures, grid], { align_corners: 0, padding_mode: 'zeros' })
    const weighed = mask === '' ? sampled : b.op('Mul', [sampled, b.reshape(mask, [-1, 1, b.mul(oh, size), ow])])
    const columns = b.reshape(weighed, [-1, group, b.mul(b.div(channels, group), size), b.mul(oh, ow)])
    const kernels = b.reshape(weight, [1, group, b.div(b.extent(weight, 0), group), -1])
    const y = b.reshape(b.op('MatMul', [kernels, columns]), [-1, b.extent(weight, 0), oh, ow])
    return [bias === '' ? y : b.op('Add', [y, b.reshape(bias, [1, -1, 1, 1])])]
  },
})
