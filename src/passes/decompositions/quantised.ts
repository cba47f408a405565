/**
 * Products with quantised matrices that give floats. Source: ONNX Runtime's ContribOperators.md. Stored matrices are dequantised by
 * operators on constants, which ONNX Runtime folds at load.
 */
import { ExplainError } from '../../core/errors.js'
import { float32, tensor } from '../../core/tensor.js'
import { intOf } from '../../onnx/attributes.js'
import type { Builder } from '../../onnx/builder.js'
import { describe, type Node } from '../../onnx/ir.js'
import { protoType } from '../../onnx/tensors.js'
import { defineDecompositions } from './decomposition.js'

/** The numbers of `bits` bits in bytes `[..., n]`, lowest bits first: `[..., n, 8 / bits]`, as uint8. */
function unpacked(b: Builder, bytes: string, bits: number): string {
  const byte = (value: number): string => b.constant(tensor('uint8', [], Uint8Array.of(value)))
  const parts = Array.from({ length: 8 / bits }, (_, i) => {
    const shifted = i === 0 ? bytes : b.op('BitShift', [bytes, byte(i * bits)], { direction: 'RIGHT' })
    return b.op('Unsqueeze', [b.op('BitwiseAnd', [shifted, byte(2 ** bits - 1)]), b.int64s([-1])])
  })
  return parts.length === 1 ? (parts[0] ?? '') : b.op('Concat', parts, { axis: -1 })
}

function wide(b: Builder, value: string): string {
  return b.op('Cast', [value], { to: protoType('float32') })
}

/** A value in the type of another, as which ORT computes. */
function like(b: Builder, value: string, other: string): string {
  return b.op('CastLike', [value, other])
}

function dequantize(b: Builder, value: string, scale: string, zeroPoint: string): string {
  return b.op('DequantizeLinear', zeroPoint === '' ? [value, scale] : [value, scale, zeroPoint], { axis: -1 })
}

function withBias(b: Builder, value: string, bias: string | undefined): string {
  return bias ? b.op('Add', [value, bias]) : value
}

/** Bits of a number, of which a byte holds several. Throws `unsupported-operator`. */
function bitsOf(node: Node): number {
  const bits = intOf(node, 'bits', 4)
  if (bits === 2 || bits === 4 || bits === 8) return bits
  throw new ExplainError('unsupported-operator', { what: `${describe(node)} has weights of ${bits} bits` })
}

/** The 16 values of bitsandbytes' 4-bit floats, by `quant_type`. */
const FP4 = [0, 0.00520833333, 0.66666667, 1, 0.33333333, 0.5, 0.16666667, 0.25]
const TABLES: Readonly<Record<number, readonly number[]>> = {
  0: [...FP4, ...FP4.map((v) => -v)],
  1: [
    -1, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453, -0.28444138169288635, -0.18477343022823334,
    -0.09105003625154495, 0, 0.07958029955625534, 0.16093020141124725, 0.24611230194568634, 0.33791524171829224,
    0.44070982933044434, 0.5626170039176941, 0.7229568362236023, 1,
  ],
}

export const quantised = defineDecompositions({
  /**
   * Y = A B' + bias, where B `[N, blocks, bytes]` holds rows of `K` numbers with a scale for every `block_size`. Zero points are packed
   * as B is, or floats; without them 2^(bits - 1). `g_idx` gives the block of each of the `K` numbers.
   */
  'com.microsoft.MatMulNBits': (node, b) => {
    const [a = '', packed = '', scales = '', zeroPoints = '', group = '', bias] = node.inputs
    const [k, n, block] = [intOf(node, 'K', 0), intOf(node, 'N', 0), intOf(node, 'block_size', 32)]
    const bits = bitsOf(node)
    const blocks = Math.ceil(k / block)
    const rows = (value: string, width: number): string => b.reshape(value, [n, -1, width])
    const numbers = wide(b, rows(unpacked(b, packed, bits), block))
    const zeros = (): string => {
      if (zeroPoints === '') return b.constant(float32([], [2 ** (bits - 1)]))
      if (b.type(zeroPoints) !== 'uint8') return rows(wide(b, zeroPoints), 1)
      const all = b.reshape(unpacked(b, b.reshape(zeroPoints, [n, -1]), bits), [n, -1])
      return rows(wide(b, b.slice(all, [1], [0], [blocks])), 1)
    }
    const scale = rows(wide(b, scales), 1)
    const matrix = (value: string): string => b.slice(b.reshape(value, [n, -1]), [1], [0], [k])
    const grouped = (value: string): string =>
      zeroPoints === '' && b.rank(value) === 0 ? value : b.op('Gather', [b.reshape(value, [n, -1]), group], { axis: 1 })
    const zero = zeros()
    const weights =
      group === ''
        ? matrix(b.op('Mul', [b.op('Sub', [numbers, zero]), scale]))
        : b.op('Mul', [b.op('Sub', [matrix(numbers), grouped(zero)]), grouped(scale)])
    return [withBias(b, b.op('MatMul', [a, like(b, b.transpose(weights, [1, 0]), a)]), bias)]
  },
  /** Y = A B', where B holds 4-bit floats of bitsandbytes, the upper half of a byte first, with a largest magnitude for every block. */
  'com.microsoft.MatMulBnb4': (node, b) => {
    const [a = '', packed = '', absmax = ''] = node.inputs
    const [k, n, block] = [intOf(node, 'K', 0), intOf(node, 'N', 0), intOf(node, 'block_size', 64)]
    const table = TABLES[intOf(node, 'quant_type', 1)]
    if (!table || intOf(node, 'transB', 1) !== 1)
      throw new ExplainError('unsupported-operator', { what: `${describe(node)} has weights of an unknown layout` })
    const halves = unpacked(b, b.reshape(packed, [-1]), 4)
    const upperFirst = b.op('Gather', [halves, b.int64s([1, 0])], { axis: 1 })
    const index = b.op('Cast', [b.slice(b.reshape(upperFirst, [-1]), [0], [0], [n * k])], { to: protoType('int64') })
    const values = b.op('Gather', [b.constant(float32([16], table)), index], { axis: 0 })
    const scales = b.op('Expand', [b.reshape(wide(b, absmax), [-1, 1]), b.int64s([1, block])])
    const scale = b.slice(b.reshape(scales, [-1]), [0], [0], [n * k])
    const weights = b.reshape(b.op('Mul', [values, scale]), [n, k])
    return [b.op('MatMul', [a, like(b, b.transpose(weights, [1, 0]), a)])]
  },
  /** Y = A B + bias, where A is quantised as DynamicQuantizeLinear does it. */
  'com.microsoft.DynamicQuantizeMatMul': (node, b) => {
    const [a = '', matrix = '', scale = '', zeroPoint = '', bias] = node.inputs
    const [whole = '', aScale = '', aZero = ''] = b.ops('DynamicQuantizeLinear', [a], {}, 3)
    const product = b.op('MatMul', [dequantize(b, whole, aScale, aZero), dequantize(b, matrix, scale, zeroPoint)])
    return [withBias(b, product, bias)]
  },
})
