/** Operators that change a shape, a type or an order, and keep every element or repeat it. */
import { intOf, intsOf, stringOf } from '../../onnx/attributes.js'
import type { Builder } from '../../onnx/builder.js'
import { protoType } from '../../onnx/tensors.js'
import { channelParts } from '../blocked.js'
import { defineRules, type RuleCall, type RuleEntry, unary } from '../rule.js'
import { storedInts, zerosLike } from '../scatter.js'
import { known } from './window.js'

/** The same elements in the same order: the gradient takes the shape of the input. */
const reshaped: RuleEntry = unary(({ b, gy, in0 }) => b.reshapeLike(gy, in0))

/** `gy` in the type of the input. */
const typed: RuleEntry = {
  rule: ({ b, gy, x: [x = '', like = ''] }) => [
    () => {
      const type = b.type(x)
      if (type === undefined) return b.op('CastLike', [gy, x])
      return type === b.type(gy) ? gy : b.op('Cast', [gy], { to: protoType(type) })
    },
    // only the type of the second input of CastLike is read
    () => zerosLike(b, like),
  ],
}

/**
 * y = the inputs one after another: the gradient is split into their parts, once for all. Where a convolution made it, and they are channels, each
 * part is made by itself, which leaves it in ONNX Runtime's blocked layout.
 */
function concat({ b, node, x, gy }: RuleCall): (() => string)[] {
  if (x.length === 1) return [() => gy]
  const axis = intOf(node, 'axis', 0)
  let parts: readonly string[] | undefined
  const extents = x.map((v) => b.extent(v, axis))
  const split = (): readonly string[] => {
    const sizes = axis === 1 ? known(extents) : undefined
    parts ??= (sizes && channelParts(b, gy, sizes)) ?? b.ops('Split', [gy, b.vector(extents)], { axis }, x.length)
    return parts
  }
  return x.map((_, i) => () => split()[i] ?? '')
}

/** y = x repeated: the sum over the repeats, which a reshape sets apart from the extents. */
function tile({ b, x: [x = '', repeats = ''], gy }: RuleCall): string {
  const stored = storedInts(b, repeats)
  if (stored?.every((r) => r === 1)) return gy
  if (stored) {
    const extents = stored.flatMap((r, axis) => (r === 1 ? [b.extent(x, axis)] : [r, b.extent(x, axis)]))
    const axes = stored.flatMap((r, axis) =>
      r === 1 ? [] : [axis + stored.slice(0, axis).filter((s) => s !== 1).length],
    )
    return b.reduceSum(b.reshape(gy, extents), axes, false)
  }
  const column = (v: string): string => b.op('Unsqueeze', [v, b.int64s([1])])
  const pairs = b.op('Concat', [column(repeats), column(b.shapeOf(x))], { axis: 1 })
  const apart = b.op('Reshape', [gy, b.op('Reshape', [pairs, b.int64s([-1])])])
  const scalar = (v: number): string => b.constant({ type: 'int64', dims: [], data: BigInt64Array.of(BigInt(v)) })
  const axes = b.op('Range', [scalar(0), b.op('Size', [pairs]), scalar(2)])
  return b.reshapeLike(b.op('ReduceSum', [apart, axes], { keepdims: 0 }), x)
}

/** The permutation that undoes another. */
function inverse(perm: readonly number[]): number[] {
  return perm.map((_, i) => perm.indexOf(i))
}

/** CRD takes the depth as channel, row, column; undone by hand, since SpaceToDepth only knows row, column, channel. */
function undoColumnsFirst(b: Builder, gy: string, x: string, block: number): string {
  const apart = b.reshape(gy, [0, 0, b.extent(x, 2), block, -1, block])
  return b.reshapeLike(b.transpose(apart, [0, 1, 3, 5, 2, 4]), x)
}

/** Training mode: `x mask / (1 - ratio)`, 0.5 where no ratio is given; otherwise `x`, with a mask of ones. */
function dropout({ b, node, x: [x = '', ratio, training], gy }: RuleCall): string {
  if (!training) return gy
  const mask = b.op('Where', [b.output(node, 1), b.scalar(1, x), b.scalar(0, x)])
  const dropped = ratio ? b.op('CastLike', [ratio, x]) : b.scalar(0.5, x)
  const scale = b.op('Reciprocal', [b.op('Sub', [b.scalar(1, x), dropped])])
  return b.op('Mul', [gy, b.op('Mul', [mask, b.op('Where', [training, scale, b.scalar(1, x)])])])
}

export const shape = defineRules({
  Identity: unary(({ gy }) => gy),
  Flatten: reshaped,
  Reshape: reshaped,
  Squeeze: reshaped,
  Unsqueeze: reshaped,
  // y = x with its axes in the order perm, reversed where perm is absent
  Transpose: unary(({ b, node, gy }) => {
    const perm = intsOf(node, 'perm', undefined)
    return perm ? b.transpose(gy, inverse(perm)) : b.op('Transpose', [gy])
  }),
  // y = x in another type; the walk stops at types that are not floating-point
  Cast: typed,
  CastLike: typed,
  Dropout: { outputs: 1, rule: (call) => [() => dropout(call)] },
  Concat: { rule: concat },
  // y1, y2, ... = x cut along an axis: their gradients one after another, zeros where none arrives
  Split: unary(({ b, node, gys }) =>
    b.op(
      'Concat',
      gys.map((g, i) => g ?? zerosLike(b, b.output(node, i))),
      { axis: intOf(node, 'axis', 0) },
    ),
  ),
  // y = x broadcast to a shape: summed by the walk
  Expand: { broadcast: true, rule: ({ gy }) => [() => gy] },
  Tile: { rule: (call) => [() => tile(call)] },
  DepthToSpace: unary(({ b, node, gy, in0 }) => {
    const blocksize = intOf(node, 'blocksize', 1)
    return stringOf(node, 'mode', 'DCR') === 'DCR'
      ? b.op('SpaceToDepth', [gy], { blocksize })
      : undoColumnsFirst(b, gy, in0, blocksize)
  }),
  SpaceToDepth: unary(({ b, node, gy }) =>
    b.op('DepthToSpace', [gy], { blocksize: intOf(node, 'blocksize', 1), mode: 'DCR' }),
  ),
  // y = x where the triangle is kept, 0 elsewhere: the same of gy
  Trilu: unary(({ b, node, gy, x: [, k = ''] }) =>
    b.op('Trilu', k === '' ? [gy] : [gy, k], { upper: intOf(node, 'upper', 1) }),
  ),
})
