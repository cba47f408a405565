/** Operators of ONNX Runtime that ONNX's own took over, or that were given up. */
import { ExplainError } from '../../core/errors.js'
import { floatOf, floatsOf, intOf, intsOf, stringOf } from '../../onnx/attributes.js'
import type { Builder } from '../../onnx/builder.js'
import { describe, type Node } from '../../onnx/ir.js'
import { scaledTanh, softplus } from './contrib-activation.js'
import { type Decompose, defineDecompositions, withAttributesOf } from './decomposition.js'

/** The operator of ONNX's own domain that has the same form. */
function same(op: string): Decompose {
  return (node, b) => [withAttributesOf(b, node, op, node.inputs, [])]
}

/** GridSample with the modes of opset 16, which opset 20 renamed. */
export function sampled(
  b: Builder,
  x: string,
  grid: string,
  mode: string,
  values: Parameters<Builder['op']>[2],
): string {
  return b.op('GridSample', [x, grid], { ...values, mode: b.graph.opset < 20 ? mode : mode.replace(/^bi/, '') })
}

const gridSample: Decompose = (node, b) => {
  const [x = '', grid = ''] = node.inputs
  const values = {
    padding_mode: stringOf(node, 'padding_mode', 'zeros'),
    align_corners: intOf(node, 'align_corners', 0),
  }
  return [sampled(b, x, grid, stringOf(node, 'mode', 'bilinear'), values)]
}

/** What a node's input holds. Throws `unsupported-operator` where it is computed. */
export function storedInts(node: Node, b: Builder, index: number, what: string): readonly number[] {
  const stored = b.graph.constant(node.inputs[index] ?? '')
  if (stored) return Array.from(stored.data, Number)
  throw new ExplainError('unsupported-operator', {
    what: `${node.op} with a computed ${what} is not supported`,
    where: describe(node),
  })
}

/** `[N, C, h, w]` cut to `scale = [height, width]`, `border = [left, top, right, bottom]` being left away before. */
const crop: Decompose = (node, b) => {
  const [x = ''] = node.inputs
  const [left = 0, top = 0, right = 0, bottom = 0] = intsOf(node, 'border', [])
  const [height, width] = intsOf(node, 'scale', [])
  const ends =
    height === undefined || width === undefined
      ? [b.sub(b.extent(x, 2), bottom), b.sub(b.extent(x, 3), right)]
      : [top + height, left + width]
  return [b.slice(x, [2, 3], [top, left], ends)]
}

/** `scale x + bias`, one bias a channel of `[N, C, h, w]`. */
const imageScaler: Decompose = (node, b) => {
  const [x = ''] = node.inputs
  const bias = floatsOf(node, 'bias', [])
  const channels = b.op(
    'Concat',
    bias.map((v) => b.op('Reshape', [b.scalar(v, x), b.int64s([1, 1, 1])])),
    { axis: 0 },
  )
  return [b.op('Add', [b.op('Mul', [x, b.scalar(floatOf(node, 'scale', 1), x)]), channels])]
}

export const contribPlain = defineDecompositions({
  'com.microsoft.ExpandDims': (node, b) => {
    const [x = ''] = node.inputs
    return [b.op('Unsqueeze', [x, b.int64s(storedInts(node, b, 1, 'axis').slice(0, 1))])]
  },
  'com.microsoft.Trilu': same('Trilu'),
  'com.microsoft.GatherND': same('GatherND'),
  'com.microsoft.GridSample': gridSample,
  'com.microsoft.Pad': same('Pad'),
  Crop: crop,
  ImageScaler: imageScaler,
  /** `alpha x + beta` */
  Affine: (node, b) => {
    const [x = ''] = node.inputs
    const scaled = b.op('Mul', [x, b.scalar(floatOf(node, 'alpha', 1), x)])
    return [b.op('Add', [scaled, b.scalar(floatOf(node, 'beta', 0), x)])]
  },
  Scale: (node, b) => {
    const [x = ''] = node.inputs
    return [b.op('Mul', [x, b.scalar(floatOf(node, 'scale', 1), x)])]
  },
  ParametricSoftplus: (node, b) => {
    const [alpha, beta] = [floatOf(node, 'alpha', 1), floatOf(node, 'beta', 1)]
    return [softplus(b, node.inputs[0] ?? '', alpha, beta)]
  },
  ScaledTanh: (node, b) => {
    const [alpha, beta] = [floatOf(node, 'alpha', 1), floatOf(node, 'beta', 1)]
    return [scaledTanh(b, node.inputs[0] ?? '', alpha, beta)]
  },
})
