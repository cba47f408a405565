/**
 * Reductions and running sums. `axes` is an input, stored or computed; without it all axes are reduced, or none where
 * `noop_with_empty_axes` is 1. Below, sums and maxima run over the reduced axes only.
 */
import { intOf } from '../../onnx/attributes.js'
import type { Builder } from '../../onnx/builder.js'
import { blocked } from '../blocked.js'
import { asMask } from '../masks.js'
import { atTies, defineRules, type RuleEntry, unary } from '../rule.js'
import { countPer, storedInts } from '../scatter.js'

/** One reduction, seen from its input. */
interface Reduction {
  readonly b: Builder
  readonly x: string
  readonly out: string
  /** The gradient of the output, in a shape that broadcasts to that of `x`. */
  readonly gy: string
  /** The output in such a shape. */
  readonly y: () => string
  /** Reduces another value of the shape of `x` in the same way, axes kept. */
  readonly again: (op: 'ReduceSum' | 'ReduceProd', value: string) => string
}

/** A rule that gives the gradient in a shape that broadcasts to that of `x`, or in that of `x` where `whole`. */
function reduction(whole: 'whole' | 'expand', make: (r: Reduction) => string): RuleEntry {
  return unary((call) => {
    const { b, node, in0: x, out } = call
    const axes = call.x[1] ?? ''
    const noop = intOf(node, 'noop_with_empty_axes', 0)
    const attributes = { keepdims: 1, noop_with_empty_axes: noop }
    // a scalar broadcasts by itself; so does an output that nothing was taken off
    const kept = intOf(node, 'keepdims', 1) === 1 || axes === '' || storedInts(b, axes)?.length === 0
    const keep = (v: string): string => (kept ? v : b.op('Unsqueeze', [v, axes]))
    const made = make({
      b,
      x,
      out,
      gy: keep(call.gy),
      y: () => keep(out),
      again: (op, value) => b.op(op, axes === '' ? [value] : [value, axes], attributes),
    })
    if (whole === 'whole') return made
    const expanded = b.op('Expand', [made, b.shapeOf(x)])
    const isOverPlaces = storedInts(b, axes)?.every((a) => a >= 2 || (a < 0 && a >= -2))
    return axes !== '' && isOverPlaces ? blocked(b, expanded, x) : expanded
  })
}

/** Where several elements attain the extreme, they share the gradient equally, as with torch.amax and torch.amin. */
const extreme = reduction('whole', ({ b, x, y, gy, again }) => {
  const mask = asMask(b, b.op('Equal', [x, y()]), x)
  return b.op('Mul', [mask, b.op('Div', [gy, again('ReduceSum', mask)])])
})

export const reduce = defineRules({
  // y = sum x
  ReduceSum: reduction('expand', ({ gy }) => gy),
  // y = sum x / n
  ReduceMean: reduction('expand', ({ b, x, out, gy }) => b.op('Div', [gy, countPer(b, x, out)])),
  // y = max x
  ReduceMax: atTies('equals share the gradient equally, as torch.amax', extreme),
  // y = min x
  ReduceMin: atTies('equals share the gradient equally, as torch.amin', extreme),
  /**
   * y = prod x: the product of the others. With p the product of what is not zero: p / x where no element is zero, p at the only
   * zero, 0 elsewhere. (Second derivatives are those of p / x, so they are missing where an element is zero.)
   */
  ReduceProd: atTies(
    'the product of the others where an element is 0; its own derivative lacks them there',
    reduction('whole', ({ b, x, gy, again }) => {
      const isZero = b.op('Equal', [x, b.scalar(0, x)])
      const mask = asMask(b, isZero, x)
      const safe = b.op('Where', [isZero, b.scalar(1, x), x])
      const product = b.op('Mul', [gy, again('ReduceProd', safe)])
      const counts = asMask(b, b.op('Equal', [again('ReduceSum', mask), mask]), x)
      return b.op('Mul', [b.op('Div', [product, safe]), counts])
    }),
  ),
  // y = sum |x|: sign(x)
  ReduceL1: atTies(
    '0 at 0',
    reduction('whole', ({ b, x, gy }) => b.op('Mul', [gy, b.op('Sign', [x])])),
  ),
  // y = sqrt(sum x^2): x / y
  ReduceL2: atTies(
    '0 where the norm is 0',
    reduction('whole', ({ b, x, y: kept, gy }) => {
      const y = kept()
      const safe = b.op('Where', [b.op('Equal', [y, b.scalar(0, y)]), b.scalar(1, y), y])
      return b.op('Mul', [b.op('Div', [gy, safe]), x])
    }),
  ),
  // y = sum x^2: 2x
  ReduceSumSquare: reduction('whole', ({ b, x, gy }) => b.op('Mul', [b.op('Mul', [gy, b.scalar(2, x)]), x])),
  // y = log(sum x): 1 / sum x
  ReduceLogSum: reduction('expand', ({ b, y, gy }) => b.op('Div', [gy, b.op('Exp', [y()])])),
  // y = log(sum e^x): e^(x - y), the softmax
  ReduceLogSumExp: reduction('whole', ({ b, x, y, gy }) => b.op('Mul', [gy, b.op('Exp', [b.op('Sub', [x, y()])])])),
  // y[i] = sum of x[j] for j <= i (exclusive: j < i; reverse: from the end): the sum runs the other way
  CumSum: unary(({ b, node, gy, x }) =>
    b.op('CumSum', [gy, x[1] ?? ''], {
      exclusive: intOf(node, 'exclusive', 0),
      reverse: intOf(node, 'reverse', 0) === 1 ? 0 : 1,
    }),
  ),
})
