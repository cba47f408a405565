/** Models `y = x * sum(op(x))` of operators whose gradient is zero by nature: all of the gradient comes by the other factor. */
import { declare } from '../../src/onnx/builder.js'
import type { Graph } from '../../src/onnx/ir.js'
import { model } from '../support/model.js'

const BINARY = ['Equal', 'Greater', 'GreaterOrEqual', 'Less', 'LessOrEqual']

/** The operators, each applied to `x` of shape [2, 2]; those of two inputs twice to the same. */
export const ZERO_MODELS: ReadonlySet<string> = new Set([
  ...BINARY,
  ...'ArgMax ArgMin Ceil EyeLike Floor Hardmax IsInf IsNaN NonZero Round Shape Sign Size'.split(' '),
])

export function zeroModel(op: string): Graph {
  return model({
    opset: 18,
    nodes: [
      { op, inputs: BINARY.includes(op) ? ['x', 'x'] : ['x'], outputs: ['made'] },
      { op: 'Cast', inputs: ['made'], outputs: ['real'], attributes: { to: 1 } },
      { op: 'ReduceSum', inputs: ['real'], outputs: ['sum'], attributes: { keepdims: 0 } },
      { op: 'Mul', inputs: ['x', 'sum'], outputs: ['y'] },
    ],
    inputs: [declare('x', 'float32', [2, 2])],
    outputs: [declare('y', 'float32', [2, 2]), declare('sum', 'float32', [])],
  })
}
