/** Samples of quantisation, and of products with quantised matrices. The gradient through rounding is PyTorch's fake_quantize. */
import type { DataType } from '../../../src/core/tensor.js'
import type { NodeSpec } from '../../support/model.js'
import {
  defineSamples,
  fed,
  fixed,
  type Input,
  type InputSpec,
  normal,
  type SmoothSample,
  stored,
  typed,
  uniform,
  values,
} from '../sample.js'

const CONTRIB = 'com.microsoft'

/** What undoes the quantisation of `y0`. */
function undone(attributes: NodeSpec['attributes'] = {}, domain = '', inputs = ['y0', 'x1', 'x2']): NodeSpec[] {
  return [{ op: 'DequantizeLinear', domain, inputs, outputs: ['z'], attributes }]
}

function scales(...data: readonly number[]): InputSpec {
  return fixed(stored(values(data.length === 1 ? [] : [data.length], data)))
}

function zero(type: DataType, ...data: readonly number[]): InputSpec {
  return typed(type, data.length === 1 ? [] : [data.length], data)
}

interface Quantising extends Partial<SmoothSample> {
  readonly name: string
  readonly inputs: readonly Input[]
}

function through(sample: Quantising, domain = ''): SmoothSample {
  return { estimated: true, behind: undone(sample.attributes, domain), ...sample }
}

/** Of a type that no typed array holds, by ONNX's number; without a zero point. */
function storedAs(name: string, type: number, inputs: readonly Input[]): SmoothSample {
  return through({
    name,
    opsets: [21, 26],
    attributes: { output_dtype: type },
    inputs,
    behind: undone({}, '', ['y0', 'x1']),
  })
}

/** The same samples, for the operator behind. */
function behind(samples: readonly SmoothSample[]): SmoothSample[] {
  return samples.map((s) => ({ ...s, operator: 'QuantizeLinear' }))
}

/** Whole numbers just inside, at and just outside the ends of the range -100 to 155, in steps of 0.5. */
const ENDS = [-100.6, -100.4, -100, -99.6, 0, 0.2, 154.4, 155, 155.4, 155.6, 400, -400].map((n) => n * 0.5)

const linear: readonly SmoothSample[] = [
  through({ name: 'uint8', opsets: [18, 10, 26], inputs: [normal([2, 3, 4]), scales(0.01), zero('uint8', 100)] }),
  through({ name: 'ends', inputs: [values([12], ENDS), scales(0.5), zero('uint8', 100)] }),
  through({ name: 'int8', inputs: [normal([2, 3, 4]), scales(0.01), zero('int8', 3)] }),
  through({
    name: 'scale-of-one-element',
    inputs: [normal([2, 3]), stored(fixed(values([1], [0.01]))), typed('int8', [1], [3])],
  }),
  through({
    name: 'no-zero-point',
    inputs: [normal([2, 3, 4]), scales(0.004)],
    behind: undone({}, '', ['y0', 'x1']),
  }),
  through({ name: 'computed-scale', inputs: [normal([2, 3, 4]), fixed(values([], [0.01])), fed(zero('uint8', 100))] }),
  through({
    name: 'channels',
    opsets: [18, 13],
    inputs: [normal([2, 3, 4]), scales(0.01, 0.02, 0.004), zero('int8', 0, 10, -3)],
  }),
  through({
    name: 'last-axis',
    attributes: { axis: -1 },
    inputs: [normal([2, 3]), scales(0.01, 0.02, 0.004), zero('uint8', 0, 100, 250)],
  }),
  through({
    name: 'blocks',
    opsets: [21, 26],
    attributes: { axis: 1, block_size: 2 },
    inputs: [normal([2, 4]), fixed(stored(uniform([2, 2], 0.004, 0.02))), typed('int8', [2, 2], [0, 5, -5, 10])],
  }),
  storedAs('int4', 22, [normal([2, 3, 4]), scales(0.2)]),
  storedAs('uint4', 21, [normal([2, 3, 4]), scales(0.1)]),
  storedAs('float8e4m3fn', 17, [normal([2, 3, 4]), scales(0.002)]),
  through({ name: 'uint16', opsets: [21], inputs: [normal([2, 3, 4]), scales(0.00005), zero('uint16', 30000)] }),
]

