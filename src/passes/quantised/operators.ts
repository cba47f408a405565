/**
 * Operators on whole numbers, as operators on the real numbers that these stand for. Sources: ONNX's Operators.md (QLinearConv,
 * QLinearMatMul) and ONNX Runtime's ContribOperators.md (the others, of its domain com.microsoft).
 */
import { type AttributeValue, floatOf, intOf, intsOf } from '../../onnx/attributes.js'
import type { Builder } from '../../onnx/builder.js'
import { describe, type Node } from '../../onnx/ir.js'
import { protoType } from '../../onnx/tensors.js'

/** What an operator's form is given. */
export interface RealReader {
  readonly b: Builder
  /** The real numbers of an input that the operator reads with this scale and zero point (along `axis`, where there are several). */
  read(value: string, scale: string, zeroPoint: string, axis?: number): string
}

/** The real numbers that an operator gives, and the scale and zero point that it rounds them with; none where it gives floats. */
export interface RealResult {
  readonly value: string
  readonly scale?: string
  readonly zeroPoint?: string
}

export type RealForm = (node: Node, reader: RealReader) => RealResult

/** The names of a node's inputs, '' where one is absent. */
function inputs(node: Node): (index: number) => string {
  return (index) => node.inputs[index] ?? ''
}

function without(node: Node, names: readonly string[]): Node['attributes'] {
  return new Map([...node.attributes].filter(([name]) => !names.includes(name)))
}

/** The operator on real numbers with the attributes of the quantised one. */
function plain(b: Builder, op: string, values: readonly string[], attributes: Node['attributes']): string {
  const output = b.fresh(op)
  b.emit({ op, domain: '', name: output, inputs: values, outputs: [output], attributes })
  return output
}

/** `make` on channels first, where the node has them last, as ONNX Runtime's own optimiser writes it. */
function withChannelsFirst(node: Node, b: Builder, x: string, rank: number, make: (x: string) => string): string {
  if (intOf(node, 'channels_last', 0) === 0) return make(x)
  const spatial = Array.from({ length: rank - 2 }, (_, i) => i + 1)
  const made = make(b.transpose(x, [0, rank - 1, ...spatial]))
  return b.transpose(made, [0, ...spatial.map((axis) => axis + 1), 1])
}

/** x, scale, zero point; the same of y. */
function unary(
  op: string,
  attributes: (node: Node) => Readonly<Record<string, AttributeValue>> = () => ({}),
): RealForm {
  return (node, { b, read }) => {
    const at = inputs(node)
    const value = b.op(op, [read(at(0), at(1), at(2))], attributes(node))
    return { value, scale: at(3), zeroPoint: at(4) }
  }
}

/** a, scale, zero point; the same of b, of y. */
function binary(op: string): RealForm {
  return (node, { b, read }) => {
    const at = inputs(node)
    const value = b.op(op, [read(at(0), at(1), at(2)), read(at(3), at(4), at(5))])
    return { value, scale: at(6), zeroPoint: at(7) }
  }
}

/** int32 numbers whose scale is the product of two others. */
function bias(b: Builder, value: string, scales: readonly string[]): string {
  const wide = b.op('Cast', [value], { to: protoType('float32') })
  return scales.reduce((product, scale) => b.op('Mul', [product, scale]), wide)
}

const conv: RealForm = (node, { b, read }) => {
  const at = inputs(node)
  const [x, w] = [read(at(0), at(1), at(2)), read(at(3), at(4), at(5), 0)]
  const more = at(8) === '' ? [] : [bias(b, at(8), [at(1), at(4)])]
  const attributes = without(node, ['channels_last'])
  const value = withChannelsFirst(node, b, x, b.requireRank(at(3), describe(node)), (first) =>
    plain(b, 'Conv', [first, w, ...more], attributes),
  )
  return { value, scale: at(6), zeroPoint: at(7) }
}

/** Scales may belong to the rows of the first matrix and to the columns of the second. */
const matMul: RealForm = (node, { b, read }) => {
  const at = inputs(node)
  const value = b.op('MatMul', [read(at(0), at(1), at(2), -2), read(at(3), at(4), at(5), -1)])
  return { value, scale: at(6), zeroPoint: at(7) }
}

