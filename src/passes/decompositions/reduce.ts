/** Running products. */
import { ExplainError } from '../../core/errors.js'
import { intOf } from '../../onnx/attributes.js'
import { describe } from '../../onnx/ir.js'
import { defineDecompositions } from './decomposition.js'
import { range } from './parts.js'

export const reduce = defineDecompositions({
  /**
   * `y[i] = product of x[j] for j <= i` (exclusive: `j < i`; reverse: from the end), as one masked product for each `i`: as many elements
   * again as the axis is long, but right where an element is 0.
   */
  CumProd: (node, b) => {
    const [x = '', axisInput = ''] = node.inputs
    const stored = b.graph.constant(axisInput)
    if (!stored)
      throw new ExplainError('unsupported-operator', {
        what: 'CumProd along an axis that is computed has no gradient here',
        where: describe(node),
      })
    const axis = Number(stored.data[0])
    const size = b.extent(x, axis)
    const indices = range(b, size)
    const row = b.op('Unsqueeze', [indices, b.int64s([1])])
    const side = intOf(node, 'reverse', 0) !== 0 ? 'Greater' : 'Less'
    const taken = b.op(intOf(node, 'exclusive', 0) !== 0 ? side : `${side}OrEqual`, [indices, row])
    // [before, 1, n, behind] where [n, n, 1]
    const three = b.reshape(b.op('Flatten', [x], { axis }), [0, size, -1])
    const mask = b.op('Unsqueeze', [taken, b.int64s([2])])
    const kept = b.op('Where', [mask, b.op('Unsqueeze', [three, b.int64s([1])]), b.scalar(1, x)])
    return [b.reshapeLike(b.op('ReduceProd', [kept, b.int64s([2])], { keepdims: 0 }), x)]
  },
})
