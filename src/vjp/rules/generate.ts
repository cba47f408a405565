/** Operators that make a tensor from a few numbers, and the one that keeps what differs. */
import { intOf } from '../../onnx/attributes.js'
import type { Builder } from '../../onnx/builder.js'
import { atTies, defineRules } from '../rule.js'
import { flat, scatterBack } from '../scatter.js'

/** A zero in the shape of a value whose changes change nothing but steps. */
function nothing(b: Builder, value: string): () => string {
  return () => b.op('Sub', [value, value])
}

/** The sum of all elements in the shape of `like`, which holds one. */
function sumLike(b: Builder, value: string, like: string): string {
  return b.reshapeLike(b.op('ReduceSum', [value], { keepdims: 0 }), like)
}

export const generate = defineRules({
  // y = on where the last axis' index (or that of `axis`) is the given one, off elsewhere; values = [off, on]
  OneHot: atTies('0 for indices', {
    rule: ({ b, node, gy, x: [indices = '', depth = ''] }) => [
      nothing(b, indices),
      nothing(b, depth),
      () => {
        const zeroAndOne = b.op('CastLike', [b.int64s([0, 1]), gy])
        const mask = b.op('OneHot', [indices, depth, zeroAndOne], { axis: intOf(node, 'axis', -1) })
        const sum = (v: string): string => b.reshape(b.op('ReduceSum', [v], { keepdims: 0 }), [1])
        const on = sum(b.op('Mul', [gy, mask]))
        return b.op('Concat', [b.op('Sub', [sum(gy), on]), on], { axis: 0 })
      },
    ],
  }),
  // y[i] = start + i delta
  Range: atTies('0 for the limit', {
    rule: ({ b, gy, x: [start = '', limit = '', delta = ''], y: [y = ''] }) => [
      () => sumLike(b, gy, start),
      nothing(b, limit),
      () => sumLike(b, b.op('Mul', [gy, b.op('Div', [b.op('Sub', [y, start]), delta])]), delta),
    ],
  }),
  // y = x without repetitions, along `axis` or of all elements: back to the elements that the Indices output names
  Unique: atTies('the first of equals takes the gradient', {
    outputs: 1,
    rule: ({ b, node, gy, x: [x = ''] }) => {
      const axis = intOf(node, 'axis', undefined)
      const kept = (positions: string): string =>
        b.op('Gather', [axis === undefined ? flat(b, positions) : positions, b.output(node, 1)], { axis: axis ?? 0 })
      return [() => scatterBack(b, x, gy, kept)]
    },
  }),
})
