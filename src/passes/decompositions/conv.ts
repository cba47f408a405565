/** Convolutions that are compositions of sampling and products. */
import { ExplainError } from '../../core/errors.js'
import { intOf, intsOf } from '../../onnx/attributes.js'
import type { Builder, Extent } from '../../onnx/builder.js'
import { describe, type Node } from '../../onnx/ir.js'
import { defineDecompositions } from './decomposition.js'
import { range } from './parts.js'

/** Kernel sizes `[kH, kW]`. */
function kernelOf(b: Builder, node: Node, weight: string): readonly [number, number] {
  const [height, width] = intsOf(node, 'kernel_shape', undefined) ?? b.dims(weight)?.slice(2) ?? []
  if (typeof height === 'number' && typeof width === 'number') return [height, width]
  throw new ExplainError('shape-mismatch', {
    what: `The kernel size of ${describe(node)} is not known`,
    remedy: 'Export the model with the attribute kernel_shape.',
  })
}

/**
 * Where the kernel's pixels lie along one axis before they are moved, as numbers of `like`: `[K, outputs]`, laid out for
 * `[K, oH, oW]`. `along` is the axis among these, `pixels` the kernel's own coordinates on it.
 */
function undeformed(
  b: Builder,
  like: string,
  pixels: readonly number[],
  along: 1 | 2,
  outputs: Extent,
  stride: number,
  pad: number,
): string {
  const starts = b.op('Mul', [range(b, outputs), b.int64s([stride])])
  const shape = along === 1 ? [1, -1, 1] : [1, 1, -1]
  const own = b.op('Reshape', [b.int64s(pixels.map((p) => p - pad)), b.int64s([-1, 1, 1])])
  return b.op('CastLike', [b.op('Add', [b.op('Reshape', [starts, b.int64s(shape)]), own]), like])
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
    const [kh, kw] = kernelOf(b, node, weight)
    const size = kh * kw
    const [group, moved] = [intOf(node, 'group', 1), intOf(node, 'offset_group', 1)]
    const [strides, dilations] = ['strides', 'dilations'].map((name) => intsOf(node, name, [1, 1]))
    const pads = intsOf(node, 'pads', [0, 0, 0, 0])
    const [channels, height, width] = [1, 2, 3].map((axis) => b.extent(x, axis)) as [Extent, Extent, Extent]
    const [oh, ow] = [b.extent(offset, 2), b.extent(offset, 3)]
    const offsets = b.reshape(offset, [-1, size, 2, oh, ow])
    const at = (i: 0 | 1): string => {
      const own = Array.from(
        { length: size },
        (_, k) => (i === 0 ? Math.floor(k / kw) : k % kw) * (dilations?.[i] ?? 1),
      )
      const before = undeformed(b, offset, own, i === 0 ? 1 : 2, i === 0 ? oh : ow, strides?.[i] ?? 1, pads[i] ?? 0)
      const which = b.constant({ type: 'int64', dims: [], data: BigInt64Array.of(BigInt(i)) })
      const place = b.op('Add', [b.op('Gather', [offsets, which], { axis: 2 }), before])
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
