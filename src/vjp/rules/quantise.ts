/**
 * Quantisation, with the straight-through estimator (Bengio, Leonard and Courville 2013, arXiv:1308.3432): rounding is taken for the
 * identity. A quantised value stands for real numbers and its gradient is by these; passes/quantised.ts sees to it that what reads it
 * is a DequantizeLinear of the same scale and zero point. These are constants, even where they are computed from the values.
 */
import { TensorProto_DataType as ProtoType } from 'onnx-buf'
import { float32, tensor } from '../../core/tensor.js'
import type { Attributes } from '../../onnx/attributes.js'
import type { Builder } from '../../onnx/builder.js'
import type { Node } from '../../onnx/ir.js'
import { quantisedType } from '../../passes/quantised/quantisation.js'
import { asMask } from '../masks.js'
import { atTies, defineRules, type RuleCall, type RuleEntry } from '../rule.js'

/** Operators whose first output is a quantised value. */
export const QUANTIZERS: ReadonlySet<string> = new Set([
  'QuantizeLinear',
  'DynamicQuantizeLinear',
  'com.microsoft.QuantizeLinear',
])

/** The largest finite number of the 8-bit floats, which saturate like whole numbers. */
const LARGEST: ReadonlyMap<number, number> = new Map([
  [ProtoType.FLOAT8E4M3FN, 448],
  [ProtoType.FLOAT8E4M3FNUZ, 240],
  [ProtoType.FLOAT8E5M2, 57344],
  [ProtoType.FLOAT8E5M2FNUZ, 57344],
])

/** The gradient passes where the number that a value rounds to can be stored, and is 0 where it saturates, as in PyTorch's fake_quantize. */
function throughRounding({ b, node, x: [value = '', scale = ''], y: [whole = ''], gy }: RuleCall): string {
  const numbers = b.op('Div', [value, broadcastScale(b, node, value, scale)])
  const largest = LARGEST.get(quantisedType(b.graph, node))
  const stored = largest === undefined ? isStored(b, node, numbers, whole) : isAtMost(b, numbers, largest)
  return b.op('Mul', [gy, asMask(b, stored, value)])
}

function isAtMost(b: Builder, numbers: string, largest: number): string {
  return b.op('LessOrEqual', [b.op('Abs', [numbers]), b.scalar(largest, numbers)])
}

/** True where the whole number, less its zero point, is what rounding alone gives. */
function isStored(b: Builder, node: Node, numbers: string, whole: string): string {
  const [, scale = '', zeroPoint = ''] = node.inputs
  const one = b.constant(float32([], [1]))
  const ones = isScalar(b, scale) ? one : b.op('Expand', [one, b.shapeOf(scale)])
  return b.op('Equal', [b.op('Round', [numbers]), dequantize(b, node, whole, ones, zeroPoint)])
}

/** The scale in a shape that broadcasts to the value: along its axis, or block by block. */
function broadcastScale(b: Builder, node: Node, value: string, scale: string): string {
  if (isScalar(b, scale)) return scale
  const one = b.constant(tensor('int8', [], Int8Array.of(1)))
  return dequantize(b, node, b.op('Expand', [one, b.shapeOf(value)]), scale, '')
}

function isScalar(b: Builder, scale: string): boolean {
  return b.dims(scale)?.every((d) => d === 1) ?? false
}

/** `DequantizeLinear` with the node's axis and blocks, of the node's domain. */
function dequantize(b: Builder, node: Node, whole: string, scale: string, zeroPoint: string): string {
  const attributes: Attributes = new Map(
    [...node.attributes].filter(([name]) => name === 'axis' || name === 'block_size'),
  )
  const inputs = zeroPoint === '' ? [whole, scale] : [whole, scale, zeroPoint]
  const output = b.fresh('DequantizeLinear')
  b.emit({ op: 'DequantizeLinear', domain: node.domain, name: output, inputs, outputs: [output], attributes })
  return output
}

const quantizeLinear: RuleEntry = atTies(
  'straight through where the rounded number can be stored, 0 where it saturates',
  {
    inputs: 1,
    rule: (call) => [() => throughRounding(call)],
  },
)

const dequantizeLinear: RuleEntry = { inputs: 1, rule: ({ gy }) => [() => gy] }

export const quantise = defineRules({
  QuantizeLinear: quantizeLinear,
  DequantizeLinear: dequantizeLinear,
  'com.microsoft.QuantizeLinear': quantizeLinear,
  'com.microsoft.DequantizeLinear': dequantizeLinear,
  // its scale is such that nothing saturates
  DynamicQuantizeLinear: atTies('straight through', { outputs: 1, rule: ({ gy }) => [() => gy] }),
})
