/** Un-broadcasting: the sum of a gradient over the axes along which a value was broadcast. */
import type { Dim } from '../core/runtime.js'
import { int64 } from '../core/tensor.js'
import type { Builder } from '../onnx/builder.js'

/**
 * Sums `gradient`, which has the shape of `from`, to the shape of `to`, which broadcasts to it. Known shapes give a fixed
 * `ReduceSum` (or nothing at all); unknown ones find the axes at run time.
 */
export function sumTo(b: Builder, gradient: string, from: string, to: string): string {
  const source = b.dims(from)
  const wanted = b.dims(to)
  const axes = source && wanted && broadcastAxes(source, wanted)
  if (!axes || !source || !wanted) return sumToAtRunTime(b, gradient, from, to)
  const lead = source.length - wanted.length
  const summed = b.reduceSum(gradient, axes, true)
  if (lead === 0) return summed
  return b.op('Squeeze', [summed, b.int64s(Array.from({ length: lead }, (_, i) => i))])
}

/** The axes of `from` that must be summed; undefined where the shapes do not tell. */
function broadcastAxes(from: readonly Dim[], to: readonly Dim[]): number[] | undefined {
  const lead = from.length - to.length
  if (lead < 0) return undefined
  const axes: number[] = []
  for (const [axis, dim] of from.entries()) {
    const own = axis < lead ? 1 : to[axis - lead]
    if (axis < lead || (own === 1 && dim !== 1)) axes.push(axis)
    else if (own === null || own === undefined || (typeof own === 'string' && own !== dim)) return undefined
  }
  return axes
}

function sumToAtRunTime(b: Builder, gradient: string, from: string, to: string): string {
  const source = b.shapeOf(from)
  const wanted = b.shapeOf(to)
  const lead = b.op('Sub', [b.op('Shape', [source]), b.op('Shape', [wanted])])
  const padded = b.op('Pad', [wanted, b.op('Concat', [lead, b.int64s([0])], { axis: 0 }), b.constant(int64([], [1]))])
  const differs = b.op('Not', [b.op('Equal', [source, padded])])
  const axes = b.op('Reshape', [b.op('NonZero', [differs]), b.int64s([-1])])
  const summed = b.op('ReduceSum', [gradient, axes], { keepdims: 1, noop_with_empty_axes: 1 })
  return b.op('Reshape', [summed, wanted], { allowzero: 1 })
}
