/** ONNX Runtime's convolutions and matrix products with what is fused into them. */
import { ExplainError } from '../../core/errors.js'
import { floatOf, intOf, intsOf } from '../../onnx/attributes.js'
import type { Builder } from '../../onnx/builder.js'
import { describe, type Node } from '../../onnx/ir.js'
import { biased, FUSED_ATTRIBUTES, fusedActivation } from './contrib-activation.js'
import { type Decompose, defineDecompositions, withAttributesOf } from './decomposition.js'

/** Conv, the sum with Z, an activation; X, Z and the result as `layout` has them. */
const fusedConv: Decompose = (node, b) => {
  const [x = '', w = '', bias = '', z] = node.inputs
  const y = withAttributesOf(b, node, 'Conv', bias ? [x, w, bias] : [x, w], FUSED_ATTRIBUTES)
  const sum = biased(b, y, z)
  b.know(sum, b.type(w), undefined)
  return [fusedActivation(node, b, sum)]
}

/** An operator of channels-last pictures, whose weights are laid out as ever: transposed, computed and transposed back. */
function channelsLast(decomposition: Decompose, rank: (node: Node, b: Builder) => number): Decompose {
  return (node, b) => {
    const last = rank(node, b) - 1
    const spatial = Array.from({ length: last - 1 }, (_, i) => i + 1)
    const first = [0, last, ...spatial]
    const inputs = node.inputs.map((x, i) => (x && (i === 0 || i === 3) ? b.transpose(x, first) : x))
    const back = [0, ...spatial.map((a) => a + 1), 1]
    return decomposition({ ...node, inputs }, b).map((y) => y && b.transpose(y, back))
  }
}

/** The rank of a picture, from the kernel that goes over it. */
function rankByWeight(node: Node, b: Builder): number {
  return b.rank(node.inputs[1] ?? '') ?? b.requireRank(node.inputs[0] ?? '', node.op)
}

/** Pooling windows go over pictures of two axes more; what has no window is taken for `[N, h, w, C]` where the file does not tell. */
function rankByWindow(node: Node, b: Builder): number {
  const window = intsOf(node, 'kernel_shape', undefined)
  return window ? window.length + 2 : (b.rank(node.inputs[0] ?? '') ?? 4)
}

/** The channels-last form of an operator of ONNX's own domain, which the runtime's layout transformation writes. */
function pool(op: string): Decompose {
  return channelsLast((node, b) => [withAttributesOf(b, node, op, node.inputs, [])], rankByWindow)
}

/** A permutation as FusedMatMul sees its operand of rank n >= 2: first the matrix is transposed, then the first axis goes before the last. */
function operandAxes(rank: number, transpose: boolean, batch: boolean): number[] {
  const axes = Array.from({ length: rank }, (_, i) => i)
  const order = batch ? [...axes.slice(1, -1), 0, rank - 1] : axes
  return transpose ? [...order.slice(0, -2), order[rank - 1] ?? 0, order[rank - 2] ?? 0] : order
}

/** `alpha op(A) op(B)`; `transA` and `transB` do nothing to vectors. */
const fusedMatMul: Decompose = (node, b) => {
  const operand = (i: number, side: 'A' | 'B'): string => {
    const x = node.inputs[i] ?? ''
    const flags = [intOf(node, `trans${side}`, 0) !== 0, intOf(node, `transBatch${side}`, 0) !== 0] as const
    if (!flags[0] && !flags[1]) return x
    const rank = b.rank(x)
    if (rank === undefined && !flags[1]) return transposeMatrices(b, x)
    const known = b.requireRank(x, node.op)
    return known < 2 ? x : b.transpose(x, operandAxes(known, ...flags))
  }
  const product = b.op('MatMul', [operand(0, 'A'), operand(1, 'B')])
  const alpha = floatOf(node, 'alpha', 1)
  return [alpha === 1 ? product : b.op('Mul', [product, b.scalar(alpha, product)])]
}

/** The last two axes exchanged, whatever the rank (2 or more): all matrices in a row, `[-1, h, w]`, and back. */
function transposeMatrices(b: Builder, x: string): string {
  const shape = b.op('Shape', [x])
  const [before, h, w] = [
    b.slice(shape, [0], [0], [-2]),
    b.slice(shape, [0], [-2], [-1]),
    b.slice(shape, [0], [-1], [Number.MAX_SAFE_INTEGER]),
  ]
  const rows = b.op('Reshape', [x, b.vector([-1, h, w])])
  return b.op('Reshape', [b.op('Transpose', [rows], { perm: [0, 2, 1] }), b.vector([before, w, h])])
}

/** ConvTranspose whose pads are computed: it is made without any and cut. */
const convTransposeWithDynamicPads: Decompose = (node, b) => {
  const [x = '', w = '', pads, bias = ''] = node.inputs
  const y = withAttributesOf(b, node, 'ConvTranspose', bias ? [x, w, bias] : [x, w], [])
  if (!pads) return [y]
  const known = b.graph.constant(pads)
  const length = known?.dims[0] ?? b.dims(pads)?.[0]
  if (typeof length !== 'number')
    throw new ExplainError('shape-mismatch', {
      what: `ConvTransposeWithDynamicPads needs the number of its pads, which the model does not tell`,
      where: describe(node),
      remedy: 'Export the model with the shape of the pads.',
    })
  const axes = Array.from({ length: length / 2 }, (_, i) => i + 2)
  const starts = b.slice(pads, [0], [0], [axes.length])
  const cut = b.slice(pads, [0], [axes.length], [length])
  const sizes = b.slice(b.op('Shape', [y]), [0], [2], [length])
  return [b.op('Slice', [y, starts, b.op('Sub', [sizes, cut]), b.int64s(axes)])]
}

export const contribProduct = defineDecompositions({
  'com.microsoft.FusedConv': fusedConv,
  'com.microsoft.NhwcFusedConv': channelsLast(fusedConv, rankByWeight),
  'com.microsoft.NhwcConv': channelsLast(fusedConv, rankByWeight),
  'com.ms.internal.nhwc.Conv': channelsLast(fusedConv, rankByWeight),
  'com.ms.internal.nhwc.MaxPool': pool('MaxPool'),
  'com.ms.internal.nhwc.AveragePool': pool('AveragePool'),
  'com.ms.internal.nhwc.GlobalAveragePool': pool('GlobalAveragePool'),
  'com.ms.internal.nhwc.GlobalMaxPool': pool('GlobalMaxPool'),
  'com.microsoft.FusedMatMul': fusedMatMul,
  'com.microsoft.TransposeMatMul': fusedMatMul,
  /** Gemm and an activation. */
  'com.microsoft.FusedGemm': (node, b) => {
    const y = withAttributesOf(b, node, 'Gemm', node.inputs, FUSED_ATTRIBUTES)
    b.know(y, b.type(node.inputs[1] ?? ''), undefined)
    return [fusedActivation(node, b, y)]
  },
  'com.microsoft.ConvTransposeWithDynamicPads': convTransposeWithDynamicPads,
})