/** alpha A B + C, where C is int32 with the scale alpha a_scale b_scale; floats where no scale of Y is given. */
const gemm: RealForm = (node, { b, read }) => {
  const at = inputs(node)
  const alpha = floatOf(node, 'alpha', 1)
  const axis = intOf(node, 'transB', 0) === 1 ? 0 : 1
  const factors = [read(at(0), at(1), at(2)), read(at(3), at(4), at(5), axis)]
  const c = at(6) === '' ? [] : [bias(b, at(6), [at(1), at(4)])]
  const scaled = alpha === 1 ? c : c.map((v) => b.op('Mul', [v, b.scalar(alpha, factors[0] ?? '')]))
  const value = plain(b, 'Gemm', [...factors, ...scaled], node.attributes)
  return at(7) === '' ? { value } : { value, scale: at(7), zeroPoint: at(8) }
}

/** Before opset 13, which the node states, Softmax ran over all axes from `axis` on. */
const softmax: RealForm = (node, { b, read }) => {
  const at = inputs(node)
  const x = read(at(0), at(1), at(2))
  const axis = intOf(node, 'axis', -1)
  const several = intOf(node, 'opset', 13) < 13 && axis !== -1
  const soft = several
    ? b.reshapeLike(b.op('Softmax', [b.op('Flatten', [x], { axis })], { axis: -1 }), x)
    : b.op('Softmax', [x], { axis })
  return { value: soft, scale: at(3), zeroPoint: at(4) }
}

/** By operator, with its domain where that is not ONNX's own. */
export const REAL_FORMS = {
  QLinearConv: conv,
  QLinearMatMul: matMul,
  'com.microsoft.MatMulIntegerToFloat': (node, { b, read }) => {
    const at = inputs(node)
    const product = b.op('MatMul', [read(at(0), at(2), at(4), -2), read(at(1), at(3), at(5), -1)])
    return { value: at(6) === '' ? product : b.op('Add', [product, at(6)]) }
  },
  'com.microsoft.QGemm': gemm,
  'com.microsoft.QLinearAdd': binary('Add'),
  'com.microsoft.QLinearAveragePool': (node, { b, read }) => {
    const at = inputs(node)
    const rank = intsOf(node, 'kernel_shape', []).length + 2
    const attributes = without(node, ['channels_last'])
    const value = withChannelsFirst(node, b, read(at(0), at(1), at(2)), rank, (x) =>
      plain(b, 'AveragePool', [x], attributes),
    )
    return { value, scale: at(3), zeroPoint: at(4) }
  },
  'com.microsoft.QLinearConcat': (node, { b, read }) => {
    const at = inputs(node)
    const parts = Array.from({ length: (node.inputs.length - 2) / 3 }, (_, i) => 2 + 3 * i)
    const values = parts.map((p) => read(at(p), at(p + 1), at(p + 2)))
    return { value: plain(b, 'Concat', values, node.attributes), scale: at(0), zeroPoint: at(1) }
  },
  'com.microsoft.QLinearConv': conv,
  // where nothing tells the rank, it is that of pictures
  'com.microsoft.QLinearGlobalAveragePool': (node, { b, read }) => {
    const at = inputs(node)
    const value = withChannelsFirst(node, b, read(at(0), at(1), at(2)), b.rank(at(0)) ?? 4, (x) =>
      b.op('GlobalAveragePool', [x]),
    )
    return { value, scale: at(3), zeroPoint: at(4) }
  },
  'com.microsoft.QLinearLeakyRelu': unary('LeakyRelu', (node) => ({ alpha: { float: floatOf(node, 'alpha', 0.01) } })),
  'com.microsoft.QLinearMul': binary('Mul'),
  'com.microsoft.QLinearSigmoid': unary('Sigmoid'),
  'com.microsoft.QLinearSoftmax': softmax,
  'com.microsoft.QLinearWhere': (node, { b, read }) => {
    const at = inputs(node)
    const value = b.op('Where', [at(0), read(at(1), at(2), at(3)), read(at(4), at(5), at(6))])
    return { value, scale: at(7), zeroPoint: at(8) }
  },
} as const satisfies Readonly<Record<string, RealForm>>
