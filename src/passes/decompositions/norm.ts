/** Normalisations that are compositions of plain operators. */
import { floatOf, intOf, intsOf } from '../../onnx/attributes.js'
import type { Builder } from '../../onnx/builder.js'
import type { Node } from '../../onnx/ir.js'
import { atTies, defineDecompositions } from './decomposition.js'

export const norm = defineDecompositions({
  /** `(x - mean) / (deviation + 1e-9)` over `axes`, default `[0, 2, 3]`. ONNX's function body. */
  MeanVarianceNormalization: atTies('where the deviation is 0 it counts as a constant', (node, b) => {
    const [x = ''] = node.inputs
    const axes = b.int64s(intsOf(node, 'axes', [0, 2, 3]))
    const mean = (value: string): string => b.op('ReduceMean', [value, axes], { keepdims: 1 })
    const centred = b.op('Sub', [x, mean(x)])
    const variance = mean(b.op('Mul', [centred, centred]))
    const flat = b.op('Equal', [variance, b.scalar(0, x)])
    const root = b.op('Sqrt', [b.op('Where', [flat, b.scalar(1, x), variance])])
    const deviation = b.op('Where', [flat, b.scalar(0, x), root])
    return [b.op('Div', [centred, b.op('Add', [deviation, b.scalar(1e-9, x)])])]
  }),
  /** `x / norm(x)` along `axis`, the norm being that of `p` (1 or 2); 0 where the norm is 0, as ORT has it. */
  LpNormalization: atTies('0 where the norm is 0', (node, b) => {
    const [x = ''] = node.inputs
    const axes = b.int64s([intOf(node, 'axis', -1)])
    const op = intOf(node, 'p', 2) === 1 ? 'ReduceL1' : 'ReduceL2'
    const norm = b.op(op, [x, axes], { keepdims: 1 })
    const zero = b.op('Equal', [norm, b.scalar(0, x)])
    const divided = b.op('Div', [x, b.op('Where', [zero, b.scalar(1, x), norm])])
    return [b.op('Where', [zero, b.scalar(0, x), divided])]
  }),
  /**
   * `(x - mean) / sqrt(variance + epsilon)` over each group of channels and all positions, times scale, plus bias. Wu and He 2018. Scale and
   * bias are per group in opset 18, per channel since opset 21. The statistics are those of the type `stash_type`.
   */
  GroupNormalization: (node, b) => {
    const [given = '', scale = '', bias = ''] = node.inputs
    const perGroup = b.graph.opset < 21
    const x = perGroup ? given : stashed(b, node, given)
    const groups = b.op('Reshape', [x, b.int64s([0, intOf(node, 'num_groups', 1), -1])])
    const axis = b.int64s([2])
    const centred = b.op('Sub', [groups, b.op('ReduceMean', [groups, axis], { keepdims: 1 })])
    const variance = b.op('ReduceMean', [b.op('Mul', [centred, centred]), axis], { keepdims: 1 })
    const deviation = b.op('Sqrt', [b.op('Add', [variance, b.scalar(floatOf(node, 'epsilon', 1e-5), x)])])
    const normal = unstashed(b, b.op('Div', [centred, deviation]), given, x)
    const column = (vector: string): string => b.op('Unsqueeze', [vector, b.int64s([1])])
    const rows = perGroup
      ? normal
      : b.op('Reshape', [normal, b.op('Shape', [b.op('Reshape', [given, b.int64s([0, 0, -1])])])])
    return [b.reshapeLike(b.op('Add', [b.op('Mul', [rows, column(scale)]), column(bias)]), given)]
  },
  /** `x / sqrt(mean(x^2) + epsilon)` over the axes from `axis` on, times scale. Zhang and Sennrich 2019. */
  RMSNormalization: (node, b) => {
    const [given = '', scale = ''] = node.inputs
    const x = stashed(b, node, given)
    const axis = intOf(node, 'axis', -1)
    // the axes behind, counted from the end where they can be, else as one
    const rows = axis < 0 ? x : b.op('Flatten', [x], { axis })
    const axes = b.int64s(axis < 0 ? Array.from({ length: -axis }, (_, i) => axis + i) : [1])
    const square = b.op('ReduceMean', [b.op('Mul', [rows, rows]), axes], { keepdims: 1 })
    const size = b.op('Sqrt', [b.op('Add', [square, b.scalar(floatOf(node, 'epsilon', 1e-5), x)])])
    const normal = unstashed(b, b.op('Div', [rows, size]), given, x)
    return [b.op('Mul', [axis < 0 ? normal : b.reshapeLike(normal, given), scale])]
  },
})

const FLOAT32 = 1

/** The value in the type in which the node computes its statistics; float32 unless it says otherwise. */
function stashed(b: Builder, node: Node, x: string): string {
  const to = intOf(node, 'stash_type', FLOAT32)
  return to === FLOAT32 && b.type(x) === 'float32' ? x : b.op('Cast', [x], { to })
}

function unstashed(b: Builder, value: string, given: string, x: string): string {
  return x === given ? value : b.op('CastLike', [value, given])
}