const contrib: readonly SmoothSample[] = [
  through({ name: 'uint8', inputs: [normal([2, 3, 4]), scales(0.01), zero('uint8', 100)] }, CONTRIB),
  through({ name: 'int16', inputs: [normal([2, 3, 4]), scales(0.00003), zero('int16', 0)] }, CONTRIB),
  through(
    {
      name: 'channels',
      attributes: { axis: 1 },
      inputs: [normal([2, 3, 4]), scales(0.01, 0.02, 0.004), zero('int8', 0, 10, -3)],
    },
    CONTRIB,
  ),
]

/** Any bytes. */
function bytes(dims: readonly number[], step = 37): InputSpec {
  const size = dims.reduce((a, d) => a * d, 1)
  return typed(
    'uint8',
    dims,
    Array.from({ length: size }, (_, i) => (i * step + 11) % 256),
  )
}

/** Inputs of MatMulNBits with K = 40, N = 3 and blocks of 16 (the last one half used), beside the zero points. */
function packed(bits: number): {
  readonly matrix: Input[]
  readonly attributes: NonNullable<SmoothSample['attributes']>
} {
  return {
    matrix: [normal([2, 40]), bytes([3, 3, 2 * bits]), fixed(stored(uniform([9], 0.01, 0.05)))],
    attributes: { K: 40, N: 3, bits, block_size: 16 },
  }
}

export const quantise = defineSamples({
  QuantizeLinear: linear,
  DequantizeLinear: behind(linear),
  'com.microsoft.QuantizeLinear': contrib,
  'com.microsoft.DequantizeLinear': behind(contrib),
  DynamicQuantizeLinear: [
    {
      name: 'default',
      opsets: [18, 11, 26],
      estimated: true,
      inputs: [normal([3, 4])],
      outputs: 3,
      behind: undone({}, '', ['y0', 'y1', 'y2']),
    },
    {
      name: 'positive',
      estimated: true,
      inputs: [uniform([3, 4], 2, 3)],
      outputs: 3,
      behind: undone({}, '', ['y0', 'y1', 'y2']),
    },
  ],
  'com.microsoft.MatMulNBits': [
    { name: '4-bits', attributes: packed(4).attributes, inputs: packed(4).matrix },
    { name: '8-bits', attributes: packed(8).attributes, inputs: packed(8).matrix },
    { name: 'zero-points', attributes: packed(4).attributes, inputs: [...packed(4).matrix, bytes([6], 91)] },
    {
      name: 'bias',
      attributes: packed(4).attributes,
      inputs: [...packed(4).matrix, undefined, undefined, stored(normal([3]))],
    },
    {
      name: 'more-axes',
      attributes: packed(4).attributes,
      inputs: [normal([2, 2, 40]), ...packed(4).matrix.slice(1)],
    },
  ],
  'com.microsoft.MatMulBnb4': [
    {
      name: 'nf4',
      attributes: { K: 16, N: 3, block_size: 16, quant_type: 1 },
      inputs: [normal([2, 16]), bytes([24]), fixed(stored(uniform([3], 0.5, 1)))],
    },
    {
      name: 'fp4',
      attributes: { K: 16, N: 3, block_size: 16, quant_type: 0 },
      inputs: [normal([2, 16]), bytes([24], 53), fixed(stored(uniform([3], 0.5, 1)))],
    },
  ],
  'com.microsoft.DynamicQuantizeMatMul': [
    {
      name: 'bias',
      estimated: true,
      inputs: [
        normal([2, 4]),
        typed('int8', [4, 3], [5, -3, 2, 90, 7, -100, 33, 4, 1, -8, 60, 12]),
        scales(0.02),
        zero('int8', 1),
        stored(normal([3])),
      ],
    },
  ],
})
